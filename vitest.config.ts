import { configDefaults, defineConfig } from "vitest/config";
import { LongestFirst } from "./test/kit/sequencer.js";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // They need an nginx that nobody has by accident, `npm run test:kong-module`, and a witness that takes minutes to build,
    // `npm run test:witness`.
    exclude: [...configDefaults.exclude, "test/kong-module/**", "test/witness/**"],
    globalSetup: ["test/kit/command.ts"],
    setupFiles: ["test/kit/seed.ts"],
    // Generous: a machine four times slower, beside other work, is not a failure.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    sequence: { sequencer: LongestFirst },
    // Three files at a time on the two cores of the machines that run this: many tests wait for an Envoy. Nothing here is judged by the clock.
    maxWorkers: 3,
  },
});
