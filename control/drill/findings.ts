/** What is wrong, on which gateway and route, what it means, and the next step: one or two sentences. */
import { visible } from "../base/text.js";
import { verdicts } from "../base/verdicts.gen.js";
import { type Fault, REFUSED } from "./judge.js";
import type { FleetGateway, Outcome } from "./model.js";
import type { FoundRecord } from "./records.js";

const placeOf = ({ call, route }: Outcome): string => {
  const shown = `${call.method} ${call.host}${call.path}`;
  return visible(route === undefined || route === call.path ? shown : `${shown} (route ${route})`);
};

const VERIFY = "`glassgate gateway verify` on its configuration says what is missing.";

function failedWords(outcome: Outcome, id: string): string {
  const { what, call } = outcome;
  return `${id} answers ${what} on ${placeOf(outcome)} with ${call.seen.status}, which is no refusal: something before it answers for it, as a load balancer or a page of maintenance does, or it was let by and what stands behind failed. Where all of that is well, and it stays so: ${VERIFY}`;
}

function openWords(outcome: Outcome, id: string): string {
  return `${id} serves ${placeOf(outcome)} to callers without a credential (${outcome.call.seen.status}): put authentication on that route, or name the path in \`open\` where anybody may reach it.`;
}

function letInWords(outcome: Outcome, id: string, found: FoundRecord | undefined): string {
  const { what, call, expected } = outcome;
  const verdict = expected.kind === "verdict" ? `, which must be denied with ${expected.verdict}` : "";
  const record = found === undefined ? "and has no record of it" : `and recorded it as ${found.record.verdict}`;
  const isForgotten = expected.kind === "verdict" && expected.verdict === "revoked";
  const next = isForgotten
    ? "The revocation has not arrived there: does the command `revoke` of the drill file reach this gateway, and did a later push keep it? `glassgate revoke --list --gateway FILE` says what is in force."
    : found?.record.verdict === "allow"
      ? "The filter itself allowed it: compare the trust bundle that this gateway serves with the roster, then push the right one."
      : `Take this listener out of service until it is mended: ${VERIFY}`;
  return `${id} let ${what} through on ${placeOf(outcome)}${verdict} (${call.seen.status}), ${record}. ${next}`;
}

function refusedWords(outcome: Outcome, id: string, found: FoundRecord | undefined): string {
  const { what, call, expected } = outcome;
  if (expected.kind === "normal")
    return `${id} refuses ${what} on ${placeOf(outcome)} (${call.seen.status}): normal traffic is affected, or the file \`caller\` is out of date.`;
  const code = Object.entries(verdicts).find(([name]) => name === (found?.record.verdict ?? call.seen.code));
  const why = code === undefined ? `with ${call.seen.status}` : `with ${code[0]}`;
  return `${id} denies ${what} on ${placeOf(outcome)} ${why}: in an emergency nobody would get through. ${code?.[1].operator ?? VERIFY}`;
}

/** @param found its record, where there is one */
export function findingOf(
  fault: Fault,
  outcome: Outcome,
  { id, url }: FleetGateway,
  found: FoundRecord | undefined,
): string {
  const { what, call, expected } = outcome;
  const place = placeOf(outcome);
  switch (fault) {
    case "no_answer":
      return `${id} gives no answer at ${url}: ${visible(call.seen.error ?? "")}. Is it up, and is this the listener that callers use?`;
    case "limited":
      return `${id} was not asked: ${what} on ${place} is answered 429, which is not the filter's, and nothing is on record. Something before or at ${url} limits how often this machine may come, and whoever comes less often may get in: let the drill's address through that limit, then run it again.`;
    case "open":
      return openWords(outcome, id);
    case "failed":
      return failedWords(outcome, id);
    case "let_in":
      return letInWords(outcome, id, found);
    case "shadow":
      return `${id} runs in shadow mode: it decides and records, and enforces nothing. Render it without \`--mode shadow\`, and push.`;
    case "unjudged":
      return call.method === "HEAD" && REFUSED.has(call.seen.status)
        ? `${id} refused ${what} on ${place} (${call.seen.status}), and whether the filter did, and which record is its, cannot be known: an answer to HEAD has no body that says so. Let the drill's entitlement open GET as well, and put \`method: GET\` into \`target\`.`
        : `${id} did not judge ${what} on ${place}: the answer is none of the filter's (${call.seen.status}), and nothing is on record. The filter is off there, for this route or for all, unless ${url} is another listener than callers use: ${VERIFY}`;
    case "unrecorded":
      return `${id} judged requests and has no record of them, of ${place} for one: is ${url} its own listener, or does that lead past it? Is its audit log written where the ledger follows it, unfiltered? ${VERIFY}`;
    case "elsewhere":
      return `What was sent to ${id} at ${url} was judged by ${visible(found?.by ?? "another gateway")}: the drill file names the listener of another gateway.`;
    case "refused":
      return refusedWords(outcome, id, found);
    case "unsaid":
      return `${id} allows ${what} on ${place}, and something behind the filter refuses it all the same (${call.seen.status}): normal authentication is not skipped where the verdict is allow. ${VERIFY}`;
    case "other_verdict":
      return `${id} denied ${what} on ${place} for another reason than it must: ${visible(found?.record.verdict ?? "")} in place of ${expected.kind === "verdict" ? expected.verdict : "another"}. Compare its bundle, clock and version with the others'.`;
    case "other_reply":
      return `${id} recorded what it must of ${place} and told the caller something else (${call.seen.status} ${visible(call.seen.code ?? "without a code")}): something behind or before the filter changes its answers.`;
    case "not_cut":
      return `${id} did not end ${what} on ${place}: a stream outlives its grant there. Is its filter of this version, and does a proxy in front hold the stream open?`;
    case "no_stream":
      return `The stream on ${place} of ${id} ended without a record that says why: the answer may have ended by itself. Name a \`stream\` in the drill file that goes on.`;
    case "other":
      return `${id}, ${what} on ${place}: ${[...(outcome.faults ?? []), `the answer was ${call.seen.status}`].join("; ")}. ${VERIFY}`;
  }
}
