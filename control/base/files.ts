/** Files read with clear errors, and written whole or not at all. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { hintOf, reasonOf, systemCode, UserError } from "./errors.js";
import { noteRemoved, noteWritten } from "./stopped.js";
import { blocking } from "./terminal.js";
import { visible } from "./text.js";

/** No file of ours is larger; a device such as /dev/zero would never end. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Text of any Unicode encoding that begins with its mark; UTF-8 without one. */
export function decode(bytes: Buffer): string {
  const [a, b] = bytes;
  const encoding = a === 0xff && b === 0xfe ? "utf-16le" : a === 0xfe && b === 0xff ? "utf-16be" : "utf-8";
  return new TextDecoder(encoding).decode(bytes);
}

const tooLarge = (max: number): UserError => new UserError(`it is larger than ${max / 1024 / 1024} MiB`);

function readStream(descriptor: number, max: number): Buffer {
  const chunks: Buffer[] = [];
  const wait = new Int32Array(new SharedArrayBuffer(4));
  for (let total = 0; ; ) {
    const chunk = Buffer.alloc(64 * 1024);
    let length: number;
    try {
      length = readSync(descriptor, chunk);
    } catch (error) {
      if (systemCode(error) === "EOF") return Buffer.concat(chunks); // How Windows ends a pipe.
      if (systemCode(error) !== "EAGAIN") throw error;
      Atomics.wait(wait, 0, 0, 10); // The other end has set the pipe non-blocking.
      continue;
    }
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, length));
    total += length;
    if (total > max) throw tooLarge(max);
  }
}

function readFile(path: string, max: number): Buffer {
  const found = statSync(path);
  if (found.isDirectory()) return readFileSync(path); // Fails as the system says it.
  if (found.isFile() && found.size > max) throw tooLarge(max);
  if (found.isFile() && found.size > 0) return readFileSync(path);
  return blocking(() => {
    const descriptor = openSync(path, "r");
    try {
      return readStream(descriptor, max);
    } finally {
      closeSync(descriptor);
    }
  });
}

interface ReadOptions {
  readonly hint?: string;
  readonly max?: number;
}

function cannot(what: string, error: unknown, hint = hintOf(error), after = ""): UserError {
  return new UserError(`Cannot ${what}: ${reasonOf(error)}.${after}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Whether anything has the name. @param what is to be done with it, for the error where that cannot be known */
function isThere(path: string, what: string, after = ""): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw cannot(what, error, undefined, after);
  }
}

/** @param what names the file in the error: "the roster" @param max bytes */
export function readBytes(path: string, what: string, { hint, max = MAX_BYTES }: ReadOptions = {}): Buffer {
  try {
    return readFile(path, max);
  } catch (error) {
    throw cannot(`read ${what} ${visible(path)}`, error, hint);
  }
}

export function readText(path: string, what: string, hint?: string): string {
  return decode(readBytes(path, what, hint === undefined ? {} : { hint }));
}

/** All of standard input. */
export function readStandardInput(what: string, max: number): Buffer {
  try {
    return blocking(() => readStream(0, max));
  } catch (error) {
    throw cannot(`read ${what} from standard input`, error);
  }
}

/** Undefined only where nothing has the name: a link that leads nowhere, or a folder that may not be looked into, is an error. */
export function readTextIfThere(path: string, what: string): string | undefined {
  return isThere(path, `read ${what} ${visible(path)}`) ? readText(path, what) : undefined;
}

/** Makes a rename or a new name outlast a power cut; where folders cannot be opened (Windows) the system sees to it. */
export function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } catch (error) {
    if (systemCode(error) !== "EINVAL") throw error; // Some network file systems have no fsync for folders.
  } finally {
    closeSync(descriptor);
  }
}

/** A file that is replaced stays its group's, and its owner's where root replaces it; nobody else gets to read it. @param most of its mode */
function keepOwner(descriptor: number, { uid, gid, mode }: Stats, most: number): void {
  try {
    fchownSync(descriptor, process.getuid?.() === 0 ? uid : -1, gid);
  } catch (error) {
    // Not one of this user's groups: then the new file's own group gets nothing that it did not have.
    if (!["EPERM", "ENOSYS", "EINVAL"].includes(systemCode(error) ?? "")) throw error;
    fchmodSync(descriptor, mode & most & 0o707);
    return;
  }
  fchmodSync(descriptor, mode & most);
}

/** The whole text on the disk under a name of its own in that folder, handed to `place`; nothing stays if that fails. */
function throughTemporary(
  folder: string,
  text: string | Buffer,
  { mode, before, most = 0o777 }: { mode: number; before?: Stats | undefined; most?: number | undefined },
  place: (temporary: string) => void,
): void {
  const temporary = join(folder, `.glassgate-${randomBytes(6).toString("hex")}.tmp`);
  try {
    const descriptor = openSync(temporary, "wx", mode);
    try {
      if (before !== undefined) keepOwner(descriptor, before, most);
      writeFileSync(descriptor, text); // Goes on after a short write, so a full disk is an error.
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    place(temporary);
  } finally {
    rmSync(temporary, { force: true });
  }
  syncFolder(folder);
}

/** Whether a file of so many bytes can be written there: bytes that no disk makes less of, and gone again. @throws as the system says it */
export function tryWriting(folder: string, bytes: number): void {
  throughTemporary(folder, randomBytes(bytes), { mode: 0o600 }, () => {});
}

/**
 * Makes the folder and those above it, and adds what it made to `made`.
 * Not by mkdir's own `recursive`: below /proc that never returns (Node 20).
 */
function makeFolder(folder: string, mode: number, made: string[]): void {
  if (existsSync(folder)) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder), mode, made);
  try {
    mkdirSync(folder, mode);
    made.push(folder);
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error; // Another process made it just now, or it is a link to nowhere.
  }
}

/** New folders outlast a power cut only where their names do. */
function syncNames(made: readonly string[]): void {
  for (const folder of made) {
    try {
      syncFolder(dirname(folder));
    } catch (error) {
      if (systemCode(error) !== "EACCES") throw error; // One may put something there and not look: then the system sees to it.
    }
  }
}

function removeFolders(made: readonly string[]): void {
  for (const folder of made.toReversed()) rmdirSync(folder);
}

/** Writes the whole file by rename, through symbolic links. A file that is there keeps mode and group; a new one is 0644, secrets 0600. */
export function writeText(path: string, text: string, options: { mode?: number } = {}): void {
  const made: string[] = [];
  try {
    makeFolder(dirname(path), 0o777, made);
    const there = statSync(path, { throwIfNoEntry: false });
    if (there === undefined || there.isFile()) {
      const target = there === undefined ? path : realpathSync(path);
      throughTemporary(
        dirname(target),
        text,
        { mode: options.mode ?? 0o644, before: there, most: options.mode },
        (temporary) => renameSync(temporary, target),
      );
    } else writeFileSync(path, text); // A device or a pipe; a directory is an error.
    noteWritten(path);
  } catch (error) {
    removeFolders(made);
    throw cannot(`write ${visible(path)}`, error, undefined, " Nothing was changed.");
  }
}

/** Refuses a name that is taken, also by a link that leads nowhere, before anybody is asked for anything. */
export function mustBeNew(path: string, message: string, hint: string): void {
  if (isThere(path, `write ${visible(path)}`, " Nothing was changed.")) throw new UserError(message, { hint });
}

export interface NewContent {
  readonly path: string;
  readonly text: string | Buffer;
  readonly mode?: number;
}
export interface NewFile extends NewContent {
  readonly text: string;
}

function placeNew(temporary: string, { path, text, mode = 0o644 }: NewContent): void {
  try {
    linkSync(temporary, path); // Unlike rename it never replaces a file, also one that another process makes just now.
  } catch (error) {
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(systemCode(error) ?? "")) throw error;
    writeFileSync(path, text, { flag: "wx", mode, flush: true }); // A file system without links.
  }
}

/** Writes files that must not exist yet: all of them, or none and no folder either. */
export function writeNewTexts(files: readonly NewContent[]): void {
  const undo: (() => void)[] = [];
  for (const file of files) {
    const { path, text, mode = 0o644 } = file;
    const folder = dirname(path);
    try {
      const made: string[] = [];
      undo.push(() => removeFolders(made));
      makeFolder(folder, mode === 0o600 ? 0o700 : 0o777, made);
      throughTemporary(folder, text, { mode }, (temporary) => placeNew(temporary, file));
      syncNames(made);
      undo.push(() => rmSync(path, { force: true }));
      noteWritten(path);
    } catch (error) {
      for (const step of undo.reverse()) step();
      for (const { path: removed } of files) noteRemoved(removed);
      throw cannot(`write ${visible(path)}`, error, undefined, " Nothing was written.");
    }
  }
}
