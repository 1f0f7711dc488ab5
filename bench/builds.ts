/**
 * Builds of the filter side by side on one Envoy: CPU per request of new grants, which no cache holds. For choices that a loop
 * in Node does not show, as its caches are never cold: `node bench/start.mjs builds.ts --requesters 4 a.wasm b.wasm ...`
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { wasmPath } from "../control/host/wasm.js";
import type { Algorithm } from "../control/signer/jwk.js";
import { type BundleClaims, bundleClaimsSchema } from "../control/trust/claims.js";
import { cpuMicroseconds, cpuSource } from "./cpu.js";
import { FLUSH_MS, startGateway } from "./gateway.js";
import { Client, type Headers, requestText } from "./load.js";
import { newSigner, type Signer, segment } from "./signer.js";
import { median, spread } from "./statistics.js";
import { IdentityProvider } from "./tokens.js";
import { type Signatures, World } from "./world.js";

const CONNECTIONS = 4;
/** Time for all tables of multiples. */
const PAUSE_MS = 4000;
const ALGORITHMS = ["Ed25519", "ES256"] as const;

interface Team {
  readonly requester: Signer;
  readonly approvers: readonly Signer[];
}

/** Many requesters, each with two approvers of their own: three keys each. */
class Crowd extends World {
  private readonly teams: readonly Team[];

  constructor(
    private readonly algorithm: Algorithm,
    requesters: number,
  ) {
    super();
    const signer = (): Signer => newSigner(algorithm);
    this.teams = Array.from({ length: requesters }, () => ({ requester: signer(), approvers: [signer(), signer()] }));
  }

  override bundleClaims(): BundleClaims {
    const claims = super.bundleClaims();
    const principal = (id: string, role: string, { jwk }: Signer) => ({ id, roles: [role], keys: [jwk] });
    const principals = this.teams.flatMap(({ requester, approvers: [first, second] }, i) => [
      principal(`requester${i}`, "oncall", requester),
      ...(first === undefined ? [] : [principal(`lead${i}`, "lead", first)]),
      ...(second === undefined ? [] : [principal(`security${i}`, "security", second)]),
    ]);
    return bundleClaimsSchema.parse({ ...claims, principals: [...claims.principals, ...principals] });
  }

  /** A new grant of the team that is next. */
  grantOf(i: number, signatures: Signatures): string {
    const at = i % this.teams.length;
    const team = this.teams[at];
    if (team === undefined) throw new Error(`there is no team ${at} for ${this.algorithm}`);
    const payload = segment({ ...this.claims(signatures), sub: `requester${at}` });
    const approvals = team.approvers
      .slice(0, signatures - 1)
      .map((by) => by.compact({ typ: "bg-approval+jws", iat: this.now }, payload).replace(`.${payload}.`, ".."));
    return [team.requester.compact({ typ: "bg+jwt" }, payload), ...approvals].join("~");
  }
}

interface Row {
  readonly name: string;
  readonly listener: string;
  readonly headers: readonly Headers[];
  readonly times: number[];
}

function readOptions(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      requesters: { type: "string", default: "4" },
      rounds: { type: "string", default: "30" },
      requests: { type: "string", default: "400" },
      signatures: { type: "string", default: "1,3" },
      algorithm: { type: "string", default: "Ed25519" },
      kib: { type: "string" },
    },
  });
  const algorithm = ALGORITHMS.find((name) => name === values.algorithm);
  if (algorithm === undefined) throw new Error(`--algorithm is one of ${ALGORITHMS.join(", ")}`);
  const counts: readonly Signatures[] = [1, 2, 3];
  return {
    algorithm,
    requesters: Number(values.requesters),
    rounds: Number(values.rounds),
    requests: Number(values.requests),
    signatures: counts.filter((count) => values.signatures.split(",").includes(String(count))),
    kib: values.kib === undefined ? {} : { table_memory_kib: Number(values.kib) },
    builds: positionals.length > 0 ? positionals : [wasmPath],
  };
}

export async function main(args: readonly string[]): Promise<void> {
  const { algorithm, requesters, rounds, requests, signatures, kib, builds } = readOptions(args);
  const folder = mkdtempSync(join(tmpdir(), "glassgate-builds-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const world = new Crowd(algorithm, requesters);
  const idp = new IdentityProvider();
  const bundle = await world.bundle();
  const configuration = JSON.stringify({ generation: 1, ...world.anchors, bundle, ...kib });
  const modules = builds.map((path, i) => ({
    name: `${basename(path, ".wasm")}`,
    vmId: `build${i}`,
    bytes: readFileSync(path),
    configuration,
  }));
  const gateway = await startGateway({
    world,
    jwks: idp.jwks,
    folder,
    wasm: readFileSync(wasmPath),
    modules,
    authzPort: 9,
  });
  try {
    const distinct = requests * 8;
    const grants = new Map(
      signatures.map((count) => [
        count,
        Array.from({ length: distinct }, (_, i) => ({ "x-break-glass": world.grantOf(i, count) })),
      ]),
    );
    const tokens = Array.from({ length: distinct }, (_, i) => ({
      authorization: `Bearer ${idp.token(algorithm, { sub: `customer-${i}`, jti: String(i), exp: world.now + 7200 })}`,
    }));
    const rows: Row[] = [
      { name: "no filter", listener: "none", headers: [{}], times: [] },
      { name: `jwt_authn ${algorithm}`, listener: "jwt", headers: tokens, times: [] },
      ...modules.flatMap(({ name }) =>
        signatures.map((count) => ({
          name: `${name}, ${count}`,
          listener: name,
          headers: grants.get(count) ?? [],
          times: [],
        })),
      ),
    ];
    const clients = new Map<string, Client>();
    for (const { listener } of rows)
      if (!clients.has(listener)) clients.set(listener, await Client.open(gateway.port(listener), CONNECTIONS));
    const source = cpuSource();
    const sent = new Map<Row, number>();
    const sample = async (row: Row): Promise<number> => {
      const from = sent.get(row) ?? 0;
      sent.set(row, from + requests);
      const texts = Array.from({ length: requests }, (_, i) =>
        requestText(row.headers[(from + i) % row.headers.length] ?? {}),
      );
      const before = cpuMicroseconds(gateway.envoy.pid, source);
      const result = await clients.get(row.listener)?.load((i) => texts[i]);
      await sleep(FLUSH_MS + 10);
      if (result?.statuses.get(200) !== requests) throw new Error(`${row.name}: an answer was not 200`);
      return (cpuMicroseconds(gateway.envoy.pid, source) - before) / requests;
    };
    for (let i = 0; i < 2; i++) {
      for (const row of rows) await sample(row);
      await sleep(PAUSE_MS);
    }
    for (let round = 0; round < rounds; round++) {
      const order = rows.map((row) => ({ row, key: Math.random() })).sort((a, b) => a.key - b.key);
      for (const { row } of order) row.times.push(await sample(row));
      gateway.emptyLog();
    }
    const [none, native] = rows;
    const added = (row: Row): number[] => row.times.map((time, i) => time - (none?.times[i] ?? 0));
    const nativeTime = native === undefined ? 1 : median(added(native));
    const lines = rows.map((row) => {
      const { median: time, low, high } = row === none ? spread(row.times) : spread(added(row));
      const count = row.name.slice(row.name.lastIndexOf(",") + 1);
      const first = rows.find(({ name }) => name.endsWith(`,${count}`)) ?? row;
      const against = median(row.times.map((value, i) => value - (first.times[i] ?? 0)));
      return `${row.name.padEnd(34)} ${time.toFixed(1).padStart(7)}  ${low.toFixed(0)}..${high.toFixed(0)}  ${(time / nativeTime).toFixed(2)}x  ${against.toFixed(1).padStart(6)} to the first`;
    });
    process.stdout.write(
      `${algorithm}, ${requesters * 3} keys, ${rounds} rounds of ${requests}\n${lines.join("\n")}\n`,
    );
    for (const client of clients.values()) client.close();
  } finally {
    await gateway.envoy.stop();
  }
}
