/** What the filter publishes of each VM's chain (docs/audit-record.md, "Heartbeats"), read from the admin interface's text. */

/** The last record's place in its VM's chain. */
export interface Head {
  /** The VM's name behind the node id: `<start in ns>/<number>`. */
  readonly vm: string;
  /** 0 before the first record. */
  readonly seq: number;
  /** The first 48 bits of its SHA-256, hex. */
  readonly head: string;
  /** When the VM last said that it is there, seconds since 1970. */
  readonly at: number;
}

const GAUGE = /(?:^|\.)glassgate\.heartbeat_(seq|head|at)\.vm=([0-9]{1,20}\/[0-9]{1,20})$/;
/** The gauge of the head has `seq` modulo 32 in its last bits. */
const SEQUENCE_VALUES = 32;

/** By VM. A pair that does not fit is left out: the VM published between the two. */
export function headsIn(stats: ReadonlyMap<string, number>): Map<string, Head> {
  const found = new Map<string, { seq?: number; head?: number; at?: number }>();
  for (const [name, value] of stats) {
    const [, what, vm] = GAUGE.exec(name) ?? [];
    if (what === undefined || vm === undefined || !Number.isSafeInteger(value) || value < 0) continue;
    found.set(vm, { ...found.get(vm), [what]: value });
  }
  const heads = new Map<string, Head>();
  for (const [vm, { seq, head, at }] of found) {
    if (seq === undefined || head === undefined || at === undefined) continue;
    if (head % SEQUENCE_VALUES !== seq % SEQUENCE_VALUES) continue;
    const bits = Math.floor(head / SEQUENCE_VALUES).toString(16);
    heads.set(vm, { vm, seq, at, head: bits.padStart(12, "0") });
  }
  return heads;
}

/**
 * `seq` and head are not read in one moment, and two moments can be 32 records apart. What two readings agree on was true between
 * them.
 */
export const agreed = (first: ReadonlyMap<string, Head>, second: ReadonlyMap<string, Head>): Head[] =>
  [...second.values()].filter(({ vm, seq, head }) => first.get(vm)?.seq === seq && first.get(vm)?.head === head);
