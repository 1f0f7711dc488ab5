/** The page of grants that never opened anything: one for a person and hour. */
import { createHash } from "node:crypto";
import type { DeniedReview, ReviewList } from "../model.js";
import { crowdedWords, isUnverified } from "../words.js";
import { callsSection } from "./calls.js";
import { blockersBox, carriedBox, closures, howToClose, unverifiedBadge } from "./closing.js";
import { type Place, page } from "./document.js";
import { jsonSection } from "./evidence.js";
import { code, data, type Html, html } from "./html.js";
import { clockOf, counted, dayOf, dueSentence, number, showMoment, stateAt, stateWords, titleOf } from "./words.js";

const HOUR_MS = 3_600_000;

/** What names it in an address: whatever the name is made of, this is hex. */
export const deniedId = (review: DeniedReview): string => createHash("sha256").update(review.key).digest("hex");

function verdictRows(verdicts: DeniedReview["verdicts"]): Html {
  return html`<table class="cards"><caption>Why</caption><thead><tr><th scope="col">Verdict</th><th scope="col">Calls</th><th scope="col">Meaning</th></tr></thead><tbody>${Object.entries(
    verdicts,
  ).map(
    ([verdict, count]) =>
      html`<tr><th scope="row">${code(verdict)}</th><td class="num">${number(count)}</td><td>${titleOf(verdict) ?? "a verdict that this version does not know"}</td></tr>`,
  )}</tbody></table>`;
}

export function deniedPage(
  review: DeniedReview,
  { origin, size }: Pick<ReviewList, "origin" | "size">,
  place: Place,
): string {
  const state = stateAt(review, place.now);
  const crowded = crowdedWords(review);
  const isClosed = review.closures.some(({ isOutdated }) => !isOutdated);
  const isHot = state === "overdue" || state === "reopened";
  const badge = html`<span class="state${isHot ? " hot" : ""}">${stateWords[state]}</span>`;
  const main = html`<p class="over">${isUnverified(review) ? unverifiedBadge : badge}${state === "closed" ? undefined : html`<span>${dueSentence(review, place.now)}</span>`}</p>
<h1>Denied: ${data(review.sub)}</h1>
<p class="lede">${counted(review.grants.length, "grant")} of ${data(review.sub)} opened nothing in the hour from ${dayOf(review.hour)} ${clockOf(review.hour)} to ${clockOf(review.hour + HOUR_MS)} UTC: ${counted(review.counts.denied, "call was", "calls were")} denied.</p>
${carriedBox(review)}
<section aria-labelledby="why-title"><h2 id="why-title">What happened</h2>${verdictRows(review.verdicts)}
<h3>Grants</h3>${crowded === undefined ? undefined : html`<p class="no">${crowded}</p>`}<ul>${review.grants.map((grant) => html`<li>${code(grant)}</li>`)}</ul></section>
<section id="close" aria-labelledby="close-title"><h2 id="close-title">${isClosed ? "How it was closed" : "Close it"}</h2>${closures(review.closures)}${isClosed || review.blockers.length === 0 ? undefined : blockersBox(review.blockers)}${isClosed ? undefined : howToClose(place, review.key, "unused")}
<dl class="facts small"><dt>Digest of this review</dt><dd>${code(review.digest)}</dd></dl></section>
${callsSection(review.calls, `${counted(review.counts.denied, "call")} denied, none allowed.`)}
${place.isServed ? undefined : jsonSection(review)}`;
  return page({
    title: `Denied: ${review.sub}`.slice(0, 120),
    origin,
    place,
    main,
    foot: html`<p>Made ${showMoment(place.now)} from the ledger's first ${size} entries.${place.isServed ? html` <a href="/denied/${deniedId(review)}.json">The same as JSON</a>` : undefined}</p>`,
  });
}
