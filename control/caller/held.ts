/**
 * What a requester holds: a file of mode 0600 for each bound ask and each grant written to a file, in `held/` among his keys. It has
 * no secret in clear, and goes when the grant has ended or is given back, with the proof key and the grant's file.
 */
import {
  appendFileSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { reasonOf, systemCode, UserError } from "../base/errors.js";
import { readBytes, writeText } from "../base/files.js";
import { visible } from "../base/text.js";
import type { AskClaims } from "../grant/ask.js";
import { grantDetails, grantId, numericDate } from "../grant/kinds.js";
import { payloadOf } from "../grant/message.js";
import { sha256Hex } from "../signer/sign.js";
import { x5tOf } from "./credential.js";

const heldSchema = z.strictObject({
  jti: grantId,
  /** The name of the requester's key. */
  key: z.string().min(1),
  sub: z.string(),
  ent: z.string(),
  iat: numericDate,
  exp: numericDate,
  authorization_details: grantDetails,
  grant_sha256: z.string().regex(/^[0-9a-f]{64}$/),
  proof: z.strictObject({ jkt: z.string(), sealed: z.string() }).optional(),
  /** Of the client certificate that it is bound to, whose key is none of ours. */
  x5t: z.string().optional(),
  /** Where the grant was written, as an absolute path. */
  file: z.string().optional(),
  /** Where it was written before that, and may still be. */
  earlier: z.array(z.string()).optional(),
});
export type Held = z.infer<typeof heldSchema>;

const SUFFIX = ".json";
const LOG = "returned.log";
/** Of a grant's file, which is the header line, and of an entry, which is smaller than its grant. */
const MAX_FILE_BYTES = 64 * 1024;

/** Below the folder of keys, which is the requester's alone. */
export const heldFolder = (keys: string): string => join(keys, "held");
const entryPath = (keys: string, jti: string): string => join(heldFolder(keys), `${jti}${SUFFIX}`);

export const grantSha256 = (text: string): string => sha256Hex(payloadOf(text));

/** The entry of an ask or grant. */
export function entryOf(text: string, claims: AskClaims, key: string): Held {
  const { jti, sub, ent, iat, exp, authorization_details } = claims;
  const x5t = x5tOf(claims);
  const bound = x5t === undefined ? {} : { x5t };
  const grant_sha256 = grantSha256(text);
  return heldSchema.parse({ jti, key, sub, ent, iat, exp, authorization_details, grant_sha256, ...bound });
}

/** What is in it has no secret in clear; who may list it would know what is held. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, 0o700);
  } catch (error) {
    if (systemCode(error) === "EEXIST") return;
    throw new UserError(`Cannot make ${visible(folder)}: ${reasonOf(error)}.`, {
      cause: error,
      hint: "It keeps your grants' proof keys. Name a folder of keys that you can write to, with --keys or GLASSGATE_KEYS.",
    });
  }
}

/** Keeps an entry, or more of one that is there: the key of an ask, then the file of its grant. */
export function hold(keys: string, entry: Held): void {
  makeFolder(heldFolder(keys));
  const before = findHeld(keys, entry.jti);
  const earlier = new Set([...(before?.earlier ?? []), ...(before?.file === undefined ? [] : [before.file])]);
  earlier.delete(entry.file ?? before?.file ?? "");
  const merged = { ...before, ...entry, ...(earlier.size === 0 ? {} : { earlier: [...earlier] }) };
  writeText(entryPath(keys, entry.jti), `${JSON.stringify(heldSchema.parse(merged), null, 2)}\n`, { mode: 0o600 });
}

export const heldFile = (file: string): string => resolve(file);

export interface Holdings {
  readonly entries: readonly Held[];
  /** Files that are none of ours, or damaged. */
  readonly strange: readonly string[];
}

export function readHoldings(keys: string): Holdings {
  const folder = heldFolder(keys);
  let files: string[];
  try {
    files = readdirSync(folder).filter((file) => file.endsWith(SUFFIX));
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return { entries: [], strange: [] };
    throw new UserError(`Cannot read ${visible(folder)}: ${reasonOf(error)}.`, {
      cause: error,
      hint: "It holds your grants' proof keys. Have its permissions mended.",
    });
  }
  const entries: Held[] = [];
  const strange: string[] = [];
  for (const file of files.sort()) {
    const path = join(folder, file);
    const entry = heldSchema.safeParse(contentOf(path));
    if (entry.success && `${entry.data.jti}${SUFFIX}` === file) entries.push(entry.data);
    else strange.push(path);
  }
  return { entries: entries.sort((a, b) => a.exp - b.exp), strange };
}

/** Never waits: a pipe of that name would stop every command. */
function contentOf(path: string): unknown {
  try {
    if (!lstatSync(path).isFile()) return undefined;
    return JSON.parse(readBytes(path, "what you hold", { max: MAX_FILE_BYTES }).toString("utf8"));
  } catch {
    return undefined; // The caller says that the file is strange; the others are held nevertheless.
  }
}

export const findHeld = (keys: string, jti: string): Held | undefined =>
  readHoldings(keys).entries.find((entry) => entry.jti === jti);

export const isHeld = (keys: string, jti: string): boolean => existsSync(entryPath(keys, jti));

/** Overwrites a file and removes it. What a disk keeps of old blocks, or a backup has, is beyond it. */
function wipe(path: string): void {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    const { size } = fstatSync(descriptor);
    writeSync(descriptor, Buffer.alloc(size), 0, size, 0);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  unlinkSync(path);
}

function isGrantIn(file: string, { grant_sha256 }: Held): boolean {
  const text = readBytes(file, "the grant", { max: MAX_FILE_BYTES }).toString("latin1");
  const grant = /^x-break-glass: ([\w.~-]+)\s*$/.exec(text)?.[1];
  return grant !== undefined && grantSha256(grant) === grant_sha256;
}

/** Whether the file is there and still holds that very grant: whatever else has its name is left alone. */
const holdsGrant = (file: string, entry: Held): boolean =>
  lstatSync(file, { throwIfNoEntry: false })?.isFile() === true && isGrantIn(file, entry);

/** Where its grant is: nowhere yet; in its file; the file holds another by now; or the file is gone. */
export type Place = "ask" | "grant" | "replaced" | "gone";

export function placeOf(entry: Held): Place {
  const { file } = entry;
  if (file === undefined) return "ask";
  if (!existsSync(file)) return "gone";
  try {
    return isGrantIn(file, entry) ? "grant" : "replaced";
  } catch {
    return "grant"; // It cannot be read: whoever uses it is told why.
  }
}

export interface Wiped {
  readonly entry: Held;
  readonly what: readonly string[];
  /** What could not be wiped or written down, and why. */
  readonly faults: readonly string[];
}

/** Where the grant was written. */
const filesOf = ({ file, earlier = [] }: Held): string[] => [...(file === undefined ? [] : [file]), ...earlier];

/**
 * Wipes what an entry names, then the entry, and writes a line about it: no secret. What cannot be wiped keeps nothing else, least
 * of all the proof key. Of two that do it at once, the second finds nothing. @param now seconds
 */
export function giveBack(keys: string, entry: Held, why: "returned" | "expired", now: number): Wiped {
  const what: string[] = [];
  const faults: string[] = [];
  const attempt = (name: string, step: () => void): void => {
    try {
      step();
    } catch (error) {
      if (systemCode(error) !== "ENOENT") faults.push(`${name}: ${reasonOf(causeOf(error))}`);
    }
  };
  if (!isHeld(keys, entry.jti)) return { entry, what, faults };
  for (const file of filesOf(entry)) {
    attempt(`the grant in ${file}`, () => {
      if (!holdsGrant(file, entry)) return;
      wipe(file);
      what.push(`the grant in ${file}`);
    });
  }
  const path = entryPath(keys, entry.jti);
  attempt(path, () => {
    wipe(path);
    if (entry.proof !== undefined) what.push("its proof key");
  });
  const { jti, sub, ent, exp, grant_sha256 } = entry;
  const line = { at: now, why, jti, sub, ent, exp, grant_sha256, wiped: what };
  const log = join(heldFolder(keys), LOG);
  attempt(log, () => appendFileSync(log, `${JSON.stringify(line)}\n`, { mode: 0o600 }));
  return { entry, what, faults };
}

/** Of an error in our own words, the system's. */
const causeOf = (error: unknown): unknown => (error instanceof UserError ? (error.cause ?? error) : error);

/** Wipes what has ended. @param now seconds */
export function wipeEnded(keys: string, now: number): Wiped[] {
  if (!existsSync(heldFolder(keys))) return [];
  const ended = readHoldings(keys).entries.filter(({ exp }) => exp <= now);
  return ended.map((entry) => giveBack(keys, entry, "expired", now));
}
