/**
 * The scratch gateway: a real Envoy with anchors, roots and people of its own, and the user's build of the filter. What needs root keys, or
 * a flood, is tried here and never on the user's gateways. It goes with the drill, also when that is killed.
 */
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../base/errors.js";
import { readFilterState } from "../gateway/admin-state.js";
import { defaultConfiguration, ecdsText, writeEcds } from "../gateway/ecds.js";
import { childEnvironment } from "../gateway/environment.js";
import { readHeld } from "../gateway/held.js";
import { push } from "../gateway/push.js";
import { renderGateway } from "../gateway/render.js";
import { type RenderedFilter, readRenderedFilter } from "../gateway/rendered.js";
import { bringText } from "../gateway/revoke.js";
import { makeTemporary, type RunningEnvoy, startEnvoy } from "../gateway/run.js";
import { startUpstream, type Upstream } from "../gateway/upstream.js";
import { thumbprintOf } from "../grant/certificate.js";
import { wasmPath } from "../host/wasm.js";
import { newKey, publicPart } from "../signer/jwk.js";
import { domainOf } from "../trust/anchors.js";
import { configurationText } from "../trust/configuration.js";
import { ownCertificate } from "./certificate.js";
import type { BadBundle, FleetGateway, Offered, Scratch, ScratchWay } from "./model.js";
import { type Listener, sendFields, sendOver, type Way } from "./scratch-wire.js";
import { SCRATCH_HOST, SCRATCH_TARGET, ScratchWorld } from "./scratch-world.js";

export const SCRATCH = "scratch gateway";
const NODE_ID = "glassgate-drill-scratch";
const PATIENCE_MS = 60_000;
/** Other sources than ours: any address of 127/8 is this machine. */
const FLOODER = "127.66.0.1";

/** Removes the folder when our end of its standard input closes: after our exit, whichever it was. */
function removeWithUs(folder: string): void {
  const watcher = spawn("/bin/sh", ["-c", 'read -r _; sleep 1; rm -rf "$0"', folder], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env: childEnvironment(),
  });
  watcher.on("error", () => {}); // No /bin/sh: then only our own end removes it.
  watcher.unref();
}

export interface RunningScratch {
  readonly world: ScratchWorld;
  readonly gateway: FleetGateway;
  readonly scratch: Scratch;
  readonly auditLog: string;
  stop(): Promise<void>;
}

const refuse = (what: string): never => {
  throw new UserError(`The scratch gateway ${what}.`, {
    hint: "Is that this build of the filter, and does this machine have the memory for one more Envoy?",
    exitCode: 1,
  });
};

interface Around {
  readonly world: ScratchWorld;
  readonly filter: RenderedFilter;
  readonly envoy: RunningEnvoy;
  readonly listener: Listener;
}

async function pushNext({ world, filter, envoy }: Around, without?: string): Promise<void> {
  const bundle = await world.bundle((claims) => ({
    ...claims,
    principals: claims.principals.filter(({ id }) => id !== without),
  }));
  const { anchors } = world;
  await push({ filter, anchors, admin: envoy.admin, bundle, configuration: {} });
}

const FAR = 1_000_000;

/** Written as no push would, past all its checks: the filter alone says no. */
async function offer({ world, filter, envoy }: Around, kind: BadBundle, round: number): Promise<Offered> {
  const before = await readFilterState(envoy.admin, domainOf(world.anchors));
  const made = {
    old: () => world.bundle((claims) => ({ ...claims, version: 1 })),
    foreign: world.foreign,
    one_root_short: world.short,
    other_environment: () => world.bundle((claims) => ({ ...claims, aud: ["glassgate-drill-elsewhere"] })),
  };
  const { text } = await made[kind]();
  const configuration = configurationText(world.anchors, FAR + round, { bundle: text });
  writeEcds(filter.ecdsPath, ecdsText(filter, configuration, undefined, `drill-${round}`));
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(20)) {
    const now = await readFilterState(envoy.admin, domainOf(world.anchors));
    if (now.generation === FAR + round || now.bundleVersion !== before.bundleVersion) return "serves";
    if (now.rejections > before.rejections) return "refused";
  }
  return "unseen";
}

function scratchOf(around: Around): Scratch {
  const { world, filter, envoy, listener } = around;
  const own = ownCertificate("caller");
  const other = ownCertificate("caller");
  let session: Buffer | undefined;
  let round = 0;
  const wayOf = (way: ScratchWay): Way =>
    way === "own certificate" ? own : way === "another certificate" ? other : { session };
  return {
    people: world.people,
    thumbprint: thumbprintOf(new X509Certificate(own.cert)),
    without: (sub) => pushNext(around, sub),
    restore: () => pushNext(around),
    revoke: async (kind, value) => {
      const held = await readHeld(filter);
      if (held === undefined) return refuse("holds no configuration");
      const outcome = await bringText(
        { filter, admin: envoy.admin, held },
        await world.revocation({ [kind]: [value] }),
      );
      if (outcome.kind !== "applied") refuse(`did not take a revocation: ${outcome.why}`);
    },
    offer: (kind) => {
      round += 1;
      return offer(around, kind, round);
    },
    flood: (specs) =>
      Promise.all(specs.map((spec) => sendOver(listener, { localAddress: FLOODER }, SCRATCH_TARGET, spec))),
    sendWith: async (way, spec) => {
      const sent = await sendOver(listener, wayOf(way), SCRATCH_TARGET, spec);
      if (way === "own certificate") session = sent.session ?? session;
      return sent;
    },
    sendFields: (spec, fields) => sendFields(listener, SCRATCH_TARGET, spec, fields),
  };
}

interface Begun {
  readonly folder: string;
  readonly world: ScratchWorld;
  readonly upstream: Upstream;
  /** The user's own build. */
  readonly filterPath: string | undefined;
}

async function startIn({ folder, world, upstream, filterPath }: Begun): Promise<RunningScratch> {
  const served = ownCertificate(SCRATCH_HOST);
  const path = (name: string): string => join(folder, name);
  const auditLog = path("audit.log");
  mkdirSync(path("ecds"));
  writeFileSync(path("gateway.pem"), served.cert);
  writeFileSync(path("gateway.key"), served.key, { mode: 0o600 });
  writeFileSync(auditLog, "");
  const config = renderGateway({
    ...{ anchors: world.anchors, wasmPath: filterPath ?? wasmPath, nodeId: NODE_ID, adminPort: 0 },
    ecdsPath: join(path("ecds"), "glassgate.json"),
    listen: { host: "127.0.0.1", port: 0 },
    upstream: { host: "127.0.0.1", port: upstream.port },
    jwks: { inline: JSON.stringify({ keys: [{ ...publicPart(newKey("Ed25519")), alg: "EdDSA" }] }) },
    ...{ accessLogPath: "/dev/null", auditLogPath: auditLog, answersLogPath: "/dev/null" },
    tls: { certificate: path("gateway.pem"), key: path("gateway.key") },
  });
  const filter = readRenderedFilter(config, SCRATCH);
  writeEcds(filter.ecdsPath, ecdsText(filter, defaultConfiguration(filter), undefined, "0"));
  const envoy = await startEnvoy({ config, concurrency: 1, flushMs: 50 });
  try {
    const { api: port = 0 } = envoy.ports;
    const listener = { gateway: NODE_ID, port, ca: served.cert };
    const around = { world, filter, envoy, listener };
    await pushNext(around);
    const gateway: FleetGateway = {
      ...{ id: NODE_ID, url: `https://127.0.0.1:${port}`, ca: served.cert, admin: envoy.admin.address },
      ...{ auditLog, filterPath, filter: undefined, caller: undefined, routes: [], skipped: [], accept: [] },
      isHarmless: true,
    };
    return { world, gateway, scratch: scratchOf(around), auditLog, stop: () => envoy.stop() };
  } catch (error) {
    await envoy.stop();
    throw error;
  }
}

/** @param filterPath the user's own build; ours, where that cannot be read here */
export async function startScratch(filterPath: string | undefined): Promise<RunningScratch> {
  const folder = makeTemporary("glassgate-scratch-");
  removeWithUs(folder);
  const upstream = await startUpstream();
  const end = async (): Promise<void> => {
    await upstream.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const running = await startIn({ folder, world: new ScratchWorld(), upstream, filterPath });
    const stop = async (): Promise<void> => {
      await running.stop();
      await end();
    };
    return { ...running, stop };
  } catch (error) {
    await end();
    throw error;
  }
}
