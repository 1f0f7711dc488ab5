/**
 * Random configurations in random order, against a model of what docs/decisions.md promises about bundles: several listeners, domains,
 * thresholds, least versions, signatures, texts that come back, streams that outlive their configuration, two vm_ids, VMs that trap.
 * Each bundle has a key that no other has, so what a grant gets tells which bundle governs.
 *
 * SEQUENCES=20000 GLASSGATE_SEED=7 npx vitest run test/verdicts/sequences.test.ts
 */
import { expect, it } from "vitest";
import { FilterHost, type OpenRequest } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { SEED } from "../kit/seed.js";
import { newSigner } from "../kit/token.js";
import { World } from "../kit/world.js";

const SEQUENCES = Number(process.env.SEQUENCES ?? 16);
const STEPS = 24;

const world = new World(Math.floor(Date.now() / 1000));
const VERSIONS = 4;
const AUDIENCES = ["test", "staging"] as const;
const VM_IDS = ["one", "two"] as const;
const LISTENERS = ["a", "b", "c"] as const;
const THREADS = ["main", "worker 0", "worker 1"] as const;

interface Bundle {
  readonly marker: number;
  readonly version: number;
}
const bundles = Array.from({ length: VERSIONS * 2 }, (_, marker): Bundle => ({ marker, version: 1 + (marker >> 1) }));
const keys = bundles.map(() => newSigner("Ed25519"));
const claims = bundles.map(({ marker, version }) =>
  world.bundleClaims({
    version,
    principals: [{ id: "rita", roles: ["oncall"], keys: [keys[marker]?.jwk] }],
    entitlements: [world.entitlement("alone", { approvals: [] })],
  }),
);
const texts = new Map<string, string>();
function bundleText(marker: number, signers: number): string {
  const key = `${marker} ${signers}`;
  const known =
    texts.get(key) ??
    world.bundle(
      claims[marker],
      world.roots.filter((_, i) => ((signers >> i) & 1) === 1),
    );
  texts.set(key, known);
  return known;
}
const grants = AUDIENCES.map((aud) => keys.map((by) => world.alone({ by, claims: { aud } })));

interface Configuration {
  readonly text: string;
  readonly generation: number;
  readonly audience: number;
  readonly domain: string;
  readonly threshold: number;
  readonly minVersion: number;
  /** Undefined: none, or a broken one. */
  readonly bundle: Bundle | undefined;
  readonly signers: number;
  readonly isBroken: boolean;
}

function numbers(seed: number): (below: number) => number {
  let state = (seed * 2654435761) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

let generation = 1000;
function newConfiguration(random: (below: number) => number): Configuration {
  generation += 1;
  const audience = random(2);
  const rootCount = 2 + random(2);
  const threshold = 1 + random(rootCount);
  const minVersion = random(3) === 0 ? random(VERSIONS + 1) : 0;
  const kind = random(12);
  const marker = random(bundles.length);
  const signed = 1 + random(7);
  let text = kind < 2 ? undefined : bundleText(marker, signed);
  if (kind === 2) text = `${text?.slice(0, -2)}${text?.endsWith("AA") ? "AQ" : "AA"}`;
  const signers = [0, 1, 2].filter((i) => i < rootCount && ((signed >> i) & 1) === 1).length;
  const json = {
    generation,
    audience: AUDIENCES[audience],
    roots: world.roots.slice(0, rootCount).map(({ jwk }) => jwk),
    threshold,
    min_version: minVersion === 0 ? undefined : minVersion,
    bundle: text,
  };
  const bundle = text === undefined ? undefined : bundles[marker];
  const isBroken = kind === 2 && signed < 1 << rootCount;
  // A signature of no root is not checked, so a broken one of these breaks nothing.
  const domain = `${audience} ${rootCount}`;
  const plain = { generation, audience, domain, threshold, minVersion };
  return { ...plain, text: JSON.stringify(json), bundle, signers, isBroken };
}

interface Held {
  readonly bundle: Bundle;
  readonly signers: number;
}
interface ModelVm {
  readonly newest: Map<string, Held>;
  readonly contexts: Set<ModelContext>;
  isTrapped: boolean;
}
interface ModelContext {
  readonly configuration: Configuration;
  readonly vm: ModelVm;
  held: Held | undefined;
  holders: number;
}
interface Base {
  readonly vmId: string;
  readonly canaries: Map<string, boolean>;
  holders: number;
}
interface Serving {
  readonly configuration: Configuration;
  readonly base: Base;
  readonly contexts: ModelContext[];
}

/** What the gateway and the promises say, written without the filter. */
class Model {
  readonly bases = new Map<string, Base>();
  /** By vm_id and domain. */
  readonly shared = new Map<string, Bundle>();
  readonly listeners = new Map<string, Serving>();
  private readonly vms = new Map<string, ModelVm>();
  private readonly lastOffers = new Map<string, string>();
  /** Configurations that a thread could not use. */
  refused = 0;

  private static follows(bundle: Bundle, other: Bundle | undefined): boolean {
    if (other === undefined || bundle.version > other.version) return true;
    return bundle.version === other.version && bundle.marker === other.marker;
  }

  private raise(key: string, bundle: Bundle): void {
    if ((this.shared.get(key)?.version ?? -1) < bundle.version) this.shared.set(key, bundle);
  }

  private canary(base: Base, configuration: Configuration): boolean {
    const known = base.canaries.get(configuration.text);
    if (known !== undefined) return known;
    const { bundle, signers, threshold, minVersion, isBroken, domain } = configuration;
    const key = `${base.vmId} ${domain}`;
    const isGood =
      bundle === undefined ||
      (!isBroken &&
        signers >= threshold &&
        bundle.version >= minVersion &&
        Model.follows(bundle, this.shared.get(key)));
    if (isGood && bundle !== undefined) this.raise(key, bundle);
    base.canaries.set(configuration.text, isGood);
    return isGood;
  }

  private configure(vm: ModelVm, vmId: string, configuration: Configuration): ModelContext {
    const { bundle, signers, domain, threshold, minVersion } = configuration;
    const context: ModelContext = { configuration, vm, held: undefined, holders: 0 };
    vm.contexts.add(context);
    if (bundle === undefined) return context;
    const key = `${vmId} ${domain}`;
    const own = vm.newest.get(domain);
    if (Model.follows(bundle, own?.bundle ?? this.shared.get(key))) {
      this.raise(key, bundle);
      const isSame = own?.bundle === bundle && own.signers >= signers;
      context.held = isSame ? own : { bundle, signers };
      vm.newest.set(domain, context.held);
      return context;
    }
    this.refused += 1;
    const isBehind = (own?.bundle.version ?? -1) < (this.shared.get(key)?.version ?? -1);
    const mayGovern = own !== undefined && own.bundle.version >= minVersion && own.signers >= threshold && !isBehind;
    context.held = mayGovern ? own : undefined;
    return context;
  }

  private acquire(thread: string, base: Base, configuration: Configuration): ModelContext {
    const key = `${thread} ${base.vmId}`;
    const present = this.vms.get(key);
    const vm = present ?? { newest: new Map(), contexts: new Set(), isTrapped: false };
    if (present === undefined) {
      this.vms.set(key, vm);
      base.holders += 1;
    }
    const context =
      [...vm.contexts].find((candidate) => candidate.configuration.text === configuration.text) ??
      this.configure(vm, base.vmId, configuration);
    context.holders += 1;
    return context;
  }

  private drop(base: Base): void {
    base.holders -= 1;
    if (base.holders > 0) return;
    this.bases.delete(base.vmId);
    for (const key of [...this.shared.keys()]) if (key.startsWith(`${base.vmId} `)) this.shared.delete(key);
  }

  release(context: ModelContext, base: Base): void {
    context.holders -= 1;
    if (context.holders > 0) return;
    const { vm } = context;
    const { domain } = context.configuration;
    vm.contexts.delete(context);
    if (![...vm.contexts].some(({ configuration }) => configuration.domain === domain)) vm.newest.delete(domain);
    if (vm.contexts.size > 0) return;
    for (const [key, other] of [...this.vms]) if (other === vm) this.vms.delete(key);
    this.drop(base);
  }

  offer(listener: string, vmId: string, configuration: Configuration): boolean {
    const key = `${vmId} ${configuration.text}`;
    const before = this.listeners.get(listener);
    if (this.lastOffers.get(listener) === key) {
      return before !== undefined && before.base.vmId === vmId && before.configuration.text === configuration.text;
    }
    this.lastOffers.set(listener, key);
    const base = this.bases.get(vmId) ?? { vmId, canaries: new Map<string, boolean>(), holders: 0 };
    this.bases.set(vmId, base);
    base.holders += 1;
    if (!this.canary(base, configuration)) {
      this.drop(base);
      return false;
    }
    const contexts = THREADS.map((thread) => this.acquire(thread, base, configuration));
    this.listeners.set(listener, { configuration, base, contexts });
    if (before !== undefined) {
      for (const context of before.contexts) this.release(context, before.base);
      this.drop(before.base);
    }
    return true;
  }

  /** The VM traps: the next request on its thread gets another. */
  trap(thread: number, vmId: string): void {
    const key = `${THREADS[thread]} ${vmId}`;
    const vm = this.vms.get(key);
    if (vm === undefined) return;
    vm.isTrapped = true;
    this.vms.delete(key);
  }

  /** The bundle that decides about a request there. */
  governs(listener: string, thread: number): { context: ModelContext; base: Base } | undefined {
    const serving = this.listeners.get(listener);
    let context = serving?.contexts[thread];
    if (serving === undefined || context === undefined) return undefined;
    if (context.vm.isTrapped) {
      const fresh = this.acquire(THREADS[thread] ?? "", serving.base, serving.configuration);
      serving.contexts[thread] = fresh;
      this.release(context, serving.base);
      context = fresh;
    }
    const { held, vm, configuration } = context;
    const newest = vm.newest.get(configuration.domain);
    if (held !== undefined && newest !== undefined && newest.bundle.version > held.bundle.version) {
      if (newest.signers >= configuration.threshold) context.held = newest;
    }
    return { context, base: serving.base };
  }

  /** How many contexts the fullest VM has, and domains. */
  get load(): { contexts: number; domains: number } {
    const vms = [...this.vms.values()];
    const domainsOf = (vm: ModelVm) => new Set([...vm.contexts].map(({ configuration }) => configuration.domain)).size;
    return {
      contexts: Math.max(...vms.map(({ contexts }) => contexts.size)),
      domains: Math.max(...vms.map(domainsOf)),
    };
  }
}

let networks = 0;
/** Runs one sequence. What it did is in the error of a failure. */
async function run(seed: number): Promise<void> {
  const random = numbers(seed);
  const host = await FilterHost.load({ workers: 2, failurePolicy: "reload" });
  const model = new Model();
  const history: Configuration[] = [];
  const streams: { opened: OpenRequest; context: ModelContext; base: Base }[] = [];
  const story: string[] = [`seed ${seed}`];
  let traps = 0;

  const judge = (listener: string, worker: number, stays: boolean): void => {
    const found = model.governs(listener, worker + 1);
    if (found === undefined) return;
    const { context, base } = found;
    const { held, configuration } = context;
    const marker = held !== undefined && random(2) === 0 ? held.bundle.marker : random(bundles.length);
    networks += 1;
    const opened = host.open({
      headers: headersOf([grants[configuration.audience]?.[marker] ?? ""]),
      listener,
      worker,
      sourceAddress: `10.${(networks >> 16) & 255}.${(networks >> 8) & 255}.${networks & 255}:1`,
    });
    let right = held === undefined ? "no_trust" : "allow";
    if (held !== undefined && held.bundle.marker !== marker) right = "key_unknown";
    story.push(`${listener} on worker ${worker}, key ${marker}: ${right}`);
    expect(opened.outcome.filterState.get("wasm.glassgate.verdict"), story.join("\n")).toBe(right);
    if (stays) {
      context.holders += 1;
      streams.push({ opened, context, base });
    } else opened.close();
  };

  for (let step = 0; step < STEPS; step++) {
    const what = random(20);
    const listener = LISTENERS[random(3)] ?? "a";
    const vmId = VM_IDS[random(8) === 0 ? 1 : 0] ?? "one";
    if (what < 9) {
      const configuration =
        history.length > 0 && random(5) < 2 ? history[random(history.length)] : newConfiguration(random);
      if (configuration === undefined) continue;
      history.push(configuration);
      const refused = model.refused;
      const accepted = model.offer(listener, vmId, configuration);
      const { bundle, signers, threshold, domain, minVersion } = configuration;
      story.push(
        `${listener}/${vmId} gets ${configuration.generation}: domain ${domain}, threshold ${threshold}, min ${minVersion}, ` +
          `bundle ${bundle?.version}.${bundle?.marker} by ${signers}: ${accepted}, ${model.refused - refused} refused`,
      );
      const answer = host.configure(configuration.text, listener, { vmId });
      expect(answer, story.join("\n")).toMatchObject({ accepted });
      if (accepted) expect(answer.failedThreads, story.join("\n")).toEqual([]);
    } else if (what < 17) judge(listener, random(2), what === 16);
    else if (what === 17) {
      const [gone] = streams.splice(random(streams.length || 1), 1);
      if (gone === undefined) continue;
      story.push("a stream ends");
      gone.opened.close();
      model.release(gone.context, gone.base);
    } else if (what === 18) {
      host.advance(2000);
      for (let i = 0; i < 4; i++) host.tick();
    } else if (random(4) === 0) {
      const worker = random(2);
      const vm = host.process.workers[worker]?.allVms.find((candidate) => candidate.environment.vmId === vmId);
      if (vm === undefined) continue;
      story.push(`worker ${worker}/${vmId} traps`);
      vm.guest.invoke("tool_verify", 0, -64, -64, -64, 64);
      model.trap(worker + 1, vmId);
      host.advance(2000);
      traps += 1;
    }
  }
  for (const { opened, context, base } of streams.splice(0)) {
    opened.close();
    model.release(context, base);
  }
  for (const listener of LISTENERS) for (const worker of [0, 1]) judge(listener, worker, false);
  // Everything that went has given back what it held, and what was refused was told.
  for (const listener of LISTENERS) {
    const last = newConfiguration(() => 0);
    expect(model.offer(listener, "last", last)).toBe(true);
    expect(host.configure(last.text, listener, { vmId: "last" }).accepted).toBe(true);
  }
  host.advance(2000);
  for (let i = 0; i < 4; i++) host.tick();
  const gauge = (name: string): number | undefined => host.metrics().get(`glassgate.${name}`);
  expect(host.process.vmCount, story.join("\n")).toBe(1 + THREADS.length);
  expect(
    { contexts: gauge("contexts"), domains: gauge("domains"), streams: gauge("streams") },
    story.join("\n"),
  ).toEqual({
    ...model.load,
    streams: 0,
  });
  expect(gauge("configuration_bytes"), story.join("\n")).toBe(LISTENERS.length * 16 * 1024);
  if (traps === 0) expect(gauge("refused"), story.join("\n")).toBe(model.refused);
}

it(`${SEQUENCES} sequences from seed ${SEED}: the right bundle governs, always`, async () => {
  for (let i = 0; i < SEQUENCES; i++) await run(SEED + i);
}, 3_600_000);
