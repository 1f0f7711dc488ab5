// `npm run soak:tests`: the tests that take few cases or rounds in `npm test`, with many. GLASSGATE_SEED makes it other cases.
import { spawnSync } from "node:child_process";

const MANY = {
  GLASSGATE_CASES: "20000",
  GLASSGATE_DECISIONS: "50000",
  GLASSGATE_FUZZ_CASES: "100000",
  GLASSGATE_PUSHES: "200",
  GLASSGATE_ROUNDS: "200",
};
const TESTS = [
  "test/crypto/differential.test.ts",
  "test/fuzz",
  "test/gateway/push-interleavings.test.ts",
  "test/gateway/rotation.test.ts",
  "test/reference/decision.test.ts",
  "test/verdicts/restrictions-property.test.ts",
];

const { status } = spawnSync("npx", ["vitest", "run", ...TESTS], {
  env: { ...MANY, ...process.env },
  stdio: "inherit",
});
process.exit(status ?? 1);
