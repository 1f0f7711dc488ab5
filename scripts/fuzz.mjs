// `npm run fuzz -- --minutes N`: fuzzes the release filter, guided by a copy of it with a probe at each branch.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { runnerImport } from "vite";
import { placePoints } from "./coverage/points.mjs";
import { buildFast, copyWithProbes, filesOf } from "./instrument/build.mjs";
import { TELL, withCell } from "./instrument/probe.mjs";
import { writeFilter } from "./instrument/run-suites.mjs";

const FOLDER = "build/fuzz";
/** What reads text that comes from outside, and what decides by it. */
const ROOMS = ["decide", "grant", "trust", "text", "jose", "proof"];
const HELP = `Bends grants, proofs, paths, hosts, bundles and configurations for the release filter: no trap, no growth, nothing over 1 ms.

  --minutes N   how long (default 1; parts of one are good)
  --seed N      which (default: by the clock)
  --unguided    without the filter with probes, whose build takes half a minute
  --keep        writes inputs that reached something new to test/fuzz/corpus
  --help        says this
`;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
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
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error(`error: --minutes is "${values.minutes}"; it must be a number above 0.`);
  process.exit(2);
}

async function guideFilter() {
  const files = filesOf(ROOMS.filter((room) => existsSync(`assembly/${room}`)));
  copyWithProbes(FOLDER, files, [], placePoints);
  return resolve(writeFilter(join(FOLDER, "guide.wasm"), withCell(readFileSync(await buildFast(FOLDER)), TELL)));
}

const guide = values.unguided ? undefined : await guideFilter();
console.log(
  `seed ${values.seed}, ${guide === undefined ? "nothing guides" : "guided by the branches that are reached"}`,
);
const { module } = await runnerImport(resolve("test/fuzz/run.ts"), { configFile: false, logLevel: "error" });
process.exit(await module.main({ minutes, seed: Number(values.seed), guide, keeps: values.keep }));
