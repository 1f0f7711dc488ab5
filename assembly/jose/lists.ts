/** Reading arrays of names: closed, bounded, each checked. */
import { isName } from "../text/bytes";
import { JsonReader } from "../text/json";
import { newTextList, Region, TextList } from "../text/region";

/** An array of 1 to `max` names. On failure the reader is failed; the list is never null. */
export function readNames(reader: JsonReader, region: Region, max: i32): TextList {
  const list = newTextList(region);
  if (!reader.openArray()) return list;
  while (reader.nextElement()) {
    if (!reader.string()) return list;
    if (!isName(reader.stringPtr, reader.stringLen)) reader.fail();
    else if (!list.push(region, reader.stringPtr, reader.stringLen, max)) reader.fail();
    if (!reader.ok) return list;
  }
  if (list.count < 1) reader.fail();
  return list;
}

/** `aud`: a name or an array of 1 to `max` names (RFC 7519, section 4.1.3). */
export function readNameOrList(reader: JsonReader, region: Region, max: i32): TextList {
  if (reader.kind() == 0x5b /* [ */) return readNames(reader, region, max);
  const list = newTextList(region);
  if (!reader.string()) return list;
  if (!isName(reader.stringPtr, reader.stringLen)) reader.fail();
  else if (!list.push(region, reader.stringPtr, reader.stringLen, max)) reader.fail();
  return list;
}
