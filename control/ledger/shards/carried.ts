/**
 * What went along into a shard, held against the one that it comes from: its chains as they were open there, and grants only where their
 * evidence is. Else a record could vanish at the seam, or an approval be made up there: nothing in the new shard would tell.
 */
import { visible } from "../../base/text.js";
import type { WindowedKey } from "../../signer/jwk.js";
import { Auditor } from "../chain/auditor.js";
import { taken } from "../chain/bounded.js";
import { verifyUnderPins } from "../chain/bundles.js";
import { type Carried, carriedSchema } from "../chain/carry.js";
import type { Chains, Vm } from "../chain/chains.js";
import { grantOf } from "../chain/evidence.js";
import { decodeFinding } from "../chain/finding.js";
import { holds, type Jws, jsonOf, parseJws } from "../chain/jws.js";
import { classify } from "../chain/lines.js";
import { strangeReview } from "../chain/review-carry.js";
import { rulesOf, WINDOW_SLOTS } from "../chain/rules.js";
import { claimsSchema, standingOf } from "../chain/standing.js";
import type { Entry } from "../entry.js";
import { openingOf } from "../shard.js";
import { Unsettled } from "./unsettled.js";

type Stretch = readonly [from: number, to: number];
type CarriedVm = Carried["vms"][number];

/** Whether the stretches, in whatever order, leave nothing of it out. */
function isCovered([from, to]: Stretch, by: readonly Stretch[]): boolean {
  let next = from;
  for (const [low, high] of [...by].sort((a, b) => a[0] - b[0])) if (low <= next) next = Math.max(next, high + 1);
  return next > to;
}

const keyOf = ({ vm, sender, isRightful }: CarriedVm): string => (isRightful ? vm : `${vm}\n${sender}`);
const stretchOf = ({ from, to }: { readonly from: number; readonly to: number }): Stretch => [from, to];
const shown = ([from, to]: Stretch): string => (from === to ? `seq ${from}` : `seq ${from} to ${to}`);

/** The older shard, entry by entry. */
export class Older {
  private readonly auditor = new Auditor({ anchors: [] });
  /** By chain: stretches of which an alarm tells, or told before. */
  private readonly told = new Map<string, Stretch[]>();
  /** By grant that went along: what its evidence says, and the approvals in it whose signature holds, by key and time. */
  private readonly shown = new Map<string, { readonly standing: string; readonly signed: Set<string> }>();
  /** The keys of all bundles, by their names, which are their thumbprints: whose they are is for `verify`. */
  private readonly keys = new Map<string, WindowedKey>();
  /** Approvals by keys that no bundle has shown yet. */
  private readonly later: { readonly jws: Jws; readonly payload: string; readonly signed: Set<string> }[] = [];
  private readonly unsettled = new Unsettled();
  private readonly grants: ReadonlySet<string>;
  private readonly carried: Carried | undefined;
  private before: Carried | undefined;

  /** @param carried what its successor says */
  constructor(carried: unknown) {
    this.carried = carriedSchema.safeParse(carried).data;
    this.grants = new Set((this.carried?.grants ?? []).map(({ grant }) => grant));
  }

  take(index: number, entry: Entry): void {
    this.auditor.take(index, entry);
    const { head, body } = entry;
    if (head.type === "shard" && index === 0) this.takeOpening(openingOf(body)?.carried);
    else if (head.type === "alarm") this.takeAlarm(body);
    else if (head.type === "evidence" || head.type === "receipt") this.takeLine(body);
    else if (head.type === "bundle") this.takeBundle(body);
  }

  private takeOpening(carried: unknown): void {
    this.before = carriedSchema.safeParse(carried).data;
    for (const vm of this.before?.vms ?? [])
      this.tell(keyOf(vm), vm.missing.filter(({ isTold }) => isTold).map(stretchOf));
  }

  private tell(chain: string, stretches: readonly Stretch[]): void {
    if (stretches.length > 0) this.told.set(chain, [...(this.told.get(chain) ?? []), ...stretches]);
  }

  private takeAlarm(body: Buffer): void {
    const alarm = decodeFinding(body);
    if (alarm === undefined) return;
    this.tell(alarm.subject, alarm.ranges ?? []);
    this.unsettled.takeAlarm(alarm);
  }

  private takeBundle(body: Buffer): void {
    const { claims } = verifyUnderPins(body.toString("latin1").trim(), rulesOf({ anchors: [] })) ?? {};
    for (const { keys } of claims?.principals ?? []) for (const key of keys) this.keys.set(key.kid, key);
  }

  private takeLine(body: Buffer): void {
    const line = classify(body);
    if (line.type === "receipt") this.unsettled.takeReceipt(line.receipt);
    if (line.type === "evidence") this.takeEvidence(line.evidence);
  }

  private takeEvidence(evidence: string): void {
    const grant = grantOf(evidence);
    if (!this.grants.has(grant)) return;
    const [payload = "", ...tokens] = evidence.split("~");
    const claims = claimsSchema.safeParse(jsonOf(payload)).data;
    const standing = claims === undefined ? "" : JSON.stringify(standingOf(claims));
    const { signed } = taken(this.shown, grant, () => ({ standing, signed: new Set<string>() }));
    for (const jws of tokens.flatMap((token) => parseJws(token) ?? [])) this.noteSigned(jws, payload, signed);
  }

  private noteSigned(jws: Jws, payload: string, signed: Set<string>): void {
    const key = this.keys.get(jws.header.kid);
    if (key === undefined) this.later.push({ jws, payload, signed });
    else if (holds(jws, payload, key)) signed.add(`${jws.header.kid} ${jws.header.iat}`);
  }

  /** The first thing that went along and is not what was open here, or was open here and did not go along. */
  get fault(): string | undefined {
    const { carried } = this;
    if (carried === undefined) return "what went along cannot be read";
    for (const { jws, payload, signed } of this.later.splice(0)) this.noteSigned(jws, payload, signed);
    const { chains } = this.auditor;
    const there = new Map(carried.vms.map((vm) => [keyOf(vm), vm]));
    const names = new Set(carried.vms.map(({ vm }) => vm));
    for (const vm of chains.vms.values()) {
      if (vm.ended !== undefined) continue;
      const found = there.get(vm.key);
      // Whom nobody may speak for has a chain of his own: which chain that is only the ledger's configuration tells.
      const fault = found === undefined ? names.has(vm.vm) || "it was left behind" : this.faultOf(vm, found);
      if (typeof fault === "string") return `${visible(vm.vm)}: ${fault}`;
    }
    return (
      this.faultOfGateways(chains, carried) ??
      this.faultOfGrants(carried) ??
      this.faultOfReviews(carried) ??
      this.unsettled.faultOf(this.auditor.judging(0, 0).state, carried, this.before)
    );
  }

  private faultOf(vm: Vm, { seq, sha256, top, missing, heads, predates }: CarriedVm): string | undefined {
    if (seq !== vm.last.seq || sha256 !== vm.last.sha256) return `its last record is seq ${vm.last.seq}, not ${seq}`;
    if (top !== vm.top) return `it is known of up to seq ${vm.top}, not ${top}`;
    if (predates && !vm.predates) return "it is not older than what is known of its gateway";
    const stretches = missing.map(stretchOf);
    // What is older the ledger has forgotten, once it was told.
    const left = vm.missing.filter(({ to }) => to > vm.top - WINDOW_SLOTS).map(stretchOf);
    const lost = left.find((stretch) => !isCovered(stretch, stretches));
    if (lost !== undefined) return `${shown(lost)} did not come, and that was left behind`;
    const told = this.told.get(vm.key) ?? [];
    const untold = missing.find((one) => one.isTold && !isCovered(stretchOf(one), told));
    if (untold !== undefined) return `no alarm tells that ${shown(stretchOf(untold))} did not come`;
    const published = vm.heads.find((one) => !heads.some((head) => head.seq === one.seq && head.head === one.head));
    return published === undefined ? undefined : `the published head of seq ${published.seq} was left behind`;
  }

  private faultOfGateways({ gateways }: Chains, carried: Carried): string | undefined {
    const there = new Map(carried.gateways.map((one) => [one.gateway, one]));
    for (const [name, { since, beatAt }] of gateways.all) {
      const found = there.get(name);
      if (found === undefined || found.since > since) return `${visible(name)}: it was known of before`;
      if (beatAt !== undefined && found.beatAt === undefined)
        return `${visible(name)}: its heartbeats were left behind`;
    }
    return undefined;
  }

  private faultOfReviews({ reviews }: Carried): string | undefined {
    const grant = strangeReview(this.auditor.judging(0, 0).state.reviews, reviews);
    return grant === undefined
      ? undefined
      : `the review of the grant ${grant} is not what was open, or was left behind`;
  }

  private faultOfGrants({ grants }: Carried): string | undefined {
    const before = new Map((this.before?.grants ?? []).map((one) => [one.grant, one]));
    for (const { grant, proven, standing, isShown, isJudged } of grants) {
      const known = before.get(grant);
      const shown = this.shown.get(grant);
      const isThere = shown !== undefined || known?.isShown === true;
      const isProven = proven.every(
        ({ kid, sub, iat }) =>
          shown?.signed.has(`${kid} ${iat}`) === true ||
          known?.proven.some((one) => one.kid === kid && one.sub === sub && one.iat === iat),
      );
      if (!isProven || (!isThere && (isShown || isJudged))) {
        const names = proven.map(({ sub }) => visible(sub)).join(", ") || "anybody";
        return `no evidence is there that ${names} approved the grant ${grant}`;
      }
      if (standing === undefined) continue;
      const said = JSON.stringify(standing);
      if (said !== shown?.standing && said !== JSON.stringify(known?.standing))
        return `no evidence is there that the grant ${grant} says what went along`;
    }
    return undefined;
  }
}
