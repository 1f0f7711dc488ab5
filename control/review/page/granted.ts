/** Granted against used: each detail of the grant, what of it was used and what never. */
import type { Granted, Review } from "../model.js";
import { showMinutes } from "../words.js";
import { code, type Html, html } from "./html.js";
import { counted } from "./words.js";

interface Part {
  readonly name: string;
  readonly isUsed: boolean;
}

const HEIGHT = 14;

/** One field for each part, filled where it was used. The words beside it say the same. */
function shareSvg(parts: readonly Part[]): Html {
  const width = 100 / Math.max(1, parts.length);
  const gap = Math.min(0.8, width / 6);
  return html`<svg aria-hidden="true" height="${HEIGHT}" width="100%">${parts.map(
    ({ isUsed }, i) =>
      html`<rect class="${isUsed ? "bar" : "rest"}" x="${(i * width + gap / 2).toFixed(3)}%" y="1" width="${(width - gap).toFixed(3)}%" height="${HEIGHT - 2}" rx="2"/>`,
  )}</svg>`;
}

function meterSvg(part: number): Html {
  const filled = Math.min(100, Math.max(0, 100 * part)).toFixed(2);
  return html`<svg aria-hidden="true" height="${HEIGHT}" width="100%"><rect class="track" x="0" y="1" width="100%" height="${HEIGHT - 2}" rx="2"/><rect class="bar" x="0" y="1" width="${filled}%" height="${HEIGHT - 2}" rx="2"/></svg>`;
}

const chips = (parts: readonly Part[]): Html =>
  html`<ul class="parts-of">${parts.map(({ name, isUsed }) =>
    isUsed
      ? html`<li>${code(name)} <span class="small quiet">used</span></li>`
      : html`<li class="never">${code(name)} <span class="small">never used</span></li>`,
  )}</ul>`;

const withoutDefaultPort = (host: string): string => host.toLowerCase().replace(/:(?:80|443)$/, "");

function detail(granted: Granted, i: number, used: ReadonlySet<string>, isOnly: boolean): Html {
  const { hosts, methods, paths, calls, unusedMethods, unusedPaths } = granted;
  const partsOf = (names: readonly string[], isUsed: (name: string) => boolean): Part[] =>
    names.map((name) => ({ name, isUsed: calls > 0 && isUsed(name) }));
  const groups = [
    { title: "Hosts", parts: partsOf(hosts, (host) => used.has(withoutDefaultPort(host))) },
    { title: "Methods", parts: partsOf(methods, (method) => !unusedMethods.includes(method)) },
    { title: "Paths", parts: partsOf(paths, (path) => !unusedPaths.includes(path)) },
  ];
  const all = groups.flatMap(({ parts }) => parts);
  const count = all.filter(({ isUsed }) => isUsed).length;
  const says =
    calls === 0
      ? html`<span class="no">Never used</span>`
      : html`<strong>${counted(calls, "call")}</strong>, ${count} of ${all.length} parts used`;
  return html`<div class="box">
<h3>${isOnly ? "The scope" : `Part ${i + 1} of the scope`}</h3>
<div class="share">${shareSvg(all)}<span class="small">${says}</span></div>
<dl class="facts">${groups.map(({ title, parts }) => html`<dt>${title}</dt><dd>${chips(parts)}</dd>`)}</dl>
</div>`;
}

function minutesRow({ minutes: { granted, used } }: Review): Html {
  if (granted === undefined)
    return html`<p>Used for ${showMinutes(used)}; how long it was granted for is not known.</p>`;
  const part = granted > 0 ? used / granted : 0;
  return html`<h3>Time</h3><div class="share">${meterSvg(part)}<span class="small"><strong>${showMinutes(used)}</strong> used of ${showMinutes(granted)} granted</span></div>`;
}

function networksRow({ networks }: Review): Html {
  const list = (names: readonly string[], none: string): Html =>
    names.length === 0
      ? html`<span class="none">${none}</span>`
      : html`<ul class="parts-of">${names.map((name) => html`<li>${code(name)}</li>`)}</ul>`;
  return html`<h3>Networks</h3><dl class="facts"><dt>Granted</dt><dd>${list(networks.granted, "any network")}</dd><dt>Used from</dt><dd>${list(networks.used, "none")}</dd></dl>`;
}

export function grantedSection(review: Review): Html {
  const used = new Set(
    review.calls
      .filter(({ verdict, host }) => verdict === "allow" && host !== undefined)
      .map(({ host }) => withoutDefaultPort(host ?? "")),
  );
  const isOnly = review.granted.length === 1;
  return html`<section id="granted" aria-labelledby="granted-title"><h2 id="granted-title">Granted and used</h2>
${minutesRow(review)}
${review.granted.length === 0 ? html`<p class="none">What was granted is not known: the grant's evidence has not come.</p>` : review.granted.map((one, i) => detail(one, i, used, isOnly))}
${networksRow(review)}
</section>`;
}
