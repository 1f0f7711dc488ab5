/** An ask on the screen: all of it, as lists, and the requester's own words last, behind a margin. */
import { block, quote, quoted } from "../base/quote.js";
import { plural, visible } from "../base/text.js";
import { showDuration, showTime } from "../base/time.js";
import { wrap } from "../base/wrap.js";
import type { AskClaims } from "../grant/ask.js";
import { type ClaimName, claims as claimRows } from "../grant/claims.js";
import { isWholeFamily } from "../grant/networks.js";
import type { Entitlement } from "../trust/claims.js";
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

/** Networks that hardly keep anybody out. */
function networkWarnings(networks: readonly string[]): string[] {
  return networks
    .filter(isWholeFamily)
    .map((network) => `${visible(network)} is every address of its kind: no restriction`);
}

/** One detail as lists: every method on every host and path. */
function scopeLines({ actions, locations, paths }: Detail, width: number): string[] {
  const list = (label: string, values: readonly string[]): string[] =>
    values.flatMap((value, i) =>
      block(visible(value), width, (i === 0 ? `  ${label}` : "").padEnd(LABEL), " ".repeat(LABEL + 2)),
    );
  return [...list("methods", [actions.join(", ")]), ...list("hosts", locations), ...list("paths", paths)];
}

/** A value by its kind; of a kind that nobody thought of here, all of it. */
function shown(kind: string, value: AskClaims[ClaimName]): string {
  if (typeof value === "string") return kind === "text" ? quoted(value) : visible(value);
  if (typeof value === "number" && kind === "seconds") return showTime(value);
  return visible(JSON.stringify(value));
}

/** How long the grant lives once its approvals are there, where it may be waited for: seconds. */
export type Life = Pick<Entitlement, "max_ttl" | "max_wait">;

interface Frame {
  readonly life: Life | undefined;
  readonly label: string;
  readonly person: string;
  readonly now: number;
  readonly width: number;
  readonly fact: (label: string, value: string) => string[];
}

/** What the user of a bound grant must show. */
const BOUND_TO: Readonly<Record<string, string>> = {
  "x5t#S256": "the client certificate with the SHA-256",
  jkt: "the key that makes DPoP proofs, with the thumbprint",
};

/** Claims of which there is more to say than the value; all others are shown as they are. */
const OWN_LINES: Readonly<Partial<Record<ClaimName, (claims: AskClaims, frame: Frame) => string[]>>> = {
  sub: ({ sub }, { label, person, fact }) =>
    fact(label, `${visible(sub)}${person === sub ? "" : ` (the person ${visible(person)})`}`),
  aud: ({ aud }, { label, fact }) => fact(label, aud.map(visible).join(", ")),
  exp: ({ iat, exp }, { label, now, life, fact }) => {
    const left = exp > now ? `${showDuration(exp - now)} left` : "EXPIRED";
    // Only where the life that its approvals begin can be over before `exp`.
    const isLatest = life !== undefined && (life.max_wait ?? 0) > 0 && exp - iat > life.max_ttl;
    return [
      ...fact(label, `${showTime(exp)}${isLatest ? " at the latest" : ""} (${showDuration(exp - iat)}, ${left})`),
      ...(isLatest
        ? fact("", `${showDuration(life.max_ttl)} after its approvals are there, where that is sooner`)
        : []),
    ];
  },
  cnf: ({ cnf }, { label, fact }) => {
    if (cnf === undefined) return [];
    const [[method, thumbprint] = ["", ""]] = Object.entries(cnf);
    return fact(label, `${BOUND_TO[method] ?? visible(method)} ${visible(thumbprint)}`);
  },
  net: ({ net }, { label, fact }) => (net === undefined ? [] : fact(label, net.map(visible).join(", "))),
  authorization_details: ({ authorization_details: details }, { label, width, fact }) => [
    ...details.flatMap((detail, i) => [
      details.length === 1 ? label : `${label} (${i + 1} of ${details.length})`,
      ...scopeLines(detail, width),
      ...fact("", "with any query and any body"),
    ]),
  ],
  // Last, and behind a margin: `words`.
  text: () => [],
};

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
  life?: Life,
): Description {
  const fact = (label: string, value: string): string[] => block(value, width, label.padEnd(LABEL), " ".repeat(LABEL));
  const details = claims.authorization_details;
  const { lines, legend } = quote(claims.text, wordsWidth);
  return {
    facts: claimRows.flatMap((row) => {
      const own = OWN_LINES[row.name];
      if (own !== undefined) return own(claims, { life, label: row.label, person, now, width, fact });
      const value = claims[row.name];
      return value === undefined ? [] : fact(row.label, shown(row.kind, value));
    }),
    warnings: [...scopeWarnings(details), ...networkWarnings(claims.net ?? [])],
    words: [
      ...block(`The words of ${visible(claims.sub)}, which nobody has checked:`, wordsWidth, "", ""),
      ...lines,
      ...(legend.length === 0 ? [] : block(`(${legend.join("; ")})`, wordsWidth, "", " ")),
    ],
  };
}

/** Prints it, and says when it is longer than the screen. @param foreseen further warnings */
export function sayAsk(claims: AskClaims, person: string, now: number, foreseen: readonly string[], life?: Life): void {
  const { isTTY, columns, rows } = process.stderr;
  const wordsWidth = isTTY ? columns || DEFAULT_COLUMNS : DEFAULT_COLUMNS;
  const width = isTTY ? wordsWidth : Number.POSITIVE_INFINITY;
  const { facts, words, ...described } = describeAsk(claims, person, width, now, wordsWidth, life);
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
