/** The page of all reviews: what waits for somebody first. */
import type { DeniedReview, Review, ReviewList, ReviewState } from "../model.js";
import { isUnverified } from "../words.js";
import { deniedId } from "./denied.js";
import { type Place, page } from "./document.js";
import { data, type Html, html } from "./html.js";
import { clockOf, counted, dayOf, dueWords, named, number, showMoment, stateAt, time, titleOf } from "./words.js";

const HASH = /^[0-9a-f]{64}$/;
/** A link to a review; its name alone where it is none that a grant can have. */
const linked = ({ grant, incident, entitlement }: Review): Html =>
  HASH.test(grant)
    ? html`<a href="/review/${grant}">${data(incident ?? entitlement)}</a>`
    : data(incident ?? entitlement);

function calls({ counts }: Review): Html {
  const denied = counts.denied === 0 ? undefined : html`, <span class="no">${number(counts.denied)} denied</span>`;
  return html`${number(counts.allowed)} allowed${denied}`;
}

const unverified = (review: Review | DeniedReview): Html | undefined =>
  isUnverified(review) ? html`<span class="sub no">signature not verified</span>` : undefined;

interface Group {
  readonly state: ReviewState;
  readonly title: string;
  readonly lead: string;
}

/** In the order in which somebody should look at them. */
const groups: readonly Group[] = [
  { state: "overdue", title: "Overdue", lead: "Their time is past, and nobody has signed them." },
  {
    state: "reopened",
    title: "Reopened",
    lead: "They were signed, and then something came that the signature does not cover.",
  },
  { state: "open", title: "Open", lead: "Waiting for somebody who had no part in them." },
  { state: "closed", title: "Closed", lead: "Signed, and nothing has come since." },
];

function row(review: Review, state: ReviewState, now: number): Html {
  const signed = review.closures.at(-1);
  const when =
    state === "closed" && signed !== undefined
      ? html`<strong>${signed.classification}</strong><span class="sub">by ${data(signed.by.sub)}, ${time(signed.at)}</span>${unverified(review)}`
      : html`${now > review.dueAt ? "" : "due "}${dueWords(review, now)}<span class="sub">${time(review.dueAt)}</span>`;
  return html`<tr><th scope="row">${linked(review)}${review.drill === undefined ? undefined : html` <span class="state">Drill</span>`}<span class="sub">${data(review.entitlement)}</span></th>
<td>${named(review.requester)}<span class="sub">approved by ${review.approvals.length === 0 ? "nobody" : review.approvals.map(({ sub }, i) => html`${i === 0 ? "" : ", "}${data(sub)}`)}</span></td>
<td>${calls(review)}<span class="sub">${review.unusual.length === 0 ? "nothing unusual" : counted(review.unusual.length, "thing to look at", "things to look at")}</span></td>
<td>${when}</td></tr>`;
}

function groupSection({ state, title, lead }: Group, reviews: readonly Review[], now: number): Html | undefined {
  if (reviews.length === 0) return undefined;
  const last = state === "closed" ? "Signed" : "Due";
  return html`<section id="${state}" aria-labelledby="${state}-title"><h2 id="${state}-title">${title} <span class="quiet num">${number(reviews.length)}</span></h2>
<table class="cards lists"><caption>${lead}</caption><thead><tr><th scope="col">Incident</th><th scope="col">Requester</th><th scope="col">Calls</th><th scope="col">${last}</th></tr></thead><tbody>
${reviews.map((review) => row(review, state, now))}</tbody></table></section>`;
}

function deniedRow(review: DeniedReview, now: number): Html {
  const state = stateAt(review, now);
  const why = Object.entries(review.verdicts).map(
    ([verdict, count], i) =>
      html`${i === 0 ? "" : ", "}${number(count)} ${titleOf(verdict) === undefined ? data(verdict) : verdict}`,
  );
  return html`<tr><th scope="row"><a href="/denied/${deniedId(review)}">${data(review.sub)}</a><span class="sub">${dayOf(review.hour)} ${clockOf(review.hour).slice(0, 5)} UTC, one hour</span></th>
<td>${counted(review.grants.length, "grant")}</td><td>${counted(review.counts.denied, "call")}<span class="sub">${why}</span></td><td>${state === "closed" ? html`closed${unverified(review)}` : `${now > review.dueAt ? "" : "due "}${dueWords(review, now)}`}</td></tr>`;
}

const deniedSection = (denied: readonly DeniedReview[], now: number): Html | undefined =>
  denied.length === 0
    ? undefined
    : html`<section id="denied" aria-labelledby="denied-title"><h2 id="denied-title">Denied <span class="quiet num">${number(denied.length)}</span></h2>
<table class="cards lists"><caption>Grants that opened nothing: one line for each person and hour.</caption><thead><tr><th scope="col">Who</th><th scope="col">Grants</th><th scope="col">Calls</th><th scope="col">Due</th></tr></thead><tbody>
${denied.map((one) => deniedRow(one, now))}</tbody></table></section>`;

const actionsSection = (actions: ReviewList["dueActions"]): Html | undefined =>
  actions.length === 0
    ? undefined
    : html`<section id="actions" aria-labelledby="actions-title"><h2 id="actions-title">Actions past their day <span class="quiet num">${number(actions.length)}</span></h2>
<table class="cards lists"><caption>Agreed when a review was closed, and not known to be done.</caption><thead><tr><th scope="col">What</th><th scope="col">Owner</th><th scope="col">Due</th><th scope="col">Review</th></tr></thead><tbody>
${actions.map(({ what, owner, due, grant }) => html`<tr><td>${data(what)}</td><td>${data(owner)}</td><td class="num">${due}</td><td>${HASH.test(grant) ? html`<a href="/review/${grant}">${grant.slice(0, 12)}…</a>` : data(grant)}</td></tr>`)}</tbody></table></section>`;

export function listPage(list: ReviewList, place: Place): string {
  const { now } = place;
  const byState = (state: ReviewState): Review[] =>
    list.reviews
      .filter((review) => stateAt(review, now) === state)
      .sort((a, b) => (state === "closed" ? b.openedAt - a.openedAt : a.dueAt - b.dueAt));
  const found = groups.map((group) => ({ group, reviews: byState(group.state) }));
  const waiting = found
    .filter(({ group }) => group.state !== "closed")
    .reduce((sum, { reviews }) => sum + reviews.length, 0);
  const late = found.find(({ group }) => group.state === "overdue")?.reviews.length ?? 0;
  const main = html`<h1>Reviews</h1>
<p class="lede">${list.reviews.length === 0 ? "No grant has been used yet." : html`${counted(waiting, "review waits", "reviews wait")} for a signature${late === 0 ? ", none of them late" : html`, <span class="no">${counted(late, "is", "are")} overdue</span>`}. Each use of a grant is looked at by somebody who had no part in it.`}</p>
${found.slice(0, -1).map(({ group, reviews }) => groupSection(group, reviews, now))}
${deniedSection(list.denied, now)}
${actionsSection(list.dueActions)}
${found.slice(-1).map(({ group, reviews }) => groupSection(group, reviews, now))}`;
  return page({
    title: "Reviews",
    origin: list.origin,
    place: { isServed: false },
    main,
    foot: html`<p>Made ${showMoment(now)} from the ledger's first ${number(list.size)} entries, which were verified before anything was shown.</p>`,
  });
}
