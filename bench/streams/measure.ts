/** What open streams cost a worker: while nothing happens, and when they are ended all at once. */
import { setTimeout as sleep } from "node:timers/promises";
import { keepAlive, send } from "../../control/gateway/client.js";
import { type CpuSource, cpuMicroseconds } from "../base/cpu.js";
import { processMemory } from "../base/process-memory.js";
import { quantile } from "../base/statistics.js";
import { becomeQuiet } from "../gateway/quiet.js";
import { openCrowd } from "./crowd.js";
import { EVERYBODY, startStreamGateway } from "./gateway.js";

const LIFE_SECONDS = 600;
const PROBE_MS = 5;

export interface Case {
  readonly name: string;
  readonly streams: number;
  /** Different grants, shared by the streams; 0: under none, by the normal authentication. */
  readonly grants: number;
}

/** Milliseconds that a normal request on the same worker took. */
export interface Probes {
  readonly p50: number;
  readonly max: number;
}

export interface Measured extends Case {
  /** CPU of the whole process in a second in which nothing happens, in milliseconds. */
  readonly idle: number;
  /** The worker's linear memory, touched, in bytes. */
  readonly linear: number;
  readonly before: Probes;
  /** From the push that revokes them all: until the last was seen to end, and the probes meanwhile. */
  readonly ending: { readonly milliseconds: number; readonly probes: Probes } | undefined;
}

class Probe {
  private times: number[] = [];
  private isRunning = true;
  private readonly running: Promise<void>;

  constructor(port: number, authorization: string) {
    this.running = this.run(port, authorization);
  }

  private async run(port: number, authorization: string): Promise<void> {
    const agent = keepAlive(1);
    while (this.isRunning) {
      const began = performance.now();
      await send({ port, path: "/orders/probe", headers: { authorization }, agent });
      this.times.push(performance.now() - began);
      await sleep(PROBE_MS);
    }
    agent.destroy();
  }

  /** Since it was asked last. */
  take(): Probes {
    const times = this.times.sort((a, b) => a - b);
    this.times = [];
    return { p50: quantile(times, 0.5), max: times.at(-1) ?? Number.NaN };
  }

  async stop(): Promise<void> {
    this.isRunning = false;
    await this.running;
  }
}

async function idleCpu(pid: number, seconds: number, source: CpuSource): Promise<number> {
  const [cpu, began] = [cpuMicroseconds(pid, source), performance.now()];
  await sleep(1000 * seconds);
  return (cpuMicroseconds(pid, source) - cpu) / (performance.now() - began);
}

/** An Envoy of its own, with one worker. */
export async function measureCase(one: Case, seconds: number, source: CpuSource): Promise<Measured> {
  const gateway = await startStreamGateway(1);
  const { test } = gateway;
  try {
    await test.configure(gateway.configuration());
    const authorization = `Bearer ${await test.normalToken()}`;
    const grants = Array.from({ length: one.grants }, (_, i) =>
      gateway.grant(`crowded-grant-number-${i}`, LIFE_SECONDS, i),
    );
    const crowd = await openCrowd(test.port, one.streams, (i) =>
      grants.length === 0 ? { authorization } : { "x-break-glass": grants[i % grants.length] ?? "" },
    );
    await becomeQuiet(test.envoy);
    const idle = await idleCpu(test.envoy.pid, seconds, source);
    const linear = processMemory(test.envoy.pid).linear.reduce((most, { resident }) => Math.max(most, resident), 0);
    const probe = new Probe(test.port, authorization);
    await sleep(1000 * seconds);
    const before = probe.take();
    let ending: Measured["ending"];
    if (grants.length > 0) {
      const ended = Promise.all(crowd.streams.map(({ end }) => end));
      const began = performance.now();
      test.offer(gateway.configuration(EVERYBODY));
      await ended;
      ending = { milliseconds: performance.now() - began, probes: probe.take() };
    }
    await probe.stop();
    crowd.close();
    return { ...one, idle, linear, before, ending };
  } finally {
    await gateway.stop();
  }
}
