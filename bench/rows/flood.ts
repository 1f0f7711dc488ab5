/** How long a normal caller waits while somebody floods the gateway with forged grants, against the same without the flood. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Child } from "../base/child.js";
import { quantile } from "../base/statistics.js";
import type { Gateway } from "../gateway/gateway.js";
import { Client, requestText } from "../load/client.js";
import type { Tokens } from "../tokens/tokens.js";

export interface Latency {
  readonly requests: number;
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
}
export interface FloodResult {
  readonly quiet: Latency;
  readonly flooded: Latency;
  readonly forgedPerSecond: number;
  /** Answers to forged grants by status. */
  readonly statuses: Readonly<Record<string, number>>;
}

const answer = z.object({ statuses: z.record(z.string(), z.number()) });

/** One connection, one request after the other. */
async function probe(client: Client, milliseconds: number): Promise<number[]> {
  const text = requestText({ "x-forwarded-for": "192.0.2.10" });
  const times: number[] = [];
  const end = performance.now() + milliseconds;
  let sentAt = 0;
  const { statuses } = await client.load(
    () => {
      sentAt = performance.now();
      return sentAt < end ? text : undefined;
    },
    () => times.push((performance.now() - sentAt) * 1000),
  );
  if ([...statuses.keys()].some((status) => status !== 200))
    throw new Error(`flood: a normal request was answered ${[...statuses.keys()].join(", ")}`);
  return times;
}

const latency = (times: readonly number[]): Latency => ({
  requests: times.length,
  p50: quantile(times, 0.5),
  p99: quantile(times, 0.99),
});

/** @param turns of each kind, by turns */
export async function measureFlood(
  gateway: Gateway,
  tokens: Tokens,
  folder: string,
  turns: number,
  milliseconds: number,
): Promise<FloodResult> {
  const port = gateway.port("composite");
  const tokensPath = join(folder, "forged.txt");
  writeFileSync(tokensPath, tokens.wrongSignature.join("\n"));
  const attacker = await Child.start("rows/flood-source.ts", [String(port), tokensPath]);
  const client = await Client.open(port, 1);
  const quiet: number[] = [];
  const flooded: number[] = [];
  const statuses = new Map<string, number>();
  try {
    await probe(client, milliseconds / 2);
    for (let turn = 0; turn < turns; turn++) {
      quiet.push(...(await probe(client, milliseconds)));
      attacker.send("start");
      flooded.push(...(await probe(client, milliseconds)));
      for (const [status, count] of Object.entries(answer.parse(await attacker.ask("stop")).statuses)) {
        statuses.set(status, (statuses.get(status) ?? 0) + count);
      }
      gateway.emptyLog();
    }
  } finally {
    client.close();
    await attacker.stop();
  }
  const forged = [...statuses.values()].reduce((sum, count) => sum + count, 0);
  return {
    quiet: latency(quiet),
    flooded: latency(flooded),
    forgedPerSecond: Math.round(forged / ((turns * milliseconds) / 1000)),
    statuses: Object.fromEntries(statuses),
  };
}
