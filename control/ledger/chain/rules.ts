/** What a ledger judges by: the anchors that it pins, who speaks for which gateway, how long it waits. */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { Anchors } from "../../trust/anchors.js";

export interface Pins {
  /** The gateways' anchors, one for each audience or set of roots. */
  readonly anchors: readonly Anchors[];
  /**
   * By sender, the node ids of the gateways that he speaks for; everybody speaks for the gateway of his own name. Absent: nobody is
   * told apart, and every sender is believed to speak for every gateway (`verify` without the ledger's configuration).
   */
  readonly senders?: Readonly<Record<string, readonly string[]>>;
  /** Gateways whose heartbeats are expected from the start; others as soon as they had one. */
  readonly gateways?: readonly string[];
  /** The log's own origin, which receipts must name. */
  readonly origin?: string;
}

const seconds = z
  .int()
  .positive()
  .max(30 * 86_400);
/** How long is waited for what belongs together, in seconds. */
export const graceSchema = z.strictObject({
  /** Before a missing `seq` is a gap, and evidence, an answer's record or a bundle is missing. */
  gap: seconds.default(120),
  /** Without heartbeats: one that has no news is entered once a minute. */
  silence: seconds.default(180),
  /** From when a newer bundle is known until a VM that decides by an older one is behind. */
  rollout: seconds.default(900),
  /** From when a gateway names a VM no more until it is over: Envoy drains for ten minutes on a hot restart. */
  end: seconds.default(900),
  /** More denials than this in `denialWindow` seconds for one person, key or source. */
  denials: z.int().positive().default(20),
  denialWindow: seconds.default(300),
  /** From a finding until the same code about the same subject is told again. */
  pause: seconds.default(60),
  /** From when a grant was first seen, or a later entry reopened its review, until a closing signature is overdue. */
  review: seconds.default(86_400),
});
export type Grace = z.infer<typeof graceSchema>;

export interface PinnedAnchors {
  /** Which of the pinned ones. */
  readonly which: number;
  readonly isShadow: boolean;
}

export type OnJoined = (grant: string, index: number) => void;
/** @param isProven whether its signature was verified: not where nobody's keys are known */
export type OnClosed = (index: number, isProven: boolean) => void;

export interface Rules {
  readonly pins: Pins;
  readonly grace: Grace;
  /** By the hash that records carry. */
  readonly byHash: ReadonlyMap<string, PinnedAnchors>;
  /** Where `senders` are not known: pairs of sender and gateway that the log's own alarms call foreign. */
  readonly foreign: Set<string>;
  /** Slots of a VM's window. */
  readonly windowSlots: number;
  /** Whether an own memory of `(code, subject)` holds findings back: not where a finished log is judged. */
  readonly isCounting: boolean;
  /** Hears which entries join which grant's review, in the order of its digest. */
  readonly onJoined?: OnJoined;
  /** Hears of each closing signature that holds. */
  readonly onClosed?: OnClosed;
}

/** SHA-256 over audience, threshold, mode and the roots' kids in order, as the filter has it in each record. */
export function anchorsHash({ audience, threshold, roots }: Anchors, mode: "enforce" | "shadow"): string {
  const kids = roots.map(({ kid }) => kid).sort();
  return createHash("sha256")
    .update([audience, String(threshold), mode, ...kids].join("\n"))
    .digest("hex");
}

export const WINDOW_SLOTS = 65_536;

export function rulesOf(pins: Pins, grace: Partial<Grace> = {}, more: Partial<Rules> = {}): Rules {
  const byHash = new Map<string, PinnedAnchors>();
  for (const [which, anchors] of pins.anchors.entries()) {
    byHash.set(anchorsHash(anchors, "enforce"), { which, isShadow: false });
    byHash.set(anchorsHash(anchors, "shadow"), { which, isShadow: true });
  }
  const own = { windowSlots: WINDOW_SLOTS, isCounting: true, foreign: new Set<string>() };
  return { pins, grace: graceSchema.parse(grace), byHash, ...own, ...more };
}

/** The subject of an alarm `foreign_sender`. */
export const foreignPair = (sender: string, node: string): string => `${sender} ${node}`;

/** Whether the sender may speak for that gateway; `local:NAME`, a person on this machine, for what `local` does. */
export function speaksFor({ pins, foreign }: Rules, sender: string, node: string): boolean {
  if (sender === node) return true;
  if (pins.senders === undefined) return !foreign.has(foreignPair(sender, node));
  const name = sender.startsWith("local:") ? "local" : sender;
  return Object.hasOwn(pins.senders, name) && (pins.senders[name]?.includes(node) ?? false);
}
