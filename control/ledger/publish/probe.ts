/**
 * Whether the store keeps conditions. Some answer 200 and overwrite: two publishers would then lose each other's checkpoint, and a
 * tile that is there could be replaced. So it is tried out, on a key that nobody else has.
 */
import { randomBytes } from "node:crypto";
import { PublishConflict } from "./conflict.js";
import type { ObjectStore } from "./store.js";

const MAX_PROBE_BYTES = 64;

function unfit(store: ObjectStore, does: string): PublishConflict {
  return new PublishConflict(
    `The store does not keep conditions: ${does} (${store.name}). Nothing is published there.`,
    "Take a store with conditional writes: Amazon S3, or another that knows If-None-Match and If-Match on PUT.",
  );
}

async function tryConditions(store: ObjectStore, key: string): Promise<void> {
  const [first, second, third] = ["first", "second", "third"].map((word) => Buffer.from(word));
  if (first === undefined || second === undefined || third === undefined) throw new RangeError("three words");
  const holds = async (bytes: Buffer): Promise<string> => {
    const there = await store.get(key, MAX_PROBE_BYTES);
    if (there === undefined) throw unfit(store, "what was written is not there");
    if (!there.bytes.equals(bytes)) throw unfit(store, "something else is there than what it said yes to");
    return there.etag;
  };
  // Refused: an attempt before, whose answer was lost, has written it. Whether it did is seen next.
  await store.put(key, first, "absent");
  const etag = await holds(first);
  if (await store.put(key, second, "absent")) throw unfit(store, "it overwrote under If-None-Match: *");
  await holds(first);
  if (await store.put(key, second, { etag: '"00000000000000000000000000000000"' }))
    throw unfit(store, "it overwrote under an If-Match that is not so");
  await holds(first);
  // The same: the answer may have been lost, what stands there is not.
  await store.put(key, third, { etag });
  await holds(third);
}

/**
 * @returns the probe's key, where the store does not let it be removed
 * @throws where the store is not fit to be published to
 */
export async function probe(store: ObjectStore): Promise<string | undefined> {
  const key = `probe-${randomBytes(12).toString("hex")}`;
  let left: string | undefined;
  try {
    await tryConditions(store, key);
  } finally {
    try {
      await store.remove(key);
    } catch {
      left = key; // A store that keeps everything for ever is no bad place for a ledger: said, and gone on.
    }
  }
  return left;
}
