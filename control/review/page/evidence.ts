/** What is proved, by whom, and what is missing; and that the access is over. */
import { asciiJson } from "../../ledger/audit/line.js";
import type { Evidence, Review } from "../model.js";
import { block, code, Html, html } from "./html.js";
import { counted, number, roughly, time } from "./words.js";

interface Check {
  readonly isGood: boolean;
  readonly what: string;
  readonly why: string;
}

const checks = (list: readonly Check[]): Html =>
  html`<ul class="checks">${list.map(
    ({ isGood, what, why }) =>
      html`<li${isGood ? undefined : new Html(' class="bad"')}><strong>${what}</strong> <span class="quiet">${why}</span></li>`,
  )}</ul>`;

const evidenceChecks = ({ origin, size, entries, isProven, isPinned, isConsistent, gaps }: Evidence): Check[] => [
  {
    isGood: true,
    what: "All that this page shows is in the log.",
    why: `The key of ${origin} signed its size, ${number(size)} entries, and each of the ${number(entries.length)} entries of this review was found below that signature.`,
  },
  isProven
    ? {
        isGood: true,
        what: "The approvals are proved.",
        why: `The gateway handed in what was signed, and the signatures were verified under the trust bundle of that time${isPinned ? ", which roots that you pinned have signed" : ""}.`,
      }
    : {
        isGood: false,
        what: "The approvals are not proved.",
        why: "What was signed has not come, or no known trust bundle judges it: names and times are what the gateway wrote.",
      },
  ...(isProven && !isPinned
    ? [
        {
          isGood: false,
          what: "Whose trust bundle that is was not looked at.",
          why: "It is one that the ledger took in without an alarm. Pin its roots with --anchors.",
        },
      ]
    : []),
  isConsistent
    ? {
        isGood: true,
        what: "The log has not been rewritten.",
        why: "It continues a checkpoint that was kept elsewhere, or that witnesses signed.",
      }
    : {
        isGood: false,
        what: "Whether the log was rewritten earlier is not known.",
        why: "Nobody but the log's own key vouches for it. Compare it with a checkpoint that you kept (--since), or with witnesses (--policy).",
      },
  gaps.length === 0
    ? {
        isGood: true,
        what: "No record is missing.",
        why: "Each gateway that the grant touched numbers its records; all up to the last are here.",
      }
    : {
        isGood: false,
        what: `${counted(
          gaps.reduce((sum, { from, to }) => sum + Math.max(1, to - from + 1), 0),
          "record is",
          "records are",
        )} missing.`,
        why: "What was done may stand in them. Until they come, or their loss is explained, the review cannot be closed.",
      },
];

export function evidenceSection({ evidence }: Review): Html {
  const { gaps, checkpoint, digest, root } = evidence;
  return html`<section id="evidence" aria-labelledby="evidence-title"><h2 id="evidence-title">Evidence</h2>
${checks(evidenceChecks(evidence))}
${
  gaps.length === 0
    ? undefined
    : html`<table><caption>Missing records</caption><thead><tr><th scope="col">Gateway's worker</th><th scope="col">Records</th></tr></thead><tbody>${gaps.map(
        ({ vm, from, to }) =>
          html`<tr><td>${code(vm)}</td><td class="num">${from === to ? from : `${from} to ${to}`}</td></tr>`,
      )}</tbody></table>`
}
<h3>Checkpoint</h3>
<p class="quiet small">Keep a copy where the ledger's owner cannot write: it shows later that nothing before it was changed.</p>
<pre tabindex="0" aria-label="Checkpoint">${block(checkpoint)}</pre>
<dl class="facts small"><dt>Root</dt><dd>${code(root)}</dd><dt>Digest of this review</dt><dd>${code(digest)} <span class="quiet">what a closing signature covers</span></dd></dl>
</section>`;
}

function teardownChecks(
  { teardown: { exp, revokedAt, openStreams, acceptedAfter, lastAt } }: Review,
  now: number,
): Check[] {
  const ends = revokedAt ?? exp;
  const list: Check[] = [];
  if (ends === undefined)
    list.push({ isGood: false, what: "When the grant ends is not known.", why: "Its evidence has not come." });
  else if (ends > now)
    list.push({ isGood: false, what: "The grant is still open.", why: `It ends by itself in ${roughly(ends - now)}.` });
  else
    list.push({
      isGood: true,
      what: revokedAt === undefined ? "The grant has expired." : "The grant was revoked.",
      why: `${roughly(now - ends)} before this page was made.`,
    });
  list.push(
    openStreams === 0
      ? { isGood: true, what: "No stream is open.", why: "Each one that was allowed has an end in the log." }
      : {
          isGood: false,
          what: `${counted(openStreams, "stream has", "streams have")} no end in the log.`,
          why: "It may still run, or its end has not come yet.",
        },
    acceptedAfter === 0
      ? {
          isGood: true,
          what: "Nothing was accepted after the end.",
          why: lastAt === undefined ? "No decision on it is in the log." : "Later attempts were denied.",
        }
      : {
          isGood: false,
          what: `${counted(acceptedAfter, "call was", "calls were")} accepted after the end.`,
          why: "That must not be: look at the gateway's clock and trust bundle.",
        },
  );
  return list;
}

export function teardownSection(review: Review, now: number): Html {
  const { exp, revokedAt, lastAt } = review.teardown;
  const row = (name: string, at: number | undefined): Html | undefined =>
    at === undefined ? undefined : html`<dt>${name}</dt><dd>${time(at)}</dd>`;
  return html`<section id="teardown" aria-labelledby="teardown-title"><h2 id="teardown-title">Is it over?</h2>
${checks(teardownChecks(review, now))}
<dl class="facts small">${row("Revoked", revokedAt)}${row("Expires", exp)}${row("Last decision", lastAt)}</dl>
</section>`;
}

/** The data behind a page that stands alone: ASCII, so that whoever copies it has the very bytes. */
export function jsonSection(value: unknown): Html {
  const text = asciiJson(value).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return html`<section id="data" class="screen" aria-labelledby="data-title"><h2 id="data-title">The same as data</h2>
<details><summary>JSON of this review</summary><pre id="json" tabindex="0" aria-label="JSON of this review">${new Html(text)}</pre></details></section>`;
}
