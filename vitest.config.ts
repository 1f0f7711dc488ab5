import { configDefaults, defineConfig } from "vitest/config";
import { LongestFirst } from "./test/kit/sequencer.js";

const perFile = {
  setupFiles: ["test/kit/seed.ts"],
  // Generous: a machine four times slower, beside other work, is not a failure.
  testTimeout: 180_000,
  hookTimeout: 300_000,
};

/** For all that `npm test` and its like run. */
export const settings = {
  ...perFile,
  globalSetup: ["test/kit/command.ts"],
  sequence: { sequencer: LongestFirst },
  // Three files at a time on the two cores of the machines that run this: many tests wait for an Envoy. Nothing here is judged by the clock.
  maxWorkers: 3,
};

/**
 * What only computes, and leaves its process as it found it (test/kit/as-found.ts): these files follow each other in one process, which
 * has read control/ and its packages already. That is a second of work less for each.
 */
const SHARING = ["test/{base,grant,kong,signer,trust}/**/*.test.ts", "test/ledger/{chain,tlog}/*.test.ts"];

export default defineConfig({
  test: {
    ...settings,
    projects: [
      {
        test: {
          ...perFile,
          name: "alone",
          include: ["test/**/*.test.ts"],
          // They need an nginx that nobody has by accident, `npm run test:kong-module`, and a witness that takes minutes to build,
          // `npm run test:witness`.
          exclude: [...configDefaults.exclude, "test/kong-module/**", "test/witness/**", ...SHARING],
        },
      },
      {
        test: {
          ...perFile,
          name: "sharing",
          include: SHARING,
          setupFiles: [...perFile.setupFiles, "test/kit/as-found.ts"],
          isolate: false,
        },
      },
    ],
  },
});
