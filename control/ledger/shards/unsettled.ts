/**
 * What a shard still waited for when it was sealed, held against what went along: a request without its receipt, a record without its
 * evidence, and how far each VM's clock was. Left behind, it would be judged by nobody; made up, it would excuse what comes.
 */
import { visible } from "../../base/text.js";
import { type Carried, MAX_CARRIED } from "../chain/carry.js";
import type { Finding } from "../chain/finding.js";
import { jsonOf, parseJws } from "../chain/jws.js";
import { isOpen, type Pending, receiptSchema } from "../chain/receipts.js";
import type { State } from "../chain/state.js";
import { allOf } from "../chain/waiting.js";

type CarriedPending = Carried["pending"][number];

export class Unsettled {
  /** Entries that alarms name, and say that nothing came for them. */
  private readonly told = new Set<number>();
  /** Records that a receipt names, whether it holds or not: that is for `verify` of this shard. */
  private readonly receipts = new Set<string>();

  takeAlarm({ code, about, count }: Finding): void {
    if (count === undefined && code !== "unsettled") for (const index of about) this.told.add(index);
  }

  takeReceipt(receipt: string): void {
    const claims = receiptSchema.safeParse(jsonOf(parseJws(receipt)?.payload ?? "")).data;
    if (claims !== undefined) this.receipts.add(claims.record_sha256);
  }

  /** @param before what came along into this shard */
  faultOf(state: State, carried: Carried, before: Carried | undefined): string | undefined {
    return (
      this.faultOfPending(state, carried, before) ??
      this.faultOfWaiting(state, carried) ??
      faultOfClocks(state, carried)
    );
  }

  private faultOfPending({ receipts }: State, { pending }: Carried, before: Carried | undefined): string | undefined {
    const there = new Set(pending.map(({ sha256 }) => sha256));
    const earlier = new Map((before?.pending ?? []).map((one) => [one.key, one]));
    const own = [...receipts.pending.all.values()];
    for (const said of pending)
      if (!own.some((one) => this.isSame(one, said, earlier.get(said.key))))
        return `seq ${said.seq} of ${visible(said.vm)} did not wait for a receipt so`;
    if (pending.length >= MAX_CARRIED) return undefined;
    const lost = own.find(
      (one) => isOpen(one) && !this.hasReceipt(one) && !this.told.has(one.index) && !there.has(one.sha256),
    );
    return lost && `seq ${lost.seq} of ${visible(lost.vm)} waited for a receipt, and that was left behind`;
  }

  private hasReceipt({ sha256, settled }: Pending): boolean {
    return settled !== undefined && this.receipts.has(sha256);
  }

  private isSame(own: Pending, said: CarriedPending, before: CarriedPending | undefined): boolean {
    const { sha256, asked, settled } = said;
    const isSettled = own.settled?.seq === settled?.seq && own.settled?.isAllowed === settled?.isAllowed;
    const hasReceipt = this.receipts.has(sha256) || before?.hasReceipt === true;
    return own.sha256 === sha256 && own.asked === asked && isSettled && (hasReceipt || !said.hasReceipt);
  }

  /** Records that were judged by no evidence yet: of those that wait for a bundle nobody knows here. */
  private faultOfWaiting({ grants }: State, { waiting }: Carried): string | undefined {
    if (waiting.length >= MAX_CARRIED) return undefined;
    const there = new Set(waiting.map(({ record }) => `${record.seq} ${record.vm}`));
    const lost = [...allOf(grants.byEvidence), ...allOf(grants.byGrant)].find(
      ({ index, record }) => !this.told.has(index) && !there.has(`${record.seq} ${record.vm}`),
    );
    return (
      lost && `seq ${lost.record.seq} of ${visible(lost.record.vm)} waited for its evidence, and that was left behind`
    );
  }
}

function faultOfClocks({ clocks }: State, { vms, clocks: said }: Carried): string | undefined {
  if (said.length >= MAX_CARRIED) return undefined;
  const there = new Map(said.map((one) => [one.key, one]));
  const foreign = new Set(vms.flatMap(({ vm, isRightful }) => (isRightful ? [] : [vm])));
  for (const { vm } of vms) {
    const last = clocks.all.get(vm)?.at(-1);
    const found = there.get(vm);
    // Whose chain is whose only the ledger's configuration tells.
    if (last === undefined || foreign.has(vm)) continue;
    const isSame = found?.number === last.number && found.low === last.low.seq && found.high === last.high.seq;
    if (!isSame) return `${visible(vm)}: how far its clock was is not what went along`;
  }
  return undefined;
}
