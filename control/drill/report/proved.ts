/** The records that a report names, each proved to be in the ledger and to say what the report says of it. */
import { plural, visible } from "../../base/text.js";
import { type AuditRecord, classify } from "../../ledger/chain/lines.js";
import { MAX_AHEAD } from "../../ledger/chain/review-signer.js";
import { anchorsHash } from "../../ledger/chain/rules.js";
import { decodeEntry } from "../../ledger/entry.js";
import type { Checkpoint } from "../../ledger/tlog/checkpoint.js";
import { verifyInclusion } from "../../ledger/tlog/proof.js";
import { leafHash } from "../../ledger/tlog/tree.js";
import type { Anchors } from "../../trust/anchors.js";
import { nodeOf } from "../records.js";
import { isOfFleet } from "./consistent.js";
import type { CallEvidence, Report } from "./model.js";
import { must, type Place, placeOf, placeOfFault, Wrong } from "./wrong.js";

interface Read {
  readonly record: AuditRecord;
  /** Milliseconds, by the ledger's clock. */
  readonly received: number;
}

/** Whose evidence it is. */
interface Use {
  readonly place: Place;
  readonly ok: boolean;
  /** Ids of the gateways that can have written it. */
  readonly by: readonly string[];
}

function checkProof(call: CallEvidence, { size, root }: Checkpoint, place: Place): void {
  const { entry = -1, leaf = "", proof = [], bytes = "" } = call;
  const hash = leafHash(Buffer.from(bytes, "base64"));
  must(
    hash.toString("hex") === leaf,
    () => `${place()}: entry ${entry} has another hash than the report says: its bytes were changed.`,
  );
  const hashes = proof.map((one) => Buffer.from(one, "hex"));
  must(
    verifyInclusion(hash, entry, size, root, hashes),
    () => `${place()}: entry ${entry} is not proved to be in the ledger's tree of ${size}.`,
  );
}

function recordOf(call: CallEvidence, place: Place): Read {
  const entry = decodeEntry(Buffer.from(call.bytes ?? "", "base64"));
  const line = entry?.head.type === "record" ? classify(entry.body) : undefined;
  if (entry !== undefined && line?.type === "record")
    return { record: line.record, received: Date.parse(entry.head.received) };
  throw new Wrong(`${place()}: entry ${call.entry} is no record of a gateway.`);
}

class Evidence {
  proved = 0;
  calls = 0;
  /** Records that stand for something as expected, by what names them. */
  private readonly used = new Map<string, Place>();
  private readonly anchors: string;
  private readonly times: readonly [began: number, ended: number];

  constructor(
    private readonly report: Report,
    private readonly checkpoint: Checkpoint | undefined,
    anchors: Anchors,
  ) {
    this.anchors = anchorsHash(anchors, "enforce");
    this.times = [Date.parse(report.began) - MAX_AHEAD * 1000, Date.parse(report.ended) + MAX_AHEAD * 1000];
  }

  take(call: CallEvidence, use: Use, isOfFleet: boolean): void {
    const { checkpoint } = this;
    const { ok, place } = use;
    this.calls += 1;
    if (ok) this.use(call, place);
    if (call.entry === undefined) {
      must(
        !ok || !isOfFleet || call.verdict === undefined || checkpoint === undefined,
        () => `${place()}: it has a record, and no proof of it.`,
      );
      return;
    }
    if (checkpoint === undefined) throw new Wrong(`${place()}: it names an entry, and the report has no checkpoint.`);
    checkProof(call, checkpoint, place);
    this.checkRecord(call, recordOf(call, place), use);
    this.proved += 1;
  }

  /** One record is one call's. */
  private use({ entry, vm, seq }: CallEvidence, place: Place): void {
    const name = entry === undefined ? (vm === undefined ? undefined : `${vm} ${seq}`) : String(entry);
    if (name === undefined) return;
    const other = this.used.get(name);
    const what = entry === undefined ? `the record ${seq} of ${visible(vm ?? "")}` : `entry ${entry}`;
    must(other === undefined, () => `${place()}: ${what} is the evidence of another call already, of ${other?.()}.`);
    this.used.set(name, place);
  }

  private checkRecord(call: CallEvidence, { record, received }: Read, { ok, place, by }: Use): void {
    const { report } = this;
    const same = (what: string, said: string | number | undefined, is: string | number | undefined): void =>
      must(said === is, () => {
        const shown = (value: string | number | undefined): string =>
          value === undefined ? "none" : visible(String(value));
        return `${place()}: the report says ${what} ${shown(said)}, the record in entry ${call.entry} says ${shown(is)}.`;
      });
    same("verdict", call.verdict, record.verdict);
    same("mode", call.mode, record.mode);
    same("gateway's process", call.vm, record.vm);
    same("seq", call.seq, record.seq);
    if (record.request_id !== undefined) same("request id", call.requestId, record.request_id);
    // What let somebody in without saying so was a real grant's.
    if (record.drill !== undefined || record.verdict === "allow") same("drill", report.drill, record.drill);
    // Of what is not as expected, it may be the very finding that another one answered, with other anchors, by another clock.
    if (!ok) return;
    const node = nodeOf(record.vm);
    if (!by.includes(node)) same("gateway", by.join(" or "), node);
    must(
      record.anchors === undefined || record.anchors === this.anchors,
      () =>
        `${place()}: the record in entry ${call.entry} is by other anchors than these: the drill was held in another environment, or these are not its anchors.`,
    );
    const [began, ended] = this.times;
    must(
      received >= began && received <= ended,
      () =>
        `${place()}: the ledger took entry ${call.entry} in at ${new Date(received).toISOString()}, and the drill was held from ${report.began} to ${report.ended}.`,
    );
  }
}

export interface Proved {
  readonly records: number;
  readonly calls: number;
  /** `3 records of its calls are`. */
  readonly says: string;
}

/** @param checkpoint the report's, opened @throws Wrong */
export function checkRecords(report: Report, checkpoint: Checkpoint | undefined, anchors: Anchors): Proved {
  const evidence = new Evidence(report, checkpoint, anchors);
  const isOf = isOfFleet(report);
  const fleet = report.gateways.map(({ id }) => id);
  for (const assertion of report.assertions) {
    const { ok, gateway } = assertion;
    const use = { place: placeOf(assertion), ok, by: [gateway] };
    for (const call of assertion.calls) evidence.take(call, use, isOf(assertion));
  }
  for (const fault of report.faults) {
    const use = { place: placeOfFault(fault), ok: fault.ok, by: fleet };
    for (const call of fault.calls ?? []) evidence.take(call, use, true);
  }
  const { proved, calls } = evidence;
  return {
    ...{ records: proved, calls },
    says: `${plural(proved, "record")} of its calls ${proved === 1 ? "is" : "are"}`,
  };
}
