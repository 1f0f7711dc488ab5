/** What the commands that read a ledger share: its key, a ticking line, time. */
import { existsSync } from "node:fs";
import { Option } from "commander";
import { UserError } from "../base/errors.js";
import { readBytes } from "../base/files.js";
import { visible } from "../base/text.js";
import { isUrl } from "../ledger/audit/source.js";
import { tokenIn } from "../ledger/follow/remote.js";
import { isStoreUrl } from "../ledger/publish/target.js";
import { decodeNote, parseVkey, type Vkey } from "../ledger/tlog/note.js";
import { duration } from "./context.js";
import { say } from "./output.js";

export const vkeyOption = (what = "the log's verifier key (NAME+ID+KEY), or a file that has it"): Option =>
  new Option("--key <vkey>", what);

/** A ledger that is read over HTTP shows its log to senders that have `reads` alone, unless its `read` is `public`. */
export const tokenFileOption = (): Option =>
  new Option("--token-file <file>", "for an https:// address: the token of a sender that has `reads: true` there");

/** The ledger's own, where its ledger.yaml says nothing else; in seconds. */
export const GRACE = 120;
export const SILENCE = 180;

/** What the ledger waits for it need not tell of: where its ledger.yaml has other times, they are named here. */
export const graceOption = (flags: string, what: string, seconds: number): Option =>
  new Option(flags, `the ledger's own, as in its ledger.yaml: ${what}`)
    .argParser(duration)
    .default(seconds, `${seconds / 60}m`);

/** A ledger's own address, not a folder and not a store. */
const isAddress = (where: string): boolean => isUrl(where) && !isStoreUrl(where);

/** @param file of `--token-file` */
export function readToken(where: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  if (!isAddress(where))
    throw new UserError(`--token-file is for the address of a ledger; ${visible(where)} is none.`, {
      hint: "Leave it out, or name the ledger's https:// address.",
    });
  return tokenIn(file);
}

/**
 * Of several places at once, where a token is shown to one server alone: another one could use it there.
 * @returns the token for each of them
 */
export function readTokens(places: readonly string[], file: string | undefined): (where: string) => string | undefined {
  if (file === undefined) return () => undefined;
  const addresses = places.filter(isAddress);
  const servers = new Set(addresses.map((one) => (URL.canParse(one) ? new URL(one).origin : one)));
  if (servers.size > 1)
    throw new UserError(`--token-file is for one server; here are ${[...servers].map(visible).join(" and ")}.`, {
      hint: "Copy the shards of the others to here, and name their folders.",
    });
  const token = readToken(addresses[0] ?? places[0] ?? "", file);
  return (where) => (isAddress(where) ? token : undefined);
}

/** A key is a line of text: a larger file is something else. */
const MAX_KEY_BYTES = 16 * 1024;

/** @param given a verifier key, or a file that holds one */
export function readVkey(given: string): Vkey {
  if (!existsSync(given)) {
    if (given.includes("+")) return parseVkey(given);
    throw new UserError(`There is no file ${visible(given)}, and it is no verifier key (NAME+ID+KEY).`, {
      hint: "`glassgate ledger status DIR` shows the key of a ledger on this machine; of another ask who runs it.",
    });
  }
  const text = decodeNote(readBytes(given, "the log's key", { max: MAX_KEY_BYTES }));
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const [only] = lines;
  if (only === undefined || lines.length > 1)
    throw new UserError(`${visible(given)} is not the file of one verifier key.`, {
      hint: "It has one line, NAME+ID+KEY, as `glassgate ledger init` prints it.",
    });
  return parseVkey(only.trim());
}

const FIRST_MS = 1000;

/** How far it is, on stderr: nothing within the first second, then a line a second. */
export function progress(): (what: string, done: number, of: number) => void {
  let last = performance.now();
  return (what, done, of) => {
    const now = performance.now();
    if (now - last < FIRST_MS) return;
    last = now;
    say(`${what}: ${done} of ${of} (${Math.floor((100 * done) / Math.max(of, 1))} %)`);
  };
}

export const sayUnverified = (): void =>
  say("No --key: whether the log's key signed this checkpoint is not looked at.");
