/** An ask on the screen: all of it, as lists, and the requester's own words last, behind a margin. */
import { block, quote, quoted } from "../base/quote.js";
import { plural, visible } from "../base/text.js";
import { showDuration, showTime } from "../base/time.js";
import { wrap } from "../base/wrap.js";
import type { AskClaims } from "../grant/ask.js";
import type { Detail } from "../trust/names.js";
import { say, warn } from "./output.js";

const LABEL = 13;
const DEFAULT_COLUMNS = 80;
/** What stands around it at 40 columns: the heading, blank lines, the question and the sentence before it. */
const FRAME_LINES = 10;

/** A path in a sentence: it stands above in full. */
function briefly(path: string): string {
  const shown = visible(path);
  return shown.length <= 48 ? shown : `${shown.slice(0, 24)}...${shown.slice(-20)}`;
}

/** What the scope does not say, and a person should know. */
function scopeWarnings(details: readonly Detail[]): string[] {
  const warnings = new Set<string>();
  for (const { actions, paths } of details) {
    for (const path of paths) {
      if (path.endsWith("/**")) warnings.add(`${briefly(path)} opens everything below it`);
      if (/\/(graphql|batch|rpc|\$batch)$/i.test(path)) {
        warnings.add(
          `${briefly(path)} is one endpoint for many operations: the body decides which, and nobody judges the body`,
        );
      }
    }
    if (actions.includes("CONNECT")) warnings.add("CONNECT opens a tunnel whose content nobody judges");
  }
  return [...warnings];
}

/** One detail as lists: every method on every host and path. */
function scopeLines({ actions, locations, paths }: Detail, width: number): string[] {
  const list = (label: string, values: readonly string[]): string[] =>
    values.flatMap((value, i) =>
      block(visible(value), width, (i === 0 ? `  ${label}` : "").padEnd(LABEL), " ".repeat(LABEL + 2)),
    );
  return [...list("methods", [actions.join(", ")]), ...list("hosts", locations), ...list("paths", paths)];
}

export interface Description {
  /** What the gateway will enforce. */
  readonly facts: readonly string[];
  readonly warnings: readonly string[];
  /** The requester's own words, and what the signs in them mean. */
  readonly words: readonly string[];
}

/** @param width in columns @param now seconds @param wordsWidth of the words, which are never left unbroken */
export function describeAsk(
  claims: AskClaims,
  person: string,
  width: number,
  now: number,
  wordsWidth = width,
): Description {
  const left = claims.exp - now;
  const life = `${showDuration(claims.exp - claims.iat)}, ${left > 0 ? `${showDuration(left)} left` : "EXPIRED"}`;
  const details = claims.authorization_details;
  const fact = (label: string, value: string): string[] => block(value, width, label.padEnd(LABEL), " ".repeat(LABEL));
  const { lines, legend } = quote(claims.text, wordsWidth);
  return {
    facts: [
      ...fact("requester", `${visible(claims.sub)}${person === claims.sub ? "" : ` (the person ${visible(person)})`}`),
      ...fact("entitlement", visible(claims.ent)),
      ...fact("reason", visible(claims.reason)),
      ...(claims.incident === undefined ? [] : fact("incident", quoted(claims.incident))),
      ...(claims.drill === undefined ? [] : fact("drill", visible(claims.drill))),
      ...fact("environment", claims.aud.map(visible).join(", ")),
      ...fact("asked", showTime(claims.iat)),
      ...fact("ends", `${showTime(claims.exp)} (${life})`),
      ...details.flatMap((detail, i) => [
        details.length === 1 ? "opens" : `opens (${i + 1} of ${details.length})`,
        ...scopeLines(detail, width),
      ]),
      ...fact("", "with any query and any body"),
    ],
    warnings: scopeWarnings(details),
    words: [
      ...block(`The words of ${visible(claims.sub)}, which nobody has checked:`, wordsWidth, "", ""),
      ...lines,
      ...(legend.length === 0 ? [] : block(`(${legend.join("; ")})`, wordsWidth, "", " ")),
    ],
  };
}

/** Prints it, and says when it is longer than the screen. @param foreseen further warnings */
export function sayAsk(claims: AskClaims, person: string, now: number, foreseen: readonly string[]): void {
  const { isTTY, columns, rows } = process.stderr;
  const wordsWidth = isTTY ? columns || DEFAULT_COLUMNS : DEFAULT_COLUMNS;
  const width = isTTY ? wordsWidth : Number.POSITIVE_INFINITY;
  const { facts, words, ...described } = describeAsk(claims, person, width, now, wordsWidth);
  const warnings = [...described.warnings, ...foreseen];
  for (const line of facts) say(line);
  say();
  for (const warning of warnings) warn(warning);
  if (warnings.length > 0) say();
  for (const line of words) say(line);
  const warningLines = warnings.flatMap((warning) => wrap(`warning: ${warning}`, width, 9).split("\n"));
  const length = facts.length + warningLines.length + words.length;
  if (isTTY && rows > 0 && length + FRAME_LINES > rows) {
    const details = claims.authorization_details;
    const paths = details.reduce((sum, detail) => sum + detail.paths.length, 0);
    say();
    say(`That was ${length} lines, with ${plural(paths, "path")}: scroll up and read them all.`);
  }
}
