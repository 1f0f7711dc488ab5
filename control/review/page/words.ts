/** Times, sizes and counts as a page says them. All times are UTC. */

import { showRoughly } from "../../base/time.js";
import { verdicts } from "../../base/verdicts.gen.js";
import type { Moment, Person, ReviewState } from "../model.js";
import { data, type Html, html } from "./html.js";

/** ECMA-262, "Time Values". */
const LAST_DATE_MS = 8.64e15;
const NO_DATE = "no date";

/** `2026-11-24T10:32:00.123Z`, or undefined for what is no moment. */
const iso = (at: Moment): string | undefined =>
  Number.isFinite(at) && Math.abs(at) <= LAST_DATE_MS ? new Date(at).toISOString() : undefined;

export const dayOf = (at: Moment): string => iso(at)?.replace(/T.*$/, "") ?? NO_DATE;
/** `10:32:00` */
export const clockOf = (at: Moment): string => /T([^.]*)/.exec(iso(at) ?? "")?.[1] ?? NO_DATE;
export const clockMsOf = (at: Moment): string => /T(.*)Z$/.exec(iso(at) ?? "")?.[1] ?? NO_DATE;
export const showMoment = (at: Moment): string => {
  const text = iso(at);
  return text === undefined ? NO_DATE : `${dayOf(at)} ${clockOf(at)} UTC`;
};
export function time(at: Moment, shown = showMoment(at)): Html {
  const machine = iso(at);
  return machine === undefined ? html`${shown}` : html`<time datetime="${machine}">${shown}</time>`;
}

/** For people: `1 day 3 hours`. */
export function roughly(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (!Number.isFinite(seconds)) return "an unknown time";
  return showRoughly(seconds);
}

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
export const number = (count: number): string => grouped.format(count);
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`;

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  const [size, unit] = count < 1e6 ? [1e3, "kB"] : count < 1e9 ? [1e6, "MB"] : [1e9, "GB"];
  return `${(count / size).toFixed(1)} ${unit}`;
}

export function took(milliseconds: number): string {
  return milliseconds < 1000
    ? `${Math.round(milliseconds)} ms`
    : milliseconds < 60_000
      ? `${(milliseconds / 1000).toFixed(1)} s`
      : roughly(milliseconds);
}

export const stateWords: Readonly<Record<ReviewState, string>> = {
  open: "Open",
  overdue: "Overdue",
  closed: "Closed",
  reopened: "Reopened",
};

/** What a verdict means, where it is one that the table knows. */
export const titleOf = (verdict: string): string | undefined =>
  new Map<string, { title: string }>(Object.entries(verdicts)).get(verdict)?.title;

/** The principal, and who that is. */
export const named = ({ sub, person }: Person): Html =>
  person === undefined || person === sub
    ? html`<strong>${data(sub)}</strong>`
    : html`<strong>${data(sub)}</strong> (${data(person)})`;

/** Overdue is a matter of the clock: it may have come since the ledger was read. */
export const stateAt = (
  { state, dueAt }: { readonly state: ReviewState; readonly dueAt: Moment },
  now: Moment,
): ReviewState => (state === "open" && now > dueAt ? "overdue" : state);

export function dueWords({ dueAt }: { readonly dueAt: Moment }, now: Moment): string {
  return now > dueAt ? `${roughly(now - dueAt)} late` : `in ${roughly(dueAt - now)}`;
}

/** When a signature is due, as a sentence. */
export const dueSentence = (review: { readonly dueAt: Moment }, now: Moment): Html =>
  html`A signature ${now > review.dueAt ? "was" : "is"} due ${time(review.dueAt)}, ${dueWords(review, now)}`;
