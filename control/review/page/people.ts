/** Who asked, who approved, why. */
import type { Approval, Person, Review } from "../model.js";
import { code, data, type Html, html, join, prose } from "./html.js";
import { named, roughly, time } from "./words.js";

const roles = ({ roles }: Person): Html | undefined =>
  roles.length === 0 ? undefined : html` <span class="quiet">${join(roles.map(data), ", ")}</span>`;

function approval(one: Approval, issuedAt: number | undefined): Html {
  const after =
    issuedAt === undefined || one.at < issuedAt
      ? undefined
      : html` <span class="quiet">${roughly(one.at - issuedAt)} after the ask</span>`;
  return html`<li>${named(one)}${roles(one)}<br>${time(one.at)}${after}<br>${one.isProven ? html`<span class="quiet">Signature verified</span>` : html`<span class="no">Signature not verified</span>`}</li>`;
}

const bindings: ReadonlyMap<string, string> = new Map([
  ["certificate", "to the client's certificate"],
  ["DPoP", "to a key of the caller (DPoP)"],
  ["bearer", "to nothing: whoever held it could use it"],
]);

const orNone = (text: string | undefined): Html =>
  text === undefined || text === "" ? html`<span class="none">none given</span>` : data(text);

export function peopleSection(review: Review): Html {
  const {
    requester,
    isRequesterProven,
    approvals,
    reason,
    text,
    incident,
    entitlement,
    audience,
    binding,
    jti,
    issuedAt,
    drill,
  } = review;
  const bound = bindings.get(binding);
  return html`<section id="people" aria-labelledby="people-title"><h2 id="people-title">Who and why</h2>
<div class="columns"><dl class="facts">
<dt>Requester</dt><dd>${named(requester)}${roles(requester)}<br>${
    isRequesterProven
      ? html`<span class="quiet">Requester proven by the ask</span>`
      : html`<span class="no">Requester not proven</span> <span class="quiet">The name is what the payload says.</span>`
  }</dd>
<dt>Approved by</dt><dd>${approvals.length === 0 ? html`<span class="no">Nobody</span>` : html`<ol class="look">${approvals.map((one) => approval(one, issuedAt))}</ol>`}</dd>
</dl><dl class="facts">
<dt>Incident</dt><dd>${orNone(incident)}</dd>
${drill === undefined ? undefined : html`<dt>Drill</dt><dd>${data(drill)}</dd>`}
<dt>Reason</dt><dd>${orNone(reason)}${text === undefined ? undefined : prose(text)}</dd>
<dt>Entitlement</dt><dd>${code(entitlement)}</dd>
<dt>Environment</dt><dd>${join(audience.map(code), ", ")}</dd>
<dt>Bound</dt><dd>${bound === undefined ? data(binding) : bound}</dd>
<dt>Asked</dt><dd>${issuedAt === undefined ? html`<span class="none">not known</span>` : time(issuedAt)}</dd>
<dt>Grant</dt><dd>${jti === undefined ? undefined : html`${code(jti)}<br>`}<span class="small quiet">SHA-256 ${code(review.grant)}</span></dd>
</dl></div></section>`;
}
