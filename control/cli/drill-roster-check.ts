/** `glassgate drill roster check`: takes proofs in, and names who has given none for too long. */
import { type Command, Option } from "commander";
import { UserError } from "../base/errors.js";
import { plural, visible } from "../base/text.js";
import { nowSeconds, showDuration, showTime } from "../base/time.js";
import { challengeText } from "../drill/roster.js";
import { type Book, changeBook } from "../drill/roster-book.js";
import { keysOf } from "../drill/roster-judge.js";
import { isWanting, type Row, type Standing, standing, type Taken, takeProofs } from "../drill/roster-standing.js";
import { LEEWAY } from "../grant/dates.js";
import { findAll } from "../grant/find.js";
import { anchorsOption, bundleOption, duration, examples, jsonOption, readTrusted, type Trusted } from "./context.js";
import { proofsOption } from "./drill-options.js";
import { readMessages, wrongInput } from "./message-input.js";
import { resultJson, resultRows, say, sayWhole, warn } from "./output.js";

interface Options {
  readonly anchors: string;
  readonly bundle: string;
  readonly proofs: string;
  readonly within: number;
  readonly json?: boolean;
}

const DAY = 86_400;
const DEFAULT_WITHIN = 90 * DAY;

/** All proofs of one argument: a file of one, or a whole chat. */
function proofsOf(argument: string, index: number): string[] {
  const input = readMessages(argument, `Proof ${index + 1}`, undefined, findAll);
  const proofs = input.found.messages.filter(({ kind }) => kind === "proof");
  if (proofs.length === 0 && /bg-challenge\./i.test(input.text))
    throw new UserError(`Proof ${index + 1} is the challenge itself.`, {
      hint: "Give what each holder's `glassgate drill roster sign` printed, and wrote back.",
    });
  if (proofs.length === 0) throw wrongInput("proof", input, () => undefined);
  return proofs.map(({ text }) => text);
}

/** By a clock that is behind, everybody would have signed lately. */
function checkClock({ challenges }: Book, { claims }: Trusted, now: number): void {
  const latest = Math.max(claims.iat, ...challenges.map(({ iat }) => iat));
  if (latest > now + LEEWAY)
    throw new UserError(
      `This machine's clock says ${showTime(now)}, and the bundle or a challenge was made after that, at ${showTime(latest)}.`,
      { hint: "Set the clock, then run it again. Nothing was changed." },
    );
}

const STATES: Readonly<Record<Row["state"], string>> = {
  proven: "good",
  overdue: "OVERDUE",
  never: "NEVER",
  "no key": "NO KEY",
  "not yet": "not yet",
  ended: "ended",
  revoked: "revoked",
  drill: "drills",
};

const day = (seconds: number): string => showTime(seconds).slice(0, "2026-11-26".length);

function rowText({ who, person, kid, state, challenged }: Row, now: number): string {
  const name = person === undefined || person === who ? who : `${who} (${person})`;
  const age = challenged === undefined ? 0 : Math.floor(Math.max(0, now - challenged) / DAY);
  const last = challenged === undefined ? "" : `  challenged ${day(challenged)}, ${plural(age, "day")} ago`;
  const key = kid ?? "none that is good now";
  return `${STATES[state].padEnd(8)}  ${visible(name).padEnd(20)}  ${key}${last}`;
}

const namesOf = (rows: readonly Row[]): string[] => [...new Set(rows.map(({ who }) => who))];

/** One that may still be answered is as good as a new one, and its answers are on their way. */
function sayNext(challenges: Book["challenges"], aud: string, now: number): void {
  const open = challenges.findLast((one) => one.aud === aud && one.exp > now);
  const lost = "A key that is lost is taken off the roster and a new one put there.";
  if (open === undefined) say(`Next: send them a challenge (\`glassgate drill roster challenge\`). ${lost}`);
  else {
    say(
      `${lost} The challenge of ${day(open.iat)} may be answered until ${showTime(open.exp)}. Next: send them its line again:`,
    );
    sayWhole(`  ${challengeText(open)}`);
  }
}

function report(found: Standing, book: Book, { claims, anchors }: Trusted, options: Options, now: number): void {
  const wanting = found.rows.filter(isWanting);
  const rest = found.rows.filter((row) => !isWanting(row));
  const left = found.left.map(
    ({ who, kid, challenged }) =>
      `left      ${visible(who).padEnd(20)}  ${kid}  challenged ${day(challenged)}; not in the bundle any more`,
  );
  resultRows([
    `${anchors.audience}, bundle version ${claims.version}: who has proved their keys in the last ${showDuration(options.within)}`,
    "",
    ...[...wanting, ...rest].map((row) => rowText(row, now)),
    ...left,
  ]);
  const good = rest.filter(({ state }) => state === "proven").length;
  if (wanting.length === 0) say(`All ${plural(good, "key")} were proved in time.`);
  else {
    say(`${plural(good, "key")} proved; without a proof in time: ${namesOf(wanting).map(visible).join(", ")}.`);
    sayNext(book.challenges, anchors.audience, now);
  }
}

async function check(args: readonly string[], options: Options): Promise<void> {
  const trusted = await readTrusted(options);
  const keys = keysOf(trusted);
  const tokens = [...new Set(args.flatMap(proofsOf))];
  let taken: Taken | undefined;
  const now = nowSeconds();
  await changeBook(options.proofs, (book) => {
    checkClock(book, trusted, now);
    taken = takeProofs(book, tokens, keys, now);
    return taken.book;
  });
  if (taken === undefined) throw new Error("the proofs were not read");
  const { book, refused } = taken;
  const found = standing(book, keys, now, options.within);
  const overdue = found.rows.filter(isWanting);
  if (refused.length > 0 || overdue.length > 0) process.exitCode = 1;
  for (const { who, why } of refused) warn(`the proof of ${visible(who)} does not count: ${why}.`);
  if (trusted.claims.exp <= now) warn("this bundle has expired: is there a newer one?");
  if (options.json === true)
    resultJson({
      audience: trusted.anchors.audience,
      bundle: trusted.claims.version,
      within: options.within,
      ...{ keys: found.rows, left: found.left, overdue: namesOf(overdue), refused },
    });
  else report(found, book, trusted, options, now);
}

export function addDrillRosterCheck(roster: Command): void {
  const command = roster
    .command("check")
    .description("take proofs in, and name whose keys were not proved in time; exit code 1 where there is one")
    .argument("[proofs...]", "files, - for standard input, or the texts; a whole chat may be given")
    .addOption(
      new Option("--within <duration>", "how long a proof counts, from when its challenge was made")
        .argParser(duration)
        .default(DEFAULT_WITHIN, "90d"),
    )
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(proofsOption())
    .addOption(jsonOption())
    .action(check);
  examples(command, [
    "glassgate drill roster check adam.proof anna.proof",
    "glassgate drill roster check --within 30d",
    "glassgate drill roster check chat.txt --json",
  ]);
}
