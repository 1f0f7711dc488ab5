/** Hexadecimal digits of a hash, in either case. */
import { hexValue } from "./bytes";

/**
 * Exactly `bytes` bytes. False for any other length and any other character: then `out` holds nothing of use.
 * @param out room for `bytes` bytes
 */
export function readHex(ptr: usize, len: i32, out: usize, bytes: i32): bool {
  if (len != 2 * bytes) return false;
  for (let i = 0; i < bytes; i++) {
    const high = hexValue(load<u8>(ptr + 2 * i));
    const low = hexValue(load<u8>(ptr + 2 * i + 1));
    if (high < 0 || low < 0) return false;
    store<u8>(out + i, <u8>((high << 4) | low));
  }
  return true;
}
