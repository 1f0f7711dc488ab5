/**
 * One pass over a log's entries, which somebody else verifies meanwhile: what belongs to each grant. Of the grants that are wanted every
 * call is kept, of the others sums.
 */
import { hash } from "node:crypto";
import { z } from "zod";
import { remember } from "../ledger/chain/bounded.js";
import { type AlarmCode, alarmRows } from "../ledger/chain/codes.gen.js";
import { grantOf } from "../ledger/chain/evidence.js";
import { decodeFinding, type Finding } from "../ledger/chain/finding.js";
import { jsonOf, parseJws } from "../ledger/chain/jws.js";
import { type Answer as AnswerLine, type AuditRecord, type Line, PENDING } from "../ledger/chain/lines.js";
import type { Rules } from "../ledger/chain/rules.js";
import type { Entry } from "../ledger/entry.js";
import { Bundles } from "./bundles.js";
import { Calls } from "./calls.js";
import {
  type GrantFacts,
  type MutableCall,
  newFacts,
  noteAlarm,
  noteAnswer,
  noteApprovers,
  noteDecided,
  noteEnded,
  noteNamed,
  noteText,
} from "./facts.js";
import { claimsIn } from "./granted.js";
import { type Open, Requests } from "./requests.js";
import { note } from "./tally.js";

/** As the ledger itself remembers (control/ledger/chain). */
const MAX_EACH = 64;
const MAX_EARLY = 4096;
const MAX_PENDING = 16_384;
/** Entries whose grant is remembered, for alarms about them. */
const MAX_OWNED = 65_536;
/** Asks in the log: by grant, of one, and how long one is. */
const MAX_ASKS = 4096;
const MAX_ASKS_EACH = 4;
const MAX_ASK_BYTES = 12_288;
const MAX_TEXTS = 4096;
/** First uses that are remembered, by person and entitlement. */
const MAX_USES = 65_536;

/** Grants that were used, and others, which nobody may crowd those out with. */
const MAX_USED = 65_536;
const MAX_DENIED = 16_384;
/** Alarms of which the review itself tells. */
const SAID_OTHERWISE: ReadonlySet<AlarmCode> = new Set(["single_key", "review_overdue"]);

export interface Wanted {
  readonly grant: string;
  readonly jti: string;
  readonly sub: string;
  /** Milliseconds: when it was first seen. */
  readonly openedAt: number;
}

export interface FirstUse {
  readonly sub: string;
  readonly ent: string;
  readonly grant: string;
  readonly entry: number;
}

const receiptSchema = z.looseObject({ record_sha256: z.string() });

export class Gatherer {
  readonly bundles: Bundles;
  /** By grant, in the order of first sight. */
  readonly grants = new Map<string, GrantFacts>();
  /** Asks that stand in the log: nobody's line, and proof all the same. By grant. */
  readonly asks = new Map<string, string[]>();
  readonly revocations: { readonly entry: number; readonly at: number; readonly text: string }[] = [];
  readonly uses = new Map<string, FirstUse>();
  /** Of these grants nothing was allowed, of those something was. */
  private readonly denied = new Map<string, true>();
  /** Of those, the ones that are wanted: nobody crowds them out with others. */
  private readonly wanted = new Map<string, true>();
  private readonly used = new Map<string, true>();
  private readonly requests = new Requests();
  private readonly pending = new Map<string, Open>();
  private readonly pendingByHash = new Map<string, MutableCall>();
  private readonly owned = new Map<number, string>();
  private readonly earlyTexts = new Map<
    string,
    { readonly sha256: string; readonly text: string; readonly entry: number }[]
  >();
  private readonly calls = new Calls();

  constructor(
    rules: Rules,
    private readonly isWanted: (one: Wanted) => boolean,
    private readonly isOutside: (at: number) => boolean,
  ) {
    this.bundles = new Bundles(rules);
  }

  /** @param entry its body is whole @param line what `lineOf` makes of it */
  take(index: number, { head, body }: Entry, line: Line | undefined): void {
    const at = Date.parse(head.received);
    if (line !== undefined) this.takeLine(index, at, head.sender, line);
    switch (head.type) {
      case "bundle":
        this.bundles.take(index, body);
        break;
      case "text":
        if (this.revocations.length < MAX_TEXTS)
          this.revocations.push({ entry: index, at, text: body.toString("latin1").trim() });
        break;
      case "alarm": {
        const finding = decodeFinding(body);
        if (finding !== undefined) this.takeAlarm(index, at, finding);
        break;
      }
      case "quarantine":
        this.takeStray(body);
        break;
      default: // Nothing of a grant.
    }
  }

  private takeLine(index: number, at: number, sender: string, line: Line): void {
    switch (line.type) {
      case "record":
        if (line.record.grant_sha256 !== undefined)
          this.takeRecord(index, at, sender, line.record, line.sha256, line.record.grant_sha256);
        break;
      case "evidence":
        this.takeEvidence(index, line.evidence, line.sha256);
        break;
      case "answer":
        this.takeAnswer(index, sender, line.answer);
        break;
      case "receipt": {
        const claims = receiptSchema.safeParse(jsonOf(parseJws(line.receipt)?.payload ?? "")).data;
        const call = this.pendingByHash.get(claims?.record_sha256 ?? "");
        if (call !== undefined) call.receipt = index;
        break;
      }
      default: // Quarantined: its entry says so.
    }
  }

  private factsOf(grant: string, record: AuditRecord, index: number, at: number): GrantFacts {
    const there = this.grants.get(grant);
    if (there !== undefined) return there;
    const { jti = "", sub = "" } = record;
    const facts = newFacts(grant, record, index, at, this.isWanted({ grant, jti, sub, openedAt: at }));
    this.grants.set(grant, facts);
    this.keep(facts.isKept ? this.wanted : this.denied, grant, MAX_DENIED);
    for (const { sha256, text, entry } of this.earlyTexts.get(grant) ?? [])
      this.joinEvidence(facts, entry, text, sha256);
    this.earlyTexts.delete(grant);
    return facts;
  }

  private keep(those: Map<string, true>, grant: string, max: number): void {
    const forgotten = remember(those, grant, true, max);
    if (forgotten !== undefined) this.grants.delete(forgotten[0]);
  }

  private takeRecord(
    index: number,
    at: number,
    sender: string,
    record: AuditRecord,
    sha256: Buffer,
    grant: string,
  ): void {
    const facts = this.factsOf(grant, record, index, at);
    remember(this.owned, index, grant, MAX_OWNED);
    noteApprovers(facts, record, index);
    noteNamed(facts, record);
    if (record.single_key === true) note(facts.singleKey, index);
    if (record.verdict === "revoked") {
      facts.revokedAt = Math.min(facts.revokedAt ?? Number.POSITIVE_INFINITY, Date.parse(record.ts));
      facts.revokedEntry ??= index;
    }
    if (record.ended === true) this.takeEnd(facts, record, index);
    else if (record.corrects !== undefined) this.takeCorrection(facts, record, index, sender);
    else this.takeDecision(facts, record, index, sender, sha256);
  }

  private takeEnd(facts: GrantFacts, record: AuditRecord, index: number): void {
    const ended = { at: Date.parse(record.ts), verdict: record.verdict, entry: index };
    noteEnded(facts, record.verdict, ended.at, index);
    const call = this.requests.find(facts, record, (one) => one.ended === undefined);
    if (call !== undefined) call.ended = ended;
  }

  private takeCorrection(facts: GrantFacts, record: AuditRecord, index: number, sender: string): void {
    const call = this.requests.find(facts, record, ({ seq }) => seq === record.corrects);
    if (call === undefined) {
      this.add(facts, this.calls.of(record, index), sender);
      return;
    }
    facts.corrected += 1;
    call.verdict = record.verdict;
    noteDecided(facts, { ...call, entry: index }, false);
  }

  private takeDecision(facts: GrantFacts, record: AuditRecord, index: number, sender: string, sha256: Buffer): void {
    const { vm, seq, settles, verdict } = record;
    const waiting = settles === undefined ? undefined : this.pending.get(`${vm} ${settles}`);
    if (settles !== undefined && waiting?.facts === facts) {
      this.pending.delete(`${vm} ${settles}`);
      Object.assign(waiting.call, { entry: index, at: Date.parse(record.ts), seq, verdict });
      this.decided(facts, waiting.call, sender);
      return;
    }
    const call = this.calls.of(record, index);
    if (verdict !== PENDING) {
      this.add(facts, call, sender);
      return;
    }
    if (facts.isKept) facts.calls.push(call);
    remember(this.pending, `${vm} ${seq}`, { facts, call, sender }, MAX_PENDING);
    remember(this.pendingByHash, sha256.toString("hex"), call, MAX_PENDING);
  }

  private add(facts: GrantFacts, call: MutableCall, sender: string): void {
    if (facts.isKept) facts.calls.push(call);
    this.decided(facts, call, sender);
  }

  private decided(facts: GrantFacts, call: MutableCall, sender: string): void {
    noteDecided(facts, call, this.isOutside(call.at));
    if (call.verdict !== "allow" || call.mode !== "enforce") return;
    const { sub, grant } = facts;
    if (this.denied.delete(grant) || this.wanted.delete(grant)) this.keep(this.used, grant, MAX_USED);
    const { ent = "" } = facts.first;
    const key = `${ent}\n${sub}`;
    if (!this.uses.has(key) && this.uses.size < MAX_USES) this.uses.set(key, { sub, ent, grant, entry: call.entry });
    for (const { line, entry, sender: by } of this.requests.open({ facts, call, sender }))
      this.takeAnswer(entry, by, line);
  }

  private takeAnswer(index: number, sender: string, line: AnswerLine): void {
    const open = this.requests.answer(index, sender, line);
    if (open === undefined) return;
    const { facts, call } = open;
    remember(this.owned, index, facts.grant, MAX_OWNED);
    if (call.answer?.entry === index) noteAnswer(facts, call, index);
  }

  private takeEvidence(index: number, text: string, sha256: string): void {
    const grant = grantOf(text);
    const facts = this.grants.get(grant);
    if (facts !== undefined) {
      this.joinEvidence(facts, index, text, sha256);
      return;
    }
    const those = this.earlyTexts.get(grant) ?? [];
    if (those.length < MAX_EACH)
      remember(this.earlyTexts, grant, [...those, { sha256, text, entry: index }], MAX_EARLY);
  }

  private joinEvidence(facts: GrantFacts, index: number, text: string, sha256: string): void {
    remember(this.owned, index, facts.grant, MAX_OWNED);
    noteText(facts, sha256, text, index);
    if (facts.claims !== undefined) return;
    facts.claims = claimsIn(text);
    if (facts.claims !== undefined) facts.usage.opens(facts.claims);
  }

  private takeAlarm(index: number, at: number, finding: Finding): void {
    const { code, about, grant_sha256: named } = finding;
    if (code === "foreign_bundle") this.bundles.disown(about);
    if (alarmRows[code].severity === "notice" || SAID_OTHERWISE.has(code)) return;
    const grants = new Set([named, ...about.map((entry) => this.owned.get(entry))]);
    for (const grant of grants) {
      const facts = grant === undefined ? undefined : this.grants.get(grant);
      if (facts !== undefined) noteAlarm(facts, finding, index, at);
    }
  }

  /** An ask is no line of a gateway's; where somebody entered one it proves who asked. */
  private takeStray(body: Buffer): void {
    const text = body.length > MAX_ASK_BYTES ? "" : body.toString("latin1").trim();
    const jws = parseJws(text);
    if (jws?.header.typ === "bg-ask+jwt" && this.asks.size < MAX_ASKS) this.addAsk(text);
  }

  /** @param token an ask: whether it proves anything is seen at the end */
  addAsk(token: string): void {
    const payload = token.split(".", 2)[1] ?? "";
    const grant = hash("sha256", payload, "hex");
    const those = this.asks.get(grant) ?? [];
    if (those.length < MAX_ASKS_EACH) this.asks.set(grant, [...those, token]);
  }
}
