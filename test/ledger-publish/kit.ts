/** What the tests of publishing share: a store that does not wait, and what a reader of it would find. */
import { expect } from "vitest";
import type { TileSource } from "../../control/ledger/log.js";
import type { CredentialSource } from "../../control/ledger/publish/credentials.js";
import type { Position, Progress } from "../../control/ledger/publish/position.js";
import type { Patience } from "../../control/ledger/publish/request.js";
import { S3Store } from "../../control/ledger/publish/store.js";
import { parseTarget } from "../../control/ledger/publish/target.js";
import { openCheckpoint } from "../../control/ledger/tlog/checkpoint.js";
import type { Vkey } from "../../control/ledger/tlog/note.js";
import { readEntries } from "../../control/ledger/tlog/read.js";
import { leafHash, rootOf } from "../../control/ledger/tlog/tree.js";
import { BUCKET_OF_TESTS, KEYS } from "./store-server.js";

export const PREFIX = "eu-2026-12";
export const HASTY: Patience = { attempts: 1, pauseMs: 1, maxPauseMs: 5, timeoutMs: 60_000 };
export const keys: CredentialSource = { get: async () => KEYS };

export const storeAt = (endpoint: string, patience: Patience = HASTY, credentials = keys): S3Store =>
  new S3Store(parseTarget(`s3://${BUCKET_OF_TESTS}/${PREFIX}`, endpoint), credentials, patience);

export class MemoryPosition implements Position {
  progress: Progress | undefined;
  read(): Progress | undefined {
    return this.progress;
  }
  write(progress: Progress): void {
    this.progress = progress;
  }
}

/** A reader's view: the checkpoint verifies, every entry is there, and they have its root. @returns its size */
export async function readAll(source: TileSource, vkey: Vkey): Promise<number | undefined> {
  const note = await source.read("checkpoint");
  if (note === undefined) return undefined;
  const { size, root } = openCheckpoint(note.toString(), vkey);
  const hashes: Buffer[] = [];
  for await (const { bytes } of readEntries(source, size)) hashes.push(leafHash(bytes));
  expect(rootOf(hashes).toString("hex")).toBe(root.toString("hex"));
  return size;
}

export async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("It did not fail.");
}
