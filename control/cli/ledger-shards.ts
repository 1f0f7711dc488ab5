/** `glassgate ledger shards`: that shards, the newest first, are one history. */
import type { Command } from "commander";
import { plural, visible } from "../base/text.js";
import { openSource } from "../ledger/audit/source.js";
import { type CheckedShard, checkShards } from "../ledger/shards/check.js";
import { examples, jsonOption } from "./context.js";
import { readTokens, readVkey, tokenFileOption, vkeyOption } from "./ledger-options.js";
import { resultJson, resultRows } from "./output.js";

interface Options {
  readonly key: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

function words({ name, checkpoint, predecessor }: CheckedShard, width: number): string {
  const { origin, size } = checkpoint;
  const before = predecessor === undefined ? "the first" : `goes on from ${visible(predecessor.origin)}`;
  return `${visible(name).padEnd(width)}   ${visible(origin)}: ${plural(size, "entry").replace("entrys", "entries")}, whole; ${before}`;
}

async function shards(newest: string, older: readonly string[], { key, tokenFile, json }: Options): Promise<void> {
  const places = [newest, ...older];
  const tokenOf = readTokens(places, tokenFile);
  const files = places.map((where) => ({ name: where, source: openSource(where, tokenOf(where)) }));
  const checked: CheckedShard[] = [];
  for await (const one of checkShards(files, readVkey(key))) checked.push(one);
  if (json === true) {
    resultJson(
      checked.map(({ name, checkpoint: { origin, size, root }, vkey, predecessor }) => ({
        ...{ name, origin, size, root: root.toString("base64"), vkey },
        predecessor: predecessor?.origin ?? null,
      })),
    );
    return;
  }
  const width = Math.max(...checked.map(({ name }) => visible(name).length));
  resultRows([
    ...checked.map((one) => words(one, width)),
    `one history: every entry of the older ones is what ${visible(newest)} goes on from.`,
  ]);
}

export function addLedgerShards(ledger: Command): void {
  const command = ledger
    .command("shards")
    .description("check that a ledger's shards are one history, from the newest one's checkpoint back")
    .argument("<newest>", "the newest shard: its folder or address")
    .argument("[older...]", "those before it, one after the other, as far as you have them")
    .addOption(vkeyOption("the newest one's verifier key, or a file that has it").makeOptionMandatory())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(shards);
  examples(command, [
    "glassgate ledger shards eu-2026-12 eu-2026-11 eu-2026-10 --key eu-2026-12.vkey",
    "glassgate ledger shards https://ledger.example.com:7070 eu-2026-11 --key eu-2026-12.vkey --token-file auditor.token",
  ]);
}
