/** One run: an Envoy of its own, warmed up, then rounds with one sample of each row in an order of their own. */
import { mkdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type CpuSource, cpuMicroseconds } from "../base/cpu.js";
import { countInstructions } from "../base/instructions.js";
import { shuffled } from "../base/shuffled.js";
import { FLUSH_MS, startGateway } from "../gateway/gateway.js";
import { becomeQuiet, tablesBuilt } from "../gateway/quiet.js";
import { makeSender, type Sender } from "../load/sender.js";
import type { Options } from "./options.js";
import type { Prepared, Row } from "./rows.js";

export interface Run {
  /** CPU microseconds of Envoy a request, or thousands of instructions, one entry a round, of each row. */
  readonly perRequest: ReadonlyMap<string, readonly number[]>;
  readonly perSecond: ReadonlyMap<string, readonly number[]>;
  /** Tables of multiples in all VMs together, when measuring begins and ends. */
  readonly tables: readonly [number, number];
}

interface Ready {
  readonly row: Row;
  readonly sender: Sender;
  readonly perRequest: number[];
  readonly perSecond: number[];
}

/** Counts from now on. @returns stops, and tells what was counted */
async function startCounting({ counter }: Options, pid: number, source: CpuSource): Promise<() => Promise<number>> {
  if (counter === "instructions") return countInstructions(pid);
  const start = cpuMicroseconds(pid, source);
  return async () => cpuMicroseconds(pid, source) - start;
}

export async function runOnce(
  options: Options,
  { world, jwks, configuration, rows }: Prepared,
  folder: string,
  source: CpuSource,
): Promise<Run> {
  mkdirSync(folder);
  const modules = options.builds.map(({ name, path }) => ({
    ...{ name, vmId: name, configuration },
    bytes: readFileSync(path),
  }));
  const gateway = await startGateway({
    ...{ world, jwks, folder, modules },
    listeners: ["none", "jwt"],
    wasm: new Uint8Array(),
  });
  const ready: Ready[] = [];
  try {
    for (const [i, row] of rows.entries()) {
      const sender = await makeSender(options.client, {
        ...{ port: gateway.port(row.listener), connections: options.connections },
        ...{ texts: row.texts, folder, name: `row-${i}` },
      });
      ready.push({ row, sender, perRequest: [], perSecond: [] });
    }
    // Twice, with a rest in which the filter builds its tables.
    for (let warmUp = 0; warmUp < 2; warmUp++) {
      for (const { sender } of ready) await sender.burst(options.seconds);
      await becomeQuiet(gateway.envoy);
    }
    const before = await tablesBuilt(gateway.envoy);
    for (let round = 0; round < options.rounds; round++) {
      for (const { sender, perRequest, perSecond } of shuffled(ready)) {
        const stop = await startCounting(options, gateway.envoy.pid, source);
        const { requests, seconds } = await sender.burst(options.seconds);
        // Until the access log is written and the process sleeps.
        await sleep(FLUSH_MS + 10);
        perRequest.push((await stop()) / requests);
        perSecond.push(requests / seconds);
        gateway.emptyLog();
      }
    }
    const after = await tablesBuilt(gateway.envoy);
    return {
      perRequest: new Map(ready.map(({ row, perRequest }) => [row.name, perRequest])),
      perSecond: new Map(ready.map(({ row, perSecond }) => [row.name, perSecond])),
      tables: [before, after],
    };
  } finally {
    for (const { sender } of ready) sender.close();
    await gateway.envoy.stop();
  }
}
