/** Where a passphrase comes from: a file descriptor, the environment or a prompt. Never the command line. */
import { readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { isatty } from "node:tty";
import { reasonOf, systemCode, UserError } from "../base/errors.js";
import { askSecret, blocking, hasTerminal } from "../base/terminal.js";
import { visible } from "../base/text.js";

export interface PassphraseSource {
  /** `--passphrase-fd N`: a line for each key, in the order of the keys; one line alone is for all of them. */
  readonly descriptor?: number;
}

/** More is no passphrase but the wrong descriptor. */
const MAX_BYTES = 64 * 1024;

/** RFC 8265, OpaqueString: one kind of space, and NFC, so that every keyboard types the same bytes. One line end is dropped. */
export function preparePassphrase(typed: string): string {
  return typed
    .replace(/(?:\r\n|\n|\r)$/, "")
    .replace(/\p{Zs}/gu, " ")
    .normalize("NFC");
}

/** Checks what only a new passphrase must keep: keys that were made otherwise still open. */
export function checkNewPassphrase(passphrase: string): void {
  if (passphrase.length === 0) {
    throw new UserError("The passphrase is empty.", {
      hint: "Choose one of several words; the key is useless without it.",
    });
  }
  if (/\p{Cc}/u.test(passphrase) || passphrase.includes("\ufffd")) {
    throw new UserError("The passphrase has a control character, or bytes that are not UTF-8: nobody could type it.", {
      hint: "Choose one of letters, digits, signs and spaces.",
    });
  }
}

/** The lines of one descriptor: read once, however many keys ask, and no further than needed. */
class Lines {
  private rest = Buffer.alloc(0);
  private ended = false;
  private taken: string[] = [];
  private total = 0;

  constructor(private readonly descriptor: number) {}

  /** The next line; the only one again; undefined when all are used. */
  next(): string | undefined {
    const line = this.read();
    if (line !== undefined) this.taken.push(line);
    return line ?? (this.taken.length === 1 ? this.taken[0] : undefined);
  }

  private read(): string | undefined {
    for (;;) {
      const end = this.rest.indexOf("\n");
      if (end >= 0 || (this.ended && this.rest.length > 0)) {
        const line = this.rest.subarray(0, end < 0 ? undefined : end).toString("utf8");
        this.rest = this.rest.subarray(end < 0 ? this.rest.length : end + 1);
        return line;
      }
      if (this.ended) return undefined;
      this.fill();
    }
  }

  private fill(): void {
    const chunk = Buffer.alloc(4096);
    try {
      const length = readSync(this.descriptor, chunk);
      this.ended = length === 0;
      this.total += length;
      this.rest = Buffer.concat([this.rest, chunk.subarray(0, length)]);
    } catch (error) {
      if (systemCode(error) !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10); // The other end has set the pipe non-blocking.
    }
    if (this.total > MAX_BYTES) throw new UserError(`more than ${MAX_BYTES / 1024} KiB are no passphrase`);
  }
}

/** What an entry of /proc/self/fd leads to; "" for none. */
function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return ""; // Closed meanwhile, or no Linux.
  }
}

/** Bits of the flags in fdinfo (octal) that say that it can be written to: O_WRONLY and O_RDWR. */
const isWritable = (descriptor: string): boolean =>
  /^flags:\s+[0-7]*[1256]$/m.test(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8"));

/** Node's own descriptor, under a number that the shell did not hand over: nothing ever comes of it, and reading would never end. */
function isOurOwn(descriptor: number): boolean {
  const target = targetOf(String(descriptor));
  if (target.startsWith("anon_inode:")) return true;
  if (!target.startsWith("pipe:")) return false;
  return readdirSync("/proc/self/fd").some(
    (other) => other !== String(descriptor) && targetOf(other) === target && isWritable(other),
  );
}

const opened = new Map<number, Lines>();

function fromDescriptor(name: string, descriptor: number): string {
  if (isatty(descriptor)) {
    throw new UserError(`File descriptor ${descriptor} is a terminal, which would show the passphrase.`, {
      hint: "Leave --passphrase-fd out: the command asks at the terminal, unseen.",
    });
  }
  if (!opened.has(descriptor) && isOurOwn(descriptor)) {
    throw new UserError(`File descriptor ${descriptor} was not handed to this command.`, {
      hint: "For example: --passphrase-fd 3 3< passphrase.txt",
    });
  }
  const lines = opened.get(descriptor) ?? new Lines(descriptor);
  opened.set(descriptor, lines);
  let line: string | undefined;
  try {
    line = blocking(() => lines.next());
  } catch (error) {
    throw new UserError(`Cannot read the passphrase from file descriptor ${descriptor}: ${reasonOf(error)}.`, {
      cause: error,
      hint: "For example: --passphrase-fd 3 3< passphrase.txt",
    });
  }
  if (line !== undefined) return line;
  throw new UserError(`File descriptor ${descriptor} has no line with the passphrase of ${visible(name)}.`, {
    hint: "Give one line for each key, in the order of the keys, or one line alone for all of them.",
  });
}

let environment: string | undefined;

/** Takes the passphrase out of the environment, so that no program that we start inherits it. */
export function takePassphrase(): string | undefined {
  environment = process.env.GLASSGATE_PASSPHRASE ?? environment;
  delete process.env.GLASSGATE_PASSPHRASE;
  return environment;
}

/** Whether a person types it, who may mistype. */
export const isTyped = (source: PassphraseSource): boolean =>
  source.descriptor === undefined && takePassphrase() === undefined;

/** @param confirm for a new key: asked twice at a prompt, and checked */
export async function passphraseFor(name: string, source: PassphraseSource, confirm = false): Promise<string> {
  const given = source.descriptor === undefined ? takePassphrase() : fromDescriptor(name, source.descriptor);
  if (given !== undefined) {
    if (confirm) checkNewPassphrase(preparePassphrase(given));
    return given;
  }
  if (!hasTerminal()) {
    throw new UserError(`The key ${visible(name)} needs its passphrase, and there is no terminal to ask at.`, {
      hint: "Use --passphrase-fd N, or set GLASSGATE_PASSPHRASE.",
    });
  }
  const passphrase = await askSecret(`Passphrase of ${visible(name)}: `);
  if (!confirm) return passphrase;
  checkNewPassphrase(preparePassphrase(passphrase));
  if ((await askSecret("Once more: ")) !== passphrase) {
    throw new UserError("The two passphrases differ. No key was written.", { hint: "Run the command again." });
  }
  return passphrase;
}
