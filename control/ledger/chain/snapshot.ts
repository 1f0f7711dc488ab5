/** The state as bytes: it saves reading the log again, and proves nothing. */
import { createHash } from "node:crypto";
import { deserialize, serialize } from "node:v8";
import { z } from "zod";
import type { Rules } from "./rules.js";
import type { State } from "./state.js";

/** Rises with each change of the state's shape, or of what entries do to it. */
const VERSION = 10;

export interface StateStore {
  read(): Promise<Buffer | undefined>;
  /** Whole or not at all. */
  write(bytes: Buffer): Promise<void>;
}

/** What the state depends on besides the entries. */
const rulesHash = ({ pins, grace }: Rules): string =>
  createHash("sha256")
    .update(JSON.stringify([VERSION, pins, grace]))
    .digest("hex");

const HASH_BYTES = 32;
const sha256 = (bytes: Buffer): Buffer => createHash("sha256").update(bytes).digest();

const isState = (value: unknown): value is State =>
  typeof value === "object" && value !== null && "size" in value && "chains" in value && "salt" in value;
const snapshotSchema = z.strictObject({
  rules: z.string(),
  last: z.instanceof(Uint8Array),
  state: z.custom<State>(isState),
});

/** Values of which a snapshot is made in about a tenth of a second, while receipts are waited for. */
const MAX_LIGHT = 200_000;
/** A block of bytes, or of text, is copied as quickly as one value. */
const BLOCK = 1024;

function childrenOf(value: object): Iterable<unknown> {
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  return value instanceof Set || Array.isArray(value) ? value : Object.values(value);
}

/** Whether a snapshot of it holds nobody up. */
export function isLight(state: State, max = MAX_LIGHT): boolean {
  let left = max;
  const open: unknown[] = [state];
  for (let value = open.pop(); left > 0 && value !== undefined; value = open.pop()) {
    left -= 1;
    if (typeof value === "string") left -= value.length / BLOCK;
    else if (ArrayBuffer.isView(value)) left -= value.byteLength / BLOCK;
    else if (typeof value !== "object" || value === null) continue;
    else if ((value instanceof Map || value instanceof Set || Array.isArray(value)) && sizeOf(value) > left)
      return false;
    else for (const child of childrenOf(value)) if (child !== undefined) open.push(child);
  }
  return left > 0;
}

const sizeOf = (all: Map<unknown, unknown> | Set<unknown> | unknown[]): number =>
  Array.isArray(all) ? all.length : all.size;

/** @param last SHA-256 of the last entry that it knows */
export function sealSnapshot(state: State, rules: Rules, last: Buffer): Buffer {
  const body = serialize({ rules: rulesHash(rules), last: Uint8Array.from(last), state });
  return Buffer.concat([sha256(body), body]);
}

/** Undefined where it is cut, of another version or made under other rules. */
export function openSnapshot(bytes: Buffer, rules: Rules): { state: State; last: Buffer } | undefined {
  const body = bytes.subarray(HASH_BYTES);
  if (bytes.length <= HASH_BYTES || !sha256(body).equals(bytes.subarray(0, HASH_BYTES))) return undefined;
  let value: unknown;
  try {
    value = deserialize(body);
  } catch {
    return undefined; // Of another version of Node: the log is read again.
  }
  const { data } = snapshotSchema.safeParse(value);
  return data === undefined || data.rules !== rulesHash(rules)
    ? undefined
    : { state: data.state, last: Buffer.from(data.last) };
}
