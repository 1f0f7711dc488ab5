/** One entry taken into the state. Nothing else changes it. */
import { createHash } from "node:crypto";
import type { Entry } from "../entry.js";
import { openingOf } from "../shard.js";
import { judgeAccesses, noteAccess } from "./access.js";
import { answeredGrant, dropOrphans, noteAllowed, takeAnswer } from "./answers.js";
import { keep, remember, taken } from "./bounded.js";
import { newestBundle, noteTrust, takeBundle } from "./bundles.js";
import { takeCarried } from "./carry.js";
import { chainKey, chainOf, endVm, gatewayOf, partsOf, reviveVm } from "./chains.js";
import { noteTime } from "./clock.js";
import { noteDenial } from "./denials.js";
import { judgeDrill } from "./drills.js";
import { decodeFinding, type Finding, type Step } from "./finding.js";
import { crowded, hold, isPaused, noteTold } from "./floods.js";
import { judgeWaiting, noteGrant, takeText } from "./grants.js";
import { keyOfEnd, mayEnd, readHeartbeat, takeHeartbeat } from "./heartbeats.js";
import { noteLag } from "./lag.js";
import { type Line, lineOf } from "./lines.js";
import { takeRecord } from "./link.js";
import { markTold } from "./missing.js";
import { judgeUnknown, markReceipts, noteSettling, takeReceipt } from "./receipts.js";
import { joinAlarm, joinLine } from "./review-join.js";
import { judgeReview } from "./review-judge.js";
import { noteClosed } from "./reviews.js";
import { foreignPair, type Rules, speaksFor } from "./rules.js";
import { type State, seenKey } from "./state.js";
import { takeRevocations } from "./texts.js";
import { dropTold } from "./unproven.js";
import { shortHash } from "./window.js";

/** How far a gateway's clock may be ahead. */
const MAX_AHEAD_MS = 600_000;
/** Of all senders together, as of what was seen. */
const MAX_OVERFLOW = 65_536;
/** Of one sender: bytes that came before and are none of our lines. */
const MAX_QUARANTINED = 4096;
const MAX_SEEN = 4096;

function applyRecord(state: State, rules: Rules, line: Extract<Line, { type: "record" }>, step: Step): void {
  const { record, sha256, unknown } = line;
  const { vm, seq, ts } = record;
  const { node } = partsOf(vm);
  const key = chainKey(rules, step.sender, vm);
  if (!speaksFor(rules, step.sender, node))
    step.say({
      code: "foreign_sender",
      subject: foreignPair(step.sender, node),
      vm,
      seq,
      says: `${step.sender} sent a record of ${node}, for which he does not speak`,
    });
  else gatewayOf(state.chains, node, step);
  if (unknown !== undefined)
    step.say({
      code: "record_unknown_member",
      subject: `${node} ${unknown}`,
      vm,
      seq,
      says: `a record of ${vm} has what this version does not know: ${unknown}`,
    });
  if (Date.parse(ts) > step.at + MAX_AHEAD_MS)
    step.say({ code: "future", subject: key, vm, seq, says: `seq ${seq} of ${vm} says that it is of ${ts}` });
  const chain = chainOf(state.chains, rules, step, vm);
  if (chain === undefined) {
    const hash = shortHash(state.salt, sha256).toString("hex");
    keep(state.chains.overflow, step.sender, hash, step.index, MAX_OVERFLOW);
  } else {
    reviveVm(state.chains, chain);
    takeRecord(chain, state.salt, rules, record, sha256, step);
  }
  noteLag(state.lags, record, step.sender, step.at);
  noteTime(state.clocks, key, record, step);
  noteTrust(state.bundles, rules, key, record, step);
  noteGrant(state.grants, state.bundles, rules, key, record, step);
  noteAllowed(state.answers, state.grants, rules, record, step);
  noteSettling(state.receipts, key, record, sha256, step);
  noteAccess(state.accesses, state.bundles, rules, key, record, step);
  noteDenial(state.denials, rules, record, step);
}

function applyQuarantine(state: State, { head, body }: Entry, step: Step): void {
  const hash = head.sha256 ?? createHash("sha256").update(body).digest("hex");
  const own = taken(state.quarantined, step.sender, () => new Map<string, number>());
  remember(own, hash, step.index, MAX_QUARANTINED);
  const why = head.why ?? "unknown";
  step.say({
    code: "quarantined",
    subject: step.sender,
    says: `${step.sender} sent what is no line of a gateway (${why})`,
  });
}

function applyAlarm(state: State, rules: Rules, body: Buffer, step: Step): void {
  const finding = decodeFinding(body);
  if (finding === undefined) return;
  const { code, subject, ranges, about } = finding;
  state.codes.set(code, (state.codes.get(code) ?? 0) + (finding.count ?? 1));
  noteTold(state.floods, finding, step.sender, rules.grace.pause, step.at);
  if (finding.count !== undefined) return;
  const told = new Set(about);
  switch (code) {
    case "gap":
    case "late_start":
    case "missing_vm": {
      const vm = state.chains.vms.get(subject);
      if (vm !== undefined) markTold(vm, ranges ?? [], step.index);
      break;
    }
    case "silence":
      gatewayOf(state.chains, subject, step).silence ??= step.index;
      break;
    case "bundle_unknown": {
      const unknown = state.bundles.unknown.all.get(subject);
      if (unknown !== undefined) unknown.alarm = step.index;
      break;
    }
    case "evidence_missing":
    case "evidence_without_record":
    case "bad_evidence":
      dropTold(state.grants, told);
      break;
    case "answer_without_record":
      dropOrphans(state.answers, told);
      break;
    case "unsettled":
    case "receipt_missing":
    case "settles_wrong":
    case "receipt_wrong":
      markReceipts(state.receipts, told, code === "unsettled");
      break;
    default: // Told at once, with nothing that waits.
  }
}

function applyLine(state: State, rules: Rules, entry: Entry, line: Line, step: Step): void {
  const { bundles, grants, answers, receipts } = state;
  switch (line.type) {
    case "record":
      applyRecord(state, rules, line, step);
      break;
    case "evidence":
      takeText(grants, bundles, rules, line.evidence, line.sha256, step);
      break;
    case "receipt":
      takeReceipt(receipts, bundles, rules, line, step);
      break;
    case "answer":
      takeAnswer(answers, grants, line.answer, line.sha256, step);
      break;
    case "quarantine":
      applyQuarantine(state, entry, step);
  }
}

function applyBundle(state: State, rules: Rules, body: Buffer, step: Step): void {
  const { bundles, grants, receipts } = state;
  if (takeBundle(bundles, rules, body, step).length === 0) return;
  judgeWaiting(grants, bundles, rules, step);
  judgeUnknown(receipts, bundles, rules, step);
  judgeAccesses(state.accesses, bundles, rules, step);
}

function applyText({ texts, bundles }: State, rules: Rules, body: Buffer, step: Step): void {
  const courts = rules.pins.anchors.flatMap((anchors, which) => {
    const bundle = newestBundle(bundles, which);
    return bundle === undefined ? [] : [[anchors, bundle] as const];
  });
  takeRevocations(texts, courts, body, step);
}

/** The ledger let in what held; what does not hold here is for `verify` to tell of. */
function applyReview(state: State, rules: Rules, body: Buffer, step: Step): void {
  const judged = judgeReview({ state, rules, now: step.at, grace: 0 }, body.toString("latin1"));
  const { claims, faults, isProven } = judged;
  if (claims !== undefined && faults.length === 0) {
    noteClosed(state.reviews, claims.review, step.index, step.at, body);
    rules.onClosed?.(step.index, isProven);
    return;
  }
  const { review = "", sub = "" } = claims ?? {};
  const grant = state.reviews.used.has(review) ? { grant_sha256: review } : {};
  const whose = claims === undefined ? "" : ` of ${sub} under ${review}`;
  const says = `the closing signature${whose} does not hold: ${faults.join(" ")}`;
  step.say({ code: "review_invalid", subject: review === "" ? step.sender : review, ...grant, says });
}

/** As with reviews. */
function applyDrill(state: State, rules: Rules, body: Buffer, step: Step): void {
  const { claims, faults } = judgeDrill({ state, rules, now: step.at, grace: 0 }, body.toString("latin1"));
  if (claims !== undefined && faults.length === 0) {
    keep(state.bundles.seen, step.sender, seenKey("drill", claims.sub, body), step.index, MAX_SEEN);
    return;
  }
  const whose = claims === undefined ? "" : ` of ${claims.sub} under the drill ${claims.name}`;
  const says = `the signature${whose} does not hold: ${faults.join(" ")}`;
  step.say({ code: "drill_invalid", subject: claims?.name ?? step.sender, says });
}

/** What is of a grant joins its review. */
function joinReview(state: State, rules: Rules, index: number, entry: Entry, line: Line | undefined): void {
  const { sender } = entry.head;
  if (line !== undefined)
    joinLine(state.reviews, rules, index, entry, line, {
      chain: line.type === "record" ? chainKey(rules, sender, line.record.vm) : "",
      answered: line.type === "answer" ? answeredGrant(state.answers, sender, line.answer.request_id) : undefined,
    });
  // Whoever judges a finished log makes findings that are no entries: he hands in those that are.
  else if (entry.head.type === "alarm" && rules.isCounting) joinAlarm(state.reviews, rules, index, entry);
}

function applyBody(state: State, rules: Rules, entry: Entry, line: Line | undefined, step: Step): void {
  const { type } = entry.head;
  const { body } = entry;
  switch (type) {
    case "record":
    case "evidence":
    case "receipt":
    case "answer":
      if (line !== undefined) applyLine(state, rules, entry, line, step);
      break;
    case "quarantine":
      applyQuarantine(state, entry, step);
      break;
    case "heartbeat": {
      const heartbeat = readHeartbeat(body);
      if (heartbeat !== undefined) takeHeartbeat(state.chains, state.clocks, rules, heartbeat, step);
      break;
    }
    case "alarm":
      applyAlarm(state, rules, body, step);
      break;
    case "end": {
      const key = keyOfEnd(body);
      // A ledger looked before it wrote it; whoever reads it looks again.
      const isSo = key !== undefined && (rules.isCounting || mayEnd(state.chains, rules, key, step.at));
      if (isSo) endVm(state.chains, key, step);
      break;
    }
    case "bundle":
    case "text":
    case "push":
      keep(state.bundles.seen, step.sender, seenKey(type, step.sender, body), step.index, MAX_SEEN);
      if (type === "bundle") applyBundle(state, rules, body, step);
      if (type === "text") applyText(state, rules, body, step);
      break;
    case "shard":
      if (step.index === 0) {
        const opening = openingOf(body);
        state.receipts.predecessor = opening?.predecessor.origin;
        takeCarried(state, rules, opening?.carried, step);
      }
      break;
    case "review":
      applyReview(state, rules, body, step);
      break;
    case "drill":
      applyDrill(state, rules, body, step);
  }
}

/** Tells of it now, or counts it only. */
function tell(state: State, rules: Rules, whole: Finding, sender: string, at: number, findings: Finding[]): void {
  const { pause } = rules.grace;
  const isCounted = isPaused(state.floods, whole, at);
  const finding = isCounted ? whole : crowded(state.bursts, whole, sender, pause, at);
  if (isCounted || isPaused(state.floods, finding, at)) hold(state.floods, finding);
  else {
    noteTold(state.floods, finding, sender, pause, at);
    findings.push(finding);
  }
}

/**
 * Takes an entry in. @param entry its body is whole, also where it stands in a blob
 * @param line what `prepare` made of it
 * @returns what is to be told at once
 */
export function apply(state: State, rules: Rules, index: number, entry: Entry, line?: Line): Finding[] {
  const findings: Finding[] = [];
  const { head } = entry;
  const at = Date.parse(head.received);
  const step: Step = {
    index,
    at,
    sender: head.sender,
    say: (said) => {
      const about = said.about ?? [index];
      const whole: Finding = { ...said, about, index: about[0] ?? index };
      if (rules.isCounting) tell(state, rules, whole, head.sender, at, findings);
      else findings.push(whole);
    },
  };
  state.size = index + 1;
  state.types.set(head.type, (state.types.get(head.type) ?? 0) + 1);
  const made = line ?? lineOf(entry);
  applyBody(state, rules, entry, made, step);
  joinReview(state, rules, index, entry, made);
  return findings;
}
