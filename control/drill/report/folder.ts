/** The drills that were held, as their folders tell: each with a signature that names exactly its report. */
import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { hintOf, messageOf, reasonOf, systemCode, UserError } from "../../base/errors.js";
import { readBytes } from "../../base/files.js";
import { plural, shellWord, visible } from "../../base/text.js";
import { faultOfDrillIn, faultsOfTimes } from "../../ledger/chain/drills.js";
import { type DrillClaims, MAX_DRILL_BYTES, readDrillToken, type SignedDrill } from "../../ledger/drill.js";
import { sha256Hex } from "../../signer/sign.js";
import type { Anchors } from "../../trust/anchors.js";
import type { BundleClaims } from "../../trust/claims.js";
import type { LastReport } from "./compare.js";
import { MAX_REPORT_BYTES, parseReport } from "./read.js";
import { files } from "./write.js";

export interface ReadFolder {
  readonly folder: string;
  readonly bytes: Buffer;
  readonly token: string;
}

/** A line end behind it, and whatever an editor has added. */
const MAX_SIGNATURE_BYTES = MAX_DRILL_BYTES + 1024;

/** A pipe or a device in the place of a file would be waited for without an end. */
function readPlain(path: string, what: string, max: number, hint?: string): Buffer {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there !== undefined && !there.isFile() && !there.isDirectory())
    throw new UserError(
      `Cannot read ${what} ${visible(path)}: it is no plain file.`,
      hint === undefined ? {} : { hint },
    );
  return readBytes(path, what, { max, ...(hint === undefined ? {} : { hint }) });
}

const isFolderAt = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
const isFileAt = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** More of them are named by their folder. */
const MOST_NAMED = 10;

/** A drill's other files, and the folder of all drills, are named by mistake: what is meant is told. */
function refuseOther(path: string, isFolder: boolean): void {
  const shown = visible(path);
  if (!isFolder) {
    const other = Object.values(files).find((name) => name !== files.report && name === basename(path));
    if (other === undefined || !isFileAt(join(path, "..", files.report))) return;
    throw new UserError(`${shown} is not what is signed: that is ${files.report}.`, {
      hint: `Give its folder: ${shellWord(dirname(path))}`,
    });
  }
  if (isFileAt(join(path, files.report))) return;
  const drills = foldersIn(path).own.filter((one) => isFileAt(join(one, files.report)));
  if (drills.length === 0) return;
  const newest = drills.toReversed();
  const more = newest.length > MOST_NAMED ? ` and ${newest.length - MOST_NAMED} more` : "";
  throw new UserError(`${shown} is no drill's folder: it holds ${plural(drills.length, "drill")}.`, {
    hint: `Give one of them: ${newest.slice(0, MOST_NAMED).map(shellWord).join(", ")}${more}`,
  });
}

/** @param path the folder, or its report.json */
export function readFolder(path: string): ReadFolder {
  const isFolder = isFolderAt(path);
  refuseOther(path, isFolder);
  const report = isFolder ? join(path, files.report) : path;
  const signature = join(report, "..", files.signature);
  const bytes = readPlain(report, "the report", MAX_REPORT_BYTES);
  const hint = `The signature stands beside the report, in ${files.signature}; \`glassgate drill run\` writes both.`;
  const token = readPlain(signature, "the report's signature", MAX_SIGNATURE_BYTES, hint);
  return { folder: join(report, ".."), bytes, token: token.toString("latin1").trim() };
}

/** What stands beside the report for people and CI systems, as far as it is there and can be read. */
export function formsIn(folder: string): ReadonlyMap<string, string> {
  const forms = new Map<string, string>();
  for (const name of [files.page, files.junit]) {
    const path = join(folder, name);
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === true)
      forms.set(name, readPlain(path, name, MAX_REPORT_BYTES).toString("utf8"));
  }
  return forms;
}

export interface HeldDrill {
  readonly folder: string;
  readonly signed: SignedDrill;
}

export interface Held {
  readonly drills: readonly HeldDrill[];
  /** Folders that count for nothing, and why: a sentence each. */
  readonly odd: readonly string[];
}

/** By whom drills may be signed. */
export interface Trusting {
  readonly anchors: Anchors;
  readonly claims: BundleClaims;
}

/** @throws UserError where that signature is not of that report */
export function signedIn({ bytes, token }: Pick<ReadFolder, "bytes" | "token">): SignedDrill {
  const signed = readDrillToken(token);
  if (signed === undefined) throw new UserError(`${files.signature} is no signature of a drill's report.`);
  if (signed.claims.report !== sha256Hex(bytes))
    throw new UserError(`${files.report} is not the report that was signed: its hash is another.`);
  return signed;
}

function heldIn(folder: string, trusted: Trusting | undefined, now: number): HeldDrill {
  const signed = signedIn(readFolder(folder));
  const fault = trusted && faultOfDrillIn(trusted.claims, trusted.anchors.audience, signed);
  const [first] = [fault ?? [], faultsOfTimes(signed.claims, now)].flat();
  if (first !== undefined) throw new UserError(first);
  return { folder, signed };
}

/** A file system's own, at the root of a volume: nobody's drill. */
const OF_THE_DISK = "lost+found";

/** Names of folders, and of links to some, which may lead anywhere. */
function foldersIn(output: string): { own: readonly string[]; links: readonly string[] } {
  try {
    const all = readdirSync(output, { withFileTypes: true }).filter(
      ({ name }) => !name.startsWith(".") && name !== OF_THE_DISK,
    );
    const paths = (is: (one: (typeof all)[number]) => boolean): string[] =>
      all
        .filter(is)
        .map(({ name }) => join(output, name))
        .sort();
    return { own: paths((one) => one.isDirectory()), links: paths((one) => one.isSymbolicLink()) };
  } catch (error) {
    if (systemCode(error) === "ENOENT") return { own: [], links: [] };
    throw new UserError(`Cannot read the folder of drills ${visible(output)}: ${reasonOf(error)}.`, {
      cause: error,
      hint: hintOf(error) ?? "",
    });
  }
}

/**
 * In the order of their names, which is that of their times.
 * @param output where the drills' folders are; nothing, where it is missing
 * @param trusted undefined: nobody's signature is checked @param now milliseconds
 */
export function drillsIn(output: string, trusted: Trusting | undefined, now: number): Held {
  const drills: HeldDrill[] = [];
  const { own, links } = foldersIn(output);
  const odd = links.map((link) => `${visible(link)} does not count: it is a link.`);
  for (const folder of own)
    try {
      drills.push(heldIn(folder, trusted, now));
    } catch (error) {
      // One that nobody may read, or that leads round in a circle, takes no other drill's report away.
      const why =
        error instanceof UserError ? messageOf(error) : systemCode(error) === undefined ? "" : reasonOf(error);
      if (why === "") throw error;
      odd.push(`${visible(folder)} does not count: ${why.replace(/\.$/, "")}.`);
    }
  return { drills, odd };
}

/** Some cases alone are no drill that was held. */
export const isWhole = ({ partial }: DrillClaims): boolean => partial !== true;

const byEnd = (a: DrillClaims, b: DrillClaims): number => Date.parse(a.ended) - Date.parse(b.ended);

/** Of each name the newest, in the order of names; of two that ended at once the later one. */
export function newestOf<T>(all: readonly T[], claimsOf: (one: T) => DrillClaims): T[] {
  const newest = new Map<string, T>();
  for (const one of all) {
    const { name } = claimsOf(one);
    const other = newest.get(name);
    if (other === undefined || byEnd(claimsOf(one), claimsOf(other)) >= 0) newest.set(name, one);
  }
  return [...newest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

/**
 * What a new report of that name is held beside; undefined where it is the first.
 * @param trusted whoever else can write there would say what is worse and what is mended
 */
export function lastReport(
  output: string,
  name: string,
  trusted: Trusting | undefined,
  now: number,
): { readonly last: LastReport | undefined; readonly odd: readonly string[] } {
  const { drills, odd } = drillsIn(output, trusted, now);
  const own = drills.filter(({ signed }) => signed.claims.name === name && isWhole(signed.claims));
  const [last] = newestOf(own, ({ signed }) => signed.claims);
  if (last === undefined) return { last: undefined, odd };
  try {
    const { bytes } = readFolder(last.folder);
    return { last: { report: parseReport(bytes, last.folder), sha256: sha256Hex(bytes) }, odd };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { last: undefined, odd: [...odd, messageOf(error)] };
  }
}
