/** HTTP methods as grants name them. */
import { MAX_METHOD_BYTES } from "../limits";
import { isUpper } from "./bytes";

/** 1 to 32 of `A-Z` and `-`: every registered method. */
export function isMethod(ptr: usize, len: i32): bool {
  if (len < 1 || len > MAX_METHOD_BYTES) return false;
  for (let i = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (!isUpper(c) && c != 0x2d) return false;
  }
  return true;
}
