/**
 * A gateway under load whose logs are renamed, or copied and cut off, and which is killed, as the agent that follows it is and the ledger
 * that the agent hands in to: what the files have is in the ledger, and what no file has is named, but for what a killed Envoy had neither
 * written nor published a head of.
 */
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { keepAlive, send } from "../../control/gateway/client.js";
import { Faults } from "./faults.js";
import { Followed } from "./followed.js";
import { type GatewayFiles, readGatewayFiles } from "./gateway-files.js";
import { alarmCounts, holesIn, type LedgerFiles, readLedgerFiles } from "./ledger-files.js";
import { LINE_TYPES, type Lines } from "./lines.js";
import { seconds } from "./stand.js";
import { waitUntilFollowed } from "./wait.js";

const CLIENTS = 16;
/** Requests answered between two events, and a moment more. */
const MOST_BETWEEN = 300;
const LATER_MS = 100;
/** One request in so many is denied, with a record: of more than 100 a second and requester's key a VM leaves records out. */
const DENIED_EVERY = 20;
const GRANT_USES = 50;
const GRANT_SECONDS = 600;
const BROKEN_MS = 20;
const LOOK_MS = 5;
/** The grace, the minute in which a second alarm of a kind waits, and twice that for a machine that is busy. */
const NAMED_WITHIN_MS = 150_000;

const EVENTS = ["rename", "copytruncate", "agent killed", "ledger killed", "Envoy killed"] as const;
type Event = (typeof EVENTS)[number];

/** What lost records bring about, each true. */
const OF_LOSS: ReadonlySet<string> = new Set([
  "gap",
  "gap_filled",
  "late_start",
  "missing_vm",
  "answer_without_record",
  "evidence_missing",
  "evidence_without_record",
  "quarantined",
]);
const USUAL: ReadonlySet<string> = new Set(["first_use", "single_key", "denials", "gap_filled"]);

export interface FollowFigures {
  readonly answered: number;
  readonly lives: number;
  readonly happened: Readonly<Record<Event, number>>;
  /** Of the gateway's files. */
  readonly counts: Lines["counts"];
  /** Answered requests without a record. */
  readonly unrecorded: number;
  /** Records that are missing, and by which alarms or `verify` say so. */
  readonly named: number;
  readonly unnamed: number;
  readonly entries: number;
  readonly alarms: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly load: number;
  readonly verified: string;
  readonly faults: readonly string[];
}

/** Requests without an end, each on a path of its own that says in which life of Envoy it was sent. */
class Traffic {
  readonly answered: { readonly path: string; readonly life: number }[] = [];
  private count = 0;
  private isOver = false;
  private readonly agent = keepAlive(CLIENTS);
  private grant = { text: "", uses: GRANT_USES };
  private readonly working: Promise<unknown>;

  constructor(private readonly followed: Followed) {
    this.working = Promise.all(Array.from({ length: CLIENTS }, () => this.work()));
    this.working.catch(() => {}); // `end` tells of it.
  }

  async until(answers: number): Promise<void> {
    while (this.answered.length < answers) await Promise.race([sleep(LOOK_MS), this.working]);
  }

  async end(): Promise<void> {
    this.isOver = true;
    await this.working;
    this.agent.destroy();
  }

  private nextGrant(): string {
    if (this.grant.uses >= GRANT_USES) {
      const { world } = this.followed;
      const iat = seconds();
      const approvals = [world.adam, world.anna].map((by) => ({ by, iat }));
      this.grant = { text: world.grant({ claims: { iat, exp: iat + GRANT_SECONDS }, approvals }), uses: 0 };
    }
    this.grant.uses += 1;
    return this.grant.text;
  }

  private async work(): Promise<void> {
    const { port, lives } = this.followed;
    while (!this.isOver) {
      const number = this.count;
      this.count += 1;
      const life = lives.length - 1;
      const path = `/${number % DENIED_EVERY === 0 ? "other" : "orders"}/${life}-${number}`;
      try {
        await send({ port, path, agent: this.agent, headers: { "x-break-glass": this.nextGrant() } });
        this.answered.push({ path, life });
      } catch {
        await sleep(BROKEN_MS); // Envoy was killed: nobody was answered.
      }
    }
  }
}

async function happen(followed: Followed, event: Event): Promise<void> {
  switch (event) {
    case "rename":
      return followed.rename();
    case "copytruncate":
      return followed.copyTruncate();
    case "agent killed":
      return followed.killAgent();
    case "ledger killed":
      return followed.killLedger();
    case "Envoy killed":
      return followed.killEnvoy();
  }
}

/** Each kind comes before one comes twice. */
function plan(events: number): Event[] {
  const all: Event[] = [];
  while (all.length < events) all.push(...[...EVENTS].sort(() => Math.random() - 0.5));
  return all.slice(0, events);
}

/** Reads them until two readings are the same: Envoy flushes a little later. */
async function readSettled(followed: Followed): Promise<GatewayFiles> {
  const read = (): Promise<GatewayFiles> => readGatewayFiles(followed.files("audit"), followed.files("answers"));
  for (let files = await read(); ; ) {
    await waitUntilFollowed(followed.server?.url ?? "", files.lines.counts);
    const again = await read();
    if (JSON.stringify(again.lines.counts) === JSON.stringify(files.lines.counts)) return again;
    files = again;
  }
}

const verifySchema = z.looseObject({
  problems: z.array(z.unknown()),
  open: z.array(z.looseObject({ vm: z.string(), from: z.number(), to: z.number() })),
});

/** By VM, the `seq` that alarms, or `verify`, say are missing, and that are. */
function namedMissing(ledger: LedgerFiles, open: z.infer<typeof verifySchema>["open"]): Map<string, Set<number>> {
  const named = new Map<string, Set<number>>();
  const add = (vm: string, from: number, to: number): void => {
    const own = named.get(vm) ?? new Set();
    named.set(vm, own);
    for (let seq = from; seq <= to; seq++) if (ledger.chains.get(vm)?.has(seq) !== true) own.add(seq);
  };
  for (const { vm, ranges = [] } of ledger.alarms)
    for (const [from, to] of ranges) if (vm !== undefined) add(vm, from, to);
  for (const { vm, from, to } of open) add(vm, from, to);
  return named;
}

/** A gap of a VM of which another was told just before is told a minute later. */
async function waitUntilNamed(followed: Followed): Promise<void> {
  const until = performance.now() + NAMED_WITHIN_MS;
  for (;;) {
    const ledger = await readLedgerFiles(followed.ledger);
    const named = namedMissing(ledger, []);
    const isNamed = [...ledger.chains].every(([vm, seqs]) =>
      holesIn(seqs).every((seq) => named.get(vm)?.has(seq) === true),
    );
    if (isNamed || performance.now() > until) return;
    await sleep(1000);
  }
}

const startOf = (vm: string): number => Number(/\/(\d+)\/\d+$/.exec(vm)?.[1] ?? 0) / 1e6;

function checkFiles(
  { lines }: GatewayFiles,
  ledger: LedgerFiles,
  isCut: boolean,
  isTorn: boolean,
  faults: Faults,
): void {
  for (const type of LINE_TYPES) {
    const missing = lines.missingIn(type, ledger.lines);
    const more = ledger.lines.missingIn(type, lines);
    faults.noteIf(missing > 0, `${missing} lines of type ${type} are in the gateway's files and not in the ledger`);
    // What was read between the copy and the cut is in no file any more; what stands behind a torn line is no line of its own.
    faults.noteIf(
      more > 0 && !isCut && !isTorn,
      `${more} lines of type ${type} are in the ledger and not in the gateway's files`,
    );
  }
  faults.noteIf(ledger.twice > 0, `${ledger.twice} lines stand in the ledger twice`);
  for (const { code, says } of ledger.alarms)
    faults.noteIf(!USUAL.has(code) && !((isCut || isTorn) && OF_LOSS.has(code)), `alarm ${code}`, says);
}

/** @throws where a process ends by itself */
export async function soakFollow(events: number, say: (line: string) => void): Promise<FollowFigures> {
  const followed = await Followed.make();
  let isKept = true;
  const began = performance.now();
  try {
    await followed.startLedger();
    await followed.startAgent();
    const happened: Record<Event, number> = {
      rename: 0,
      copytruncate: 0,
      "agent killed": 0,
      "ledger killed": 0,
      "Envoy killed": 0,
    };
    const traffic = new Traffic(followed);
    const more = (): Promise<void> => traffic.until(traffic.answered.length + 1 + Math.random() * MOST_BETWEEN);
    try {
      for (const [i, event] of plan(events).entries()) {
        await more();
        await sleep(Math.random() * LATER_MS); // At any moment; nothing is judged by it.
        await happen(followed, event);
        happened[event] += 1;
        if (i % 20 === 19) say(`${i + 1} events, ${traffic.answered.length} requests answered`);
      }
      await more();
    } finally {
      await traffic.end();
    }
    const files = await readSettled(followed);
    const faults = new Faults();
    await waitUntilNamed(followed);
    const codes = await followed.end();
    faults.noteIf(
      codes.some((code) => code !== 0),
      "agent and ledger did not end in good order",
      codes.join(", "),
    );
    const verified = await followed.verify();
    faults.noteIf(verified.code !== 0, "ledger verify does not prove it", verified.told.slice(0, 2000));
    const { open } = verifySchema.parse(JSON.parse(verified.told.slice(verified.told.indexOf("{"))));
    const ledger = await readLedgerFiles(followed.ledger);
    checkFiles(files, ledger, happened.copytruncate > 0, happened["Envoy killed"] > 0, faults);
    const named = namedMissing(ledger, open);
    for (const [vm, seqs] of ledger.chains)
      for (const seq of holesIn(seqs))
        faults.noteIf(named.get(vm)?.has(seq) !== true, "missing, and not named", `${vm} ${seq}`);
    const { lives } = followed;
    const lifeOf = (vm: string): number => lives.findLastIndex((start) => start <= startOf(vm));
    let unrecorded = 0;
    let unnamed = 0;
    for (const life of lives.keys()) {
      const lost = traffic.answered.filter((one) => one.life === life && !ledger.paths.has(one.path)).length;
      const told = [...named].reduce((sum, [vm, { size }]) => sum + (lifeOf(vm) === life ? size : 0), 0);
      unrecorded += lost;
      unnamed += Math.max(0, lost - told);
      const isKilled = life < lives.length - 1;
      faults.noteIf(
        !isKilled && lost > told,
        `${lost} requests have no record, and ${told} are named, of a life that was not ended`,
      );
    }
    isKept = faults.sentences.length > 0;
    return {
      answered: traffic.answered.length,
      lives: lives.length,
      happened,
      counts: files.lines.counts,
      unrecorded,
      named: [...named.values()].reduce((sum, { size }) => sum + size, 0),
      unnamed,
      entries: ledger.size,
      alarms: alarmCounts(ledger.alarms),
      seconds: (performance.now() - began) / 1000,
      load: loadavg()[0] ?? 0,
      verified: verified.code === 0 ? `proved, ${open.length} stretches open` : "not proved",
      faults: faults.sentences,
    };
  } finally {
    const folder = await followed.stop(isKept);
    if (isKept) say(`All files are kept in ${folder}.`);
  }
}
