/** One tick of the release filter in Node, whose engine is Envoy's: how long it takes with so many grants that have streams open. */
import { FilterHost } from "../../control/host/host.js";
import { headersOf } from "../../test/kit/headers.js";
import { World } from "../../test/kit/world.js";
import { median } from "../base/statistics.js";
import { Crew } from "./gateway.js";

export interface Ticks {
  readonly streams: number;
  readonly grants: number;
  /** Milliseconds: a tick that judges and ends nothing, and the slowest of them. */
  readonly median: number;
  readonly slowest: number;
  /** Ticks that it takes to judge each grant once. */
  readonly round: number;
}

/** assembly/filter/openstreams.ts */
const JUDGED_A_TICK = 1024;
const WARM_UP = 50;

export async function measureTicks(streams: number, grants: number, ticks: number): Promise<Ticks> {
  const world = new World(Math.floor(Date.now() / 1000));
  const host = await FilterHost.load();
  const crew = new Crew(world);
  host.configure(world.configuration({ bundle: world.bundleClaims({ principals: crew.principals }) }));
  const texts = Array.from({ length: grants }, (_, i) => crew.grant(i));
  for (let i = 0; i < streams; i++) {
    host.open({ headers: headersOf([texts[i % grants] ?? ""]) });
    if (i < WARM_UP * 2) host.tick();
  }
  const [worker] = host.process.workers;
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + ticks; i++) {
    const began = performance.now();
    worker?.tick();
    if (i >= WARM_UP) times.push(performance.now() - began);
  }
  return {
    ...{ streams, grants, median: median(times), slowest: Math.max(...times) },
    round: Math.ceil(grants / JUDGED_A_TICK),
  };
}
