/** The claim `net`: the networks that a grant may be used from. */
import { MAX_NETWORKS } from "../limits";
import { Network, readNetwork } from "../text/cidr";
import { JsonReader } from "../text/json";
import { Region } from "../text/region";

export class Networks {
  /** Linked list of Network. */
  first: usize = 0;
  count: i32 = 0;
  /** One of them covers a whole family: then the list restricts too little to be taken for a restriction. */
  hasWhole: bool = false;

  /** Whether one of them covers the address. @param address ADDRESS_BYTES */
  cover(address: usize): bool {
    for (let at = this.first; at != 0; at = changetype<Network>(at).next) {
      if (changetype<Network>(at).covers(address)) return true;
    }
    return false;
  }
}

/** An array of 1 to MAX_NETWORKS blocks. On failure the reader is failed; the list is never null. */
export function readNetworks(reader: JsonReader, region: Region): Networks {
  const list = changetype<Networks>(region.take(offsetof<Networks>()));
  let last: usize = 0;
  if (!reader.openArray()) return list;
  while (reader.nextElement()) {
    const network = changetype<Network>(region.take(offsetof<Network>()));
    const isText = reader.string();
    if (list.count >= MAX_NETWORKS || (isText && !readNetwork(reader.stringPtr, reader.stringLen, network)))
      reader.fail();
    if (!reader.ok || region.full) return list;
    if (last == 0) list.first = changetype<usize>(network);
    else changetype<Network>(last).next = changetype<usize>(network);
    last = changetype<usize>(network);
    list.count += 1;
    if (network.isWhole) list.hasWhole = true;
  }
  if (list.count == 0) reader.fail();
  return list;
}
