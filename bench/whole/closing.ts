/** After the traffic: everything that the gateways, the upstream and the ledger hold, brought together into the books. */
import { z } from "zod";
import type { Faults } from "../evidence/faults.js";
import { type AuditRecord, readGatewayFiles } from "../evidence/gateway-files.js";
import { alarmCounts, checkWhole, type LedgerFiles, readLedgerFiles } from "../evidence/ledger-files.js";
import { LINE_TYPES, type LineType } from "../evidence/lines.js";
import { waitUntilFollowed } from "../evidence/wait.js";
import { Books, type Decision, type Facts, type GatewayBook, type Recorded } from "./books.js";
import { type Call, readCalls } from "./calls.js";
import type { Changes } from "./changes.js";
import type { Fleet, Member } from "./fleet.js";
import { type Spoil, spoilReached } from "./spoil.js";

/** What such a load is, and each is true: grants are used first, forged and revoked ones are denied in numbers. */
const USUAL: ReadonlySet<string> = new Set(["first_use", "denials"]);
/** Counters are handed over by a tick, twice a second. */
const COUNTED_MS = 1500;

export interface Closed {
  readonly counts: Readonly<Record<LineType, number>>;
  readonly dropped: number;
  readonly entries: number;
  readonly alarms: Readonly<Record<string, number>>;
  /** Milliseconds from each record's decision to the ledger. */
  readonly toLedger: readonly number[];
  readonly verifySeconds: number;
  readonly proved: string;
}

const countIn = (stats: ReadonlyMap<string, number>): number => [...stats.values()].reduce((sum, one) => sum + one, 0);

interface Counters {
  readonly dropped: number;
  readonly decided: number;
}

async function countersOf({ gateway: { envoy } }: Member): Promise<Counters> {
  return {
    dropped: countIn(await envoy.admin.stats("glassgate.records_dropped")),
    decided: countIn(await envoy.admin.stats("glassgate.decisions")),
  };
}

/** Two readings that are the same, as far apart as a count may wait. */
async function settledCounters(members: readonly Member[]): Promise<Counters[]> {
  const read = (): Promise<Counters[]> => Promise.all(members.map(countersOf));
  for (let before = await read(); ; ) {
    await new Promise((resolve) => setTimeout(resolve, COUNTED_MS));
    const now = await read();
    if (JSON.stringify(now) === JSON.stringify(before)) return now;
    before = now;
  }
}

type Counts = Readonly<Record<LineType, number>>;

/**
 * What the files of all gateways have, when two readings are the same and the ledger has as much, or nothing new comes. Evidence is the same
 * line on each gateway that met the grant, and one entry.
 */
async function waitForLedger({ members, ledgerUrl }: Fleet): Promise<Counts> {
  const read = async (): Promise<Counts> => {
    const { lines } = await readGatewayFiles(
      members.map(({ audit }) => audit),
      members.map(({ answers }) => answers),
    );
    return lines.counts;
  };
  for (let counts = await read(); ; ) {
    await waitUntilFollowed(ledgerUrl, counts);
    const again = await read();
    if (JSON.stringify(again) === JSON.stringify(counts)) return counts;
    counts = again;
  }
}

/** A gateway's own files, by request. What of them is not in the ledger is a fault by itself. */
async function readBook(
  member: Member,
  { dropped, decided }: Counters,
  ledger: LedgerFiles,
  faults: Faults,
): Promise<GatewayBook> {
  const decisions = new Map<string, Decision>();
  const answered = new Map<string, { lines: number; inLedger: number }>();
  const recordedOf = ({ verdict, jti, path, bundle = 0 }: AuditRecord, digest: string): Recorded => ({
    ...{ verdict, jti, path, bundle },
    isInLedger: ledger.lines.at("record", digest) !== undefined,
  });
  const { lines, torn } = await readGatewayFiles([member.audit], [member.answers], {
    record: (record, digest) => {
      const { request_id: id } = record;
      const one = recordedOf(record, digest);
      const first = decisions.get(id);
      if (first === undefined) decisions.set(id, { ...one, further: [], answers: 0, answersInLedger: 0 });
      else if (record.ended === true) decisions.set(id, { ...first, further: [...first.further, one] });
      else faults.note("a request has two records", `${member.name}, ${id}`);
    },
    answer: (id, digest) => {
      const seen = answered.get(id) ?? { lines: 0, inLedger: 0 };
      const inLedger = ledger.lines.at("answer", digest) === undefined ? 0 : 1;
      answered.set(id, { lines: seen.lines + 1, inLedger: seen.inLedger + inLedger });
    },
  });
  for (const [id, { lines: count, inLedger }] of answered) {
    const decision = decisions.get(id);
    if (decision === undefined) faults.note("an answer is of no record", `${member.name}, ${id}`);
    else decisions.set(id, { ...decision, answers: count, answersInLedger: inLedger });
  }
  faults.noteIf(torn > 0, "a line of a log is torn", `${member.name}: ${torn}`);
  for (const type of LINE_TYPES) {
    const missing = lines.missingIn(type, ledger.lines);
    faults.noteIf(missing > 0, `lines of type ${type} are not in the ledger`, `${member.name}: ${missing}`);
  }
  return { name: member.name, decisions, dropped, decided };
}

function checkLedger(ledger: LedgerFiles, counts: Counts, faults: Faults): void {
  for (const type of LINE_TYPES) {
    const more = ledger.lines.count(type) - counts[type];
    faults.noteIf(more > 0, `lines of type ${type} are in the ledger and in no gateway's file`, `${more}`);
  }
  checkWhole(ledger, USUAL, faults);
}

const reportSchema = z.looseObject({
  proved: z.unknown(),
  open: z.array(z.unknown()),
  problems: z.array(z.unknown()).optional(),
});

async function verifyLedger(fleet: Fleet, faults: Faults): Promise<{ seconds: number; proved: string }> {
  const began = performance.now();
  const { code, told } = await fleet.verify();
  const seconds = (performance.now() - began) / 1000;
  faults.noteIf(code !== 0, "ledger verify does not prove it", told.slice(0, 2000));
  const at = told.indexOf("{");
  const report = at < 0 ? undefined : reportSchema.safeParse(JSON.parse(told.slice(at))).data;
  faults.noteIf(
    report === undefined || report.open.length > 0,
    "ledger verify names a gap",
    JSON.stringify(report?.open),
  );
  return { seconds, proved: code === 0 ? `proved, ${report?.open.length ?? 0} stretches open` : "not proved" };
}

export interface Closing {
  readonly faults: Faults;
  readonly spoil: Spoil | undefined;
  readonly onCall: (call: Call) => void;
}

/** The load has ended, and every call is answered. */
export async function closeBooks(fleet: Fleet, changes: Changes, { faults, spoil, onCall }: Closing): Promise<Closed> {
  const counters = await settledCounters(fleet.members);
  const reached = await fleet.reached();
  spoilReached(reached, spoil);
  const counts = await waitForLedger(fleet);
  for (const fault of await fleet.endLedger()) faults.note("the ledger did not end in good order", fault);
  const verified = await verifyLedger(fleet, faults);
  const toLedger: number[] = [];
  const ledger = await readLedgerFiles(fleet.ledger, (ms) => toLedger.push(ms));
  checkLedger(ledger, counts, faults);
  const gateways: GatewayBook[] = [];
  for (const [i, member] of fleet.members.entries()) {
    const counted = counters[i] ?? { dropped: Number.NaN, decided: Number.NaN };
    gateways.push(await readBook(member, counted, ledger, faults));
  }
  const { revoked, failed, rotations } = changes;
  const facts: Facts = { gateways, reached, revocations: [...failed, ...revoked], rotations };
  const books = new Books(facts, faults);
  for (const name of ["callers", "forger"])
    for await (const call of readCalls(fleet.callsOf(name))) {
      books.enter(call);
      onCall(call);
    }
  books.close();
  return {
    ...{ counts, toLedger, entries: ledger.size, alarms: alarmCounts(ledger.alarms) },
    dropped: counters.reduce((sum, { dropped }) => sum + dropped, 0),
    verifySeconds: verified.seconds,
    proved: verified.proved,
  };
}
