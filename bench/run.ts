/**
 * `npm run bench`: CPU microseconds per request on the real Envoy, from its process's own counters. All variants run side by
 * side in interleaved rounds; medians of what each adds over no filter in the same round, with quartiles.
 */

import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { importJWK, SignJWT } from "jose";
import { newKey, publicPart } from "../control/signer/jwk.js";
import { startTestEnvoy, type TestEnvoy } from "../test/kit/envoy.js";
import { World } from "../test/kit/world.js";
import { cpuMicroseconds, load } from "./load.js";
import { configFor, type Variant } from "./scenarios.js";

const ROUNDS = Number(process.env.GLASSGATE_BENCH_ROUNDS ?? 9);
const REQUESTS = Number(process.env.GLASSGATE_BENCH_REQUESTS ?? 6000);
const CONNECTIONS = 4;
/** Distinct tokens of a round: none repeats within it, and the filter's cache holds 64. */
const DISTINCT = 3000;

const world = new World(Math.floor(Date.now() / 1000));
const idp = newKey("Ed25519");
const signing = await importJWK({ ...idp, alg: "EdDSA" }, "EdDSA");
const jwt = (id: number): Promise<string> =>
  new SignJWT({ sub: `customer-${id}`, jti: String(id) })
    .setProtectedHeader({ alg: "EdDSA", kid: idp.kid })
    .setIssuer("https://idp.example.com")
    .setAudience("api")
    .setExpirationTime("1h")
    .sign(signing);

console.log("Making tokens ...");
const normal = await Promise.all(Array.from({ length: DISTINCT }, (_, i) => jwt(i)));
const single = Array.from({ length: DISTINCT }, () => world.alone({ claims: { exp: world.now + 890 } }));
const triple = Array.from({ length: DISTINCT }, () =>
  world.grant({ claims: { exp: world.now + 890 }, approvals: [{ by: world.adam2 }, { by: world.anna }] }),
);
const forged = single.map((grant) => `${grant.slice(0, -40)}AAAA${grant.slice(-36)}`);
const pick = (list: readonly string[], i: number): string => list[i % list.length] ?? "";

const variants: readonly Variant[] = [
  { name: "no filter", filters: "none", header: () => ({}), status: 200 },
  {
    name: "native jwt_authn EdDSA, distinct tokens",
    filters: "jwt",
    header: (i) => ({ authorization: `Bearer ${pick(normal, i)}` }),
    status: 200,
  },
  { name: "native jwt_authn, no token", filters: "jwt", header: () => ({}), status: 401 },
  { name: "glassgate + jwt_authn, no grant and no token", filters: "glassgate", header: () => ({}), status: 401 },
  {
    name: "glassgate, the same grant again (cached)",
    filters: "glassgate",
    header: () => ({ "x-break-glass": single[0] ?? "" }),
    status: 200,
  },
  {
    name: "glassgate, distinct grants, 1 Ed25519 signature",
    filters: "glassgate",
    header: (i) => ({ "x-break-glass": pick(single, i) }),
    status: 200,
  },
  {
    name: "glassgate, distinct grants, 3 Ed25519 signatures",
    filters: "glassgate",
    header: (i) => ({ "x-break-glass": pick(triple, i) }),
    status: 200,
  },
  {
    name: "glassgate, forged signature",
    filters: "glassgate",
    header: (i) => ({ "x-break-glass": pick(forged, i) }),
    status: 401,
  },
];

async function start(filters: Variant["filters"]): Promise<TestEnvoy> {
  const test = await startTestEnvoy(world, {
    concurrency: 1,
    render: { jwks: { inline: JSON.stringify({ keys: [{ ...publicPart(idp), alg: "EdDSA" }] }) } },
    edit: (config) => configFor(config, filters),
  });
  if (filters === "glassgate") await test.configure(world.configuration());
  return test;
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
const started = { none: await start("none"), jwt: await start("jwt"), glassgate: await start("glassgate") };
const added = new Map(variants.map(({ name }) => [name, [] as number[]]));
const perSecond = new Map(variants.map(({ name }) => [name, [] as number[]]));
try {
  for (let round = -1; round < ROUNDS; round++) {
    let base = 0;
    for (const { name, filters, header, status } of variants) {
      const { envoy, port } = started[filters];
      const before = cpuMicroseconds(envoy.pid);
      const { seconds, statuses } = await load(port, REQUESTS, CONNECTIONS, header);
      const perRequest = (cpuMicroseconds(envoy.pid) - before) / REQUESTS;
      if (statuses.get(status) !== REQUESTS) throw new Error(`${name}: ${JSON.stringify([...statuses])}`);
      if (name === "no filter") base = perRequest;
      if (round < 0) continue; // warm-up
      added.get(name)?.push(name === "no filter" ? perRequest : perRequest - base);
      perSecond.get(name)?.push(REQUESTS / seconds);
    }
    process.stdout.write(round < 0 ? "warmed up\n" : `round ${round + 1} of ${ROUNDS}\n`);
  }
} finally {
  await Promise.all(Object.values(started).map((test) => test.stop()));
}

const rows = variants.map(({ name }) => {
  const times = [...(added.get(name) ?? [])].sort((a, b) => a - b);
  const rates = [...(perSecond.get(name) ?? [])].sort((a, b) => a - b);
  return {
    name,
    median: quantile(times, 0.5),
    low: quantile(times, 0.25),
    high: quantile(times, 0.75),
    requestsPerSecond: Math.round(quantile(rates, 0.5)),
  };
});
const jwtMedian = rows.find(({ name }) => name.includes("distinct tokens"))?.median ?? 1;
const table = [
  "| what | CPU us a request | quartiles | against jwt_authn EdDSA | requests/s |",
  "|---|---|---|---|---|",
  ...rows.map(({ name, median, low, high, requestsPerSecond }) => {
    const isBase = name === "no filter";
    return `| ${name} | ${isBase ? "" : "+"}${median.toFixed(1)} | ${low.toFixed(1)} - ${high.toFixed(1)} | ${isBase ? "" : `${(median / jwtMedian).toFixed(2)}x`} | ${requestsPerSecond} |`;
  }),
];
const text = `# Benchmark

Measured on ${new Date().toISOString().slice(0, 10)} with \`npm run bench\`: Envoy 1.40.0, one worker, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"}),
Node ${process.version} as client on the same machine, ${ROUNDS} interleaved rounds of ${REQUESTS} requests over ${CONNECTIONS} connections, direct response, JSON
access log on. CPU is user and system time of the Envoy process from /proc; all but the first row are what is added over
"no filter" in the same round. Between runs the figures move by several microseconds: compare within one.

${table.join("\n")}

The jwt_authn rows are the native filter alone, as one has it today, without its token cache; the glassgate rows are the whole
envoy.yaml: our filter with record, evidence and attestation, the no-store filter and jwt_authn behind it. Signature checks have
no key tables yet: the next step makes them several times faster (CHANGELOG.md).
`;
writeFileSync(new URL("./RESULTS.md", import.meta.url), text);
console.log(`\n${table.join("\n")}\n\nWrote bench/RESULTS.md`);
