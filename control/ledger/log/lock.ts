/**
 * One process writes. A lock is a file with its holder's name, made by link(2): there whole, or not at all. Who finds a holder that
 * has surely ended takes its place, under a second lock that is named after exactly that holder: so of many that try, one does.
 */
import { randomBytes } from "node:crypto";
import { link, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { reasonOf, systemCode, UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { isHere, isSurelyGone, processSchema, thisProcess } from "./process.js";

const holderSchema = z.strictObject({
  /** What it is, for people: `ledger serve`. */
  name: z.string().max(200),
  since: z.string().max(40),
  /** Of this one taking. */
  id: z.string().regex(/^[0-9a-f]{16}$/),
  ...processSchema.shape,
});
export type Holder = z.infer<typeof holderSchema>;

/** Locks upon locks of takers that ended while they took: more than this is no accident. */
const MAX_DEPTH = 8;
const TRIES = 100;

export interface Lock {
  release(): Promise<void>;
}

/** Who holds it: undefined for nobody. @throws where the file cannot be read or says nothing */
export async function holderOf(path: string): Promise<Holder | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw new UserError(`Cannot read the lock ${visible(path)}: ${reasonOf(error)}.`, { cause: error });
  }
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new UserError(`The lock ${visible(path)} does not say who holds it.`, {
      cause: error,
      hint: `See that nobody writes to this ledger, on any machine; then: rm ${visible(path)}`,
    });
  }
}

/** Who holds it, but for one that has surely ended: it keeps nobody out. */
export async function liveHolderOf(path: string): Promise<Holder | undefined> {
  const holder = await holderOf(path);
  return holder === undefined || isSurelyGone(holder) ? undefined : holder;
}

/** Whether one process has both. */
export const isSameHolder = (one: Holder, other: Holder | undefined): boolean =>
  other !== undefined && one.pid === other.pid && one.host === other.host && one.started === other.started;

/** @param also other locks that one may have, too: each has to go before anybody can write */
async function held(path: string, holder: Holder, also: readonly string[]): Promise<UserError> {
  const left: string[] = [path];
  for (const other of also) {
    // One that says nothing is left out: it is told of in its turn.
    const found = await holderOf(other).catch(() => undefined);
    if (found !== undefined && isSameHolder(holder, found)) left.push(other);
  }
  return new UserError(
    `"${visible(holder.name)}" writes to this ledger: process ${holder.pid} on ${visible(holder.host)}, since ${visible(holder.since)}.`,
    {
      hint: isHere(holder)
        ? "One process writes. Hand it what is to be written (`glassgate ledger serve` takes it by POST), or end it first."
        : `One process writes, and from here nobody can see whether that one has ended. If its machine or container is gone for good, and only then: rm ${left.map(visible).join(" ")}`,
      exitCode: 1,
    },
  );
}

/** Looks, and takes nothing: before anybody is asked for what opens a ledger. @throws where somebody has it, with the name */
export async function mustBeFree(path: string, also: readonly string[] = []): Promise<void> {
  const holder = await liveHolderOf(path);
  if (holder !== undefined) throw await held(path, holder, also);
}

async function writeOwn(path: string, holder: Holder): Promise<void> {
  const file = await open(path, "wx", 0o644);
  try {
    await file.writeFile(`${JSON.stringify(holder)}\n`);
    await file.sync(); // Else a power cut may leave a lock that says nothing.
  } finally {
    await file.close();
  }
}

/** @param own the file with this holder's name, of which `path` becomes another name */
async function take(path: string, own: string, depth: number, also: readonly string[]): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      await link(own, path);
      return;
    } catch (error) {
      if (systemCode(error) !== "EEXIST") throw error;
    }
    const holder = await holderOf(path);
    if (holder === undefined) continue; // Released meanwhile.
    if (!isSurelyGone(holder) || depth >= MAX_DEPTH) throw await held(path, holder, also);
    const succession = `${path}.${holder.id}`;
    await take(succession, own, depth + 1, []);
    try {
      // Whoever replaces this holder has the succession; so what is still here now stays until it is replaced below.
      if ((await holderOf(path))?.id !== holder.id) continue;
      const copy = `${own}.${depth}`;
      await link(own, copy);
      await rename(copy, path);
      return;
    } finally {
      await rm(succession, { force: true });
    }
  }
  throw new UserError(`The lock ${visible(path)} changes hands all the time.`, {
    hint: "See who else starts ledgers.",
  });
}

/** Names that takers left who ended on the way. */
async function tidy(path: string): Promise<void> {
  const folder = dirname(path);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${basename(path)}.`)) continue;
    const left = join(folder, name);
    try {
      const holder = await holderOf(left);
      if (holder !== undefined && isSurelyGone(holder)) await rm(left, { force: true });
    } catch (error) {
      if (!(error instanceof UserError)) throw error; // Half written: it may be somebody's who is just writing it.
    }
  }
}

/**
 * @param name what holds it, for the others
 * @param also locks that are taken together with this one, for who has to clear up behind a holder that nobody can see any more
 * @throws where somebody has it, with the name
 */
export async function takeLock(path: string, name: string, also: readonly string[] = []): Promise<Lock> {
  const id = randomBytes(8).toString("hex");
  const holder: Holder = { name, since: new Date().toISOString(), id, ...thisProcess() };
  const own = `${path}.own-${id}`;
  try {
    await writeOwn(own, holder);
    await take(path, own, 0, also);
    await tidy(path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`Cannot lock ${visible(path)}: ${reasonOf(error)}.`, {
      cause: error,
      hint: "A ledger stands on a file system that can be written and has hard links.",
    });
  } finally {
    await rm(own, { force: true });
  }
  return {
    async release() {
      if ((await holderOf(path))?.id === id) await rm(path, { force: true });
    },
  };
}
