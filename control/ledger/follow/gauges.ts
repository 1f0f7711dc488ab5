/** What the filter publishes of each VM's chain (docs/audit-record.md, "Heartbeats"), read from the admin interface's text. */

/** The last record's place in its VM's chain. */
export interface Head {
  /** The VM's name behind the node id: `<start in ns>/<number>`. */
  readonly vm: string;
  /** 0 before the first record. */
  readonly seq: number;
  /** The first 48 bits of its SHA-256, hex. */
  readonly head: string;
  /** When the VM last said that it is there, seconds since 1970; 0 once it has ended in good order. */
  readonly at: number;
}

const GAUGE = /(?:^|\.)glassgate\.heartbeat_(seq|head|at)\.vm=([0-9]{1,20}\/[0-9]{1,20})$/;
/** The gauge of the head has `seq` modulo 32 in its last bits: the three are not read in one moment. */
const SEQUENCE_VALUES = 32;

/**
 * A VM whose gauges do not fit each other is left out: it published between two of them, and is read again. Over a hot restart the
 * parent's are shown with the child's; a VM's name is its own, so nothing is added up.
 */
export function headsIn(stats: ReadonlyMap<string, number>): Head[] {
  const found = new Map<string, { seq?: number; head?: number; at?: number }>();
  for (const [name, value] of stats) {
    const [, what, vm] = GAUGE.exec(name) ?? [];
    if (what === undefined || vm === undefined || !Number.isSafeInteger(value) || value < 0) continue;
    found.set(vm, { ...found.get(vm), [what]: value });
  }
  return [...found].flatMap(([vm, { seq, head, at }]) => {
    if (seq === undefined || head === undefined || at === undefined || head % SEQUENCE_VALUES !== seq % SEQUENCE_VALUES)
      return [];
    return [
      {
        vm,
        seq,
        at,
        head: Math.floor(head / SEQUENCE_VALUES)
          .toString(16)
          .padStart(12, "0"),
      },
    ];
  });
}
