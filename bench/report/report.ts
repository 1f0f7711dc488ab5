/** bench/RESULTS.md, and the same on the terminal. */
import type { Ratio } from "../base/statistics.js";
import type { FloodResult, Latency } from "../rows/flood.js";
import { CHEAP_WEIGHT, CHEAPEST_WEIGHT } from "../rows/variants.js";
import { cpuOf, type Results, type Row, tableKernel } from "./results.js";

const one = (value: number): string => value.toFixed(1);
const two = (value: number): string => value.toFixed(2);
const interval = ({ low, high }: Ratio): string => `${two(low)} to ${two(high)}`;

/** How many of a forged row's answers were 429. */
function busyNote({ answers }: Row): string {
  const all = Object.values(answers).reduce((sum, count) => sum + count, 0);
  const busy = answers["429"] ?? 0;
  return busy === 0 ? "" : `, ${((busy / all) * 100).toFixed(busy === all ? 0 : 1)} % answered 429`;
}

function labelOf(row: Row): string {
  if (row.group === "forged") return `forged: ${row.name}${busyNote(row)}`;
  if (row.group === "composite") return `behind the match: ${row.name}`;
  return row.group === "whole" ? `whole envoy.yaml: ${row.name}` : row.name;
}

function rowsTable({ rows }: Results): string[] {
  const jwt = cpuOf(rows, "jwt-eddsa");
  const of = (isRestricted: boolean): readonly Row[] =>
    rows.filter(({ group }) => group !== "calls" && (group === "restricted") === isRestricted);
  const shown = [...of(false), ...of(true)];
  return [
    "| what | CPU µs a request | quartiles | against jwt_authn EdDSA | requests/s |",
    "|---|--:|--:|--:|--:|",
    ...shown.map((row) => {
      const { id, group, cpu, requestsPerSecond } = row;
      const isBase = id === "none";
      const label = labelOf(row);
      const ratio = isBase || group === "base" ? "" : `${(cpu.median / jwt).toFixed(2)}x`;
      const time = `${isBase || cpu.median < 0 ? "" : "+"}${one(cpu.median)}`;
      return `| ${label} | ${time} | ${one(cpu.low)} to ${one(cpu.high)} | ${ratio} | ${requestsPerSecond ?? ""} |`;
    }),
  ];
}

/** Host calls above what the thin filter costs. */
function callsTable({ rows }: Results): string[] {
  const thin = cpuOf(rows, "thin");
  const ofRow = ({ cpu }: Row): string => {
    const [median, low, high] = [cpu.median - thin, cpu.low - thin, cpu.high - thin].map(one);
    return `${median} | ${low} to ${high}`;
  };
  return [
    "| what a filter asks of Envoy, above the thin filter | CPU µs a request | quartiles |",
    "|---|--:|--:|",
    ...rows.filter(({ group }) => group === "calls").map((row) => `| ${row.name} | ${ofRow(row)} |`),
  ];
}

/** The parts of a request's cost, as differences of rows. */
function whereTimeGoes({ rows, kernels }: Results): string {
  const cpu = (id: string): number => cpuOf(rows, id);
  const kernel = tableKernel(kernels, "Ed25519")?.time.median;
  const [thin, floorNew, floorCached] = [cpu("thin"), cpu("calls-floor-new"), cpu("calls-floor-cached")];
  const [fresh, more, cached] = [cpu("fresh-Ed25519-1"), cpu("fresh-Ed25519-3"), cpu("cached")];
  return `A new grant of one Ed25519 signature costs ${one(fresh)} µs. Of these the Wasm crossing takes ${one(thin)} (the thin filter), the host
calls and the logging of record and evidence ${one(floorNew - thin)} (the floor, less the thin filter), and all that the filter itself does
${one(fresh - floorNew)}: base64url, JSON, the signature (${one(kernel ?? Number.NaN)} in Node), three SHA-256, the decision and the record's text. Each further
signature adds ${one((more - fresh) / 2)}. A cached grant costs ${one(cached)}, of which the filter's own work is ${one(cached - floorCached)}.

So no filter that makes these calls and writes this record can be cheaper than **${(floorNew / cpu("jwt-eddsa")).toFixed(2)}** times jwt_authn EdDSA for a new grant, or
than **${(floorCached / cpu("native-work")).toFixed(2)}** times the same work for a cached one, however fast its signatures are.`;
}

/** By V8's profiler, which slows down what it watches: the shares count. */
function profileTable({ profile }: Results): string[] {
  return [
    "| function of the filter, in Node | µs a new grant | share |",
    "|---|--:|--:|",
    ...profile.rows.map(
      ({ name, time }) => `| \`${name}\` | ${time.toFixed(2)} | ${((time / profile.total) * 100).toFixed(1)} % |`,
    ),
    `| all | ${profile.total.toFixed(2)} | |`,
  ];
}

function kernelTable({ kernels }: Results): string[] {
  return [
    "| signature check in Node | µs | quartiles | against OpenSSL |",
    "|---|--:|--:|--:|",
    ...kernels.map(
      ({ algorithm, path, time, ratio }) =>
        `| ${algorithm}, ${path} | ${one(time.median)} | ${one(time.low)} to ${one(time.high)} | ${two(ratio.value)}x (${interval(ratio)}) |`,
    ),
  ];
}

const latencyText = ({ p50, p99, requests }: Latency): string =>
  `p50 ${Math.round(p50)} µs, p99 ${Math.round(p99)} µs (${requests} requests)`;

function floodText({ quiet, flooded, forgedPerSecond, statuses }: FloodResult): string {
  const answers = Object.entries(statuses).map(([status, count]) => `${count} times ${status}`);
  return `While forged grants (right key, wrong signature) come over 2 connections from one source as fast as they are answered,
${forgedPerSecond} a second (${answers.join(", ")}), a normal request without a grant, from another source on a connection of
its own, waits ${latencyText(flooded)}; without the flood ${latencyText(quiet)}. One worker; client, attacker and Envoy share the cores.`;
}

const ratioTable = ({ ratios }: Results): string[] => [
  "| ratio of the medians | | 95 % interval | goal |",
  "|---|--:|--:|--:|",
  ...ratios.map(
    (ratio) =>
      `| ${ratio.name} | **${two(ratio.value)}** | ${interval(ratio)} | ${ratio.goal === undefined ? "" : `at most ${ratio.goal}`} |`,
  ),
];

function priceText({ priceOfMatch }: Results): string {
  const prices = Object.entries(priceOfMatch).map(
    ([what, { median, low, high }]) => `${what} ${one(median)} (${one(low)} to ${one(high)})`,
  );
  return `Behind the match on the header, requests without a grant never enter Wasm; those with one pay for it: in µs, median and quartiles of
the differences round by round, ${prices.join(", ")}.`;
}

export function markdown(results: Results): string {
  const { setting, coldStart, flood } = results;
  return `# Benchmark

\`${setting.command}\`, ${setting.date}: Envoy ${setting.envoy}, Node ${setting.node}, ${setting.cpu}, ${setting.cores} cores; ${setting.rounds} rounds of
${setting.requests} requests a row (cheap rows ${CHEAP_WEIGHT} or ${CHEAPEST_WEIGHT} times that), ${Math.round(setting.seconds / 60)} minutes in all. Generated: \`npm run bench\` writes this page and [the chart](../docs/benchmark.svg).

![CPU a request](../docs/benchmark.svg)

${rowsTable(results).join("\n")}

## Ratios

${ratioTable(results).join("\n")}

The interval is a bootstrap's: rounds are drawn again, 2000 times, with both rows of a round together. A goal inside the interval is
neither reached nor missed by this run.

${priceText(results)}

## Where the time goes

${whereTimeGoes(results)}

${callsTable(results).join("\n")}

The floor is a filter that makes every host call of an allowed request, with texts as long, and checks nothing.

${profileTable(results).join("\n")}

By V8's own profiler over ${results.profile.requests} new grants of one Ed25519 signature in the Node host: the same sources and options, with names. It slows
down what it watches, and code and tables stay in the processor's caches, where Envoy's own work drives them out between two
requests. What this table lacks of the filter's part above is that.

## A flood of forged grants

${floodText(flood)}

## The signature checks alone

${kernelTable(results).join("\n")}

Release binary in Node's V8, messages of 300 bytes, by turns in one process; OpenSSL's keys are imported before.

## Size and start

\`glassgate.wasm\` has ${coldStart.bytes} bytes (${coldStart.gzipBytes} with gzip); the thin filter has ${coldStart.thinBytes}. In Node a VM takes
${one(coldStart.compile)} ms to compile, ${one(coldStart.instantiate)} ms to instantiate and ${one(coldStart.configure)} ms to configure with a signed bundle. On Envoy with one worker
a push takes ${one(coldStart.pushSameVm)} ms from the rename of the file until every VM serves it; ${one(coldStart.pushNewVm)} ms where it makes new VMs (base, canary, main
thread, worker); ${one(coldStart.pushNewCode)} ms where their code is new as well. The polling of the admin interface is included. Node compiles a function
when it is first called.

## How it is measured

One Envoy process with one worker and a listener for each way of filtering; every listener gives the same direct answer, so no
upstream is in the figures. A client in Node on the same machine keeps 4 connections a listener open, one request in flight on
each. CPU is user and system time of all threads of the process (\`/proc\`, ${setting.counter}). In each round, in random order, each row's
sample stands beside one of "no filter"; all rows but the first tell the median of those differences, with quartiles. Two warm-ups
with a pause of 2 seconds come first. Compare within one run only; no time is a test, but a wrong HTTP status ends the run.

Each listener writes the two logs of envoy.yaml to one file: the access log in JSON, and the audit log, which holds the record and,
for new grants, the evidence, and nothing where no filter sets it. "The same work" logs seven claims from jwt_authn's metadata
into its JSON access log instead. The
ext_authz server writes a record of its own, without hash chain and evidence. Forged grants are recorded 100 times a second at most.

- **jwt_authn** is the native filter of envoy.yaml alone, one local JWKS, ${setting.distinct} tokens by turns; with its cache, one token.
- **The same work** is jwt_authn with cache and \`payload_in_metadata\`, then RBAC on method, host, path template and a claim. It was
  checked to answer 403 for another method, host, path and claim. It does less than a cached grant asks for: one signature and
  no approvals, so the request is some 450 bytes shorter ("the request carries a grant" tells what those cost), and its log line is
  neither chained nor held back from a request that it could not be written for. No native filter does that.
- **Thin filter** is a Proxy-Wasm module of the same compiler with the same callbacks a request and no host call. **glassgate directly in
  the chain** stands in the same place, **behind the match** as envoy.yaml has it: all answer 200, with the router right behind.
- **Grants** meet our filter alone, as tokens meet jwt_authn alone; rows of the whole envoy.yaml have all its filters and logs. Forged
  grants go through the whole. New grants repeat after ${setting.distinct}; the filter's cache holds 64.
- **Over TLS**, each request of a row and of "no filter" beside it goes over connections of TLS 1.3 that stay open and on which the
  client has shown a certificate; so handshakes are in no figure. Only a bound grant asks Envoy for the certificate's digest.
- **Bound to a key**: each request has a proof of its own, made just before its sample. "First" proofs are checked without a table of
  multiples, as nobody builds one for a key that is used once; a key in use has one. Its bucket of used proofs is read and written whole,
  16 bytes for each request of those rows in the minute before: more than a person's grant makes.
- **All lists are full**: a listener for another audience of the same roots and people, in the same VMs. Its bundle revokes 4096 names of
  each kind and 4096 times, and 8 urgent texts of 24 KiB stand beside it: none takes the grant, and each is asked.
- **Forged** grants carry another grant's signature in the place of one. "Many networks": each comes from another /24
  by x-forwarded-for, and so does the request of "no filter" beside it. A wrong third signature is the requester's doing.
- **ext_authz** asks a server in Node over HTTP with keep-alive. It decides the same with OpenSSL, keys imported once and a cache of
  64 grants; its decisions were checked against test/reference.
`;
}

/** For the terminal. */
export function plainText(results: Results): string {
  return [
    rowsTable(results).join("\n"),
    ratioTable(results).join("\n").replaceAll("**", ""),
    priceText(results),
    floodText(results.flood),
    callsTable(results).join("\n"),
    profileTable(results).join("\n"),
    kernelTable(results).join("\n"),
  ].join("\n\n");
}
