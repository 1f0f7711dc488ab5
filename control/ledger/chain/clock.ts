/**
 * A VM is one thread with one clock: what it decided later is not of long before. Else whoever exchanged its filter uses a grant, a key or a
 * bundle after its end, and dates the record back.
 */
import { keep, type Shared } from "./bounded.js";
import type { Step } from "./finding.js";
import type { AuditRecord } from "./lines.js";

const STRETCH_MS = 300_000;
/** So many stretches back are never less than ten minutes, which a clock may be wrong by, and never more than a quarter of an hour. */
const TOO_MANY = 3;
/** The newest of a VM. */
const MAX_STRETCHES = 16;
/** Of all senders together. */
const MAX_CLOCKS = 16_384;

interface Place {
  readonly seq: number;
  readonly index: number;
  /** By a heartbeat: of then, or of before. */
  readonly isHeard?: true;
}
/** `seq` begins with 1. */
const NOWHERE: Place = { seq: 0, index: 0 };

/** Five minutes of a VM's own time: the lowest and highest `seq` that it decided in them. */
export interface Stretch {
  readonly number: number;
  readonly low: Place;
  readonly high: Place;
}

/** By chain, the oldest first. */
export type Clocks = Shared<string, Stretch[]>;

const numberOf = (at: number): number => Math.floor(at / STRETCH_MS);

/** What was heard is as of the ledger's clock at the latest: where that was ahead, and was set back, it says nothing. */
function stretchesOf(clocks: Clocks, chain: string, { at }: Step): readonly Stretch[] {
  const latest = numberOf(at) + TOO_MANY;
  return (clocks.all.get(chain) ?? []).filter(({ number, low }) => low.isHeard !== true || number < latest);
}

function put(clocks: Clocks, chain: string, number: number, low: Place, high: Place, step: Step): void {
  const stretches = stretchesOf(clocks, chain, step);
  const there = stretches.find((one) => one.number === number) ?? { low, high };
  const made = {
    number,
    low: low.seq < there.low.seq ? low : there.low,
    high: high.seq > there.high.seq ? high : there.high,
  };
  const all = [...stretches.filter((one) => one.number !== number), made].sort((a, b) => a.number - b.number);
  keep(clocks, step.sender, chain, all.slice(-MAX_STRETCHES), MAX_CLOCKS);
}

export function noteTime(clocks: Clocks, chain: string, { vm, seq, ts }: AuditRecord, step: Step): void {
  const stretches = stretchesOf(clocks, chain, step);
  const number = numberOf(Date.parse(ts));
  const before = stretches.find((one) => one.number >= number + TOO_MANY && one.low.seq < seq)?.low;
  const behind = stretches.find((one) => one.number <= number - TOO_MANY && one.high.seq > seq)?.high;
  const other = before ?? behind;
  if (other !== undefined) {
    const [later, earlier] = before === undefined ? [other.seq, seq] : [seq, other.seq];
    const than = other.isHeard === true ? `its gateway published seq ${earlier} as the last` : `seq ${earlier}`;
    step.say({
      code: "clock_back",
      subject: chain,
      vm,
      seq,
      about: [step.index, other.index],
      says: `${vm}: seq ${later} says that it is of more than ten minutes before ${than}`,
    });
  }
  const here = { seq, index: step.index };
  put(clocks, chain, number, here, here, step);
}

/** Its gateway published that `seq` as the VM's last: what comes behind it was decided later, whatever it says. */
export function noteHeard(clocks: Clocks, chain: string, seq: number, at: number, step: Step): void {
  put(clocks, chain, numberOf(at), { seq, index: step.index, isHeard: true }, NOWHERE, step);
}
