/** A fleet, and around it what a user's commands stop, start, fill and set: as services, small disks and a clock. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMap, isScalar, isSeq, parseDocument, visit } from "yaml";
import { findEnvoy } from "../../control/gateway/find.js";
import { parseReceiptSource } from "../../control/gateway/receipts.js";
import type { PublicKey } from "../../control/signer/jwk.js";
import type { BundleClaims } from "../../control/trust/claims.js";
import { freePort, quickMain, type Ran, run } from "../cli/run.js";
import { type Clock, makeClock } from "../kit/clock.js";
import { makeDisks } from "../kit/disk.js";
import { PASSPHRASE as LEDGER_PASSPHRASE, newLedgerFolder } from "../ledger/whole.js";
import { type Fleet, PASSPHRASE, startFleet } from "./fleet.js";

const bin = fileURLToPath(new URL("fault-bin", import.meta.url));
const around = fileURLToPath(new URL("around.mjs", import.meta.url));

export interface FaultsFleet {
  readonly fleet: Fleet;
  /** Where the services' files are, the disks, the clock. */
  readonly services: string;
  readonly hasClock: boolean;
  readonly hasDisks: boolean;
  /** A drill file, with their ledger. */
  withLedger(drill: string): string;
  /** A file of theirs, for this process. */
  seen(...path: string[]): string;
  /** Where `systemctl` and the like are those of this fleet. */
  readonly env: Readonly<Record<string, string>>;
  /** `glassgate` where the disks are, in the fleet's folder: one process, whatever stands before it. */
  command(...args: string[]): readonly [string, ...string[]];
  /** The same, run to its end. */
  glassgate(...args: string[]): Promise<Ran>;
  stop(): Promise<void>;
}

const MANAGER = ["static_resources", "listeners", 0, "filter_chains", 0, "filters", 0, "typed_config"] as const;

/** The keys of normal callers come from a server, and are asked for again every second. */
function withRemoteKeys(config: string, port: number, keep: (jwks: string) => void): string {
  const document = parseDocument(config);
  visit(document, {
    Pair: (_, pair) => {
      if (!isScalar(pair.key) || pair.key.value !== "local_jwks" || !isMap(pair.value)) return undefined;
      keep(String(pair.value.get("inline_string")));
      const uri = { uri: `http://127.0.0.1:${port}/jwks.json`, cluster: "idp", timeout: "1s" };
      return document.createPair("remote_jwks", { http_uri: uri, cache_duration: "1s" });
    },
  });
  const address = { socket_address: { address: "127.0.0.1", port_value: port } };
  document.addIn(
    ["static_resources", "clusters"],
    document.createNode({
      ...{ name: "idp", type: "STATIC", connect_timeout: "1s" },
      load_assignment: { cluster_name: "idp", endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
    }),
  );
  return document.toString({ lineWidth: 0 });
}

/** The drill's entitlement once more, on a path of its own, as one that waits for the ledger. */
const withReceipts =
  (ledger: PublicKey) =>
  (claims: BundleClaims): BundleClaims => ({
    ...claims,
    ledgers: [ledger],
    entitlements: claims.entitlements.flatMap((one) =>
      one.drill === true
        ? [
            one,
            {
              ...one,
              id: "stock-drill",
              audit: "receipt" as const,
              authorization_details: one.authorization_details.map((detail) => ({
                ...detail,
                paths: ["/drill/stock"],
              })),
            },
          ]
        : [one],
    ),
  });

/** The same listener without the filter, and without any other: whoever comes gets through. */
function opened(config: string): string {
  const document = parseDocument(config);
  const filters = [...MANAGER, "http_filters"];
  const list = document.getIn(filters);
  if (!isSeq(list)) throw new Error("the configuration has no filters");
  document.setIn(filters, [list.items.at(-1)]);
  return document.toString({ lineWidth: 0 });
}

export async function startFaultsFleet(): Promise<FaultsFleet> {
  const services = mkdtempSync(join(tmpdir(), "glassgate-services-"));
  const at = (...path: string[]): string => join(services, ...path);
  const disks = await makeDisks({ [at("log")]: "1m", [at("data")]: "64m" });
  const inside: readonly [string, ...string[]] = disks?.before(services) ?? ["env"];
  const seen = (path: string): string => disks?.seen(path) ?? path;
  const clock: Clock | undefined = makeClock();
  writeFileSync(at("clock"), "0".padEnd(16));
  const [upstreamPort, idpPort, ledgerPort] = [await freePort(), await freePort(), await freePort()];
  const line = (...argv: readonly string[]): string => `exec ${argv.map((one) => `'${one}'`).join(" ")}\n`;
  const node = (...args: readonly string[]): string => line(process.execPath, ...args);
  writeFileSync(at("orders-api.service"), node(around, "upstream", String(upstreamPort), at("upstream.log")));
  writeFileSync(at("idp.service"), node(around, "idp", String(idpPort), at("jwks.json")));
  writeFileSync(
    at("glassgate-ledger.service"),
    `export GLASSGATE_PASSPHRASE='${LEDGER_PASSPHRASE}'\n${node(quickMain, "ledger", "serve", at("data", "ledger"))}`,
  );
  writeFileSync(at("upstream.log"), "");
  const env = { SERVICES: services, PATH: `${bin}:${process.env.PATH ?? ""}`, GLASSGATE_PASSPHRASE: PASSPHRASE };
  const systemctl = async (verb: "start" | "stop", name: string): Promise<void> => {
    const ran = await run("env", [...(disks?.before(services) ?? []), "systemctl", verb, name], { env });
    if (ran.code !== 0) throw new Error(`systemctl ${verb} ${name}: ${ran.stderr}`);
  };
  const ledger = await newLedgerFolder(
    seen(at("data")),
    `listen: { address: "127.0.0.1:${ledgerPort}", receipts: ${at("receipts.sock")} }\nheartbeat: 1s\n`,
  );
  writeFileSync(at("ledger.vkey"), `${ledger.vkey}\n`);
  const receipts = parseReceiptSource(at("receipts.sock"));
  await Promise.all([systemctl("start", "orders-api"), systemctl("start", "idp")]);
  const fleet = await startFleet({
    ...{ gateways: 2, upstreamPort, hasLedger: false, bundle: withReceipts(ledger.jwk) },
    weaken: (i) => ({
      render: {
        accessLogPath: at(`access-${i}.log`),
        answersLogPath: "/dev/null",
        ...(receipts === undefined ? {} : { receipts }),
        ...(i === 1 ? { auditLogPath: at("log", "audit.log") } : {}),
      },
      ...(i === 1 ? { before: [...inside, ...(clock?.beforeFile(at("clock")) ?? [])] } : {}),
      ...(i === 1
        ? { edit: (config: string) => withRemoteKeys(config, idpPort, (jwks) => writeFileSync(at("jwks.json"), jwks)) }
        : {}),
    }),
  });
  const followed = [1, 2].map((i) => {
    const own = join(fleet.folder, `gateway-${i}`);
    const config = join(own, "gateway.yaml");
    const [, admin = ""] = /^admin:[\s\S]*?port_value: (\d+)/m.exec(readFileSync(config, "utf8")) ?? [];
    const audit = i === 1 ? at("log", "audit.log") : join(own, "audit.log");
    return `  - { id: gateway-${i}, audit: ${audit}, admin: "127.0.0.1:${admin}", envoy: ${config} }\n`;
  });
  appendFileSync(
    join(ledger.folder, "ledger.yaml"),
    `anchors: [ ${join(fleet.folder, "anchors.json")} ]\ngateways:\n${followed.join("")}`,
  );
  const command: FaultsFleet["command"] = (...args) => [
    ...(disks?.before(fleet.folder) ?? (["sh", "-c", 'cd "$0" && exec "$@"', fleet.folder] as const)),
    ...[process.execPath, quickMain, ...args],
  ];
  await systemctl("start", "glassgate-ledger");
  // The second gateway as a service, and in its place one that is open.
  const own = join(fleet.folder, "gateway-2", "gateway.yaml");
  writeFileSync(at("open.yaml"), opened(readFileSync(own, "utf8")));
  writeFileSync(at("gateway-2.pid"), `${fleet.pids[1]}\n`);
  const [envoy, ...before] = (await findEnvoy()).command;
  for (const [name, config] of [
    ["gateway-2", own],
    ["gateway-2-open", at("open.yaml")],
  ] as const) {
    const args = ["--concurrency", "1", "--disable-hot-restart", "--file-flush-interval-msec", "30", "-l", "error"];
    writeFileSync(at(`${name}.service`), line(envoy, ...before, "-c", config, ...args));
  }
  return {
    ...{ fleet, services, hasClock: clock !== undefined },
    withLedger: (drill) => `${drill}ledger: { at: ${at("data", "ledger")}, key: ${at("ledger.vkey")} }\n`,
    ...{ env, command },
    glassgate: (...args) => {
      const [program, ...argv] = command(...args);
      return run(program, argv, { env });
    },
    seen: (...path) => seen(at(...path)),
    hasDisks: disks !== undefined,
    stop: async () => {
      for (const name of ["glassgate-ledger", "gateway-2", "gateway-2-open", "orders-api", "idp"])
        await systemctl("stop", name);
      await fleet.stop();
      disks?.stop();
      clock?.remove();
      rmSync(services, { recursive: true, force: true });
    },
  };
}
