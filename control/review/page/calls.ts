/** Every call with its answer: totals first, a table for each hundred, narrowed by links alone. */
import type { Call } from "../model.js";
import { code, data, type Html, html } from "./html.js";
import { facets, verdictClass } from "./style.js";
import { bytes, clockMsOf, clockOf, counted, dayOf, number, time, titleOf, took } from "./words.js";

const HUNDRED = 100;
/** More are laid out only once they come into sight. */
const FEW_GROUPS = 3;
/** A page of more is too large for a browser; the command has no such limit. */
export const MAX_CALLS = 20_000;

/** A page of so many calls shows the beginnings of long texts alone: their entries have them whole. */
const MANY = 1000;
const BRIEF = 200;
const brief = (text: string): Html =>
  text.length <= BRIEF
    ? data(text)
    : html`${data(text.slice(0, BRIEF))}<span class="no">… ${number(text.length)} characters</span>`;

/** Names of `facets` that hold for it. */
function facetsOf({ verdict, ended, answer }: Call): string[] {
  const isAllowed = verdict === "allow";
  return [
    isAllowed ? "allowed" : "denied",
    `v${verdictClass(verdict)}`,
    ...(ended === undefined ? [] : ["ended"]),
    ...(isAllowed && answer === undefined ? ["unanswered"] : []),
  ];
}

const classes = (names: Iterable<string>): string => [...names].map((name) => `is-${name}`).join(" ");

function answerOf({ verdict, answer, ended }: Call): Html {
  const end =
    ended === undefined
      ? undefined
      : html`<span class="sub"><span class="no">Ended by the gateway</span> ${clockOf(ended.at)}: ${code(ended.verdict)}</span>`;
  if (answer === undefined)
    return html`${verdict === "allow" ? html`<span class="no">no answer known</span>` : html`<span class="quiet">not forwarded</span>`}${end}`;
  const { status, bytesSent, bytesReceived, durationMs, details } = answer;
  const size = [
    bytesSent === undefined ? undefined : `${bytes(bytesSent)} sent`,
    bytesReceived === undefined ? undefined : `${bytes(bytesReceived)} received`,
    durationMs === undefined ? undefined : took(durationMs),
  ].filter((part) => part !== undefined);
  return html`<span class="num">${status ?? "no status"}</span>${details === undefined ? undefined : html` ${code(details)}`}<span class="sub">${size.join(", ")}</span>${end}`;
}

function row(call: Call, isNewDay: boolean, show: typeof data): Html {
  const { entry, at, verdict, mode, method, host, path, isPathCut, source, requestId, gateway, seq, receipt } = call;
  const says = verdict === "allow" ? html`allowed` : html`<span class="no">denied</span> ${code(verdict)}`;
  const day = isNewDay ? html`<span class="sub">${dayOf(at)}</span>` : undefined;
  const request = html`<code>${show(method ?? "?")} ${show(host ?? "?")}${show(path ?? "")}</code>${isPathCut ? html` <span class="no">path cut</span>` : undefined}`;
  const from = html`<span class="sub">from ${source === undefined ? "an unknown address" : show(source)} at ${show(gateway)}, record ${seq}, entry ${entry}${receipt === undefined ? undefined : html`, receipt ${receipt}`}${requestId === undefined ? undefined : html`, request ${show(requestId)}`}${mode === "enforce" ? undefined : html`, mode ${show(mode)}`}</span>`;
  return html`<tr id="e${entry}" class="${classes(facetsOf(call))}"><td class="when">${clockMsOf(at)}${day}</td><td>${says}</td><td class="what">${request}${from}</td><td class="then">${answerOf(call)}</td></tr>
`;
}

function group(calls: readonly Call[], first: number, show: typeof data): Html {
  const names = new Set(calls.flatMap(facetsOf));
  const [one] = calls;
  let day = "";
  const rows = calls.map((call) => {
    const today = dayOf(call.at);
    const isNewDay = today !== day;
    day = today;
    return row(call, isNewDay, show);
  });
  const range = `${number(first + 1)} to ${number(first + calls.length)}`;
  return html`<div class="group ${classes(names)}" id="calls-${first + 1}"><table class="cards calls"><caption>Calls ${range}${one === undefined ? undefined : html`, from ${time(one.at)}`}</caption><thead><tr><th scope="col">Time (UTC)</th><th scope="col">Verdict</th><th scope="col">Request</th><th scope="col">Answer</th></tr></thead><tbody>
${rows}</tbody></table></div>
`;
}

interface Facet {
  readonly name: string;
  readonly label: Html;
  readonly count: number;
}

function facetLinks(calls: readonly Call[]): Facet[] {
  const counts = new Map<string, number>();
  const verdictsOf = new Map<string, string>();
  for (const call of calls) {
    for (const name of facetsOf(call)) counts.set(name, (counts.get(name) ?? 0) + 1);
    verdictsOf.set(`v${verdictClass(call.verdict)}`, call.verdict);
  }
  const labels: Readonly<Record<string, string>> = {
    allowed: "Allowed",
    denied: "Denied",
    ended: "Ended by the gateway",
    unanswered: "No answer known",
  };
  return facets.flatMap((name) => {
    const count = counts.get(name) ?? 0;
    if (count === 0 || verdictsOf.get(name) === "allow") return [];
    const verdict = verdictsOf.get(name) ?? "";
    const label = labels[name] ?? (titleOf(verdict) === undefined ? "another verdict" : verdict);
    return [{ name, label: html`${label}`, count }];
  });
}

function filters(calls: readonly Call[]): Html {
  const links = facetLinks(calls);
  return html`${links.map(({ name }) => html`<span class="anchor" id="only-${name}"></span>`)}<span class="anchor" id="no-calls"></span>
<nav class="filters" aria-label="Which calls are shown"><a href="#calls">All <span class="quiet">${number(calls.length)}</span></a>${links.map(
    ({ name, label, count }) => html`<a href="#only-${name}">${label} <span class="quiet">${number(count)}</span></a>`,
  )}<a href="#no-calls">None <span class="quiet">to print without them</span></a></nav>`;
}

/** Every denial and every stream that was cut first: if some must be left out, then none of these. */
function shownOf(calls: readonly Call[]): readonly Call[] {
  if (calls.length <= MAX_CALLS) return calls;
  const isStriking = ({ verdict, ended }: Call): boolean => verdict !== "allow" || ended !== undefined;
  let striking = Math.min(MAX_CALLS, calls.filter(isStriking).length);
  let plain = MAX_CALLS - striking;
  return calls.filter((call) => (isStriking(call) ? striking-- > 0 : plain-- > 0));
}

export function callsSection(all: readonly Call[], totals: string): Html {
  const calls = shownOf(all);
  const starts = Array.from({ length: Math.ceil(calls.length / HUNDRED) }, (_, i) => i * HUNDRED);
  const left = all.length - calls.length;
  const jump = html`<nav class="jump" aria-label="Calls by the hundred">${starts.map((first) => html`<a href="#calls-${first + 1}">${number(first + 1)}</a>`)}</nav>`;
  return html`<section id="calls" aria-labelledby="calls-title"><h2 id="calls-title">Every call</h2>
<p>${totals}</p>
${left === 0 ? undefined : html`<p class="no">${counted(left, "allowed call is", "allowed calls are")} not on this page, which shows ${number(MAX_CALLS)}: the command's JSON has all.</p>`}
${
  calls.length === 0
    ? html`<p class="none">No call is in the log.</p>`
    : html`${filters(calls)}${starts.length > 1 ? jump : undefined}
<div class="groups${starts.length > FEW_GROUPS ? " many" : ""}">${starts.map((first) => group(calls.slice(first, first + HUNDRED), first, calls.length > MANY ? brief : data))}</div>`
}
</section>`;
}
