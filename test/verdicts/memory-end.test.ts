/**
 * The end of memory, and of every other thing that a VM holds a bounded number of, on the release build: nothing traps, what
 * does not fit is denied, gauges and log tell of it before and after, and what is given back can be used again.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { Status } from "../../control/host/abi.js";
import { FilterHost, type OpenRequest } from "../../control/host/host.js";
import { GuestInstance } from "../../control/host/instance.js";
import { Stream } from "../../control/host/stream.js";
import { loadProgram } from "../../control/host/wasm.js";
import { headersOf } from "../kit/headers.js";
import { newSigner } from "../kit/token.js";
import { type Json, World } from "../kit/world.js";

const MIB = 1024 * 1024;
const MAX_MEMORY = 256 * MIB;
const MAX_CONTEXTS = 4096;
const MAX_DOMAINS = 64;
const MAX_STREAMS = 786_432;
/** A key's table of multiples, and those of both base points, in whole granules of 16 KiB (assembly/heap.ts). */
const KEY_BYTES = 256 * 1024;
const BASES_BYTES = (704 + 256) * 1024;
const world = new World(Math.floor(Date.now() / 1000));

async function setUp() {
  const host = await FilterHost.load();
  const verdictOf = ({ outcome }: OpenRequest): string | undefined => outcome.filterState.get("wasm.glassgate.verdict");
  const open = (grant?: string, listener = "api"): OpenRequest =>
    host.open({ headers: headersOf(grant === undefined ? [] : [grant]), listener });
  const ask = (grant: string, listener = "api"): string | undefined => {
    const opened = open(grant, listener);
    opened.close();
    return verdictOf(opened);
  };
  const gauge = (name: string): number => host.metrics().get(`glassgate.${name}`) ?? 0;
  /** What every VM says of itself shows after its fourth idle tick. */
  const tick = (): void => {
    host.advance(2000);
    for (let i = 0; i < 8; i++) host.tick();
  };
  const warnings = (): readonly string[] => host.process.log.map(({ text }) => text);
  const vms = () => host.process.workers.flatMap(({ allVms }) => allVms);
  const expectAlive = (): void => {
    expect(vms().map(({ failure }) => failure)).toEqual([undefined]);
    for (const { memory } of vms()) expect(memory.size).toBeLessThanOrEqual(MAX_MEMORY);
  };
  return { host, open, ask, verdictOf, gauge, tick, warnings, expectAlive };
}

/** As large as a bundle may be: some 3,000 principals with three roles. */
const largest = (): Json =>
  world.bundleClaims({
    principals: [
      { id: "rita", roles: ["oncall"], keys: [world.rita.jwk] },
      ...Array.from({ length: 4000 }, (_, i) => ({ id: `p${i}`, roles: ["a", "b", "c", "d", "e"], keys: [] })),
    ],
  });

it("asconfig.json allows the memory that the budget counts with", () => {
  const asconfig: unknown = JSON.parse(readFileSync("asconfig.json", "utf8"));
  expect(asconfig).toMatchObject({ options: { maximumMemory: MAX_MEMORY / 65_536 } });
});

it("largest bundles, each of another domain and with a stream: the one too many is denied, and heals", async () => {
  const { host, open, ask, gauge, tick, warnings, expectAlive } = await setUp();
  // A context whose domain has a newer bundle takes that over and gives its own back, so generations of one domain fill nothing.
  const configure = (audience: string, listener: string): void => {
    const text = world.configuration({ bundle: { ...largest(), aud: [audience] }, configuration: { audience } });
    expect(host.configure(text, listener)).toMatchObject({ accepted: true, failedThreads: [] });
  };
  const asked = (aud: string, listener: string): string | undefined => ask(world.alone({ claims: { aud } }), listener);
  configure("first", "first");
  expect(asked("first", "first")).toBe("allow");
  const streams: OpenRequest[] = [];
  let taken = 0;
  for (; taken < MAX_DOMAINS; taken++) {
    configure(`env-${taken}`, "api");
    streams.push(open());
    if (asked(`env-${taken}`, "api") !== "allow") break;
  }
  expect(taken).toBeGreaterThan(9);
  expect(taken).toBeLessThan(MAX_DOMAINS - 1);
  expect(asked(`env-${taken}`, "api")).toBe("no_trust");
  expect(asked("first", "first")).toBe("allow");
  // The bundle before may have allowed what this one, which could not be read, takes away: so none decides.
  configure("first", "first");
  expect(asked("first", "first")).toBe("no_trust");
  expectAlive();
  tick();
  expect(gauge("refused")).toBeGreaterThan(0);
  expect(gauge("configuration_bytes")).toBeGreaterThan(48 * MIB);
  expect(warnings()).toContainEqual(
    expect.stringMatching(/^glassgate: this VM holds \d+ of at most 65536 KiB of settings and bundles$/),
  );
  expect(warnings()).toContainEqual(
    expect.stringMatching(/^glassgate: this VM had no room, or no use, for \d+ streams or configurations/),
  );
  for (const stream of streams) stream.close();
  for (const listener of ["api", "first"]) {
    configure(listener, listener);
    expect(asked(listener, listener)).toBe("allow");
  }
  tick();
  expect(gauge("configuration_bytes")).toBeLessThan(8 * MIB);
});

/** All keys that may have a table, and one that finds none: 64 of them, and both base points. */
it("tables fill what they may and no more, and a smaller budget holds once the configuration with the larger one is gone", async () => {
  const { host, ask, gauge, tick, expectAlive } = await setUp();
  const signers = Array.from({ length: 65 }, (_, i) => newSigner(i % 2 === 0 ? "Ed25519" : "ES256"));
  const bundle = world.bundleClaims({
    principals: signers.map(({ jwk }, i) => ({ id: `p${i}`, roles: ["oncall"], keys: [jwk] })),
  });
  const configure = (kib: number): void => {
    const text = world.configuration({ bundle, configuration: { table_memory_kib: kib } });
    expect(host.configure(text)).toMatchObject({ accepted: true, failedThreads: [] });
  };
  const grants = signers.map((by, i) => world.alone({ by, claims: { sub: `p${i}` } }));
  /** As many keys at a time as can wait, until all have had their turn. */
  const fill = (): void => {
    for (let first = 0; first < grants.length; first += 13) {
      for (const grant of grants.slice(first, first + 13)) expect(ask(grant)).toBe("allow");
      for (let i = 0; i < 500; i++) host.tick();
    }
    tick();
  };
  configure(32_768);
  fill();
  expect(gauge("tables_built")).toBe(64);
  expect(gauge("table_bytes")).toBe(64 * KEY_BYTES + BASES_BYTES);
  expectAlive();
  configure(2048);
  tick();
  expect(gauge("table_bytes")).toBe(0);
  fill();
  expect(gauge("tables_built")).toBe(64 + 4);
  expect(gauge("table_bytes")).toBe(4 * KEY_BYTES + BASES_BYTES);
  // Nothing is checked without a bundle, as with the default that a gateway falls back on: no table is kept for it.
  expect(host.configure(world.configuration({ bundle: null }), "default").accepted).toBe(true);
  expect(gauge("table_bytes")).toBeGreaterThan(0);
  expect(host.configure(world.configuration({ bundle: null })).accepted).toBe(true);
  tick();
  expect(gauge("table_bytes")).toBe(0);
});

it("300 configurations with a stream each: each stream keeps its own", async () => {
  const { host, open, verdictOf, gauge, tick, expectAlive } = await setUp();
  const streams: OpenRequest[] = [];
  // Most of them without a bundle, which would take most of the time: by the verdict each shows whose stream it is.
  const hasBundle = (i: number): boolean => i % 16 === 0;
  for (let i = 0; i < 300; i++) {
    const text = world.configuration(hasBundle(i) ? {} : { bundle: null });
    expect(host.configure(text)).toMatchObject({ accepted: true, failedThreads: [] });
    streams.push(open(world.alone()));
  }
  expect(streams.map(verdictOf)).toEqual(streams.map((_, i) => (hasBundle(i) ? "allow" : "no_trust")));
  expectAlive();
  tick();
  expect(gauge("contexts")).toBe(300);
  expect(gauge("refused")).toBe(0);
  for (const stream of streams) stream.close();
  tick();
  expect(gauge("contexts")).toBe(1);
  expect(gauge("streams")).toBe(0);
});

it("one context too many: denied and told before and after, without a grant it goes on, and a place that is freed heals", async () => {
  const { host, ask, gauge, tick, warnings, expectAlive } = await setUp();
  expect(host.configure(world.configuration()).accepted).toBe(true);
  const [vm] = host.process.workers[0]?.allVms ?? [];
  const FIRST = 1_000_000;
  // As if thousands of generations had a stream each: roots that nobody configures weigh the same here.
  for (let id = FIRST; id < FIRST + MAX_CONTEXTS - 1; id++) vm?.guest.invoke("proxy_on_context_create", id, 0);
  tick();
  expect(gauge("contexts")).toBe(MAX_CONTEXTS);
  expect(gauge("refused")).toBe(0);
  expect(warnings()).toContain(
    "glassgate: this VM holds 4096 of at most 4096 configurations side by side, those with streams still open included",
  );
  expect(host.configure(world.configuration(), "other")).toMatchObject({ accepted: true, failedThreads: [] });
  expect(ask(world.alone(), "other")).toBe("no_trust");
  expect(ask(world.alone())).toBe("allow");
  const normal = host.request({ headers: headersOf([]), listener: "other" });
  expect(normal).toMatchObject({ kind: "continue", isUnjudged: false });
  expect(normal.filterState.size).toBe(0);
  tick();
  // The configuration and both requests.
  expect(gauge("refused")).toBe(3);
  expect(warnings()).toContainEqual(
    expect.stringContaining("every grant is denied: this VM holds too many configurations at once"),
  );
  for (let id = FIRST; id < FIRST + 10; id++) vm?.guest.invoke("proxy_on_delete", id);
  expect(host.configure(world.configuration(), "other").accepted).toBe(true);
  expect(ask(world.alone(), "other")).toBe("allow");
  expectAlive();
});

it("warns once at three quarters, and anew when it comes there again from less than half", async () => {
  const { host, tick, warnings } = await setUp();
  expect(host.configure(world.configuration({ bundle: null })).accepted).toBe(true);
  const [vm] = host.process.workers[0]?.allVms ?? [];
  const FIRST = 1_000_000;
  let count = 1;
  const hold = (wanted: number): number => {
    for (; count < wanted; count++) vm?.guest.invoke("proxy_on_context_create", FIRST + count, 0);
    for (; count > wanted; count--) vm?.guest.invoke("proxy_on_delete", FIRST + count - 1);
    tick();
    return warnings().filter((text) => text.includes("configurations side by side")).length;
  };
  const counts = [3071, 3072, 4000, 2048, 3072, 2047, 3071, 3072];
  expect(counts.map(hold)).toEqual([0, 1, 1, 1, 1, 1, 1, 2]);
});

it("the 65th domain: denied and told; one that is served no more makes room", async () => {
  const { host, ask, gauge, tick, warnings, expectAlive } = await setUp();
  const serve = (audience: string, listener: string, bundle: Json | null = null): void => {
    const text = world.configuration({ bundle, configuration: { audience } });
    expect(host.configure(text, listener)).toMatchObject({ accepted: true, failedThreads: [] });
  };
  const grant = (audience: string): string => world.alone({ claims: { aud: audience } });
  const bundleOf = (audience: string): Json => world.bundleClaims({ aud: [audience] });
  // Bundles only for those that are asked: they take most of the time.
  const isAsked = (i: number): boolean => i === 0 || i === 63;
  for (let i = 0; i < MAX_DOMAINS; i++) {
    serve(`team-${i}`, `listener-${i}`, isAsked(i) ? bundleOf(`team-${i}`) : null);
  }
  tick();
  expect(gauge("domains")).toBe(MAX_DOMAINS);
  expect(gauge("refused")).toBe(0);
  expect(warnings()).toContainEqual(
    expect.stringContaining("this VM holds 48 of at most 64 pairs of audience and roots"),
  );
  serve("team-x", "listener-x", bundleOf("team-x"));
  expect(ask(grant("team-x"), "listener-x")).toBe("no_trust");
  for (const i of [0, 63]) expect(ask(grant(`team-${i}`), `listener-${i}`)).toBe("allow");
  tick();
  expect(gauge("refused")).toBeGreaterThan(0);
  expectAlive();
  // A listener that goes over to another's audience leaves a place, over and over.
  for (let i = 0; i < 70; i++) serve("team-1", "listener-0");
  serve("team-y", "listener-x", bundleOf("team-y"));
  expect(ask(grant("team-y"), "listener-x")).toBe("allow");
  for (let i = 0; i < 70; i++) serve(`other-${i}`, "listener-x", i === 69 ? bundleOf("other-69") : null);
  expect(ask(grant("other-69"), "listener-x")).toBe("allow");
});

it("a million streams: those beyond the table are unknown, and nothing traps", async () => {
  const guest = new GuestInstance(await loadProgram(), {
    resolve: () => undefined,
    intercept: () => Status.NotFound,
    onTrap: (reason) => {
      throw new Error(reason);
    },
  });
  guest.start();
  guest.invoke("proxy_on_context_create", 1, 0);
  for (let id = 2; id < MAX_STREAMS + 2 + 5000; id++) guest.invoke("proxy_on_context_create", id, 1);
  expect(guest.memory.size).toBeLessThan(32 * MIB);
  for (let id = MAX_STREAMS + 2 + 5000; id > 1; id--) guest.invoke("proxy_on_delete", id);
  guest.invoke("proxy_on_context_create", 2, 1);
  expect(guest.trapReason).toBeUndefined();
});

/**
 * The place of a context that is gone goes to the next one. No gateway ends a root before its streams; one that did must not
 * have them judged under another root's keys.
 */
it.each([
  ["another context stands in its place", 0],
  ["so many have stood there that a handle of 32 bits could be the same again", 2 ** 20 - 1],
])("a stream whose context is gone is a stranger, also when %s", async (_, between) => {
  const { host } = await setUp();
  expect(host.configure(world.configuration()).accepted).toBe(true);
  const [vm] = host.process.workers[0]?.allVms ?? [];
  if (vm === undefined) throw new Error("the worker has no VM");
  const rootOf = (key: string) => {
    const plugin = { key, name: key, rootId: key, configuration: Buffer.from(world.configuration()) };
    const root = vm.startRoot(plugin);
    if (root === undefined || !vm.configureRoot(root, plugin)) throw new Error("the root was refused");
    return { plugin, root };
  };
  const streamOf = ({ plugin, root }: ReturnType<typeof rootOf>) => {
    const stream = new Stream({
      headers: headersOf([world.alone()]),
      sourceAddress: "192.0.2.1:1",
      properties: new Map(),
      connectionId: 1n,
      startedAt: 0n,
    });
    return { stream, context: vm.openStream(root, plugin, stream) };
  };
  const old = rootOf("old");
  const orphan = streamOf(old);
  vm.guest.invoke("proxy_on_delete", old.root.id);
  for (let i = 0; i < between; i++) {
    vm.guest.invoke("proxy_on_context_create", 1_000_000, 0);
    vm.guest.invoke("proxy_on_delete", 1_000_000);
  }
  const next = streamOf(rootOf("next"));
  for (const { context, stream } of [orphan, next]) vm.onRequestHeaders(context, stream);
  const verdicts = [orphan, next].map(({ stream }) => stream.filterState.get("wasm.glassgate.verdict")?.toString());
  expect(verdicts).toEqual(["no_trust", "allow"]);
});
