/**
 * The order of the test files: first those that take longest by measure, so that no worker is left alone with one at the end. By itself
 * Vitest takes the largest file first where it has not yet seen how long each takes, and some of the longest are small.
 * A line too many or too few here costs seconds, nothing else: no file depends on another.
 */
import { createHash } from "node:crypto";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const LONGEST = [
  "gateway/run",
  "bench/bench",
  "drill/faults",
  "cli/bundle",
  "gateway/fullness",
  "gateway/render",
  "drill/run",
  "cli/package",
  "cli/readme",
  "cli/demo",
  "gateway/push-faults",
  "model/model",
  "reference/decision",
  "gateway/closed",
  "gateway/rotation",
  "gateway/memory",
  "ledger/process",
  "ledger/receipts-soak",
  "cli/any-input-process",
  "bench/streams",
  "bench/distinct",
  "bench/memory",
  "bench/soak",
  "bench/revoke",
  "crypto/differential",
  "gateway/push-hot-restart",
  "gateway/push-interleavings",
  "host/any-arguments",
  "host/ngx/any-arguments",
  "model/replay",
  "trust/roster-fuzz",
  "fuzz/fuzz",
  "verdicts/envoy",
];

/** A project's files stay together: those that share a process would else get a new one again and again. */
const keyed =
  (key: (moduleId: string) => string) =>
  ({ project, moduleId }: TestSpecification): string =>
    `${project.name} ${key(moduleId)}`;

function placeOf(moduleId: string): string {
  const place = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return String(place < 0 ? LONGEST.length : place).padStart(3, "0");
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { shuffle, seed } = this.ctx.config.sequence;
    const atRandom = (moduleId: string): string => createHash("sha256").update(`${seed} ${moduleId}`).digest("hex");
    return shuffle ? inOrder(files, keyed(atRandom)) : inOrder(await super.sort(files), keyed(placeOf));
  }
}

/** Equal ones stay as they are. */
function inOrder(files: readonly TestSpecification[], key: (file: TestSpecification) => string): TestSpecification[] {
  const withKeys = files.map((file) => ({ file, key: key(file) }));
  return withKeys.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ file }) => file);
}
