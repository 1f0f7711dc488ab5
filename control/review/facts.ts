/** What is gathered about one grant while the log goes by: sums and firsts, so that memory does not grow with its calls. */
import { networkOf } from "../grant/networks.js";
import { remember } from "../ledger/chain/bounded.js";
import type { Claimed } from "../ledger/chain/evidence.js";
import type { Finding } from "../ledger/chain/finding.js";
import type { AuditRecord } from "../ledger/chain/lines.js";
import type { Decided } from "./bundles.js";
import { type Claims, Usage } from "./granted.js";
import type { Call } from "./model.js";
import { newTally, note, noteOf, type Tally } from "./tally.js";

export type MutableCall = { -readonly [name in keyof Call]: Call[name] };

/** Of one grant. Nobody reads more; whoever sends more is told of by `and more`. */
const MAX_KINDS = 64;
const MAX_APPROVALS = 64;
const MAX_EVIDENCE = 8;
const MAX_ALARMS = 64;
export const OTHERS = "others";
/** As the filter takes addresses together where it counts failures: one household or office. */
const NETWORK_V4 = 24;
const NETWORK_V6 = 56;
/** A stream that goes on for longer does more than one request's work, out of sight of the scope. */
export const LONG_STREAM_MS = 5 * 60_000;

export type First = Pick<AuditRecord, "jti" | "sub" | "ent" | "reason" | "incident" | "drill"> & Decided;

export interface GrantFacts {
  readonly grant: string;
  readonly first: First;
  readonly sub: string;
  readonly openedAt: number;
  readonly firstEntry: number;
  /** Whether its calls are kept one by one. */
  readonly isKept: boolean;
  readonly calls: MutableCall[];
  readonly approvers: Map<string, { readonly sub: string; readonly iat: number; readonly entry: number }>;
  /** Texts by their SHA-256, and the first record that names each. */
  readonly texts: Map<string, { readonly text: string; readonly entry: number }>;
  readonly named: Map<string, Claimed & Decided>;
  claims: Claims | undefined;
  readonly usage: Usage;
  /** Times of allowed calls. */
  readonly allowedAt: number[];
  firstUse: { at: number; entry: number } | undefined;
  /** The last time that anything went through. */
  lastUseAt: number;
  lastAt: number | undefined;
  answered: number;
  /** Allowed, and taken back by the gateway itself. */
  corrected: number;
  readonly denied: Map<string, Tally>;
  readonly networks: Map<string, Tally>;
  readonly usedNetworks: Set<string>;
  readonly hosts: Map<string, Tally>;
  readonly outside: Tally;
  readonly long: Tally;
  longestMs: number;
  readonly cut: Map<string, Tally>;
  readonly singleKey: Tally;
  readonly alarms: (Finding & { readonly entry: number; readonly at: number })[];
  readonly alarmed: Tally;
  revokedAt: number | undefined;
  revokedEntry: number | undefined;
}

export function newFacts(
  grant: string,
  record: GrantFacts["first"],
  index: number,
  openedAt: number,
  isKept: boolean,
): GrantFacts {
  const { jti, sub = "", ent, reason, incident, drill, bundle, anchors } = record;
  return {
    grant,
    first: { jti, sub, ent, reason, incident, drill, bundle, anchors },
    sub,
    openedAt,
    firstEntry: index,
    isKept,
    calls: [],
    approvers: new Map(),
    texts: new Map(),
    named: new Map(),
    claims: undefined,
    usage: new Usage(),
    allowedAt: [],
    firstUse: undefined,
    lastUseAt: 0,
    lastAt: undefined,
    answered: 0,
    corrected: 0,
    denied: new Map(),
    networks: new Map(),
    usedNetworks: new Set(),
    hosts: new Map(),
    outside: newTally(),
    long: newTally(),
    longestMs: 0,
    cut: new Map(),
    singleKey: newTally(),
    alarms: [],
    alarmed: newTally(),
    revokedAt: undefined,
    revokedEntry: undefined,
  };
}

/** Addresses come again and again. */
const networks = new Map<string, string>();
const MAX_ADDRESSES = 4096;

/** The client's network, of what Envoy calls its address. */
export function networkOfSource(source: string): string {
  const [, v6, v4] = /^(?:\[([^\]]*)\](?::\d+)?|([0-9.]+)(?::\d+)?)$/.exec(source) ?? [];
  const address = v6 ?? v4 ?? source;
  const known = networks.get(address);
  if (known !== undefined) return known;
  const network = networkOf(address, NETWORK_V4, NETWORK_V6) ?? "without an address";
  remember(networks, address, network, MAX_ADDRESSES);
  return network;
}

export function noteApprovers(facts: GrantFacts, record: AuditRecord, index: number): void {
  for (const { sub, iat } of record.approvers ?? []) {
    const key = `${iat} ${sub}`;
    if (facts.approvers.size < MAX_APPROVALS && !facts.approvers.has(key))
      facts.approvers.set(key, { sub, iat, entry: index });
  }
}

/** The record names evidence. */
export function noteNamed(facts: GrantFacts, record: AuditRecord): void {
  const { evidence, bundle, anchors } = record;
  if (evidence === undefined || facts.named.has(evidence) || facts.named.size >= MAX_EVIDENCE) return;
  facts.named.set(evidence, { ...record, bundle, anchors });
}

export function noteText(facts: GrantFacts, sha256: string, text: string, entry: number): void {
  if (facts.texts.size < MAX_EVIDENCE && !facts.texts.has(sha256)) facts.texts.set(sha256, { text, entry });
}

/** A call was decided: allowed, or denied. */
export function noteDecided(facts: GrantFacts, call: Call, isOutside: boolean): void {
  const { at, entry, verdict, mode, source = "", host } = call;
  facts.lastAt = Math.max(facts.lastAt ?? at, at);
  const isAllowed = verdict === "allow" && mode === "enforce";
  const network = networkOfSource(source);
  noteOf(facts.networks, network, entry, MAX_KINDS, OTHERS);
  if (host !== undefined) noteOf(facts.hosts, host.toLowerCase(), entry, MAX_KINDS, OTHERS);
  if (isOutside) note(facts.outside, entry);
  if (!isAllowed) {
    noteOf(
      facts.denied,
      mode === "enforce" ? verdict : `${verdict} (${mode}: nothing was enforced)`,
      entry,
      MAX_KINDS,
      OTHERS,
    );
    return;
  }
  if (facts.usedNetworks.size < MAX_KINDS) facts.usedNetworks.add(network);
  facts.allowedAt.push(at);
  if (facts.firstUse === undefined || at < facts.firstUse.at) facts.firstUse = { at, entry };
  facts.lastUseAt = Math.max(facts.lastUseAt, at);
  facts.usage.take(accessed(call));
}

export const accessed = ({ method, host, path, isPathCut }: Call) => ({
  method,
  host,
  path,
  path_bytes: isPathCut ? Number.POSITIVE_INFINITY : undefined,
});

export function noteAnswer(facts: GrantFacts, call: Call, entry: number): void {
  const { answer } = call;
  facts.answered += 1;
  const { durationMs = 0, status } = answer ?? {};
  facts.lastUseAt = Math.max(facts.lastUseAt, call.at + durationMs);
  facts.usage.answered(accessed(call), status);
  if (durationMs <= LONG_STREAM_MS) return;
  note(facts.long, entry);
  facts.longestMs = Math.max(facts.longestMs, durationMs);
}

export function noteEnded(facts: GrantFacts, verdict: string, at: number, entry: number): void {
  noteOf(facts.cut, verdict, entry, MAX_KINDS, OTHERS);
  facts.lastAt = Math.max(facts.lastAt ?? at, at);
  facts.lastUseAt = Math.max(facts.lastUseAt, at);
}

export function noteAlarm(facts: GrantFacts, finding: Finding, entry: number, at: number): void {
  note(facts.alarmed, entry);
  if (facts.alarms.length < MAX_ALARMS) facts.alarms.push({ ...finding, entry, at });
}

/** A gateway tells the time of a decision and of its record one after the other. */
const SLACK_MS = 2000;

/** Allowed calls that were decided after its end. */
export const accessedAfter = ({ allowedAt }: GrantFacts, end: number | undefined): number =>
  end === undefined ? 0 : allowedAt.filter((at) => at >= end + SLACK_MS).length;
