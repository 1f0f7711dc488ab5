/** What a ledger knows, in sum: for `ledger status` and metrics. */
import type { AlarmCode } from "./codes.gen.js";
import { isExpected } from "./look.js";
import { countReviews, type ReviewState } from "./review-due.js";
import type { Rules } from "./rules.js";
import type { State } from "./state.js";

export interface GatewayStatus {
  readonly gateway: string;
  /** Milliseconds since its last heartbeat; undefined where it had none. */
  readonly heartbeatAge: number | undefined;
  readonly isSilent: boolean;
}

export interface VmStatus {
  readonly vm: string;
  /** Who brought it. */
  readonly sender: string;
  /** False: of a sender who does not speak for its gateway. */
  readonly isRightful: boolean;
  readonly seq: number;
  readonly head: string;
  readonly records: number;
  readonly missing: readonly (readonly [number, number])[];
  readonly isOver: boolean;
}

export interface LedgerStatus {
  readonly size: number;
  readonly types: ReadonlyMap<string, number>;
  readonly alarms: ReadonlyMap<string, number>;
  readonly gateways: readonly GatewayStatus[];
  readonly vms: readonly VmStatus[];
  /** Stretches of `seq` that have not come, told of or not. */
  readonly openGaps: number;
  /** Records that wait for their evidence or bundle. */
  readonly waiting: number;
  /** Reviews by state. */
  readonly reviews: ReadonlyMap<ReviewState, number>;
  /** By pinned anchors: the newest version that is known. */
  readonly bundles: readonly { readonly audience: string; readonly version: number | undefined }[];
}

/** How often a grant was used: accesses on record, and those of them that have an answer. Only these count as used. */
export interface GrantUse {
  readonly accesses: number;
  readonly answers: number;
}

export const useOf = (state: State, grant: string): GrantUse | undefined => {
  const known = state.grants.known.all.get(grant);
  return known === undefined ? undefined : { accesses: known.accesses, answers: known.answers };
};

export function statusOf(state: State, rules: Rules, now: number): LedgerStatus {
  const vms = [...state.chains.vms.values()];
  const { byEvidence, byGrant } = state.grants;
  return {
    size: state.size,
    types: new Map(state.types),
    alarms: new Map<AlarmCode | string, number>(state.codes),
    gateways: [...state.chains.gateways.all]
      .filter(([gateway]) => isExpected(rules, gateway))
      .map(([gateway, { beatAt, silence }]) => ({
        gateway,
        heartbeatAge: beatAt === undefined ? undefined : Math.abs(now - beatAt),
        isSilent: silence !== undefined,
      })),
    vms: vms.map(({ vm, sender, isRightful, last, records, missing, ended }) => ({
      vm,
      sender,
      isRightful,
      seq: last.seq,
      head: last.sha256,
      records,
      missing: missing.map(({ from, to }): [number, number] => [from, to]),
      isOver: ended !== undefined,
    })),
    openGaps: vms.reduce((sum, { missing }) => sum + missing.length, 0),
    waiting: byEvidence.records.all.size + byGrant.records.all.size,
    reviews: countReviews(state.reviews, rules.grace.review, now),
    bundles: rules.pins.anchors.map(({ audience }, which) => {
      const versions = [...(state.bundles.known.get(which)?.keys() ?? [])];
      return { audience, version: versions.length === 0 ? undefined : Math.max(...versions) };
    }),
  };
}
