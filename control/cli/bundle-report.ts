/** What a person reads of a draft before it is built or signed: all of it, against what is in force, and what is weak. */
import { UserError } from "../base/errors.js";
import { readTextIfThere } from "../base/files.js";
import { plural } from "../base/text.js";
import { nowSeconds, showDuration, showRoughly, showTime } from "../base/time.js";
import type { Anchors } from "../trust/anchors.js";
import { buildClaims, SET_BACK } from "../trust/bundle.js";
import type { BundleClaims } from "../trust/claims.js";
import { contentChanges, describeChanges } from "../trust/diff.js";
import { describeBundle } from "../trust/facts.js";
import { lint } from "../trust/lint.js";
import { withTakenOver } from "../trust/next-bundle.js";
import { parseRoster, type Roster } from "../trust/roster.js";
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
      ...clockWarnings(draft.claims),
      ...lint(draft.claims, anchors),
    ],
  };
}

/** A day more than anybody's clock is wrong by, and holidays between two signatures. */
const SOON = 86_400;

/** What the signer's own clock says of the dates: one of two clocks may be wrong, or the draft has lain too long. */
function clockWarnings({ iat, exp }: BundleClaims): string[] {
  const now = nowSeconds();
  if (iat > now)
    return [
      `it is issued ${showDuration(iat - now)} from now by this machine's clock, and no gateway takes it before: which clock is wrong?`,
    ];
  if (exp > now && exp - now < SOON && exp - iat > SOON)
    return [`it ends in ${showRoughly(exp - now)}: build it again`];
  return [];
}

export function sayReport(report: Report, draft: Draft, current: Draft | undefined): void {
  const { claims } = draft;
  say(
    `Version ${claims.version}, ${report.standing.words}: ${plural(claims.principals.length, "principal")}, ${plural(claims.entitlements.length, "entitlement")}, holds until ${showTime(claims.exp)}.`,
  );
  if (current === undefined) {
    if (claims.version === 1)
      say(
        "It is version 1, as no bundle is here: a gateway that serves a later one refuses it (then copy that one here).",
      );
    say("Nothing is in force here before it; this is all of it:");
  } else {
    say(`Against version ${current.claims.version} in ${current.file} (${report.before?.words ?? "UNVERIFIED"}):`);
    if (contentChanges(current.claims, claims).length === 0) say("  nothing but version and dates changes");
  }
  for (const change of report.changes) say(change === "" ? "" : `  ${change}`, 6);
  for (const warning of report.warnings) warn(warning);
}

/** What a bundle built from the roster would change. */
export function changesByRoster(claims: BundleClaims, roster: Roster): string[] {
  const now = claims.iat + SET_BACK;
  const expected = buildClaims(roster, claims.aud, claims.version, now);
  // What it took over from the bundle and the texts in force stands in no roster; the other report tells it.
  const differences = contentChanges(claims, withTakenOver(expected, claims));
  if (claims.exp !== now + roster.lifetime)
    differences.push(`lifetime: the roster says ${roster.lifetime} seconds, the bundle holds for ${claims.exp - now}`);
  return differences;
}

/** Where the draft is not what the roster says now: it was built before the roster's last change, or from another one. */
export function rosterWarnings({ claims }: Draft, path: string): string[] {
  try {
    const text = readTextIfThere(path, "the roster");
    if (text === undefined) return [`there is no ${path} here: the draft is not compared with a roster`];
    const differences = changesByRoster(claims, parseRoster(text, path));
    if (differences.length === 0) return [];
    return [
      `this draft is NOT what ${path} says now; build it again, unless you know why. By the roster it would change further:`,
      ...differences.map((line) => `  ${line}`),
    ];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [`the draft is not compared with ${path}, which cannot be read: ${error.message.split("\n", 1)[0]}`];
  }
}
