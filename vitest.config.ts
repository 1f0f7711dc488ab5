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
 * What leaves its process as it found it (test/kit/as-found.ts), also where it starts others: these files follow each other in one
 * process, which has read control/ and its packages already. That is a second of work less for each.
 */
const SHARING = [
  "test/{base,grant,kong,signer,trust}/**/*.test.ts",
  "test/{ledger-publish,reference}/*.test.ts",
  "test/ledger/{alarm,chain,log,tlog}/*.test.ts",
  "test/ledger/!(fleet|follow|follow-turns|memory|process).test.ts",
  "test/crypto/{edges,hashes,wycheproof}.test.ts",
  "test/host/{calls,host,lives,loading,same-as-envoy}.test.ts",
  "test/host/ngx/!(any-arguments).test.ts",
  "test/verdicts/!(memory-end|proof-memory).test.ts",
  "test/bench/{flags,page,statistics}.test.ts",
  "test/caller/!(life|use).test.ts",
  "test/drill/{ci,doc,facts,journal,judge,kong-log,measures,patience,play,record-source,records,roster,stretch}.test.ts",
  "test/gateway/{client-address,composite,counters,differing,heartbeat,kong-filter,kong-liar,kong-render,kong-revoke,listeners,mtls}.test.ts",
  "test/gateway/{push-configuration,push-keeps,push-liar,push-texts,receipts-render,rendered,revocations,sent-twice,streams-node}.test.ts",
  "test/gateway/{templates,threshold,trailers,verify,verify-dump,verify-good,verify-spelling,verify-strip,verify-stripped,watch}.test.ts",
  "test/gateway/kong-verify.test.ts",
  "test/cli/!(any-input|any-input-process|passphrase).test.ts",
  "test/review/*.test.ts",
  "test/review/page/!(browser).test.ts",
];

export default defineConfig({
  test: {
    ...settings,
    projects: [
      {
        test: {
          ...perFile,
          name: "alone",
          include: ["test/**/*.test.ts"],
          // They need an nginx that nobody has by accident, `npm run test:kong-module`, a witness that takes minutes to build,
          // `npm run test:witness`, and thirty Envoys at once, `npm run test:weaknesses`.
          exclude: [...configDefaults.exclude, "test/{kong-module,witness,weaknesses}/**", ...SHARING],
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
