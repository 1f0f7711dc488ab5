/**
 * Who looks at the time, and since when. What nobody could look at was not late: a ledger that was down, or whose machine slept, waits
 * its graces once more before it blames a gateway.
 */
import type { Rules } from "./rules.js";

export interface Look {
  /** Milliseconds since 1970: without a break since then. */
  readonly since: number;
  readonly now: number;
  /** Since when the clock goes on as it does now, where that is not `since`. */
  readonly steadySince?: number;
  /**
   * Milliseconds that are waited besides, whoever is catching up meanwhile: at the end of a log. Without an end, below zero, everything
   * that is waited for at all is over.
   */
  readonly patience?: number;
}

/** A clock that steps, or a process that stands still, by more than this is a break. It is looked every two seconds. */
const BREAK_MS = 60_000;

/** Whether that was known, or heard last, so long ago. What is of the future, as a clock was set back, counts from the break on. */
export function isOver({ since, now, steadySince = since, patience = 0 }: Look, at: number, seconds: number): boolean {
  // A step that is no break makes nothing late: it is waited for that long besides.
  return now - Math.max(at > now + BREAK_MS ? steadySince : at, since) >= seconds * 1000 + patience;
}

/**
 * Whether so long has passed, whoever looked. A time that lies as far ahead is of a clock that was set back: nobody waits until it comes
 * again, and never more than twice as long.
 */
export const isPast = (at: number, milliseconds: number, now: number): boolean => Math.abs(now - at) >= milliseconds;

/** Whether anybody may still speak for that gateway: one that was taken out of the configuration is missed by nobody. */
export function isExpected({ pins: { senders, gateways } }: Rules, gateway: string): boolean {
  if (senders === undefined || gateways?.includes(gateway) === true) return true;
  return Object.hasOwn(senders, gateway) || Object.values(senders).some((served) => served.includes(gateway));
}

/** Notices breaks: where the clock and what really passed do not agree, or nobody has looked for long. */
export class Watch {
  private last: { readonly clock: number; readonly steady: number } | undefined;

  /** @param steady milliseconds that only ever rise, from wherever; without it no break is noticed */
  constructor(
    private readonly clock: () => number,
    private readonly steady: (() => number) | undefined,
    public since: number,
  ) {}

  look(): void {
    const { last } = this;
    const steady = this.steady?.();
    if (steady === undefined) return;
    this.last = { clock: this.clock(), steady };
    if (last === undefined) return;
    const passed = steady - last.steady;
    if (passed > BREAK_MS || Math.abs(this.last.clock - last.clock - passed) > BREAK_MS) this.since = this.last.clock;
  }
}
