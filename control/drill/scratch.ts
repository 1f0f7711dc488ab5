/**
 * The scratch gateway: a real Envoy with anchors, roots and people of its own, and the user's build of the filter. What needs root keys, or
 * a flood, is tried here and never on the user's gateways. It goes with the drill, also when that is killed.
 */
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { Agent } from "node:https";
import { join } from "node:path";
import { UserError } from "../base/errors.js";
import { readBytes } from "../base/files.js";
import { notePassing } from "../base/stopped.js";
import { defaultConfiguration, ecdsText, writeEcds } from "../gateway/ecds.js";
import { childEnvironment } from "../gateway/environment.js";
import { DEFAULT_ISSUER, makeDemoIdp } from "../gateway/idp.js";
import { renderGateway } from "../gateway/render.js";
import { readRenderedFilter } from "../gateway/rendered.js";
import { makeTemporary, startEnvoy } from "../gateway/run.js";
import { startUpstream, type Upstream } from "../gateway/upstream.js";
import { thumbprintOf } from "../grant/certificate.js";
import { wasmPath } from "../host/wasm.js";
import { ownCertificate } from "./certificate.js";
import type { Self } from "./faults/undo.js";
import type { Connection, FleetGateway, Scratch, ScratchWay } from "./model.js";
import { type Bundles, offer, pushNext, pushTwice, revokeAt, serveFor } from "./scratch-bundles.js";
import { chainsIn } from "./scratch-chains.js";
import { flood } from "./scratch-flood.js";
import { offlineGrant } from "./scratch-offline.js";
import { DEADLY_HEADERS, withTrap } from "./scratch-trap.js";
import { type Listener, sendFields, sendOver, type Way } from "./scratch-wire.js";
import { SCRATCH_HOST, SCRATCH_TARGET, ScratchWorld } from "./scratch-world.js";

export const SCRATCH = "scratch gateway";
const NODE_ID = "glassgate-drill-scratch";
/** Enough to end a VM with those that each request has, and no more than Envoy takes. */
const DEADLY = Object.fromEntries(
  Array.from({ length: DEADLY_HEADERS - 5 }, (_, i) => [`x-glassgate-drill-${i + 1}`, "1"] as const),
);

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

interface Around extends Bundles {
  readonly listener: Listener;
  readonly auditLog: string;
  readonly folder: string;
  readonly self: Self;
  readonly deadly: Scratch["deadly"];
}

/** One connection: its requests come to one worker. */
function connectTo(listener: Listener): Connection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return { send: (spec) => sendOver(listener, { agent }, SCRATCH_TARGET, spec) };
}

function scratchOf(around: Around): Scratch {
  const { world, envoy, listener, auditLog, folder, self, deadly } = around;
  const own = ownCertificate("caller");
  const other = ownCertificate("caller");
  let session: Buffer | undefined;
  let round = 0;
  const wayOf = (way: ScratchWay): Way =>
    way === "own certificate" ? own : way === "another certificate" ? other : { session };
  const { people } = world;
  return {
    ...{ people, deadly, thumbprint: thumbprintOf(new X509Certificate(own.cert)) },
    without: (sub) => pushNext(around, sub),
    restore: () => pushNext(around),
    serveFor: (seconds) => serveFor(around, seconds),
    revoke: (kind, value) => revokeAt(around, { [kind]: [value] }),
    pushTwice: (isSame, without, jti) => pushTwice(around, isSame, without, jti),
    offer: (kind) => {
      round += 1;
      return offer(around, kind, round);
    },
    flood: (like, forMs) => flood({ listener, admin: envoy.admin, auditLog }, like, forMs),
    sendWith: async (way, spec) => {
      const sent = await sendOver(listener, wayOf(way), SCRATCH_TARGET, spec);
      if (way === "own certificate") session = sent.session ?? session;
      return sent;
    },
    sendFields: (spec, fields) => sendFields(listener, SCRATCH_TARGET, spec, fields),
    connect: () => connectTo(listener),
    chains: (calls) => chainsIn(auditLog, calls),
    offline: () =>
      offlineGrant(folder, self, around, {
        requester: world.player("rita"),
        approvers: [world.player("adam"), world.player("anna")],
      }),
  };
}

export interface ScratchOptions {
  /** The user's own build; ours, where that cannot be read here. */
  readonly filterPath: string | undefined;
  /** Two workers, and a filter that a request can kill. */
  readonly isMortal: boolean;
  readonly self: Self;
}

/** A trap is put into the build where that can be. */
function mortal(folder: string, filterPath: string): { path: string; deadly: Scratch["deadly"] } {
  try {
    const path = join(folder, "mortal.wasm");
    writeFileSync(path, withTrap(readBytes(filterPath, "the filter")));
    return { path, deadly: DEADLY };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { path: filterPath, deadly: error.message };
  }
}

interface Begun extends ScratchOptions {
  readonly folder: string;
  readonly world: ScratchWorld;
  readonly upstream: Upstream;
}

async function startIn({ folder, world, upstream, filterPath, isMortal, self }: Begun): Promise<RunningScratch> {
  const served = ownCertificate(SCRATCH_HOST);
  const path = (name: string): string => join(folder, name);
  const auditLog = path("audit.log");
  const nodeId = isMortal ? `${NODE_ID}-2` : NODE_ID;
  const build = filterPath ?? wasmPath;
  const module = isMortal ? mortal(folder, build) : { path: build, deadly: "its filter has no trap" };
  const idp = await makeDemoIdp(DEFAULT_ISSUER);
  mkdirSync(path("ecds"));
  writeFileSync(path("gateway.pem"), served.cert);
  writeFileSync(path("gateway.key"), served.key, { mode: 0o600 });
  writeFileSync(auditLog, "");
  const config = renderGateway({
    ...{ anchors: world.anchors, wasmPath: module.path, nodeId, adminPort: 0 },
    ecdsPath: join(path("ecds"), "glassgate.json"),
    listen: { host: "127.0.0.1", port: 0 },
    upstream: { host: "127.0.0.1", port: upstream.port },
    jwks: { inline: idp.jwks },
    ...{ accessLogPath: "/dev/null", auditLogPath: auditLog, answersLogPath: "/dev/null" },
    tls: { certificate: path("gateway.pem"), key: path("gateway.key") },
  });
  const filter = readRenderedFilter(config, SCRATCH);
  writeEcds(filter.ecdsPath, ecdsText(filter, defaultConfiguration(filter), undefined, "0"));
  const envoy = await startEnvoy({ config, concurrency: isMortal ? 2 : 1, flushMs: 50 });
  try {
    const { api: port = 0 } = envoy.ports;
    const listener = { gateway: nodeId, port, ca: served.cert };
    const around = { world, filter, envoy, listener, auditLog, folder, self, deadly: module.deadly };
    await pushNext(around);
    const gateway: FleetGateway = {
      ...{ id: nodeId, url: `https://127.0.0.1:${port}`, ca: served.cert, admin: envoy.admin.address },
      ...{ auditLog, filterPath, filter: undefined, routes: [], skipped: [], accept: [] },
      caller: [["authorization", `Bearer ${idp.token}`]],
      isHarmless: true,
    };
    return { world, gateway, scratch: scratchOf(around), auditLog, stop: () => envoy.stop() };
  } catch (error) {
    await envoy.stop();
    throw error;
  }
}

export async function startScratch(options: ScratchOptions): Promise<RunningScratch> {
  const folder = makeTemporary("glassgate-scratch-");
  removeWithUs(folder);
  notePassing(folder);
  const upstream = await startUpstream();
  const end = async (): Promise<void> => {
    await upstream.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const running = await startIn({ folder, world: new ScratchWorld(), upstream, ...options });
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
