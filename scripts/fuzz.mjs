// `npm run fuzz -- --minutes N`: fuzzes the release filter, guided by a copy of it with a probe at each branch.
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { runnerImport } from "vite";
import { placePoints } from "./coverage/points.mjs";
import { buildFast, copyWithProbes, filesOf } from "./instrument/build.mjs";
import { TELL, withCell } from "./instrument/probe.mjs";
import { writeFilter } from "./instrument/run-suites.mjs";

const FOLDER = "build/fuzz";
/** What reads text that comes from outside, and what decides by it. */
const ROOMS = ["decide", "grant", "trust", "text", "jose", "proof"];
const TELL_MS = 10_000;
const HELP = `Bends grants, proofs, requests, bundles and configurations for the release filter: no trap, no growth, nothing over 1 ms; what
it allows is held to the independent reference, and a part of all to the Node host.

  --minutes N      how long (default 1; parts of one are good)
  --executions N   ends after so many instead
  --threads N      default: one a processor
  --seed N         which (default: by the clock)
  --unguided       without the filter with probes, whose build takes half a minute
  --keep           writes inputs that reached something new to test/fuzz/corpus
  --help           says this
`;

const { values } = parseArgs({
  options: {
    minutes: { type: "string" },
    executions: { type: "string" },
    threads: { type: "string", default: String(availableParallelism()) },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    unguided: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

function number(name) {
  const value = values[name];
  if (value === undefined || Number(value) > 0) return value === undefined ? undefined : Number(value);
  console.error(`error: --${name} is "${value}"; it must be a number above 0.`);
  process.exit(2);
}

const executions = number("executions");
const minutes = number("minutes") ?? (executions === undefined ? 1 : undefined);
const count = Math.ceil(number("threads"));
const seed = Math.floor(number("seed"));
if (values.keep && values.unguided) {
  console.error("error: --keep needs the filter with probes: leave out --unguided.");
  process.exit(2);
}

async function guideFilter() {
  const files = filesOf(ROOMS.filter((room) => existsSync(`assembly/${room}`)));
  copyWithProbes(FOLDER, files, [], placePoints);
  return resolve(writeFilter(join(FOLDER, "guide.wasm"), withCell(readFileSync(await buildFast(FOLDER)), TELL)));
}

const load = async (path) => (await runnerImport(resolve(path), { configFile: false, logLevel: "error" })).module;
const rss = () => process.memoryUsage.rss();

const guide = values.unguided ? undefined : await guideFilter();
const { foundBy, tellAll, tellProgress } = await load("test/fuzz/summary.ts");
const guided = guide === undefined ? "nothing guides" : "guided by the branches that are reached";
console.log(`${count} threads, seed ${seed}, ${guided}`);

/** The last that each thread said. */
const said = new Array(count);
let before = 0;
const workers = said.fill(undefined).map(
  (_, i) =>
    new Worker(new URL("./fuzz/thread.mjs", import.meta.url), {
      workerData: { minutes, executions: executions && Math.ceil(executions / count), seed: seed + i, guide },
    }),
);
const stop = () => {
  for (const worker of workers) worker.postMessage("stop");
};
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => {
    console.log(`stopped by ${signal}`);
    stop();
  });
const timer = setInterval(() => {
  if (!said.includes(undefined)) console.log(tellProgress(said));
}, TELL_MS);
await Promise.all(
  workers.map(
    (worker, i) =>
      new Promise((done, failed) => {
        worker.on("message", (progress) => {
          said[i] = progress;
          if (before === 0 && !said.includes(undefined)) before = rss();
          if (progress.faults.length > 0) stop();
        });
        worker.once("error", failed).once("exit", done);
      }),
  ),
);
clearInterval(timer);
for (const line of tellAll(said, { before, now: rss() })) console.log(line);
if (values.keep) {
  const { keep } = await load("test/fuzz/prepare.ts");
  console.log(`the corpus has ${await keep(guide, foundBy(said))} inputs now`);
}
process.exit(said.some(({ faults }) => faults.length > 0) ? 1 : 0);
