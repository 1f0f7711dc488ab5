/** The report of a drill: what was asserted, with the evidence of each call, what was measured, and what was not looked at. */

/** What is known of one call afterwards. */
export interface CallEvidence {
  readonly requestId: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly status: number;
  readonly code?: string;
  readonly vm?: string;
  readonly seq?: number;
  readonly verdict?: string;
  readonly mode?: string;
  /** Of the ledger: the entry's index, its hash, and the proof under the report's checkpoint, hex. */
  readonly entry?: number;
  readonly leaf?: string;
  readonly proof?: readonly string[];
  /** The entry, base64. */
  readonly bytes?: string;
}

export interface Assertion {
  readonly case: string;
  readonly gateway: string;
  readonly route?: string;
  readonly what: string;
  readonly expected: string;
  readonly seen: string;
  readonly ok: boolean;
  /** What kind of fault it is, where it is one: findings of a kind on one gateway have one cause most often. */
  readonly fault?: string;
  /** One or two sentences: what is wrong on which gateway and route, and the next step. */
  readonly finding?: string;
  readonly calls: readonly CallEvidence[];
}

export const measureNames = [
  "quorum",
  "grant",
  "first_allowed",
  "revoked",
  "expired",
  "pushed",
  "recorded",
  "alarmed",
  "alerted",
  "scratch_revoked",
  "scratch_pushed",
] as const;
export type MeasureName = (typeof measureNames)[number];

export interface Measure {
  readonly name: MeasureName;
  readonly unit: "ms";
  readonly samples: readonly number[];
  readonly p50: number;
  readonly max: number;
  readonly limit?: number;
  readonly ok: boolean;
  /** The gateway where it took longest, where it is of gateways. */
  readonly slowest?: string;
  readonly lastP50?: number;
  readonly lastMax?: number;
  /** The middles of the drills before the last, the newest first. */
  readonly earlier?: readonly number[];
}

export interface FaultResult {
  readonly name: string;
  /** Ids of those that it was made on. */
  readonly gateways?: readonly string[];
  readonly expected: string;
  readonly seen: string;
  readonly ok: boolean;
  readonly finding?: string;
  /** What was done, and what took it back, as a command or in words. */
  readonly does?: string;
  readonly undo?: string;
  /** Of each call that the filter judged meanwhile. */
  readonly calls?: readonly CallEvidence[];
}

export interface NotProbed {
  readonly what: string;
  readonly why: string;
  /** Where the drill file itself leaves it out, opens or accepts it: by which member. */
  readonly member?: string;
}

export interface GatewayFacts {
  readonly id: string;
  readonly url: string;
  readonly envoy?: string;
  readonly kong?: string;
  /** SHA-256 of the module. */
  readonly filter?: string;
  readonly bundle?: number;
  /** SHA-256 as its records have it. */
  readonly anchors?: string;
}

/** What is other than in the drill of that name before: assertions as `assertionName` (compare.ts) writes them. */
export interface SinceLast {
  readonly began: string;
  /** Of its report.json. */
  readonly report: string;
  /** As expected then, and not now. */
  readonly worse: readonly string[];
  /** Not as expected then, and now. */
  readonly mended: readonly string[];
  /** Asserted then, and not any more. */
  readonly gone: readonly string[];
  /** Asserted now for the first time. */
  readonly fresh: readonly string[];
}

export interface Report {
  readonly v: 1;
  /** The id in the drill's grants. */
  readonly drill: string;
  readonly name: string;
  /** Some of its cases alone: it counts for nothing that is due, and nothing is held beside it. */
  readonly partial?: true;
  /** SHA-256 of the drill file that was played; reports of before do not tell it. */
  readonly drillFile?: string;
  /** The environment, as the anchors name it. */
  readonly audience?: string;
  /** Of the ledger, also where that proved nothing. */
  readonly origin?: string;
  readonly began: string;
  readonly ended: string;
  readonly people: { readonly requester: string; readonly approvers: readonly string[]; readonly signer: string };
  readonly gateways: readonly GatewayFacts[];
  readonly assertions: readonly Assertion[];
  readonly notProbed: readonly NotProbed[];
  readonly measures: readonly Measure[];
  readonly faults: readonly FaultResult[];
  readonly counts: { readonly passed: number; readonly failed: number; readonly notProbed: number };
  /** The signed note, whole. */
  readonly checkpoint?: { readonly text: string };
  /** Where there was one. */
  readonly last?: SinceLast;
  /** RFC 3339, UTC. */
  readonly dueNext: string;
}
