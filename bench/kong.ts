/**
 * `npm run bench:kong`: the build for Kong against the build for Envoy, each on the Node host as its gateway: bytes, the time to
 * configure and to judge. What is counted is this host with the filter: the hosts differ, and neither is the real one.
 */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { FilterHost, type Header, type HostRequest, type Outcome } from "../control/host/host.js";
import { ngxProfile } from "../control/host/ngx/profile.js";
import { kongWasmPath, wasmPath } from "../control/host/wasm.js";
import { QuickWorld } from "../test/kit/quick-world.js";
import { asKong } from "../test/verdicts/kong-gateway.js";
import { spread } from "./base/statistics.js";
import { today, writeSection } from "./report/page.js";

const ROUNDS = 21;
/** Requests of one kind in a round: some milliseconds. */
const REQUESTS = 200;
/** Rounds whose times are not taken: V8 compiles, and tables of keys are built. */
const WARM_UP = 6;

/** Envoy's build makes tables of keys when it is idle, Kong's behind each answer. */
const TICKS = 40;

interface Build {
  readonly name: string;
  readonly path: string;
  readonly load: () => Promise<Pick<FilterHost, "configure" | "request" | "tick">>;
  /** The configuration as this gateway takes it. */
  readonly configured: (text: string) => string;
}

const BUILDS: readonly Build[] = [
  { name: "Envoy", path: wasmPath, load: () => FilterHost.load(), configured: (text) => text },
  { name: "Kong", path: kongWasmPath, load: () => FilterHost.loadAs(ngxProfile()), configured: asKong },
];

type Kind = readonly [name: string, make: () => readonly Header[], isRight: (outcome: Outcome) => boolean];

function kindsOf(world: QuickWorld): readonly Kind[] {
  const cached = world.grant();
  const grant = (text: string): Header[] => [["x-break-glass", text]];
  const says = (verdict: string) => (outcome: Outcome) => outcome.said.get("verdict") === verdict;
  return [
    [
      "without a grant (goes on at Envoy, is denied at Kong)",
      () => [],
      (outcome) => outcome.said.get("verdict") !== "allow",
    ],
    ["a grant that was accepted before", () => grant(cached), says("allow")],
    ["a new grant, one signature", () => grant(world.alone()), says("allow")],
    ["a new grant, three signatures", () => grant(world.grant()), says("allow")],
    ["no grant at all, but a header of that name", () => grant("garbage"), says("malformed")],
  ];
}

const request = (headers: readonly Header[]): HostRequest => ({
  headers: [
    [":method", "GET"],
    [":path", "/orders/7"],
    [":authority", "api.example.com"],
    ["x-request-id", "r"],
    ...headers,
  ],
});

/** Milliseconds of CPU. */
function cpuOf(work: () => void): number {
  const began = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1000;
}

const shown = (samples: readonly number[], digits = 1): string => {
  const { median, low, high } = spread(samples);
  return `${median.toFixed(digits)} (${low.toFixed(digits)}-${high.toFixed(digits)})`;
};

/** @param args none */
export async function main(args: readonly string[]): Promise<void> {
  if (args.length > 0) throw new Error("bench:kong takes no arguments");
  const world = new QuickWorld(Math.floor(Date.now() / 1000));
  const kinds = kindsOf(world);
  const rows = new Map<string, Map<string, number[]>>();
  const note = (row: string, build: string, sample: number): void => {
    const of = rows.get(row) ?? new Map<string, number[]>();
    rows.set(row, of.set(build, [...(of.get(build) ?? []), sample]));
  };
  const hosts = await Promise.all(BUILDS.map(async (build) => ({ build, host: await build.load() })));
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    // By turns, so that a busy moment of the machine hits both.
    for (const { build, host } of round % 2 === 0 ? hosts : [...hosts].reverse()) {
      const isCounted = round >= 0;
      const text = build.configured(world.configuration());
      const configure = cpuOf(() => {
        if (!host.configure(text).accepted) throw new Error(`${build.name}: refused`);
      });
      if (isCounted) note("take a configuration, ms", build.name, configure);
      for (const [name, make, isRight] of kinds) {
        const requests = Array.from({ length: REQUESTS }, () => request(make()));
        const cpu = cpuOf(() => {
          for (const one of requests) {
            if (!isRight(host.request(one))) throw new Error(`${build.name}, ${name}: a wrong answer`);
          }
        });
        for (let i = 0; i < TICKS; i++) host.tick();
        if (isCounted) note(`${name}, us a request`, build.name, (cpu * 1000) / REQUESTS);
      }
    }
  }
  const sizes = BUILDS.map(({ path }) => readFileSync(path));
  const lines = [
    `| | ${BUILDS.map(({ name }) => `the build for ${name}`).join(" | ")} |`,
    "|---|---:|---:|",
    `| bytes | ${sizes.map(({ length }) => length).join(" | ")} |`,
    `| bytes, gzip | ${sizes.map((bytes) => gzipSync(bytes).length).join(" | ")} |`,
    ...[...rows].map(([row, of]) => `| ${row} | ${BUILDS.map(({ name }) => shown(of.get(name) ?? [])).join(" | ")} |`),
    "",
    `Median (quartiles) of ${ROUNDS} rounds of CPU time, ${REQUESTS} requests each. Envoy's host has a canary, a main thread and a worker to configure; Kong's a worker.`,
  ];
  const text = lines.join("\n");
  process.stdout.write(`${text}\n`);
  const title = `## The build for Kong in the Node host\n\n\`npm run bench:kong\`, ${today()}, Node ${process.version}.`;
  writeSection("kong", `${title}\n\n${text}`);
}
