/** A log in memory, a ledger on it, and lines that the release filter made. */
import { createHash } from "node:crypto";
import { readAuditLines } from "../../../control/base/audit.js";
import { FilterHost } from "../../../control/host/host.js";
import type { Alarm } from "../../../control/ledger/chain/finding.js";
import { type EntryReader, type Ledger, type LedgerOptions, openLedger } from "../../../control/ledger/chain/ledger.js";
import type { Pins } from "../../../control/ledger/chain/rules.js";
import { decodeEntry, type Entry } from "../../../control/ledger/entry.js";
import type { Received } from "../../../control/ledger/intake.js";
import type { Log } from "../../../control/ledger/log.js";
import type { Anchors } from "../../../control/trust/anchors.js";
import { anchorsSchema } from "../../../control/trust/anchors.js";
import { headersOf } from "../../kit/headers.js";
import { QuickWorld } from "../../kit/quick-world.js";
import type { Json, World } from "../../kit/world.js";

export class MemoryLog implements Log {
  readonly origin = "ledger.example/test";
  readonly vkey = "";
  entries: Buffer[] = [];
  blobs = new Map<string, Buffer>();
  appends = 0;
  /** Fails the next append. */
  isBroken = false;

  get size(): number {
    return this.entries.length;
  }

  async read(path: string): Promise<Buffer | undefined> {
    return this.blobs.get(path.replace("blob/", ""));
  }

  async append(entries: readonly Buffer[]): Promise<readonly number[]> {
    await Promise.resolve();
    if (this.isBroken) throw new Error("the disk is full");
    this.appends += 1;
    const first = this.entries.length;
    this.entries.push(...entries);
    return entries.map((_, i) => first + i);
  }

  async putBlob(bytes: Buffer): Promise<string> {
    const name = createHash("sha256").update(bytes).digest("hex");
    this.blobs.set(name, bytes);
    return name;
  }

  async close(): Promise<void> {}

  readonly reader: EntryReader = async function* (this: MemoryLog, from: number, to: number) {
    for (let index = from; index < to; index++) {
      const bytes = this.entries[index];
      if (bytes !== undefined) yield { index, bytes };
    }
  }.bind(this);

  decoded(): Entry[] {
    return this.entries.map((bytes) => {
      const entry = decodeEntry(bytes);
      if (entry === undefined) throw new Error("no entry");
      const blob = entry.head.sha256 === undefined ? undefined : this.blobs.get(entry.head.sha256);
      return blob === undefined ? entry : { head: entry.head, body: blob };
    });
  }
}

export const GATEWAY = "gateway-1";
export const line = (text: string | Buffer, sender = GATEWAY): Received => ({
  kind: "line",
  bytes: Buffer.from(text),
  sender: { sender, via: "file" },
});
export const other = (kind: Received["kind"], text: string, sender = GATEWAY): Received => ({
  kind,
  bytes: Buffer.from(text),
  sender: { sender, via: "file" },
});
export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

export interface Opened {
  readonly ledger: Ledger;
  readonly log: MemoryLog;
  readonly alarms: Alarm[];
  /** Codes of all alarms so far, but for those that only tell what is usual. */
  codes(): string[];
  clock: { now: number };
  reopen(more?: Partial<LedgerOptions>): Promise<Opened>;
}

const USUAL = new Set(["first_use", "single_key", "review_overdue"]);

export async function open(pins: Pins, now: number, more: Partial<LedgerOptions> = {}): Promise<Opened> {
  const log = new MemoryLog();
  return openOn(log, pins, { now }, more);
}

async function openOn(
  log: MemoryLog,
  pins: Pins,
  clock: { now: number },
  more: Partial<LedgerOptions>,
): Promise<Opened> {
  const alarms: Alarm[] = [];
  const options = {
    log,
    entries: log.reader,
    pins,
    clock: () => clock.now,
    onAlarm: (alarm: Alarm) => alarms.push(alarm),
  };
  const ledger = await openLedger({ ...options, ...more });
  return {
    ledger,
    log,
    alarms,
    clock,
    codes: () => alarms.map(({ code }) => code).filter((code) => !USUAL.has(code)),
    reopen: (again = {}) => openOn(log, pins, clock, { ...more, ...again }),
  };
}

export const anchorsOf = (world: World, threshold = 2): Anchors =>
  anchorsSchema.parse({ audience: "test", threshold, roots: world.roots.map(({ jwk }) => jwk) });

export interface Chain {
  readonly world: World;
  readonly pins: Pins;
  readonly bundle: string;
  /** Lines in the order in which a gateway's file has them, by worker. */
  readonly lines: string[];
  readonly now: number;
}

export interface Play {
  readonly requests: number;
  readonly workers?: number;
  readonly nodeId?: string;
  readonly world?: World;
  readonly claims?: Json;
  readonly configuration?: Json;
}

const bundleIn = (configuration: string): string => {
  const value: unknown = JSON.parse(configuration);
  const bundle: unknown = Reflect.get(Object(value), "bundle");
  return typeof bundle === "string" ? bundle : "";
};

/** Lets the release filter decide requests, allowed and denied ones, and gives what it hands to the audit log. */
export async function play(spec: Play): Promise<Chain> {
  const start = Math.floor(Date.now() / 1000);
  const world = spec.world ?? new QuickWorld(start);
  let ticks = 0;
  const host = await FilterHost.load({
    nodeId: spec.nodeId ?? GATEWAY,
    workers: spec.workers ?? 1,
    clock: () => start * 1000 + ticks++,
  });
  const configuration = world.configuration({
    ...(spec.claims === undefined ? {} : { bundle: spec.claims }),
    configuration: spec.configuration ?? {},
  });
  const { accepted, reason } = host.configure(configuration);
  if (!accepted) throw new Error(reason);
  const lines: string[] = [];
  const grants = [world.grant(), world.alone(), world.grant({ claims: { incident: "INC-7" } })];
  for (let i = 0; i < spec.requests; i++) {
    const grant = grants[i % grants.length] ?? "";
    const isDenied = i % 5 === 4;
    const headers = headersOf([grant], isDenied ? "/other" : `/orders/${i % 10}`);
    const outcome = host.request({
      headers: [...headers, ["x-request-id", `request-${spec.nodeId ?? ""}${i}`]],
      worker: i % (spec.workers ?? 1),
      sourceAddress: "192.0.2.1:5000",
    });
    const { record, evidence, correction, ended } = readAuditLines(
      outcome.filterState.get("wasm.glassgate.audit") ?? "",
    );
    lines.push(record);
    if (evidence !== undefined) lines.push(JSON.stringify({ evidence }));
    for (const more of [correction, ended]) if (more !== undefined) lines.push(more);
  }
  return {
    world,
    pins: { anchors: [anchorsOf(world)] },
    bundle: bundleIn(configuration),
    lines,
    now: start * 1000 + 60_000,
  };
}

const objectOf = (text: string): Record<string, unknown> => {
  const value: unknown = JSON.parse(text);
  return Object.fromEntries(Object.entries(Object(value)));
};

/** A record with other members, where hostile lines are wanted, or such as the filter does not make yet. */
export function bend(text: string, changes: Json): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries({ ...objectOf(text), ...changes }).filter(([, value]) => value !== undefined)),
  );
}

/** Such records as one chain of a VM. */
export function chained(vm: string, texts: readonly string[]): string[] {
  let prev = "0".repeat(64);
  return texts.map((text, i) => {
    const made = bend(text, { vm, seq: i + 1, prev });
    prev = sha256(made);
    return made;
  });
}

export const isRecord = (text: string): boolean => text.startsWith('{"v":1');
export const memberOf = (text: string, name: string): unknown => objectOf(text)[name];

/** What its gateway publishes of these lines. */
export function heartbeatOf(lines: readonly string[], at: number, gateway = GATEWAY): string {
  const last = new Map<string, string>();
  for (const text of lines.filter(isRecord)) {
    const vm = String(memberOf(text, "vm"));
    const before = last.get(vm);
    if (before === undefined || Number(memberOf(before, "seq")) < Number(memberOf(text, "seq"))) last.set(vm, text);
  }
  const vms = [...last].map(([vm, text]) => ({ vm, seq: memberOf(text, "seq"), head: sha256(text).slice(0, 12) }));
  return JSON.stringify({ gateway, at, vms });
}

export interface Played {
  readonly made: Chain;
  readonly now: number;
  /** The first access, and the evidence that it names. */
  readonly record: string;
  readonly evidence: string;
}

/** What most tests begin with. */
export async function playFew(requests = 12): Promise<Played> {
  const made = await play({ requests });
  return {
    made,
    now: made.now,
    record: made.lines[0] ?? "",
    evidence: String(memberOf(made.lines[1] ?? "{}", "evidence")),
  };
}
