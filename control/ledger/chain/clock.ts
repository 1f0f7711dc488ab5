/**
 * A VM is one thread with one clock: what it decided later is not of long before. Else whoever exchanged its filter uses a grant, a key or a
 * bundle after its end, and dates the record back.
 */
import { remember } from "./bounded.js";
import type { Step } from "./finding.js";
import type { AuditRecord } from "./lines.js";

const STRETCH_MS = 300_000;
/** So many stretches back are never less than ten minutes, which a clock may be wrong by, and never more than a quarter of an hour. */
const TOO_MANY = 3;
/** The newest of a VM. */
const MAX_STRETCHES = 16;
const MAX_CLOCKS = 16_384;

interface Place {
  readonly seq: number;
  readonly index: number;
}

/** Five minutes of a VM's own time: the lowest and highest `seq` that it decided in them. */
export interface Stretch {
  readonly number: number;
  readonly low: Place;
  readonly high: Place;
}

/** By chain, the oldest first. */
export type Clocks = Map<string, Stretch[]>;

export function noteTime(clocks: Clocks, chain: string, { vm, seq, ts }: AuditRecord, step: Step): void {
  const stretches = clocks.get(chain) ?? [];
  const number = Math.floor(Date.parse(ts) / STRETCH_MS);
  const before = stretches.find((one) => one.number >= number + TOO_MANY && one.low.seq < seq)?.low;
  const behind = stretches.find((one) => one.number <= number - TOO_MANY && one.high.seq > seq)?.high;
  const other = before ?? behind;
  if (other !== undefined) {
    const [later, earlier] = before === undefined ? [other.seq, seq] : [seq, other.seq];
    step.say({
      code: "clock_back",
      subject: chain,
      vm,
      seq,
      about: [step.index, other.index],
      says: `${vm}: seq ${later} says that it is of more than ten minutes before seq ${earlier}`,
    });
  }
  const here = { seq, index: step.index };
  const { low, high } = stretches.find((one) => one.number === number) ?? { low: here, high: here };
  const made = { number, low: seq < low.seq ? here : low, high: seq > high.seq ? here : high };
  const all = [...stretches.filter((one) => one.number !== number), made].sort((a, b) => a.number - b.number);
  remember(clocks, chain, all.slice(-MAX_STRETCHES), MAX_CLOCKS);
}
