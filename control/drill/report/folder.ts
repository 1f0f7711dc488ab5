/** The drills that were held, as their folders tell: each with a signature that names exactly its report. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { hintOf, messageOf, reasonOf, systemCode, UserError } from "../../base/errors.js";
import { readBytes, readText } from "../../base/files.js";
import { visible } from "../../base/text.js";
import { type DrillClaims, readDrillToken, type SignedDrill } from "../../ledger/drill.js";
import type { LastReport } from "./compare.js";
import { MAX_REPORT_BYTES, parseReport } from "./read.js";
import { files, sha256Of } from "./write.js";

export interface ReadFolder {
  readonly folder: string;
  readonly bytes: Buffer;
  readonly token: string;
}

/** @param path the folder, or its report.json */
export function readFolder(path: string): ReadFolder {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const report = isFolder ? join(path, files.report) : path;
  const signature = join(report, "..", files.signature);
  const bytes = readBytes(report, "the report", { max: MAX_REPORT_BYTES });
  const hint = `The signature stands beside the report, in ${files.signature}; \`glassgate drill run\` writes both.`;
  return { folder: join(report, ".."), bytes, token: readText(signature, "the report's signature", hint).trim() };
}

export interface HeldDrill {
  readonly folder: string;
  readonly signed: SignedDrill;
  readonly bytes: Buffer;
}

export interface Held {
  readonly drills: readonly HeldDrill[];
  /** Folders that count for nothing, and why: a sentence each. */
  readonly odd: readonly string[];
}

function heldIn(folder: string): HeldDrill {
  const { bytes, token } = readFolder(folder);
  const signed = readDrillToken(token);
  if (signed === undefined) throw new UserError(`${files.signature} is no signature of a drill's report`);
  if (signed.claims.report !== sha256Of(bytes))
    throw new UserError(`${files.report} is not the report that was signed: its hash is another`);
  return { folder, signed, bytes };
}

function foldersIn(output: string): string[] {
  try {
    return readdirSync(output, { withFileTypes: true })
      .filter((one) => one.isDirectory() && !one.name.startsWith("."))
      .map(({ name }) => join(output, name))
      .sort();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw new UserError(`Cannot read the folder of drills ${visible(output)}: ${reasonOf(error)}.`, {
      cause: error,
      hint: hintOf(error) ?? "",
    });
  }
}

/** In the order of their names, which is that of their times. @param output where the drills' folders are; nothing, where it is missing */
export function drillsIn(output: string): Held {
  const drills: HeldDrill[] = [];
  const odd: string[] = [];
  for (const folder of foldersIn(output))
    try {
      drills.push(heldIn(folder));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      odd.push(`${visible(folder)} does not count: ${messageOf(error).replace(/\.$/, "")}.`);
    }
  return { drills, odd };
}

/** Some cases alone are no drill that was held. */
export const isWhole = ({ partial }: DrillClaims): boolean => partial !== true;

const byEnd = (a: DrillClaims, b: DrillClaims): number => Date.parse(a.ended) - Date.parse(b.ended);

/** Of each name the newest, in the order of names. */
export function newestOf<T>(all: readonly T[], claimsOf: (one: T) => DrillClaims): T[] {
  const names = [...new Set(all.map((one) => claimsOf(one).name))].sort();
  return names.flatMap((name) =>
    all
      .filter((one) => claimsOf(one).name === name)
      .sort((a, b) => byEnd(claimsOf(a), claimsOf(b)))
      .slice(-1),
  );
}

/** What a new report of that name is held beside; undefined where it is the first. */
export function lastReport(output: string, name: string): LastReport | undefined {
  const own = drillsIn(output).drills.filter(({ signed }) => signed.claims.name === name && isWhole(signed.claims));
  const [last] = newestOf(own, ({ signed }) => signed.claims);
  if (last === undefined) return undefined;
  return { report: parseReport(last.bytes, last.folder), sha256: last.signed.claims.report };
}
