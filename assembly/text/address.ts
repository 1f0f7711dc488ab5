/** IP addresses as gateways write them: `192.0.2.1:4711`, `[2001:db8::1]:4711`, with or without the port. */
import { hexValue, isDigit } from "./bytes";

/** Bytes of a parsed address: IPv4 in the last four, as `::ffff:a.b.c.d` (RFC 4291, section 2.5.5.2). */
export const ADDRESS_BYTES: i32 = 16;
const COLON: u8 = 0x3a;
const DOT: u8 = 0x2e;
const PERCENT: u8 = 0x25;
const OPEN_BRACKET: u8 = 0x5b;
const CLOSE_BRACKET: u8 = 0x5d;

function indexOf(ptr: usize, len: i32, byte: u8): i32 {
  for (let i = 0; i < len; i++) if (load<u8>(ptr + i) == byte) return i;
  return -1;
}

/** Four decimal numbers into `out`, each in its one spelling. */
export function parseV4(ptr: usize, len: i32, out: usize): bool {
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let i = 0; i <= len; i++) {
    const c: u8 = i < len ? load<u8>(ptr + i) : DOT;
    if (c == DOT) {
      if (digits == 0 || part > 3) return false;
      store<u8>(out + part, <u8>value);
      part += 1;
      digits = 0;
      value = 0;
    } else {
      if (!isDigit(c) || (digits > 0 && value == 0)) return false;
      value = value * 10 + (c - 0x30);
      digits += 1;
      if (value > 255) return false;
    }
  }
  return part == 4;
}

/** Groups of 16 bits, one run of which may be `::`, the last two possibly as IPv4 (RFC 4291, section 2.2). */
export function parseV6(ptr: usize, len: i32, out: usize): bool {
  memory.fill(out, 0, ADDRESS_BYTES);
  let at = 0;
  let gap = -1;
  let i = 0;
  if (len >= 2 && load<u8>(ptr) == COLON) {
    if (load<u8>(ptr, 1) != COLON) return false;
    gap = 0;
    i = 2;
  }
  while (i < len) {
    if (at >= ADDRESS_BYTES) return false;
    const colon = indexOf(ptr + i, len - i, COLON);
    const end = colon < 0 ? len : i + colon;
    if (colon < 0 && indexOf(ptr + i, len - i, DOT) >= 0) {
      if (at > ADDRESS_BYTES - 4 || !parseV4(ptr + i, len - i, out + at)) return false;
      at += 4;
      break;
    }
    if (end == i || end - i > 4) return false;
    let value = 0;
    for (; i < end; i++) {
      const digit = hexValue(load<u8>(ptr + i));
      if (digit < 0) return false;
      value = (value << 4) | digit;
    }
    store<u16>(out + at, bswap<u16>(<u16>value));
    at += 2;
    if (end == len) break;
    i = end + 1;
    if (i == len) return false;
    if (load<u8>(ptr + i) == COLON) {
      if (gap >= 0) return false;
      gap = at;
      i += 1;
    }
  }
  if (gap < 0) return at == ADDRESS_BYTES;
  if (at >= ADDRESS_BYTES) return false;
  memory.copy(out + ADDRESS_BYTES - (at - gap), out + gap, at - gap);
  memory.fill(out + gap, 0, ADDRESS_BYTES - at);
  return true;
}

/** A link-local address names the interface that it is seen on: `fe80::1%2` (RFC 4007, section 11). Its length without that. */
function withoutZone(ptr: usize, len: i32): i32 {
  const percent = indexOf(ptr, len, PERCENT);
  return percent < 0 ? len : percent;
}

/**
 * Parses an address, ignoring a port and a zone.
 * @param out ADDRESS_BYTES
 */
export function parseAddress(ptr: usize, len: i32, out: usize): bool {
  if (len < 2) return false;
  if (load<u8>(ptr) == OPEN_BRACKET) {
    const close = indexOf(ptr, len, CLOSE_BRACKET);
    return close > 0 && parseV6(ptr + 1, withoutZone(ptr + 1, close - 1), out);
  }
  const colon = indexOf(ptr, len, COLON);
  if (colon >= 0 && indexOf(ptr + colon + 1, len - colon - 1, COLON) >= 0)
    return parseV6(ptr, withoutZone(ptr, len), out);
  memory.fill(out, 0, 10);
  store<u16>(out, 0xffff, 10);
  return parseV4(ptr, colon < 0 ? len : colon, out + 12);
}

/** Whether a parsed address is an IPv4 one. */
export function isV4(address: usize): bool {
  return load<u64>(address) == 0 && load<u32>(address, 8) == 0xffff0000;
}
