/** The page of one review: what is unusual first, every call last. */
import type { Review, Step, Unusual } from "../model.js";
import { isUnverified, showMinutes, unusualRows } from "../words.js";
import { callsSection } from "./calls.js";
import { carriedBox, closingSection, unverifiedBadge } from "./closing.js";
import { type Place, page } from "./document.js";
import { evidenceSection, jsonSection, teardownSection } from "./evidence.js";
import { grantedSection } from "./granted.js";
import { code, data, type Html, html } from "./html.js";
import { peopleSection } from "./people.js";
import { timelineSvg } from "./timeline.js";
import { clockOf, counted, dayOf, dueSentence, showMoment, stateAt, stateWords, time } from "./words.js";

/** Further entries of one point are named by the command. */
const MOST_LINKS = 16;

function unusual({ code, says, entries }: Unusual, onPage: ReadonlySet<number>): Html {
  const links = entries
    .slice(0, MOST_LINKS)
    .map((entry) => (onPage.has(entry) ? html`<a href="#e${entry}">${entry}</a>` : html`${entry}`));
  const shows =
    links.length === 0
      ? undefined
      : html`<div class="small quiet">${links.length === 1 ? "Entry" : "Entries"} ${links.map((link, i) => html`${i === 0 ? "" : ", "}${link}`)}</div>`;
  const { title, look } = unusualRows[code];
  return html`<li><strong>${title}</strong>: ${data(says)}<div class="small quiet">${withCode(look)}</div>${shows}</li>`;
}

/** What is nothing wrong in itself stands apart: one's eyes are wanted by the rest. */
function lookSection({ unusual: list, calls }: Review): Html {
  const onPage = new Set(calls.map(({ entry }) => entry));
  const rows = (those: readonly Unusual[]): Html[] => those.map((one) => unusual(one, onPage));
  const harmless = list.filter(({ code }) => unusualRows[code].isHarmless === true);
  const rest = list.filter((one) => !harmless.includes(one));
  return html`<section id="look" aria-labelledby="look-title"><h2 id="look-title">What to look at</h2>
${list.length === 0 ? html`<p>Nothing unusual was found. That is no judgement: what was done, and whether it fits the reason, you have to say.</p>` : undefined}${rest.length === 0 ? undefined : html`<ul class="look">${rows(rest)}</ul>`}${harmless.length === 0 ? undefined : html`<h3>Nothing wrong, and good to know</h3><ul class="look calm">${rows(harmless)}</ul>`}
</section>`;
}

/** Our own sentence, with what a terminal has between backticks set as code. */
const withCode = (text: string): Html =>
  html`${text.split("`").map((part, i) => (i % 2 === 1 ? code(part) : html`${part}`))}`;

interface Row {
  readonly first: Step;
  readonly last: Step;
  readonly count: number;
}

const isMany = ({ what }: Step): boolean => what === "call" || what === "denied";

/** Calls one after the other are one row: each of them stands in the list of calls. */
function rowsOf(steps: readonly Step[]): Row[] {
  const rows: Row[] = [];
  for (const step of steps) {
    const before = rows.at(-1);
    if (before !== undefined && isMany(step) && before.first.what === step.what)
      rows[rows.length - 1] = { first: before.first, last: step, count: before.count + 1 };
    else rows.push({ first: step, last: step, count: 1 });
  }
  return rows;
}

const kinds: Readonly<Record<Step["what"], string>> = {
  asked: "Asked",
  approved: "Approved",
  issued: "Issued",
  first_use: "First use",
  call: "Call",
  denied: "Denied",
  ended: "Stream ended",
  revoked: "Revoked",
  expired: "Expired",
  alarm: "Alarm",
  closed: "Signed",
};
const loud: ReadonlySet<string> = new Set(["denied", "ended", "revoked", "alarm"]);

function stepRow({ first, last, count }: Row, dayBefore: string | undefined): Html {
  const kind = loud.has(first.what) ? html`<span class="no">${kinds[first.what]}</span>` : html`${kinds[first.what]}`;
  const says =
    count === 1
      ? data(first.says)
      : html`${first.what === "denied" ? counted(count, "denial") : counted(count, "call")} until ${clockOf(last.at)}, beginning with: ${data(first.says)}`;
  const who = first.who === undefined ? html`<span class="quiet">–</span>` : data(first.who);
  const when = dayOf(first.at) === dayBefore ? clockOf(first.at) : `${dayOf(first.at)} ${clockOf(first.at)}`;
  return html`<tr><td class="when">${time(first.at, when)}</td><td>${kind}</td><td>${who}</td><td>${says}</td></tr>`;
}

/** A table that alternates for ever helps nobody; the calls themselves are all below. */
const MOST_ROWS = 120;

function timelineSection(review: Review): Html {
  const rows = rowsOf(review.timeline);
  const shown = rows.length <= MOST_ROWS ? rows : rowsOf(review.timeline.filter((step) => !isMany(step)));
  const left = rows.length <= MOST_ROWS ? "" : " Calls and denials are left out here: they stand under Every call.";
  return html`<section id="timeline" aria-labelledby="timeline-title"><h2 id="timeline-title">Timeline</h2>
${timelineSvg(review)}
<table class="cards steps"><caption>The same in words, UTC.${left}</caption><thead><tr><th scope="col">When</th><th scope="col">What</th><th scope="col">Who</th><th scope="col">Details</th></tr></thead><tbody>
${shown.map((row, i) => stepRow(row, i === 0 ? undefined : dayOf(shown[i - 1]?.first.at ?? Number.NaN)))}</tbody></table>
</section>`;
}

const parts = [
  ["look", "What to look at"],
  ["people", "Who and why"],
  ["timeline", "Timeline"],
  ["granted", "Granted and used"],
  ["teardown", "Is it over?"],
  ["evidence", "Evidence"],
  ["close", "Close it"],
  ["calls", "Every call"],
] as const;

function lede({ requester, entitlement, counts, minutes: { granted, used } }: Review): Html {
  const span =
    granted === undefined
      ? `for ${showMinutes(used)}`
      : `for ${showMinutes(used)} of the ${showMinutes(granted)} that were granted`;
  const did =
    counts.allowed === 0
      ? html`never used it`
      : html`used it ${span}: ${counted(counts.allowed, "call was", "calls were")} allowed`;
  return html`<p class="lede">${data(requester.sub)} had a grant for ${data(entitlement)} and ${did}${counts.denied === 0 ? html`, none denied` : html`, <span class="no">${counts.denied} denied</span>`}.</p>`;
}

export function totalsOf({ allowed, denied, answers, alarms }: Review["counts"]): string {
  return `${counted(allowed, "call")} allowed, ${counted(answers, "answer")} to them; ${denied === 0 ? "none" : counted(denied, "call")} denied; ${counted(alarms, "alarm")} about the grant.`;
}

export function reviewPage(review: Review, place: Place): string {
  const state = stateAt(review, place.now);
  const isHot = state === "overdue" || state === "reopened";
  const isDone = state === "closed";
  const badge = html`<span class="state${isHot ? " hot" : ""}">${stateWords[state]}</span>`;
  const main = html`<p class="over">${isUnverified(review) ? unverifiedBadge : badge}${isDone ? undefined : html`<span>${dueSentence(review, place.now)}</span>`}${review.drill === undefined ? undefined : html`<span class="state">Drill</span>`}</p>
<h1>${data(review.incident ?? review.entitlement)}${review.incident === undefined ? undefined : html`: ${data(review.reason ?? review.entitlement)}`}</h1>
${lede(review)}
${carriedBox(review)}
<nav class="parts" aria-label="On this page">${parts.map(([id, name]) => html`<a href="#${id}">${name}</a>`)}</nav>
${lookSection(review)}
${peopleSection(review)}
${timelineSection(review)}
${grantedSection(review)}
${teardownSection(review, place.now)}
${evidenceSection(review)}
${closingSection(review, place)}
${callsSection(review.calls, totalsOf(review.counts))}
${place.isServed ? undefined : jsonSection(review)}`;
  return page({
    title: `Review of ${review.incident ?? review.entitlement}, ${review.requester.sub}`.slice(0, 120),
    origin: review.evidence.origin,
    place,
    main,
    foot: html`<p>Made ${showMoment(place.now)} from the ledger's first ${review.evidence.size} entries. This page only shows; the ledger's files, its key and <code>glassgate ledger verify</code> prove it.${place.isServed ? html` <a href="/review/${/^[0-9a-f]{64}$/.test(review.grant) ? review.grant : ""}.json">The same as JSON</a>` : undefined}</p>`,
  });
}
