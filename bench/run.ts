/**
 * `npm run bench`: what the filter costs on the real Envoy, beside what else one could do there; its signature checks alone; a
 * flood; its size and start. A wrong answer ends the run, a slow one does not.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { findEnvoy } from "../control/gateway/find.js";
import { readBoundCertificate } from "../control/grant/certificate.js";
import { wasmPath } from "../control/host/wasm.js";
import { Certificates } from "../test/kit/certificates.js";
import { type AuthzServer, startAuthzServer } from "./authz/process.js";
import { cpuSource } from "./base/cpu.js";
import { endOnSignals, say } from "./base/program.js";
import { callsConfiguration, compileCallsFilter } from "./gateway/calls.js";
import { type Gateway, startGateway } from "./gateway/gateway.js";
import { sampleCalls } from "./gateway/sample.js";
import { compileThinFilter } from "./gateway/thin.js";
import { allPaths, measureKernels } from "./kernels/kernels.js";
import { profileFilter } from "./kernels/profile.js";
import { chart } from "./report/chart.js";
import { writeSection } from "./report/page.js";
import { markdown, plainText } from "./report/report.js";
import { differenceOf, type Results, ratiosOf, rowsOf } from "./report/results.js";
import { checkAll } from "./rows/checks.js";
import { measureColdStart } from "./rows/cold-start.js";
import { measureFlood } from "./rows/flood.js";
import { measure } from "./rows/measure.js";
import { type Options, readOptions } from "./rows/options.js";
import { FULL_LISTENER, restrictedVariants } from "./rows/restricted.js";
import { variantsOf } from "./rows/variants.js";
import { fullConfiguration } from "./tokens/revoked.js";
import { IdentityProvider, makeTokens } from "./tokens/tokens.js";
import { World } from "./tokens/world.js";

/** Of each kind: none repeats while the filter's cache (64) could still hold it. */
const MOST_DISTINCT = 3000;
const FEWEST_DISTINCT = 100;

/** As rendered: the same bytes and this share VMs. */
const VM_ID = "glassgate-1";

const PROFILED_REQUESTS = 100_000;

async function collect(options: Options, folder: string, stops: (() => Promise<void>)[]): Promise<Results> {
  const started = Date.now();
  const { rounds, requests, isSmoke } = options;
  // As it is now: a build beside this run changes nothing.
  const wasm = readFileSync(wasmPath);
  const thin = await compileThinFilter();
  const callsFilter = await compileCallsFilter();
  const { version } = await findEnvoy(say);
  const world = new World();
  const idp = new IdentityProvider();
  say("making tokens ...");
  const distinct = Math.min(MOST_DISTINCT, Math.max(FEWEST_DISTINCT, requests * rounds));
  const tokens = makeTokens(world, idp, distinct);
  const kernels = measureKernels(await allPaths(wasm), rounds);

  const authz: AuthzServer = await startAuthzServer(world, folder);
  stops.push(authz.stop);
  const calls = await sampleCalls(world, wasm, tokens);
  const modules = [
    { name: "thin", vmId: "thin", bytes: thin, configuration: "{}" },
    {
      ...{ name: FULL_LISTENER, rootId: "glassgate", configuration: await fullConfiguration(world) },
      ...{ vmId: VM_ID, bytes: wasm },
    },
    ...calls.map((set) => ({
      name: set.id,
      vmId: "calls",
      bytes: callsFilter,
      configuration: callsConfiguration(set.calls),
    })),
  ];
  const certificates = new Certificates();
  stops.push(async () => certificates.remove());
  const [own, client] = [certificates.selfSigned("gateway"), certificates.selfSigned("client")];
  const gateway: Gateway = await startGateway({
    ...{ world, jwks: idp.jwks, folder, wasm, modules, authzPort: authz.port },
    tls: own,
  });
  stops.push(() => gateway.envoy.stop());
  await checkAll(gateway, world, tokens);
  say("warming up ...");
  // First: a key that signs early gets one of the few tables, before those of the forgers.
  const { cnf } = readBoundCertificate(client.certificate, world.now);
  const variants = [...restrictedVariants(world, cnf), ...variantsOf(world, tokens, calls)];
  const shown = { ...client.shown, ca: own.shown.cert };
  const source = cpuSource();
  const measured = await measure({ gateway, authz, variants, shown, rounds, requests, source, progress: say });
  say("flood ...");
  const flood = await measureFlood(gateway, tokens, folder, isSmoke ? 1 : 6, isSmoke ? 300 : 1000);
  say("cold start ...");
  const coldStart = await measureColdStart(gateway, wasm, thin, folder, isSmoke ? 1 : 9);
  say("profile ...");
  const profiled = isSmoke ? 200 : PROFILED_REQUESTS;
  const profile = await profileFilter(world, tokens.grants.Ed25519[1], profiled, isSmoke);
  const rows = rowsOf(variants, measured);
  const priceOfMatch = {
    "a cached grant": differenceOf(measured, "composite-cached", "cached"),
    "a new one of 1 signature": differenceOf(measured, "composite-fresh-Ed25519-1", "fresh-Ed25519-1"),
    "a new one of 3": differenceOf(measured, "composite-fresh-Ed25519-3", "fresh-Ed25519-3"),
  };
  const setting = {
    command: "npm run bench",
    date: new Date().toISOString().slice(0, 10),
    envoy: version,
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    counter: source === "schedstat" ? "schedstat, in nanoseconds" : "stat, in ticks of 10 ms",
    rounds,
    requests,
    distinct,
    seconds: Math.round((Date.now() - started) / 1000),
  };
  return { setting, rows, ratios: ratiosOf(measured, kernels), priceOfMatch, flood, kernels, coldStart, profile };
}

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args, process.env);
  if (options === undefined) return;
  const folder = mkdtempSync(join(tmpdir(), "glassgate-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  // Envoy and the server end with this process.
  endOnSignals();
  const stops: (() => Promise<void>)[] = [];
  let results: Results;
  try {
    results = await collect(options, folder, stops);
  } finally {
    await Promise.all(stops.map((stop) => stop()));
  }
  say(`\n${plainText(results)}\n`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
  if (options.isSmoke) {
    say("Too few rounds for a result: bench/RESULTS.md and docs/benchmark.svg stay as they are.");
    return;
  }
  writeSection("rows", markdown(results));
  writeFileSync(new URL("../docs/benchmark.svg", import.meta.url), chart(results));
  say(`Wrote bench/RESULTS.md and docs/benchmark.svg in ${results.setting.seconds} s.`);
}
