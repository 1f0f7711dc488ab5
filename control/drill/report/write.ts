/** A drill's folder: the signed report, the signature, and what people and CI systems read. Whole, or not there at all. */
import { randomBytes } from "node:crypto";
import { existsSync, lstatSync, mkdtempSync, realpathSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { reasonOf, systemCode, UserError } from "../../base/errors.js";
import { syncFolder, tryWriting, writeNewTexts } from "../../base/files.js";
import { noteRemoved, noteWritten } from "../../base/stopped.js";
import { visible } from "../../base/text.js";
import type { DrillClaims } from "../../ledger/drill.js";
import { parseCheckpoint } from "../../ledger/tlog/checkpoint.js";
import { sha256Hex } from "../../signer/sign.js";
import { junitOf } from "./junit.js";
import type { Report } from "./model.js";
import { reportPage } from "./page.js";
import { written } from "./read.js";
import { isGood } from "./words.js";

export const files = {
  report: "report.json",
  signature: "report.jws",
  page: "report.html",
  junit: "junit.xml",
} as const;

/** What is signed: these bytes, exactly. */
export const reportBytes = (report: Report): Buffer => written(report);

/** `2026-11-27T00:46:48.000Z`, as a signature has it. */
const moment = (text: string): string => new Date(text).toISOString();

/** What a report's signature says of it. @param iat seconds */
export function drillClaims(report: Report, sha256: string, iat: number): DrillClaims {
  const { audience, origin, drill, name, partial, people, began, ended, dueNext, counts, checkpoint, drillFile } =
    report;
  const head = checkpoint === undefined ? undefined : parseCheckpoint(checkpoint.text);
  const { passed, failed, notProbed } = counts;
  return {
    v: 1,
    ...(audience === undefined ? {} : { aud: audience }),
    ...(origin === undefined ? {} : { origin }),
    ...{ drill, name },
    ...(partial === true && { partial }),
    ...{ sub: people.signer, iat },
    ...{ began: moment(began), ended: moment(ended), due: moment(dueNext) },
    ...(drillFile === undefined ? {} : { file: drillFile }),
    report: sha256,
    counts: { passed, failed, notProbed },
    good: isGood(report),
    ...(head && { checkpoint: { size: head.size, root: head.root.toString("hex") } }),
  };
}

export interface Written {
  readonly folder: string;
  readonly token: string;
  readonly claims: DrillClaims;
}

/** More than the report of some gateways has, with what stands beside it. */
const REPORT_BYTES = 4 * 1024 * 1024;

/** Before anything is sent: afterwards a drill would be held without its report. @throws UserError */
export function mustTakeReport(output: string): void {
  try {
    let there = resolve(output);
    while (!existsSync(there)) there = dirname(there);
    const made = mkdtempSync(join(there, ".glassgate-"));
    try {
      tryWriting(made, REPORT_BYTES);
    } finally {
      rmdirSync(made);
    }
  } catch (error) {
    throw new UserError(`No report can be written into ${visible(output)}: ${reasonOf(error)}. Nothing was sent.`, {
      cause: error,
      hint: "Name another place with --output.",
    });
  }
}

/** What a folder that is renamed meets under a name that is taken. */
const TAKEN = ["ENOTEMPTY", "EEXIST", "ENOTDIR"];
const MOST_OF_ONE_SECOND = 1000;

/** Places the folder under a name that is free. It is not looked for first: another drill may take the same one meanwhile. */
function place(temporary: string, output: string, { began, name }: Report): string {
  const stem = `${moment(began).replace(/[-:]|\.\d+/g, "")}-${name}`;
  for (let i = 1; ; i++) {
    const path = join(output, i === 1 ? stem : `${stem}-${i}`);
    try {
      renameSync(temporary, path);
      return path;
    } catch (error) {
      if (!TAKEN.includes(systemCode(error) ?? "") || i === MOST_OF_ONE_SECOND) throw error;
    }
  }
}

/**
 * @param output where the drills' folders are
 * @param report as `withLast` made it
 * @param sign makes the token: `signDrill` with the signer's key
 * @param iat seconds since 1970
 */
export async function writeReport(
  output: string,
  report: Report,
  sign: (claims: DrillClaims) => Promise<string>,
  iat: number,
): Promise<Written> {
  const bytes = reportBytes(report);
  const claims = drillClaims(report, sha256Hex(bytes), iat);
  const token = await sign(claims);
  let folder = output;
  const temporary = join(output, `.glassgate-${randomBytes(6).toString("hex")}.tmp`);
  const texts: readonly (readonly [string, string | Buffer])[] = [
    [files.report, bytes],
    [files.signature, `${token}\n`],
    [files.page, reportPage(report, claims.report)],
    [files.junit, junitOf(report)],
  ];
  try {
    writeNewTexts(texts.map(([name, text]) => ({ path: join(temporary, name), text })));
    folder = place(temporary, output, report);
    syncFolder(output);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`Cannot write into ${visible(output)}: ${reasonOf(error)}. Nothing was written.`, {
      cause: error,
      hint: "Name another place with --output.",
    });
  } finally {
    if (existsSync(temporary)) rmSync(temporary, { recursive: true });
    for (const [name] of texts) noteRemoved(join(temporary, name));
  }
  noteWritten(join(folder, basename(files.report)));
  // Whoever made a link of it meanwhile has the report elsewhere.
  const isLink = lstatSync(resolve(output)).isSymbolicLink();
  return { folder: isLink ? realpathSync(folder) : folder, token, claims };
}
