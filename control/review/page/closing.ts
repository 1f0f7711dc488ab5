/** How a review is signed off, why not yet, and by whom it was. */
import { isAbsolute } from "node:path";
import { shellWord } from "../../base/text.js";
import type { Closure, DeniedReview, Review } from "../model.js";
import { carriedWords, unverifiedWords } from "../words.js";
import type { Place } from "./document.js";
import { block, code, data, type Html, html, prose } from "./html.js";
import { named, time } from "./words.js";

/** @param review `grant_sha256`, or the key of a shared review @returns up to the options that only the reviewer knows */
export function closeWords(
  { ledger, key, anchors }: Pick<Place, "ledger" | "key" | "anchors">,
  review: string,
): string {
  const pinned = anchors.map((file) => ` --anchors ${shellWord(file)}`).join("");
  return `glassgate review close ${shellWord(ledger)} ${shellWord(review)}${key === undefined ? "" : ` --key ${shellWord(key)}`}${pinned}`;
}

export function closeCommand(place: Place, review: string, classification: string): string {
  return `${closeWords(place, review)} \\\n  --as YOUR-KEY --classification ${classification} --findings @findings.txt \\\n  --action "WHAT;WHO;YYYY-MM-DD"`;
}

function classificationFor({ counts, drill }: Review): string {
  if (drill !== undefined) return "drill";
  return counts.allowed === 0 ? "unused" : "real";
}

const meanings: Readonly<Record<string, string>> = {
  real: "an emergency, and what was done fits it",
  misuse: "what was done does not fit the reason",
  drill: "an exercise",
  unused: "nothing was ever allowed",
};

function closure({ entry, at, by, classification, findings, actions, isOutdated, isProven }: Closure): Html {
  return html`<div class="box"><h3>${isOutdated ? "Signed, and outdated" : isProven ? "Signed" : "Signed, not verified"}</h3>
${isOutdated ? html`<p class="no">Something came after this signature: it does not cover all of the review.</p>` : undefined}
<dl class="facts"><dt>By</dt><dd>${named(by)}</dd><dt>When</dt><dd>${time(at)}, entry ${entry}</dd>
<dt>Signature</dt><dd>${isProven ? "verified" : html`<span class="no">${unverifiedWords}</span>`}</dd>
<dt>Classification</dt><dd><strong>${classification}</strong> <span class="quiet">${meanings[classification]}</span></dd>
<dt>Findings</dt><dd>${prose(findings)}</dd></dl>
${
  actions.length === 0
    ? html`<p class="quiet">No actions were agreed.</p>`
    : html`<table class="cards"><caption>Actions</caption><thead><tr><th scope="col">What</th><th scope="col">Owner</th><th scope="col">Due</th></tr></thead><tbody>${actions.map(
        ({ what, owner, due }) =>
          html`<tr><td>${data(what)}</td><td>${data(owner)}</td><td class="num">${due}</td></tr>`,
      )}</tbody></table>`
}</div>`;
}

export function closures(list: readonly Closure[]): Html | undefined {
  return list.length === 0 ? undefined : html`${[...list].reverse().map(closure)}`;
}

/** Where the rest of it is. */
export function carriedBox(review: Review | DeniedReview): Html | undefined {
  const words = carriedWords(review);
  return words === undefined
    ? undefined
    : html`<div class="box hot"><h2>Not all of it is here</h2><p>${data(words)}</p></div>`;
}

/** Its state, where nobody here verified the signature that closed it. */
export const unverifiedBadge = html`<span class="state hot">Closed, not verified</span>`;

export const blockersBox = (blockers: readonly string[]): Html =>
  html`<div class="box hot"><h3>It cannot be closed yet</h3><ul>${blockers.map((one) => html`<li>${data(one)}</li>`)}</ul></div>`;

export function howToClose(place: Place, review: string, classification: string): Html {
  const isHere = place.isServed && !isAbsolute(place.ledger) && !place.ledger.includes("://");
  return html`<p>Closing happens in the command, where your key is. It shows all of this again before it signs.</p>
<pre tabindex="0" aria-label="Command that closes the review">${block(closeCommand(place, review, classification))}</pre>
<p class="small quiet">${isHere ? "Run it in the folder where this page was started. " : undefined}Put your key's name for YOUR-KEY, and write what you found into findings.txt. Give one <code>--action</code> for each thing to be done, or none.</p>`;
}

export function closingSection(review: Review, place: Place): Html {
  const { blockers, closures: signed, requester, approvals } = review;
  const isClosed = signed.some(({ isOutdated }) => !isOutdated);
  const people = [requester, ...approvals].map(({ sub }) => data(sub));
  const fits = classificationFor(review);
  const open = html`${
    blockers.length === 0
      ? html`<p><strong>It can be closed</strong> by somebody with a reviewer's role who had no part in it, under no account: not ${people.map((one, i) => html`${i === 0 ? "" : i === people.length - 1 ? " or " : ", "}${one}`)}.</p>`
      : blockersBox(blockers)
  }
${howToClose(place, review.grant, fits)}
<p class="small">Classification: ${fits === "real" ? html`${code("real")} ${meanings.real}; or ${code("misuse")} ${meanings.misuse}.` : html`${code(fits)} ${meanings[fits]}.`}</p>`;
  return html`<section id="close" aria-labelledby="close-title"><h2 id="close-title">${isClosed ? "How it was closed" : "Close it"}</h2>
${closures(signed)}${isClosed ? undefined : open}
</section>`;
}
