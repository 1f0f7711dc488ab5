/** Heartbeats: how far each VM of a gateway is, as the gateway itself published it; and what their absence means. */
import { z } from "zod";
import { type Chains, chainOf, gatewayOf, type Vm } from "./chains.js";
import { type Clocks, noteHeard } from "./clock.js";
import { type Finding, MAX_ABOUT, type Step } from "./finding.js";
import { readJson } from "./json.js";
import { takeHead } from "./link.js";
import { isExpected, isOver, type Look } from "./look.js";
import { gapOf, overdue } from "./missing.js";
import { foreignPair, type Rules, speaksFor, WINDOW_SLOTS } from "./rules.js";
import { isForgotten } from "./window.js";

/** A VM that nobody has named or written for so long is over, heartbeats or not. */
const IDLE_MS = 30 * 86_400_000;

const heartbeatSchema = z.looseObject({
  gateway: z.string().min(1).max(128),
  at: z.union([z.number(), z.string().max(64)]),
  vms: z
    .array(
      z.looseObject({
        /** As in records, or without the node id. */
        vm: z
          .string()
          .max(192)
          .regex(/^(?:[\s\S]*\/)?[0-9]{1,20}\/[0-9]{1,20}$/),
        seq: z.int().nonnegative(),
        head: z
          .string()
          .regex(/^[0-9a-f]{12}$/)
          .optional(),
      }),
    )
    .max(4096),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;

export function readHeartbeat(bytes: Buffer): Heartbeat | undefined {
  const read = readJson(bytes);
  return "fault" in read ? undefined : heartbeatSchema.safeParse(read.value).data;
}

const SHORT_NAME = /^[0-9]{1,20}\/[0-9]{1,20}$/;

/** The gateway does not name them any more; those that it names again are there. */
function noteNamed(chains: Chains, gateway: string, named: ReadonlySet<string>, step: Step): void {
  const { at } = step;
  const known = gatewayOf(chains, gateway, step);
  for (const key of known.named) {
    const vm = chains.vms.get(key);
    if (vm !== undefined && !named.has(key)) vm.goneSince ??= at;
  }
  known.named = new Set(named);
  known.beatAt = at;
}

/** When its gateway was asked; by the ledger's own clock, where that is before or the gateway's says nothing. */
function askedAt({ at }: Heartbeat, step: Step): number {
  const said = typeof at === "string" ? Date.parse(at) : Number.NaN;
  return Number.isNaN(said) ? step.at : Math.min(said, step.at);
}

export function takeHeartbeat(chains: Chains, clocks: Clocks, rules: Rules, beat: Heartbeat, step: Step): void {
  const { gateway, vms } = beat;
  if (!speaksFor(rules, step.sender, gateway)) {
    step.say({
      code: "foreign_sender",
      subject: foreignPair(step.sender, gateway),
      says: `${step.sender} sent a heartbeat of ${gateway}, for which he does not speak`,
    });
    return;
  }
  const known = gatewayOf(chains, gateway, step);
  if (known.silence !== undefined) {
    step.say({
      code: "silence_over",
      subject: gateway,
      about: [step.index, known.silence],
      says: `${gateway} has a heartbeat again`,
    });
    known.silence = undefined;
  }
  const named = new Set<string>();
  for (const { vm: name, seq, head } of vms) {
    // Of a VM without records there is nothing to know: the main thread's never has one.
    if (seq === 0) continue;
    const vm = chainOf(chains, rules, step, SHORT_NAME.test(name) ? `${gateway}/${name}` : name);
    if (vm === undefined || vm.node !== gateway) continue;
    named.add(vm.key);
    vm.lastAt = step.at;
    vm.goneSince = undefined;
    takeHead(vm, { seq, head, index: step.index }, rules, step);
    noteHeard(clocks, vm.key, seq, askedAt(beat, step), step);
  }
  noteNamed(chains, gateway, named, step);
}

type Due = Omit<Finding, "index">;

/** Gaps, and gateways that are silent, at that time. Changes nothing: the alarm's own entry does. */
export function dueOfChains(chains: Chains, rules: Rules, look: Look): Due[] {
  const due: Due[] = [];
  const { gap, silence } = rules.grace;
  for (const vm of chains.vms.values()) {
    for (const told of overdue(vm, (since) => isOver(look, since, gap))) {
      const behind = told.flatMap(({ next }) => (next === undefined ? [] : [next.index])).slice(0, MAX_ABOUT);
      due.push({ ...gapOf(vm, told), about: behind.length > 0 ? behind : [vm.last.index] });
    }
  }
  const expected = new Set([...(rules.pins.gateways ?? []), ...chains.gateways.all.keys()]);
  for (const gateway of expected) {
    const known = chains.gateways.all.get(gateway);
    const isPinned = rules.pins.gateways?.includes(gateway) ?? false;
    const since = known?.beatAt ?? (isPinned ? Math.max(look.since, known?.since ?? 0) : undefined);
    if (since === undefined || known?.silence !== undefined || !isExpected(rules, gateway)) continue;
    if (!isOver(look, since, silence)) continue;
    due.push({
      code: "silence",
      subject: gateway,
      about: [],
      says: `${gateway} has published no heartbeat since ${new Date(since).toISOString()}`,
    });
  }
  return due;
}

export interface End {
  readonly vm: string;
  /** Of a chain beside the rightful one. */
  readonly sender: string | undefined;
  readonly seq: number;
  readonly head: string;
  readonly records: number;
  readonly missing: readonly (readonly [number, number])[];
  readonly why: "not named" | "idle";
}

const MAX_MISSING_SHOWN = 64;
const endSchema = z.strictObject({
  vm: z.string(),
  sender: z.string().optional(),
  seq: z.int(),
  head: z.string(),
  records: z.int(),
  missing: z.array(z.tuple([z.int(), z.int()])),
  why: z.enum(["not named", "idle"]),
});

/** What an entry of type `end` says, with the key of the chain that it closes. */
export function readEnd(body: Buffer): (z.infer<typeof endSchema> & { readonly key: string }) | undefined {
  const read = readJson(body);
  const end = "fault" in read ? undefined : endSchema.safeParse(read.value).data;
  return end && { ...end, key: end.sender === undefined ? end.vm : `${end.vm}\n${end.sender}` };
}

/** What an end says of that chain, and is not so. */
export function faultOfEnd(vm: Vm, end: Pick<End, "seq" | "head" | "records" | "missing">): string | undefined {
  const { last, records, aged, missing, window } = vm;
  if (end.seq !== last.seq || end.head !== last.sha256)
    return `that ${vm.vm} ended with seq ${end.seq}, and its last is seq ${last.seq}`;
  if (end.records > records || end.records < records - aged)
    return `that ${vm.vm} had ${end.records} records, and ${records} are here`;
  // What is older a ledger may have forgotten, once it was told.
  const said = end.missing.filter(([, to]) => !isForgotten(window, to, WINDOW_SLOTS));
  const own = missing.filter(({ to }) => !isForgotten(window, to, WINDOW_SLOTS));
  const isSame = said.every(([from, to], i) => own[i]?.from === from && own[i]?.to === to);
  const isWhole = said.length === own.length || end.missing.length === MAX_MISSING_SHOWN;
  return isSame && isWhole ? undefined : `that of ${vm.vm} other records did not come than did not`;
}

export const keyOfEnd = (body: Buffer): string | undefined => readEnd(body)?.key;

function endOf({ vm, sender, isRightful, last, records, missing }: Vm, why: End["why"]): End {
  return {
    vm,
    sender: isRightful ? undefined : sender,
    seq: last.seq,
    head: last.sha256,
    records,
    missing: missing.slice(0, MAX_MISSING_SHOWN).map(({ from, to }): [number, number] => [from, to]),
    why,
  };
}

function whyOver(vm: Vm, { grace }: Rules, look: Look): End["why"] | undefined {
  if (vm.goneSince !== undefined && isOver(look, Math.max(vm.goneSince, vm.lastAt), grace.end)) return "not named";
  // A clock that steps ahead has ended nothing: who is there is heard before that is over.
  return look.now - vm.lastAt > IDLE_MS && isOver(look, vm.lastAt, grace.end) ? "idle" : undefined;
}

/** Whether its chain may be closed at that time: an end from before it would keep heads from being compared. */
export function mayEnd(chains: Chains, rules: Rules, key: string, now: number): boolean {
  const vm = chains.vms.get(key);
  return vm !== undefined && whyOver(vm, rules, { since: 0, now }) !== undefined;
}

/** The VMs that are over at that time. */
export function endsAt(chains: Chains, rules: Rules, look: Look): End[] {
  return [...chains.vms.values()].flatMap((vm) => {
    const why = vm.ended === undefined ? whyOver(vm, rules, look) : undefined;
    return why === undefined ? [] : [endOf(vm, why)];
  });
}
