// `npm run coverage`: which statements and branches of the filter's pure rooms the specs and the fast tests reach.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { count, percent, total } from "./coverage/count.mjs";
import { placePoints } from "./coverage/points.mjs";
import { report } from "./coverage/tell.mjs";
import { buildFast, copyWithProbes, filesOf } from "./instrument/build.mjs";
import { TELL, withCell } from "./instrument/probe.mjs";
import { runSpecs, runSuites, writeFilter } from "./instrument/run-suites.mjs";
import { fastSuites, QUICK_SUITES } from "./instrument/suites.mjs";

/** Held to the goal. */
const ROOMS = ["decide", "grant", "trust", "text"];
const GOAL_PERCENT = 95;
const FOLDER = "build/coverage";
const HELP = `Builds the filter with a counter at each statement and branch, and runs the specs and the fast tests.

  --quick  with the specs of these rooms and the seven tests that reach most, which are enough for the goal; it lists what they do not
           reach where they are not, and others may reach that
  --all    reports jose/ and filter/ as well, which are not held to the goal
  --help   says this

Ends with 1 where a room of ${ROOMS.join(", ")} is below ${GOAL_PERCENT} %.
`;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    all: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const rooms = values.all ? [...ROOMS, "jose", "filter"] : ROOMS;
const points = [];
// Tables of words have a line a word, and are generated.
copyWithProbes(
  FOLDER,
  filesOf(rooms).filter((file) => !file.endsWith("/verdict.gen.ts")),
  points,
  placePoints,
);
const wasm = readFileSync(await buildFast(FOLDER));
const tests = values.quick ? QUICK_SUITES : fastSuites();
const specs = runSpecs(FOLDER, TELL, { tells: true, ...(values.quick ? { rooms: ROOMS } : {}) });
const suites = runSuites(writeFilter(join(FOLDER, "told.wasm"), withCell(wasm, TELL)), tests, { tells: true });
const ran = { specs: await specs, suites: await suites };
for (const [name, { isGreen, output }] of Object.entries(ran)) {
  if (isGreen) continue;
  console.error(`the ${name} fail on the filter with counters:\n${output}`);
  process.exit(1);
}
const reached = new Set([...ran.specs.reached, ...[...ran.suites.reached.values()].flatMap(({ reached }) => reached)]);
const rows = count(points, reached);
const low = ROOMS.filter((room) => {
  const { statement, branch } = total(rows.filter(({ file }) => file.startsWith(`assembly/${room}/`)));
  return Math.min(percent(statement), percent(branch)) < GOAL_PERCENT;
});
console.log(report(rooms, rows, { places: !values.quick || low.length > 0 }));
if (low.length > 0) console.error(`\nbelow ${GOAL_PERCENT} %: ${low.join(", ")}`);
process.exit(low.length === 0 ? 0 : 1);
