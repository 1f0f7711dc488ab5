/** What a person reads of a draft before it is built or signed: all of it, against what is in force, and what is weak. */
import { existsSync } from "node:fs";
import { UserError } from "../base/errors.js";
import { plural } from "../base/text.js";
import { showTime } from "../base/time.js";
import type { Anchors } from "../trust/anchors.js";
import { buildClaims, SET_BACK } from "../trust/bundle.js";
import { contentChanges, describeChanges } from "../trust/diff.js";
import { describeBundle } from "../trust/facts.js";
import { lint } from "../trust/lint.js";
import { readRoster } from "../trust/roster.js";
import { type Draft, type Standing, standingOf } from "./bundle-draft.js";
import { say, warn } from "./output.js";

export interface Report {
  /** How far the draft itself is signed. */
  readonly standing: Standing;
  /** Of the bundle compared with. */
  readonly before: Standing | undefined;
  readonly changes: readonly string[];
  readonly warnings: readonly string[];
}

export async function reportOf(draft: Draft, current: Draft | undefined, anchors: Anchors): Promise<Report> {
  const before = current === undefined ? undefined : await standingOf(current, anchors);
  return {
    standing: await standingOf(draft, anchors),
    before,
    changes: current === undefined ? describeBundle(draft.claims) : describeChanges(current.claims, draft.claims),
    warnings: [
      ...(current === undefined && draft.claims.version !== 1
        ? [`there is no bundle in force here to compare version ${draft.claims.version} with: all of it is shown`]
        : []),
      ...(before === undefined || before.isVerified
        ? []
        : [`the bundle that this is compared with is ${before.words}`]),
      ...lint(draft.claims, anchors),
    ],
  };
}

export function sayReport(report: Report, draft: Draft, current: Draft | undefined): void {
  const { claims } = draft;
  say(
    `Version ${claims.version}, ${report.standing.words}: ${plural(claims.principals.length, "principal")}, ${plural(claims.entitlements.length, "entitlement")}, holds until ${showTime(claims.exp)}.`,
  );
  if (current === undefined) say("Nothing is in force here before it; this is all of it:");
  else {
    say(`Against version ${current.claims.version} in ${current.file} (${report.before?.words ?? "UNVERIFIED"}):`);
    if (contentChanges(current.claims, claims).length === 0) say("  nothing but version and dates changes");
  }
  for (const change of report.changes) say(change === "" ? "" : `  ${change}`, 6);
  for (const warning of report.warnings) warn(warning);
}

/** Where the draft is not what the roster says now: it was built before the roster's last change, or from another one. */
export function rosterWarnings(draft: Draft, roster: string): string[] {
  if (!existsSync(roster)) return [`there is no ${roster} here: the draft is not compared with a roster`];
  try {
    const { claims } = draft;
    const now = claims.iat + SET_BACK;
    const differences = contentChanges(claims, buildClaims(readRoster(roster), claims.aud, claims.version, now));
    const { lifetime } = readRoster(roster);
    if (claims.exp !== now + lifetime)
      differences.push(`lifetime: the roster says ${lifetime} seconds, the draft holds for ${claims.exp - now}`);
    if (differences.length === 0) return [];
    return [
      `this draft is NOT what ${roster} says now; build it again, unless you know why. By the roster it would change further:`,
      ...differences.map((line) => `  ${line}`),
    ];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [`the draft is not compared with ${roster}, which cannot be read: ${error.message.split("\n", 1)[0]}`];
  }
}
