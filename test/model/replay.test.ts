/**
 * Each way on which a broken rule opens in the model, walked with the release filter: there it stays closed. All workers take what they
 * are told at once, as the Node host has it.
 */
import { expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { QuickWorld, quickSigner } from "../kit/quick.js";
import { revocations } from "../kit/revocations.js";
import { begin, movesFrom, wrongIn } from "./model.js";
import { type Move, search } from "./search.js";
import { FAULTS, type Fault, type Setting } from "./setting.js";
import { SETTINGS, SHOWN } from "./settings.js";
import { at, type Configuration, type State } from "./state.js";

const world = new QuickWorld(Math.floor(Date.now() / 1000));
const DOMAINS = ["test", "staging"] as const;
const VERSIONS = [1, 2, 3, 101, 102];
const TEXTS = [1, 2];
const keys = new Map(VERSIONS.map((version) => [version, quickSigner("Ed25519")]));
const grantId = (text: number): string => `revoked-by-text-${text}`;

const bundles = new Map<string, string>();
/** Each version has a requester whom no other knows, so what a grant gets tells which one decides. */
function bundleText(version: number, signers: number): string {
  const name = `${version} ${signers}`;
  const text =
    bundles.get(name) ??
    world.bundle(
      world.bundleClaims({
        version,
        principals: [{ id: "rita", roles: ["oncall"], keys: [keys.get(version)?.jwk] }],
        entitlements: [world.entitlement("alone", { approvals: [] })],
      }),
      world.roots.slice(0, signers),
    );
  bundles.set(name, text);
  return text;
}

/** A root's text: each later one takes away one grant more. */
const revoking = (text: number): string =>
  revocations(world, {
    by: world.roots[2],
    revoked: { jti: TEXTS.filter((other) => other <= text).map(grantId) },
    claims: { version: text, aud: [...DOMAINS] },
  });

function configurationText(setting: Setting, listener: number, configuration: Configuration): string {
  const { domain, threshold } = at(setting.listeners, listener);
  const { generation, version, signers, minVersion, text } = configuration;
  return JSON.stringify({
    generation,
    audience: DOMAINS[domain],
    roots: world.roots.map(({ jwk }) => jwk),
    threshold,
    min_version: minVersion,
    bundle: bundleText(version, signers),
    ...(text === 0 ? {} : { revocations: revoking(text) }),
  });
}

async function walk(setting: Setting, start: State, path: readonly Move[]): Promise<FilterHost> {
  let host = await FilterHost.load({ workers: setting.workers, failurePolicy: "reload" });
  const read = (listener: number, configuration: Configuration): void => {
    const vmId = String(configuration.vmId);
    host.configure(configurationText(setting, listener, configuration), String(listener), { vmId });
  };
  for (const listener of setting.listeners.keys()) read(listener, at(start.files, listener));
  for (const { name, state } of path) {
    const [, listener] = /^the gateway reads the file of listener (\d)/.exec(name) ?? [];
    const [, worker] = /^worker (\d) loses/.exec(name) ?? [];
    const [, busy, where] = /^a request on worker (\d), listener (\d), stays open/.exec(name) ?? [];
    if (listener !== undefined) read(Number(listener), at(state.files, Number(listener)));
    else if (name === "the gateway restarts")
      host = await FilterHost.load({ workers: setting.workers, failurePolicy: "reload" });
    else if (worker !== undefined) {
      for (const vm of host.process.workers[Number(worker)]?.allVms ?? [])
        vm.guest.invoke("tool_verify", 0, -64, -64, -64, 64);
      host.advance(2000);
    } else if (busy !== undefined && where !== undefined) {
      const grant = world.alone({ by: keys.get(1) ?? world.rita, claims: { aud: "test" } });
      host.open({ headers: headersOf([grant]), listener: where, worker: Number(busy) });
    }
  }
  return host;
}

/** Rules of `push` and `revoke`: the filter cannot know what a file should have held, nor what somebody was told. */
const NOT_THE_FILTERS: ReadonlySet<Fault> = new Set([
  "a push leaves out the texts that it found",
  "a push reports when one worker serves",
]);

for (const fault of FAULTS.filter((one) => !NOT_THE_FILTERS.has(one)))
  it(`stays closed where "${fault}" would open`, async () => {
    const setting: Setting = SETTINGS[SHOWN[fault][0]];
    const broken = { ...setting, fault };
    const start = begin(broken);
    const { wrong } = search(
      start,
      (state) => movesFrom(broken, state),
      (state) => wrongIn(broken, state),
      60_000,
    );
    if (wrong === undefined) return expect.unreachable("the model finds nothing");
    const reported = wrong.path.at(-1)?.state.reported ?? start.reported;
    const host = await walk(setting, start, wrong.path);
    for (const [listener, { domain, threshold }] of setting.listeners.entries())
      for (let worker = 0; worker < setting.workers; worker++)
        for (const [version, by] of keys)
          for (const text of TEXTS) {
            const grant = world.alone({ by, claims: { aud: DOMAINS[domain], jti: grantId(text) } });
            const sent = host.request({ headers: headersOf([grant]), listener: String(listener), worker });
            if (sent.filterState.get("wasm.glassgate.verdict") !== "allow") continue;
            const told = `worker ${worker}, listener ${listener}, bundle ${version}, text ${text}: ${wrong.story.join("; ")}`;
            expect(version, told).toBeGreaterThanOrEqual(at(reported, listener).version);
            expect(text, told).toBeGreaterThan(at(reported, listener).text);
            expect(Math.floor(version / 100), told).toBe(domain);
            // Version 3 is signed by one root.
            if (version === 3) expect(threshold, told).toBe(1);
          }
  });
