/** What a person can break on purpose, to see that the books name it: a check that never fails proves nothing. */
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { countsSchema } from "./calls.js";
import type { Asking } from "./changes.js";
import type { Fleet } from "./fleet.js";

export const SPOILS = {
  record: "takes the last line of a record out of a gateway's audit log before the ledger has read it",
  upstream: "has the upstream forget one call",
  filter: "sends the calls of one gateway past its filter for a second",
} as const;
export type Spoil = keyof typeof SPOILS;
export const isSpoil = (name: string): name is Spoil => Object.hasOwn(SPOILS, name);

const HELD_MS = 1000;

/** While the agent stands still; Envoy appends, so nothing else moves. */
async function dropRecord(fleet: Fleet): Promise<void> {
  const [member] = fleet.members;
  if (member === undefined) return;
  fleet.signalAgent("SIGSTOP");
  await sleep(HELD_MS);
  const lines = readFileSync(member.audit, "utf8").split("\n");
  const at = lines.findLastIndex((line) => line.startsWith('{"v":1') && line.includes('"verdict":"allow"'));
  writeFileSync(member.audit, lines.filter((_, i) => i !== at).join("\n"));
  fleet.signalAgent("SIGCONT");
}

/** Until each process of the load has met it. */
async function bypassFilter(fleet: Fleet, parts: readonly Asking[]): Promise<void> {
  const children = [fleet.load.callers, fleet.load.forger];
  for (const child of children) child?.send("bypass 0");
  await sleep(HELD_MS);
  for (const part of parts)
    while (countsSchema.parse(await part.ask("counts")).bypassed === 0) await sleep(HELD_MS / 10);
  for (const child of children) child?.send("bypass");
}

/** In the middle of the run. */
export async function spoilTraffic(fleet: Fleet, parts: readonly Asking[], spoil: Spoil | undefined): Promise<void> {
  if (spoil === "record") await dropRecord(fleet);
  if (spoil === "filter") await bypassFilter(fleet, parts);
}

export function spoilReached(reached: Map<string, number>, spoil: Spoil | undefined): void {
  const [path] = reached.keys();
  if (spoil === "upstream" && path !== undefined) reached.delete(path);
}
