/** A project with people of drills, a fleet of real Envoys that serve its bundle, and a ledger that follows them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { importJWK, SignJWT } from "jose";
import { writeNewTexts } from "../../control/base/files.js";
import { readFilterState } from "../../control/gateway/admin-state.js";
import { ecdsText, writeEcds } from "../../control/gateway/ecds.js";
import { findEnvoy } from "../../control/gateway/find.js";
import { type RenderOptions, renderGateway } from "../../control/gateway/render.js";
import { keptOptions, type RenderedFilter, readRenderedFilter } from "../../control/gateway/rendered.js";
import { type RunningEnvoy, startEnvoy } from "../../control/gateway/run.js";
import { startUpstream } from "../../control/gateway/upstream.js";
import { wasmPath } from "../../control/host/wasm.js";
import { ledgerSchema } from "../../control/ledger/config.js";
import { newLogFiles } from "../../control/ledger/log/files.js";
import { openLogSigner } from "../../control/ledger/log/key.js";
import { openLedgerFolder } from "../../control/ledger/serve/open.js";
import { runLedger } from "../../control/ledger/serve/run.js";
import { newKey, type PrivateKey, publicPart } from "../../control/signer/jwk.js";
import { sealKey } from "../../control/signer/keyfile.js";
import { type Anchors, anchorsSchema, domainOf } from "../../control/trust/anchors.js";
import { signFirst, signFurther } from "../../control/trust/bundle.js";
import { type BundleClaims, bundleClaimsSchema } from "../../control/trust/claims.js";
import { type ConfigurationOptions, configurationText } from "../../control/trust/configuration.js";

export const PASSPHRASE = "correct horse battery staple";
const ITERATIONS = 1000;
const AT_ONCE = 4;
const ORIGIN = "ledger.example.com/drill";

export interface FleetOptions {
  readonly gateways?: number;
  /** Whoever gets the ledger's alarms writes them to alarms.log. */
  readonly isHeard?: boolean;
  /** The port of an upstream that is there already. */
  readonly upstreamPort?: number;
  /** Whoever has a ledger of their own needs none that follows here. */
  readonly hasLedger?: boolean;
  /** Changes the bundle that the project has and each gateway serves. */
  readonly bundle?: (claims: BundleClaims) => BundleClaims;
  /** Changes what one gateway is started with. */
  readonly weaken?: (gateway: number) => {
    readonly render?: Partial<RenderOptions>;
    readonly edit?: (config: string) => string;
    /** What runs is another configuration than the file that the drill is given. */
    readonly drift?: (config: string) => string;
    /** Its filter never serves: nobody waits for that. */
    readonly isOff?: boolean;
    /** Serves this in place of the project's bundle. */
    readonly bundle?: (claims: BundleClaims) => BundleClaims;
    /** Serves another filter than the one rendered, or the same with other options. */
    readonly serve?: (filter: RenderedFilter) => RenderedFilter;
    readonly options?: ConfigurationOptions;
    /** Stands before Envoy's command: `env` with what it sets. */
    readonly before?: readonly [string, ...string[]];
    /** Nobody is a normal caller there. */
    readonly hasNoCaller?: boolean;
  };
}

export interface Fleet {
  readonly folder: string;
  readonly claims: BundleClaims;
  /** Processes of the Envoys. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

const detail = (actions: string[], paths: string[]) => ({
  type: "break_glass_http" as const,
  locations: ["api.example.com"],
  actions,
  paths,
});

export function claimsFor(keys: Readonly<Record<string, PrivateKey>>, now: number): BundleClaims {
  const principal = (id: string, role: string) => ({
    id,
    roles: [role],
    keys: keys[id] === undefined ? [] : [publicPart(keys[id])],
  });
  const common = { max_ttl: 300, reasons: ["drill", "outage"] };
  return bundleClaimsSchema.parse({
    schema: 1,
    version: 7,
    iat: now - 60,
    exp: now + 86_400,
    aud: ["production"],
    principals: [
      principal("drill-rita", "drill-oncall"),
      principal("drill-adam", "drill-lead"),
      principal("drill-anna", "drill-security"),
      principal("rita", "oncall"),
      principal("adam", "lead"),
      principal("olga", "revoker"),
    ],
    revokers: ["revoker"],
    entitlements: [
      {
        ...common,
        id: "orders-repair",
        requesters: ["oncall"],
        approvals: [{ role: "lead", count: 1 }],
        authorization_details: [detail(["GET", "POST"], ["/orders/*"])],
      },
      {
        ...common,
        id: "orders-drill",
        drill: true,
        requesters: ["drill-oncall"],
        approvals: [
          { role: "drill-lead", count: 1 },
          { role: "drill-security", count: 1 },
        ],
        authorization_details: [detail(["GET"], ["/drill/orders"])],
      },
    ],
  });
}

export async function signed(claims: BundleClaims, roots: readonly PrivateKey[]): Promise<string> {
  const [first, second] = roots;
  if (first === undefined || second === undefined) throw new Error("two roots sign");
  return signFurther(await signFirst(claims, first), second);
}

interface Base {
  readonly folder: string;
  readonly anchors: Anchors;
  readonly jwks: string;
  readonly upstreamPort: number;
  readonly bundleOf: (change?: (claims: BundleClaims) => BundleClaims) => Promise<string>;
}

async function startGateway(i: number, base: Base, weaken: ReturnType<NonNullable<FleetOptions["weaken"]>>) {
  const { folder, anchors, jwks, upstreamPort, bundleOf } = base;
  const own = join(folder, `gateway-${i}`);
  mkdirSync(join(own, "ecds"), { recursive: true });
  const audit = join(own, "audit.log");
  writeFileSync(audit, "");
  const rendered = renderGateway({
    anchors,
    wasmPath,
    ecdsPath: join(own, "ecds", "glassgate.json"),
    listen: { host: "127.0.0.1", port: 0 },
    adminPort: 0,
    nodeId: `gateway-${i}`,
    upstream: { host: "127.0.0.1", port: upstreamPort },
    jwks: { inline: jwks },
    issuer: "https://idp.example.com",
    accessLogPath: "/dev/null",
    auditLogPath: audit,
    ...weaken.render,
  });
  const config = weaken.edit?.(rendered) ?? rendered;
  const filter = readRenderedFilter(rendered, "gateway.yaml");
  const bundle = await bundleOf(weaken.bundle);
  const options = weaken.options ?? keptOptions(filter, "gateway.yaml");
  const configuration = configurationText(anchors, 1, { ...options, bundle });
  writeEcds(filter.ecdsPath, ecdsText(weaken.serve?.(filter) ?? filter, configuration, undefined, "1"));
  const found = await findEnvoy();
  const binary =
    weaken.before === undefined ? found : { ...found, command: [...weaken.before, ...found.command] as const };
  const envoy = await startEnvoy({ config: weaken.drift?.(config) ?? config, binary, concurrency: 1, flushMs: 30 });
  // As a gateway's own file has them, once the ports are known.
  const [admin = "", port = 0] = [envoy.admin.address, envoy.ports.api];
  const shown = rendered
    .replace(/(address: 127\.0\.0\.1, port_value: )0/, `$1${admin.split(":").at(-1)}`)
    .replace(/(port_value: )0/, `$1${port}`);
  writeFileSync(join(own, "gateway.yaml"), config === rendered ? shown : (weaken.edit?.(shown) ?? shown));
  for (const deadline = Date.now() + 60_000; weaken.isOff !== true && Date.now() < deadline; await sleep(20))
    if ((await readFilterState(envoy.admin, domainOf(anchors))).servingVms >= 2) break;
  return { envoy, port, admin, audit, id: `gateway-${i}` };
}

async function startFollowing(
  folder: string,
  bundle: string,
  gateways: readonly { id: string; audit: string }[],
  isHeard: boolean,
) {
  const place = join(folder, "ledger");
  const key = join(folder, "ledger.key.json");
  const signer = openLogSigner(newKey("Ed25519"), ORIGIN);
  mkdirSync(place);
  writeNewTexts([
    ...newLogFiles({ folder: place, signer, signedPath: `${key}.signed` }),
    { path: join(folder, "ledger.vkey"), text: `${signer.vkey}\n` },
  ]);
  const config = ledgerSchema.parse({
    ...{ origin: ORIGIN, key, anchors: [join(folder, "anchors.json")] },
    gateways: gateways.map(({ id, audit }) => ({ id, audit })),
    ...(isHeard
      ? { alarms: { commands: [{ run: ["/bin/sh", "-c", 'cat >>"$0"', join(folder, "alarms.log")] }] } }
      : {}),
  });
  const quiet = (): void => {};
  const opened = await openLedgerFolder({
    ...{ folder: place, config, signer, holder: "test", clock: Date.now, onAlarm: quiet, say: quiet },
  });
  const running = await runLedger({ folder: place, config, opened, say: quiet, isServing: false });
  for (const { id } of gateways)
    await opened.ledger.take([{ kind: "bundle", bytes: Buffer.from(bundle), sender: { sender: id, via: "local" } }]);
  return running;
}

/** With drill.yaml's gateways and ledger in their places; the drill file itself is the test's, or `drill init`'s. */
export async function startFleet({
  gateways = 2,
  bundle: change = (claims) => claims,
  isHeard = false,
  upstreamPort,
  hasLedger = true,
  weaken,
}: FleetOptions = {}): Promise<Fleet> {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-drill-"));
  const roots = [newKey("Ed25519"), newKey("Ed25519")];
  const keys = Object.fromEntries(
    ["drill-rita", "drill-adam", "drill-anna", "rita", "adam", "olga"].map(
      (name) => [name, newKey("Ed25519")] as const,
    ),
  );
  const anchors = anchorsSchema.parse({ audience: "production", threshold: 2, roots: roots.map(publicPart) });
  const claims = change(claimsFor(keys, Math.floor(Date.now() / 1000)));
  const bundleOf: Base["bundleOf"] = (other = (one) => one) => signed(other(claims), roots);
  const bundle = await bundleOf();
  const idp = newKey("Ed25519");
  const token = await new SignJWT({ sub: "customer-7" })
    .setProtectedHeader({ alg: "EdDSA", kid: idp.kid })
    .setIssuer("https://idp.example.com")
    .setAudience("api")
    .setExpirationTime("1h")
    .sign(await importJWK({ ...idp, alg: "EdDSA" }, "EdDSA"));
  writeNewTexts(
    await Promise.all(
      Object.entries(keys).map(([name, key]) =>
        sealKey(join(folder, "keys", `${name}.key.json`), name, key, PASSPHRASE, ITERATIONS),
      ),
    ),
  );
  writeFileSync(join(folder, "anchors.json"), JSON.stringify(anchors));
  writeFileSync(join(folder, "bundle.jws"), bundle);
  const upstream = upstreamPort === undefined ? await startUpstream() : undefined;
  const jwks = JSON.stringify({ keys: [{ ...publicPart(idp), alg: "EdDSA" }] });
  const base = { folder, anchors, jwks, upstreamPort: upstreamPort ?? upstream?.port ?? 0, bundleOf };
  const start = async (i: number): Promise<{ envoy: RunningEnvoy; id: string; audit: string }> => {
    const how = weaken?.(i) ?? {};
    const gateway = await startGateway(i, base, how);
    if (how.hasNoCaller !== true)
      writeFileSync(join(folder, `gateway-${i}`, "caller.txt"), `authorization: Bearer ${token}\n`, { mode: 0o600 });
    return gateway;
  };
  const started: Awaited<ReturnType<typeof start>>[] = [];
  for (let i = 1; i <= gateways; i += AT_ONCE)
    started.push(
      ...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, gateways - i + 1) }, (_, k) => start(i + k)))),
    );
  const ledger = hasLedger ? await startFollowing(folder, bundle, started, isHeard) : undefined;
  return {
    folder,
    claims,
    pids: started.map(({ envoy }) => envoy.pid),
    stop: async () => {
      await ledger?.stop();
      await Promise.all(started.map(({ envoy }) => envoy.stop()));
      await upstream?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
