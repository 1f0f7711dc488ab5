/**
 * Exports for the command and the tests, in the very binary that gateways run: they never call these. Put input where
 * `malloc` says; `tool_reset` empties that memory.
 */
import { isAcceptableKey, verify } from "./crypto/signature";
import { buildTables, findTable, hasTableWork, noteVerified, setTableBudget } from "./crypto/tables";
import { describe } from "./filter/describe";
import { GRANT_REGION_BYTES } from "./grant/read";
import { emptyArena, malloc } from "./host/arena";
import { Region } from "./text/region";

/** The description of a grant of 8 KiB with every byte escaped. */
const DESCRIPTION_BYTES: i32 = 64 * 1024;
const region = new Region();

export function tool_reset(): void {
  emptyArena();
}

/** 1 when the signature (64 octets) over the message holds. `algorithm`: 0 Ed25519 (key of 32 bytes), 1 ES256 (x || y). */
export function tool_verify(algorithm: i32, publicKey: usize, signature: usize, ptr: usize, len: i32): i32 {
  return verify(algorithm, publicKey, signature, ptr, len, ptr + len, 0) ? 1 : 0;
}

let clock: i64 = 0;

/** Sets the memory for tables of multiples, in bytes; 0 drops them all. A gateway does this by its configuration. */
export function tool_set_table_budget(bytes: i32): void {
  setTableBudget(bytes);
}

/** Builds the key's table at once, where a gateway takes its time. 1 when there is one now. */
export function tool_build_table(algorithm: i32, publicKey: usize): i32 {
  if (!isAcceptableKey(algorithm, publicKey)) return 0;
  // As if a minute had passed, so that an older table gives way.
  clock += 60;
  buildTables(clock);
  noteVerified(algorithm, publicKey);
  while (hasTableWork()) buildTables(clock);
  return findTable(algorithm, publicKey) != 0 ? 1 : 0;
}

/** 1 when a bundle may hold this public key. */
export function tool_key_acceptable(algorithm: i32, publicKey: usize): i32 {
  return isAcceptableKey(algorithm, publicKey) ? 1 : 0;
}

/** The parser's view of an ask or grant: the address of a u32 length and that many bytes of ASCII JSON; 0 without memory. */
export function tool_describe(ptr: usize, len: i32): usize {
  const memory = malloc(GRANT_REGION_BYTES);
  const out = malloc(DESCRIPTION_BYTES + 4);
  if (memory == 0 || out == 0) return 0;
  store<u32>(out, describe(region, ptr, len, memory, GRANT_REGION_BYTES, out + 4, DESCRIPTION_BYTES));
  return out;
}
