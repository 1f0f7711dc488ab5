// The fast tests: they run the filter in the Node host and need neither an Envoy nor the built command.
import { readdirSync, readFileSync } from "node:fs";

const FOLDERS = ["test/verdicts", "test/reference", "test/trust", "test/grant"];
/** Needs a gateway, the command, or the very bytes of the release. */
const ELSEWHERE =
  /startTestEnvoy|control\/gateway|envoy-gateway|kit\/party|cli\/run|hot-path|glassgate\.wat|memory-end/;
/** Whatever runs the filter. */
const RUNS_FILTER = /FilterHost|nodeGateway|FilterTools|\.\/driver|\.\/agree|control\/grant\/(?:judge|complete)/;

/** Runs the command once, and for the rest what the filter says of malformed grants, which nothing else looks at. */
const ALSO = new Set(["test/grant/malformed.test.ts"]);

/**
 * By measurement the cheapest set that is within half a point of all of them in each room, and above the goal by as much. Some of
 * what they leave out, only others reach.
 */
export const QUICK_SUITES = [
  "test/reference/decision.test.ts",
  "test/verdicts/bundle-shapes.test.ts",
  "test/verdicts/certificate.test.ts",
  "test/verdicts/node-host.test.ts",
  "test/verdicts/receipts.test.ts",
  "test/verdicts/refusals.test.ts",
  "test/verdicts/revocations.test.ts",
];

/** Of these, what needs no gateway: it looks at rules that no other test reaches, as who is busy and what becomes of open streams. */
const IN_PART = [
  "test/gateway/streams-node.test.ts",
  "test/model/replay.test.ts",
  "test/verdicts/busy.test.ts",
  "test/verdicts/limits.test.ts",
];

/** The fast tests and parts of others: whatever can be judged one test at a time. */
export const suitesForMutants = () => [...fastSuites(), ...IN_PART];

/** Paths of test files, sorted. */
export function fastSuites() {
  return FOLDERS.flatMap((folder) => {
    let names;
    try {
      names = readdirSync(folder);
    } catch (error) {
      if (error.code === "ENOENT") return [];
      throw error;
    }
    return names.filter((name) => name.endsWith(".test.ts")).map((name) => `${folder}/${name}`);
  })
    .filter((path) => {
      const text = readFileSync(path, "utf8");
      if (ALSO.has(path)) return true;
      return RUNS_FILTER.test(text) && !ELSEWHERE.test(`${path} ${text}`);
    })
    .sort();
}
