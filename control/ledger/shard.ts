/**
 * What entries of type `shard` say (docs/ledger-shards.md): a log's last one names its successor, a log's first one has its
 * predecessor's last checkpoint, whole, and what is open. Only the ledger writes them, as only it writes an entry's head.
 */
import { z } from "zod";
import { decodeEntry, type EntryHead } from "./entry.js";

const name = z.string().min(1).max(1024);
const nextSchema = z.strictObject({ next: z.strictObject({ origin: name, vkey: name }) });
const openingSchema = z.strictObject({
  predecessor: z.strictObject({ origin: name, vkey: name, checkpoint: z.string().max(64 * 1024) }),
  /** chain/carry.ts */
  carried: z.unknown(),
});

export interface Successor {
  readonly origin: string;
  readonly vkey: string;
}
export interface Predecessor extends Successor {
  /** Its last checkpoint, a signed note. */
  readonly checkpoint: string;
}
export interface Opening {
  readonly predecessor: Predecessor;
  readonly carried: unknown;
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined; // Said to the caller by the result.
  }
}

export const encodeSeal = ({ origin, vkey }: Successor): Buffer =>
  Buffer.from(JSON.stringify({ next: { origin, vkey } }));
export const encodeOpening = (opening: Opening): Buffer => Buffer.from(JSON.stringify(opening));

/** @param body of an entry of type `shard` */
export const sealOfBody = (body: Buffer): Successor | undefined => nextSchema.safeParse(jsonOf(body)).data?.next;

/** How encodeEntry begins one, so that others need not be read. */
const SHARD = Buffer.from('{"ledger":1,"type":"shard"');

/** Whom the entry names as the successor: it is a log's last one then. */
export function sealOf(entry: Buffer | undefined): Successor | undefined {
  if (entry?.subarray(0, SHARD.length).equals(SHARD) !== true) return undefined;
  const { head, body } = (entry && decodeEntry(entry)) ?? {};
  return head?.type === "shard" && body !== undefined ? sealOfBody(body) : undefined;
}

/** @param body of an entry of type `shard`, whole */
export const openingOf = (body: Buffer): Opening | undefined => openingSchema.safeParse(jsonOf(body)).data;

export const shardHead = (now: number): EntryHead => ({
  ledger: 1,
  type: "shard",
  received: new Date(now).toISOString(),
  sender: "ledger",
  via: "ledger",
});
