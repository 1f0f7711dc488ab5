/** A review as rows for a terminal. Every text from outside goes through `visible`, and is cut where it is long: `--json` has it whole. */
import { styleText } from "node:util";
import { plural, visible } from "../base/text.js";
import type { Call, DeniedReview, Granted, Review, Step, Unusual } from "../review/model.js";
import {
  carriedWords,
  crowdedWords,
  evidenceWords,
  minutesWords,
  moment,
  personWords,
  requesterWords,
  stateOf,
  teardownWords,
  unusualRows,
  unverifiedWords,
  utc,
} from "../review/words.js";

const MAX_SHOWN = 160;
const MAX_SENTENCE = 600;
/** More calls than this nobody reads in a terminal. */
const MAX_CALLS = 50;
const LABEL = 14;

export function shown(text: string, most = MAX_SHOWN): string {
  const whole = visible(text);
  return whole.length > most ? `${whole.slice(0, most)}... (${plural(text.length, "character")})` : whole;
}

const row = (label: string, text: string): string => `${label.padEnd(LABEL)}${text}`;
const isPlain = (): boolean => process.env.NO_COLOR !== undefined || !process.stdout.isTTY;
const carriedRows = (review: Review | DeniedReview): string[] => {
  const words = carriedWords(review);
  return words === undefined ? [] : [row("before", visible(words))];
};
const title = (text: string): string => (isPlain() ? text : styleText("bold", text));
const time = (at: number): string => utc(at).slice("2026-11-26 ".length, "2026-11-26 17:20:00".length);

function grantedRows({ hosts, methods, paths, calls, unusedMethods, unusedPaths }: Granted): string[] {
  const unused = [...unusedMethods, ...unusedPaths].map((one) => shown(one));
  const use =
    calls === 0
      ? "never used"
      : `${plural(calls, "call")}${unused.length === 0 ? "" : `; never used: ${unused.join(", ")}`}`;
  return [
    row("  opens", `${methods.map((one) => shown(one)).join(", ")} on ${hosts.map((one) => shown(one)).join(", ")}`),
    row("", paths.map((one) => shown(one)).join(", ")),
    row("  used", use),
  ];
}

function headRows(review: Review): string[] {
  const {
    jti = "",
    grant,
    requester,
    approvals,
    entitlement,
    reason = "",
    incident,
    drill,
    text,
    networks,
    binding,
    audience,
  } = review;
  const because = [reason, incident, drill === undefined ? undefined : `drill ${drill}`].filter(
    (part) => part !== undefined,
  );
  return [
    title(`Review of the grant ${visible(jti)}`),
    row("state", stateOf(review)),
    row("due", moment(review.dueAt)),
    ...carriedRows(review),
    row("grant", grant),
    row("requester", visible(personWords(requester))),
    row("", requesterWords(review)),
    ...(approvals.length === 0 ? [row("approved by", "nobody")] : []),
    ...approvals.map((one) => {
      const proof = one.isProven ? "the signature holds" : "not proven: the record says so";
      return row("approved by", `${visible(personWords(one))} at ${moment(one.at)}; ${proof}`);
    }),
    row(
      "entitlement",
      `${visible(entitlement)}${audience.length === 0 ? "" : ` in ${audience.map(visible).join(", ")}`}`,
    ),
    row("because of", visible(because.join(", "))),
    ...(text === undefined ? [] : [row("words", `"${shown(text, 1000)}"`)]),
    row("bound to", binding),
    row(
      "networks",
      `${networks.granted.length === 0 ? "any" : networks.granted.map(visible).join(", ")}; used from ${networks.used.map(visible).join(", ") || "none"}`,
    ),
  ];
}

/** What each kind may mean stands once, behind the last of it. */
function unusualRowsOf(unusual: readonly Unusual[]): string[] {
  return unusual.flatMap(({ code, says, entries }, i) => [
    `  ${shown(says.charAt(0).toUpperCase() + says.slice(1), MAX_SENTENCE)}${entries.length === 0 ? "" : ` [${entries.join(", ")}]`}`,
    ...(unusual[i + 1]?.code === code ? [] : [`    ${unusualRows[code].look}`]),
  ]);
}

/** Calls in a row are one line: the table below has each. */
function timelineRows(timeline: readonly Step[]): string[] {
  const rows: string[] = [];
  for (let i = 0; i < timeline.length; i++) {
    const step = timeline[i];
    if (step === undefined) continue;
    const who = step.who === undefined ? "" : `${visible(step.who)}: `;
    const isCall = step.what === "call" || step.what === "denied";
    let last = step;
    let count = 1;
    for (; isCall && timeline[i + 1]?.what === step.what; i++, count++) last = timeline[i + 1] ?? last;
    const what = step.what.replace("_", " ");
    if (count > 2)
      rows.push(`  ${utc(step.at)}  ${what.padEnd(9)}  ${who}${plural(count, "call")}, until ${time(last.at)}`);
    else {
      if (count === 2) rows.push(`  ${utc(step.at)}  ${what.padEnd(9)}  ${who}${shown(step.says)}`);
      rows.push(
        `  ${utc(last.at)}  ${what.padEnd(9)}  ${who}${shown(last.says, last.what === "asked" ? 1000 : MAX_SHOWN)}`,
      );
    }
  }
  return rows;
}

function becameOf({ verdict, mode, answer, ended, receipt }: Call): string {
  const parts = [
    mode === "enforce" ? undefined : mode,
    verdict === "allow" ? (answer === undefined ? "no answer" : `${answer.status ?? "no status"}`) : undefined,
    answer?.durationMs === undefined ? undefined : `${answer.durationMs} ms`,
    ended === undefined ? undefined : `cut: ${ended.verdict}`,
    receipt === undefined ? undefined : `receipt ${receipt}`,
  ].filter((part) => part !== undefined);
  return parts.join(", ");
}

export function callRows(calls: readonly Call[]): string[] {
  const rows = calls.slice(0, MAX_CALLS).map((call) => {
    const { entry, at, verdict, method = "", host = "", path = "", isPathCut } = call;
    const request = `${shown(method)} ${shown(host)}${shown(path)}${isPathCut ? "..." : ""}`;
    const became = becameOf(call);
    return `  ${String(entry).padStart(7)}  ${time(at)}  ${visible(verdict).padEnd(8)}  ${request}${became === "" ? "" : ` (${visible(became)})`}`;
  });
  if (calls.length > MAX_CALLS) rows.push(`  ... and ${calls.length - MAX_CALLS} more: --csv and --json have them all`);
  return rows;
}

/** @param sign the command that signs it */
function toDoRows({ blockers, state }: Review | DeniedReview, sign: string): string[] {
  if (state === "closed") return [title("To do"), "  Nothing: it is signed."];
  if (blockers.length === 0) return [title("To do"), `  Sign it: ${visible(sign)}`];
  return [title("It cannot be closed yet"), ...blockers.map((one) => `  ${visible(one)}`)];
}

function closureRows({ closures }: Review | DeniedReview): string[] {
  return closures.flatMap(({ at, by, classification, findings, actions, isProven, isOutdated }) => [
    row(
      "signed by",
      `${visible(personWords(by))} at ${moment(at)} as ${classification}${isOutdated ? "; something came after it" : ""}`,
    ),
    row("", isProven ? "the signature was verified" : unverifiedWords),
    row("", `"${shown(findings, 4000)}"`),
    ...actions.map(({ what, owner, due }) => row("", `${visible(owner)} until ${due}: ${shown(what, 500)}`)),
  ]);
}

export function reviewRows(review: Review, now: number, sign: string): string[] {
  const { granted, unusual, timeline, calls, counts, evidence, teardown, closures } = review;
  return [
    ...headRows(review),
    ...(closures.length === 0 ? [] : closureRows(review)),
    "",
    title("Granted and used"),
    ...(granted.length === 0
      ? ["  What was granted is not known: its evidence did not come."]
      : granted.flatMap(grantedRows)),
    row("  time", minutesWords(review)),
    row("  calls", `${counts.allowed} allowed, ${counts.denied} denied; ${plural(counts.answers, "answer")}`),
    "",
    title("Worth a look [entries]"),
    ...(unusual.length === 0 ? ["  nothing unusual"] : unusualRowsOf(unusual)),
    "",
    title("Timeline (UTC)"),
    ...timelineRows(timeline),
    "",
    title("Calls (entry, time, verdict)"),
    ...callRows(calls),
    "",
    title("Is it over?"),
    ...teardownWords(teardown, now).map((one) => `  ${one}`),
    "",
    title("Evidence"),
    ...evidenceWords(evidence).map((one) => `  ${visible(one)}`),
    "  `glassgate ledger prove` makes a proof of each entry, for somebody who has neither this ledger nor this command.",
    row("  digest", evidence.digest),
    "",
    ...toDoRows(review, sign),
  ];
}

export function deniedRows(review: DeniedReview, sign: string): string[] {
  const { key, sub, grants, verdicts, calls, counts, digest } = review;
  const by = Object.entries(verdicts).map(([verdict, count]) => `${count} ${visible(verdict)}`);
  return [
    title(`Review of what ${visible(sub)} tried in that hour, and was denied`),
    row("review", visible(key)),
    row("state", stateOf(review)),
    row("due", moment(review.dueAt)),
    ...carriedRows(review),
    row("grants", `${grants.length}, which opened nothing`),
    ...[crowdedWords(review)].flatMap((says) => (says === undefined ? [] : [row("", says)])),
    row("denied", `${plural(counts.denied, "call")}: ${by.join(", ")}`),
    ...closureRows(review),
    "",
    title("Calls (entry, time, verdict)"),
    ...callRows(calls),
    "",
    row("digest", digest),
    "",
    ...toDoRows(review, sign),
  ];
}
