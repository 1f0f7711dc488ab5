/**
 * Many small samples in interleaved rounds. Each sample of a variant has one of "no filter" right beside it, before or after by
 * turns; what counts is the difference of the two.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { AuthzServer } from "../authz/process.js";
import { type CpuSource, cpuMicroseconds } from "../base/cpu.js";
import { shuffled } from "../base/shuffled.js";
import { OVER_TLS } from "../gateway/filters.js";
import { FLUSH_MS, type Gateway } from "../gateway/gateway.js";
import { Client, type Headers, requestText, type Shown } from "../load/client.js";
import type { Variant } from "./variants.js";

const CONNECTIONS = 4;
/** Requests of each variant in each of the two warm-ups, at most. */
const MOST_WARM_UP_REQUESTS = 300;
/** Between the warm-ups: the filter may do work for later in its timer. */
const PAUSE_MS = 2000;

/** Samples of one row, one entry a round. */
export interface Series {
  /** CPU microseconds of Envoy a request, less those of "no filter" beside it. */
  readonly added: number[];
  readonly perSecond: number[];
  /** CPU microseconds of the external server a request. */
  readonly server: number[];
  /** Answers by status. */
  readonly statuses: Map<number, number>;
}

export interface Measured {
  /** "No filter", all its samples without TLS. */
  readonly base: { readonly perRequest: readonly number[]; readonly perSecond: readonly number[] };
  readonly series: ReadonlyMap<string, Series>;
}

interface Sample {
  readonly envoy: number;
  readonly server: number;
  readonly perSecond: number;
  readonly statuses: ReadonlyMap<number, number>;
}

export interface MeasureOptions {
  readonly gateway: Gateway;
  readonly authz: AuthzServer;
  readonly variants: readonly Variant[];
  /** To listeners over TLS. */
  readonly shown: Shown;
  readonly rounds: number;
  readonly requests: number;
  readonly source: CpuSource;
  readonly progress: (line: string) => void;
}

export async function measure(options: MeasureOptions): Promise<Measured> {
  const { gateway, authz, variants, shown, rounds, requests, source, progress } = options;
  const clients = new Map<string, Client>();
  for (const name of new Set(variants.flatMap(({ listener, baseListener = "none" }) => [listener, baseListener]))) {
    clients.set(name, await Client.open(gateway.port(name), CONNECTIONS, OVER_TLS.has(name) ? shown : undefined));
  }

  const sample = async (
    what: string,
    listener: string,
    count: number,
    statuses: readonly number[],
    headers: (i: number) => Headers,
  ): Promise<Sample> => {
    const client = clients.get(listener);
    if (client === undefined) throw new Error(`there is no listener ${listener}`);
    const texts = Array.from({ length: count }, (_, i) => requestText(headers(i)));
    const [envoyBefore, serverBefore] = [
      cpuMicroseconds(gateway.envoy.pid, source),
      cpuMicroseconds(authz.pid, source),
    ];
    const result = await client.load((i) => texts[i]);
    // Until the access log is written and both processes sleep.
    await sleep(FLUSH_MS + 10);
    for (const [status, answers] of result.statuses) {
      if (!statuses.includes(status)) throw new Error(`${what}: ${answers} of ${count} answers were ${status}`);
    }
    return {
      envoy: (cpuMicroseconds(gateway.envoy.pid, source) - envoyBefore) / count,
      server: (cpuMicroseconds(authz.pid, source) - serverBefore) / count,
      perSecond: count / result.seconds,
      statuses: result.statuses,
    };
  };

  /** Each variant goes on in its list of tokens where it was. */
  const sent = new Map<string, number>();
  const sampleOf = (variant: Variant, count: number): Promise<Sample> => {
    const from = sent.get(variant.id) ?? 0;
    sent.set(variant.id, from + count);
    return sample(variant.name, variant.listener, count, variant.statuses, (i) => variant.headers(from + i));
  };
  const baseOf = ({ baseListener = "none", baseHeaders }: Variant, count: number): Promise<Sample> =>
    sample("no filter", baseListener, count, [200], baseHeaders ?? (() => ({})));
  const emptyLogs = (): void => {
    gateway.emptyLog();
    authz.emptyLog();
  };

  const series = new Map<string, Series>(
    variants.map(({ id }) => [id, { added: [], perSecond: [], server: [], statuses: new Map() }]),
  );
  const base = { perRequest: [] as number[], perSecond: [] as number[] };
  const warmUpRequests = Math.min(MOST_WARM_UP_REQUESTS, requests);
  for (let warmUp = 0; warmUp < 2; warmUp++) {
    if (warmUp > 0) await sleep(PAUSE_MS);
    for (const variant of variants) {
      await baseOf(variant, warmUpRequests);
      await sampleOf(variant, warmUpRequests);
    }
    emptyLogs();
  }
  for (let round = 0; round < rounds; round++) {
    for (const [i, variant] of shuffled(variants).entries()) {
      const isBaseFirst = (round + i) % 2 === 0;
      const count = requests * (variant.weight ?? 1);
      const before = isBaseFirst ? await baseOf(variant, count) : undefined;
      const own = await sampleOf(variant, count);
      const beside = before ?? (await baseOf(variant, count));
      if ((variant.baseListener ?? "none") === "none") {
        base.perRequest.push(beside.envoy);
        base.perSecond.push(beside.perSecond);
      }
      const row = series.get(variant.id);
      row?.added.push(own.envoy - beside.envoy);
      row?.server.push(own.server - beside.server);
      row?.perSecond.push(own.perSecond);
      for (const [status, answers] of own.statuses) {
        row?.statuses.set(status, (row.statuses.get(status) ?? 0) + answers);
      }
    }
    emptyLogs();
    progress(`round ${round + 1} of ${rounds}`);
  }
  for (const client of clients.values()) client.close();
  return { base, series };
}
