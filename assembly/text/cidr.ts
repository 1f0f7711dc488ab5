/**
 * Networks as CIDR blocks in their one spelling: `192.0.2.0/24`, `2001:db8::/32` (RFC 4632; RFC 4291, section 2.3). IPv6 is
 * written as RFC 5952 has it, host bits are zero, and there is no IPv4 inside IPv6: a block covers addresses of its own family.
 */
import { ADDRESS_BYTES, isV4, parseV4, parseV6 } from "./address";
import { equalBytes, isDigit, writeHexGroup } from "./bytes";

const SLASH: u8 = 0x2f;
const COLON: u8 = 0x3a;
/** Bits of an IPv6 address, and those before an IPv4 one in its mapped form. */
const ALL_BITS: i32 = 128;
const MAPPED_BITS: i32 = 96;
const GROUPS: i32 = 8;
const address: usize = memory.data(16, 8);
/** Eight groups of four digits and seven colons. */
const spelling: usize = memory.data(40, 8);

/** One block. */
export class Network {
  /** As it was written. */
  textPtr: usize = 0;
  textLen: i32 = 0;
  isV4: bool = false;
  /** How many leading bits of the 128 are the network's; IPv4 stands in its mapped form, so 96 more than were written. */
  prefix: i32 = 0;
  /** The address as two numbers, the first bit highest. */
  high: u64 = 0;
  low: u64 = 0;
  /** The next of its list, or 0. */
  next: usize = 0;

  /** It covers every address of its family. */
  get isWhole(): bool {
    return this.prefix == (this.isV4 ? MAPPED_BITS : 0);
  }

  /** @param at ADDRESS_BYTES, as `parseAddress` writes them */
  covers(at: usize): bool {
    if (isV4(at) != this.isV4) return false;
    const high = bswap<u64>(load<u64>(at)) ^ this.high;
    const low = bswap<u64>(load<u64>(at, 8)) ^ this.low;
    return (high & leading(this.prefix)) == 0 && (low & leading(this.prefix - 64)) == 0;
  }
}

/** A word whose first `bits` bits are set: none below 1, all from 64 on. */
function leading(bits: i32): u64 {
  if (bits <= 0) return 0;
  return bits >= 64 ? u64.MAX_VALUE : ~(u64.MAX_VALUE >> bits);
}

function groupAt(index: i32): u32 {
  return bswap<u16>(load<u16>(address + ((<usize>index) << 1)));
}

/** Writes the IPv6 address in its canonical spelling (RFC 5952, section 4); returns its length. */
function spell(): i32 {
  let gap = GROUPS;
  let gapLength = 1; // A single zero group is written out.
  for (let i = 0; i < GROUPS; i++) {
    let length = 0;
    while (i + length < GROUPS && groupAt(i + length) == 0) length += 1;
    if (length > gapLength) {
      gap = i;
      gapLength = length;
    }
    i += length;
  }
  let at = spelling;
  for (let i = 0; i < GROUPS; i++) {
    if (i == gap) {
      store<u8>(at++, COLON);
      if (i == 0) store<u8>(at++, COLON);
      i += gapLength - 1;
      continue;
    }
    at += writeHexGroup(at, groupAt(i));
    if (i + 1 < GROUPS) store<u8>(at++, COLON);
  }
  return <i32>(at - spelling);
}

/** A number of bits in digits, without a leading zero; -1 where it is none, or over `most`. */
function readBits(ptr: usize, len: i32, most: i32): i32 {
  if (len < 1 || len > 3 || (len > 1 && load<u8>(ptr) == 0x30)) return -1;
  let value = 0;
  for (let i = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (!isDigit(c)) return -1;
    value = value * 10 + (c - 0x30);
  }
  return value <= most ? value : -1;
}

/** Parses the address of a block into `address`. */
function readAddress(ptr: usize, len: i32, network: Network): bool {
  memory.fill(address, 0, ADDRESS_BYTES);
  store<u16>(address, 0xffff, 10);
  network.isV4 = parseV4(ptr, len, address + 12);
  if (network.isV4) return true;
  return parseV6(ptr, len, address) && !isV4(address) && equalBytes(ptr, len, spelling, spell());
}

/** Reads the block at (ptr, len). False when it is none, or is spelt in another way. */
export function readNetwork(ptr: usize, len: i32, network: Network): bool {
  let slash = 0;
  while (slash < len && load<u8>(ptr + slash) != SLASH) slash += 1;
  if (slash == len || !readAddress(ptr, slash, network)) return false;
  const written = readBits(ptr + slash + 1, len - slash - 1, network.isV4 ? ALL_BITS - MAPPED_BITS : ALL_BITS);
  if (written < 0) return false;
  network.textPtr = ptr;
  network.textLen = len;
  network.prefix = network.isV4 ? written + MAPPED_BITS : written;
  network.high = bswap<u64>(load<u64>(address));
  network.low = bswap<u64>(load<u64>(address, 8));
  const hostBits = (network.high & ~leading(network.prefix)) | (network.low & ~leading(network.prefix - 64));
  return hostBits == 0;
}
