/**
 * The power goes, or the process is killed, after every single step of opening, appending and closing: each time the log opens again,
 * verifies, holds what was acknowledged, and its key has never signed two trees of one size.
 */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { newLogFiles, openFilesLog } from "../../../control/ledger/log/files.js";
import type { LogSigner } from "../../../control/ledger/log/key.js";
import { openCheckpoint } from "../../../control/ledger/tlog/checkpoint.js";
import { parseVkey } from "../../../control/ledger/tlog/note.js";
import { readEntries, rootAt } from "../../../control/ledger/tlog/read.js";
import { leafHash, rootOf } from "../../../control/ledger/tlog/tree.js";
import { logSigner } from "./made.js";
import { type Luck, PowerCut, SimDisk } from "./sim-disk.js";

const FOLDER = "/data/log";
const SIGNED = "/keys/log.signed";
const vkey = parseVkey(logSigner.vkey);

/** One log's life over many crashes, and all that must hold in it. */
class Life {
  /** What callers were told is there. */
  acknowledged: Buffer[] = [];
  /** Size -> root of every tree whose signature left the signer. */
  private readonly signed = new Map<number, string>();
  private attempts = 0;

  readonly signer: LogSigner = {
    ...logSigner,
    origin: logSigner.origin,
    vkey: logSigner.vkey,
    kid: logSigner.kid,
    signReceipt: (receipt) => logSigner.signReceipt(receipt),
    signCheckpoint: (size, root) => {
      const hex = root.toString("hex");
      if ((this.signed.get(size) ?? hex) !== hex) throw new Error(`two trees of ${size} entries were signed`);
      this.signed.set(size, hex);
      return logSigner.signCheckpoint(size, root);
    },
  };

  copy(): Life {
    const life = new Life();
    life.acknowledged = [...this.acknowledged];
    for (const [size, root] of this.signed) life.signed.set(size, root);
    life.attempts = this.attempts + 1000;
    return life;
  }

  newDisk(): SimDisk {
    const disk = new SimDisk();
    for (const { path, text } of newLogFiles({ folder: FOLDER, signer: this.signer, signedPath: SIGNED }))
      disk.put(path, Buffer.from(text));
    return disk;
  }

  open(disk: SimDisk) {
    const takeLock = async () => ({ release: async () => {} });
    return openFilesLog({ folder: FOLDER, signer: this.signer, signedPath: SIGNED }, { files: disk, takeLock });
  }

  /** Opens, appends entries that nobody appended before, and closes. @returns whether the power stayed */
  async append(disk: SimDisk, batches: readonly number[]): Promise<boolean> {
    try {
      const log = await this.open(disk);
      for (const count of batches) {
        this.attempts += 1;
        const entries = Array.from({ length: count }, (_, i) => Buffer.from(`attempt ${this.attempts}, entry ${i}`));
        const indices = await log.append(entries);
        for (const [i, index] of indices.entries()) this.acknowledged[index] = entries[i] ?? Buffer.alloc(0);
      }
      await log.close();
      return true;
    } catch (error) {
      for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
        if (cause instanceof PowerCut) return false;
      throw error;
    }
  }

  /** What anybody reads: a checkpoint, and exactly its tree, with all that was acknowledged in it. */
  async check(disk: SimDisk): Promise<void> {
    const source = { read: (path: string) => disk.read(`${FOLDER}/${path}`) };
    const checkpoint = openCheckpoint(String(await source.read("checkpoint")), vkey);
    const entries: Buffer[] = [];
    for await (const { bytes } of readEntries(source, checkpoint.size)) entries.push(bytes);
    const root = checkpoint.root.toString("hex");
    expect(rootOf(entries.map(leafHash)).toString("hex")).toBe(root);
    expect((await rootAt(source, checkpoint.size)).toString("hex")).toBe(root);
    expect(entries.length).toBeGreaterThanOrEqual(this.acknowledged.length);
    // Between them may be entries of which the caller never heard.
    this.acknowledged.forEach((entry, i) => {
      if (entries[i]?.equals(entry) !== true) throw new Error(`entry ${i} was acknowledged and is lost`);
    });
  }

  /** After a crash: what is read before anybody opens it, and that it opens and goes on. */
  async goOn(disk: SimDisk): Promise<void> {
    await this.check(disk);
    expect(await this.append(disk, [1])).toBe(true);
    await this.check(disk);
  }
}

/** A generator of the same numbers each time (xorshift32). */
function luckOf(seed: number): Luck & { upTo(most: number): number } {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  return Object.assign(() => next() % 2 === 0, { upTo: (most: number) => next() % (most + 1) });
}

const NEVER: Luck = () => false;

/** Every way in which a crash can leave the disk. */
const crashes = (disk: SimDisk, seed: number): readonly [string, SimDisk][] => [
  ["killed", disk.afterKill()],
  ["all that was not synced is gone", disk.afterPowerCut(NEVER)],
  ["some of it is gone, blocks are torn", disk.afterPowerCut(luckOf(seed))],
  ["another part of it is gone", disk.afterPowerCut(luckOf(seed + 1_000_003))],
];

/** Crashes after each step of one append on this disk. @returns how many crashes there were */
async function crashEverywhere(base: SimDisk, life: Life, batches: readonly number[]): Promise<number> {
  let crashed = 0;
  for (let steps = 1; ; steps++) {
    const disk = base.afterKill();
    const lived = life.copy();
    disk.cutAfter(steps);
    const isOver = await lived.append(disk, batches);
    for (const [how, left] of crashes(disk, steps)) {
      try {
        await lived.copy().goOn(left);
      } catch (error) {
        throw new Error(`step ${steps}, ${how}: ${error instanceof Error ? error.message : error}`, { cause: error });
      }
      crashed += 1;
    }
    if (isOver) return crashed;
  }
}

describe("a crash after every step", () => {
  // What the log holds before, and what is appended: the first entry, a tile filled, one begun anew, and both at once.
  for (const [before, batches] of [
    [0, [1, 2]],
    [254, [4]],
    [255, [1, 1]],
    [256, [3]],
  ] as const) {
    it(`of appending ${batches.join(" and ")} to ${before} loses nothing`, async () => {
      const life = new Life();
      const base = life.newDisk();
      if (before > 0) await life.append(base, [before - 1, 1]);
      expect(await crashEverywhere(base, life, batches)).toBeGreaterThan(100);
    });
  }

  it("and after every step of what follows, again and again, loses nothing", async () => {
    for (let seed = 1; seed <= 80; seed++) {
      const luck = luckOf(seed);
      const life = new Life();
      let disk = life.newDisk();
      if (seed % 2 === 0) await life.append(disk, [254]);
      for (let crash = 0; crash < 6; crash++) {
        disk.cutAfter(luck.upTo(70) + 1);
        await life.append(disk, [luck.upTo(2) + 1, luck.upTo(3) + 1]);
        const [, left] = crashes(disk, seed * 100 + crash)[luck.upTo(3)] ?? [];
        if (left === undefined) continue;
        disk = left;
        try {
          await life.check(disk);
        } catch (error) {
          throw new Error(`seed ${seed}, crash ${crash}`, { cause: error });
        }
      }
      await life.goOn(disk);
    }
  });
});

describe("bytes beside the log", () => {
  it("are there after a crash at any step, once they were acknowledged, also where two were written at once", async () => {
    const base = new Life().newDisk();
    let acknowledged = 0;
    for (let steps = 1, isOver = false; !isOver; steps++) {
      const life = new Life();
      const disk = base.afterKill();
      const names: string[] = [];
      disk.cutAfter(steps);
      try {
        const log = await life.open(disk);
        // Each begins while those before it are under way.
        const put = async (bytes: Buffer, turns: number): Promise<void> => {
          for (let turn = 0; turn < turns; turn++) await Promise.resolve();
          names.push(await log.putBlob(bytes));
        };
        const all = [
          put(Buffer.alloc(60_000, 1), 0),
          ...[20, 25, 30, 35].map((turns) => put(Buffer.alloc(10, turns), turns)),
          put(Buffer.alloc(10, 30), 40),
        ];
        isOver = (await Promise.allSettled(all)).every(({ status }) => status === "fulfilled");
      } catch {
        isOver = false; // The power went while it was opened.
      }
      acknowledged += names.length;
      for (const [how, left] of crashes(disk, steps)) {
        for (const name of names) {
          const there = await left.read(`${FOLDER}/blob/${name}`);
          expect(
            createHash("sha256")
              .update(there ?? "")
              .digest("hex"),
            `step ${steps}, ${how}`,
          ).toBe(name);
        }
      }
    }
    expect(acknowledged).toBeGreaterThan(3);
  });
});

describe("this test", () => {
  // It would be of no use if it found nothing.
  class Forgetful extends SimDisk {
    override afterKill(): SimDisk {
      return Object.assign(new Forgetful(), super.afterKill());
    }
    override async syncFolder(): Promise<void> {}
  }

  it("sees a log that does not sync its folders", async () => {
    const life = new Life();
    const base = Object.assign(new Forgetful(), life.newDisk());
    await expect(crashEverywhere(base, life, [1, 2])).rejects.toThrow(/is gone.*: .* (?:is missing|is lost)/);
  });
});
