/**
 * The timeline as a picture. It holds no text of a record, only our own words and numbers; every place along it is a percentage, so the
 * picture grows and shrinks with the page while its words keep their size.
 */
import type { Call, Moment, Review } from "../model.js";
import { showMinutes } from "../words.js";
import { type Html, html } from "./html.js";
import { clockOf, counted, dayOf } from "./words.js";

/** So many columns of calls; more would be thinner than a line. */
const BINS = 96;
const LANE = 52;
const TOP = 4;
/** Height of what is drawn in a lane, below its name. */
const DEEP = 22;
/** What lies further away than the grant's own length is drawn at the edge. */
const MIN_WINDOW_MS = 60_000;
/** A call that took longer than this part of the picture is drawn as a stretch, not as a point. */
const LONG_PART = 0.02;
const MOST_STREAMS = 200;

interface Domain {
  readonly from: Moment;
  readonly to: Moment;
  readonly isCut: boolean;
}

const isMoment = (at: Moment | undefined): at is Moment =>
  at !== undefined && Number.isFinite(at) && Math.abs(at) < 8e15;

function extremes(moments: Iterable<Moment | undefined>): readonly [Moment, Moment] | undefined {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const at of moments) {
    if (!isMoment(at)) continue;
    low = Math.min(low, at);
    high = Math.max(high, at);
  }
  return low > high ? undefined : [low, high];
}

/** The grant's own time, and as much again before and after it, where something happened there. */
export function domainOf({ timeline, calls, issuedAt, teardown }: Review): Domain | undefined {
  const happened = extremes([
    ...timeline.filter(({ what }) => what !== "closed").map(({ at }) => at),
    ...calls.flatMap(({ at, ended }) => [at, ended?.at]),
    issuedAt,
    teardown.exp,
    teardown.revokedAt,
  ]);
  if (happened === undefined) return undefined;
  const [first, last] = happened;
  const begin = isMoment(issuedAt) ? issuedAt : first;
  const end = Math.max(begin, isMoment(teardown.exp) ? teardown.exp : last);
  const length = Math.max(MIN_WINDOW_MS, end - begin);
  const from = Math.max(first, begin - length);
  const to = Math.max(Math.min(last, end + length), from + MIN_WINDOW_MS);
  return { from, to, isCut: first < from || last > to };
}

type Scale = (at: Moment) => number;
const scaleOf =
  ({ from, to }: Domain): Scale =>
  (at) =>
    Math.min(100, Math.max(0, (100 * (at - from)) / (to - from)));

const percent = (value: number): string => `${value.toFixed(2)}%`;

function columns(calls: readonly Call[], x: Scale, y: number, kind: string): Html[] {
  const bins = new Array<number>(BINS).fill(0);
  for (const { at } of calls) {
    if (!isMoment(at)) continue;
    const bin = Math.min(BINS - 1, Math.floor((x(at) / 100) * BINS));
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  const most = Math.max(1, ...bins);
  return bins.flatMap((count, bin) => {
    if (count === 0) return [];
    const height = 5 + (DEEP - 5) * Math.sqrt(count / most);
    return [
      html`<rect class="${kind}" x="${percent((100 * bin) / BINS)}" y="${(y + DEEP - height).toFixed(1)}" width="${percent(84 / BINS)}" height="${height.toFixed(1)}"/>`,
    ];
  });
}

/** Before its approvals were there it opened nothing. */
const beganAt = ({ timeline, issuedAt }: Review): Moment | undefined =>
  timeline.find(({ what }) => what === "issued")?.at ?? issuedAt;

interface Lane {
  readonly name: string;
  readonly draw: (y: number) => Html;
}

function grantLane(review: Review, x: Scale): Lane | undefined {
  const { exp, revokedAt } = review.teardown;
  const began = beganAt(review);
  if (!isMoment(began) || !isMoment(exp)) return undefined;
  const end = isMoment(revokedAt) ? Math.min(revokedAt, exp) : exp;
  const bar = (from: number, to: number, kind: string, y: number): Html =>
    html`<rect class="${kind}" x="${percent(x(from))}" y="${y + 4}" width="${percent(Math.max(0, x(to) - x(from)))}" height="12" rx="2"/>`;
  return {
    name:
      end < exp
        ? `Open for ${showMinutes((end - began) / 60_000)} of ${showMinutes((exp - began) / 60_000)}: revoked`
        : `Open for ${showMinutes((exp - began) / 60_000)}`,
    draw: (y) => html`${end < exp ? bar(end, exp, "rest", y) : undefined}${bar(began, end, "bar", y)}`,
  };
}

function lanesOf(review: Review, domain: Domain): Lane[] {
  const x = scaleOf(domain);
  const lanes: Lane[] = [];
  const asked = review.timeline.filter(
    ({ what, at }) => isMoment(at) && (what === "asked" || what === "approved" || what === "issued"),
  );
  if (asked.length > 0)
    lanes.push({
      name: "Asked, approved, issued",
      draw: (y) =>
        html`<line class="rail" x1="0" x2="100%" y1="${y + 10}" y2="${y + 10}"/>${asked.map(({ at, what }) => html`<circle class="${what === "asked" ? "ring" : "dot"}" cx="${percent(x(at))}" cy="${y + 10}" r="${what === "asked" ? 5 : 6}"/>`)}`,
    });
  const grant = grantLane(review, x);
  if (grant !== undefined) lanes.push(grant);
  const rail = (y: number): Html => html`<line class="rail" x1="0" x2="100%" y1="${y + DEEP}" y2="${y + DEEP}"/>`;
  const allowed = review.calls.filter(({ verdict }) => verdict === "allow");
  lanes.push({
    name: `${counted(allowed.length, "call", "calls")} allowed`,
    draw: (y) => html`${columns(allowed, x, y, "bar")}${rail(y)}`,
  });
  const denied = review.calls.filter(({ verdict }) => verdict !== "allow");
  if (denied.length > 0)
    lanes.push({
      name: `${counted(denied.length, "call", "calls")} denied`,
      draw: (y) => html`${columns(denied, x, y, "hot")}${rail(y)}`,
    });
  const streams = review.calls.flatMap(({ at, ended, answer }) => {
    const end = ended?.at ?? (answer?.durationMs === undefined ? undefined : at + answer.durationMs);
    const isLong = isMoment(at) && isMoment(end) && end - at > (domain.to - domain.from) * LONG_PART;
    return isLong ? [{ at, end, isCut: ended !== undefined }] : [];
  });
  if (streams.length > 0)
    lanes.push({
      name: `${counted(streams.length, "long stream")}; | ended by the gateway`,
      draw: (y) =>
        html`${rail(y)}${streams.slice(0, MOST_STREAMS).map(({ at, end, isCut }, i) => {
          const top = y + 2 + (i % 4) * 5;
          const mark = percent(x(end));
          return html`<rect class="thin" x="${percent(x(at))}" y="${top}" width="${percent(Math.max(0.3, x(end) - x(at)))}" height="4"/>${isCut ? html`<line class="hotline" x1="${mark}" x2="${mark}" y1="${y}" y2="${y + DEEP}"/>` : undefined}`;
        })}`,
    });
  return lanes;
}

/** The axis: its ends, and what lies between them where there is room. */
function axis({ from, to }: Domain, y: number): Html {
  const ticks = [0, 25, 50, 75, 100];
  return html`${ticks.map((tick) => {
    const anchor = tick === 0 ? "start" : tick === 100 ? "end" : "middle";
    const kind = tick === 25 || tick === 75 ? "mid" : "end";
    return html`<line class="rail ${kind}" x1="${tick}%" x2="${tick}%" y1="0" y2="${y - 12}"/><text class="${kind}" x="${tick}%" y="${y + 4}" text-anchor="${anchor}">${clockOf(from + ((to - from) * tick) / 100)}</text>`;
  })}`;
}

/** Undefined where no moment is known. */
export function timelineSvg(review: Review): Html | undefined {
  const domain = domainOf(review);
  if (domain === undefined) return undefined;
  const lanes = lanesOf(review, domain);
  const height = TOP + lanes.length * LANE + 20;
  const days = [...new Set([dayOf(domain.from), dayOf(domain.to)])].join(" to ");
  const summary = `Timeline of ${days} UTC: ${lanes.map(({ name }) => name).join("; ")}.`;
  return html`<figure class="frame"><svg role="img" aria-label="${summary}" height="${height}" width="100%">${axis(domain, height - 8)}${lanes.map(
    ({ name, draw }, i) => {
      const y = TOP + i * LANE;
      return html`<text class="lane" x="0" y="${y + 12}">${name}</text>${draw(y + 20)}`;
    },
  )}</svg><figcaption>${days}, UTC. Higher columns are more calls at a time.${domain.isCut ? " What happened long before or after the grant is drawn at the edge." : ""}</figcaption></figure>`;
}
