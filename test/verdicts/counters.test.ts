/** Every decision is counted once: in the VM's memory, and with its next tick or its root context's end in the gateway. */
import { expect, it } from "vitest";
import { verdictCodes } from "../../control/base/verdicts.gen.js";
import { type ConfigureOptions, FilterHost, type HostOptions } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { World } from "../kit/world.js";

const start = Math.floor(Date.now() / 1000);
/** A Proxy-Wasm status. */
const INTERNAL_FAILURE = 10;
const PREFIX = "glassgate.decisions.verdict=";
/** Records of unproven denials a second and VM, as in assembly/filter/record.ts. */
const MAX_UNPROVEN = 100;

async function setUp(options: HostOptions = {}, configuration: Readonly<Record<string, unknown>> = {}) {
  const world = new World(start);
  const clock = { seconds: start };
  const host = await FilterHost.load({ ...options, clock: () => clock.seconds * 1000 });
  const configure = (options: ConfigureOptions = {}): void => {
    expect(host.configure(world.configuration({ configuration }), "api", options).accepted).toBe(true);
  };
  configure();
  const ask = (grants: readonly string[], path?: string, worker = 0): void => {
    host.request({ headers: headersOf(grants, path), worker });
  };
  /** What the gateway shows, without the zeros. */
  const counted = (): Record<string, number> =>
    Object.fromEntries(
      [...host.metrics()]
        .filter(([name, value]) => name.startsWith(PREFIX) && value !== 0)
        .map(([name, value]) => [name.slice(PREFIX.length), value]),
    );
  const dropped = (): number | undefined => host.metrics().get("glassgate.records_dropped");
  return { world, clock, host, configure, ask, counted, dropped };
}

it("shows a zero for every verdict from the start", async () => {
  const { host, dropped } = await setUp();
  const shown = [...host.metrics()].filter(([name]) => name.startsWith(PREFIX));
  expect(shown).toEqual(verdictCodes.map((code) => [`${PREFIX}${code}`, 0]));
  expect(dropped()).toBe(0);
});

it("counts each decision under its verdict, and hands it over once, with the next tick", async () => {
  const { world, host, ask, counted } = await setUp();
  const grant = world.grant();
  const stranger = world.alone({ by: world.stranger });
  for (let i = 0; i < 3; i++) ask([grant]);
  ask([world.alone()]);
  ask([world.alone()], "/elsewhere");
  for (let i = 0; i < 2; i++) ask(["garbage"]);
  for (let i = 0; i < 5; i++) ask([stranger]);
  ask([world.alone({ by: world.stranger, header: { kid: world.rita.kid } })]);
  ask([world.grant({ approvals: [{ by: world.stranger }] })]);
  ask([grant, grant]);
  ask([]);
  expect(counted()).toEqual({});
  host.tick();
  const once = {
    allow: 4,
    scope_path: 1,
    malformed: 2,
    // Of a stranger, five times, as of who signs for somebody else: a metric must not tell which keys there are.
    signature: 6,
    key_unknown: 1,
    duplicate_header: 1,
  };
  expect(counted()).toEqual(once);
  host.tick();
  expect(counted()).toEqual(once);
  ask([grant]);
  ask(["garbage"]);
  expect(counted()).toEqual(once);
  host.tick();
  expect(counted()).toEqual({ ...once, allow: 5, malformed: 3 });
});

it("adds up what all VMs have counted", async () => {
  const { world, host, ask, counted } = await setUp({ workers: 3 });
  for (let i = 0; i < 30; i++) ask([world.alone()], undefined, i % 3);
  ask(["garbage"], undefined, 2);
  host.tick();
  expect(counted()).toEqual({ allow: 30, malformed: 1 });
});

it("counts requests without a grant only where one is required, and in shadow as it would decide", async () => {
  const required = await setUp({}, { require: true });
  required.ask([]);
  required.host.tick();
  expect(required.counted()).toEqual({ no_grant: 1 });
  const shadow = await setUp({}, { mode: "shadow", require: true });
  shadow.ask([]);
  shadow.ask(["garbage"]);
  shadow.ask([shadow.world.alone()]);
  // As it would tell: neither there does a metric say which keys there are.
  shadow.ask([shadow.world.alone({ by: shadow.world.stranger })]);
  shadow.ask([shadow.world.alone({ by: shadow.world.stranger, header: { kid: shadow.world.rita.kid } })]);
  shadow.host.tick();
  expect(shadow.counted()).toEqual({ malformed: 1, allow: 1, signature: 2 });
});

it("hands over what was counted when its root ends: with a new configuration, and with a new VM", async () => {
  const { world, host, configure, ask, counted } = await setUp();
  ask([world.alone()]);
  configure();
  expect(counted()).toEqual({ allow: 1 });
  ask([world.alone()]);
  ask(["garbage"]);
  configure({ vmId: "another" });
  expect(counted()).toEqual({ allow: 2, malformed: 1 });
  ask([world.alone()]);
  host.tick();
  expect(counted()).toEqual({ allow: 3, malformed: 1 });
});

it("hands over in a VM that is left only when its last stream ends, and by its ticks until then", async () => {
  const { world, host, configure, counted } = await setUp();
  const open = () => host.open({ headers: headersOf([world.alone()]) });
  const streams = [open(), open()];
  configure({ vmId: "another" });
  expect(counted()).toEqual({});
  host.tick();
  expect(counted()).toEqual({ allow: 2 });
  streams[0]?.close();
  expect(counted()).toEqual({ allow: 2 });

  const last = open();
  configure({ vmId: "a third" });
  streams[1]?.close();
  expect(counted()).toEqual({ allow: 2 });
  last.close();
  expect(counted()).toEqual({ allow: 3 });
});

it("counts the records of unproven denials that were dropped: from the 101st of a second and VM on", async () => {
  const { world, clock, host, ask, counted, dropped } = await setUp();
  for (let i = 0; i < MAX_UNPROVEN; i++) ask(["garbage"]);
  host.tick();
  expect(dropped()).toBe(0);
  for (let i = 0; i < 7; i++) ask(["garbage"]);
  // Whoever has signed is recorded all the same.
  ask([world.alone()]);
  ask([world.alone()], "/elsewhere");
  expect(dropped()).toBe(0);
  host.tick();
  expect(dropped()).toBe(7);
  host.tick();
  expect(dropped()).toBe(7);
  clock.seconds += 1;
  for (let i = 0; i < MAX_UNPROVEN + 2; i++) ask(["garbage"]);
  host.tick();
  expect(dropped()).toBe(9);
  expect(counted()).toEqual({ malformed: 2 * MAX_UNPROVEN + 9, allow: 1, scope_path: 1 });
});

it("hands over the dropped records when the root ends", async () => {
  const { configure, ask, dropped } = await setUp();
  for (let i = 0; i < MAX_UNPROVEN + 3; i++) ask(["garbage"]);
  configure();
  expect(dropped()).toBe(3);
});

/** Such a worker did not tick: while it denied everything with `no_trust`, the gateway showed nothing. */
it("counts and hands over as well where a thread could not read its configuration", async () => {
  let isFailing = false;
  const { world, host, configure, ask, counted } = await setUp({
    intercept: ({ name, thread }) =>
      isFailing && thread === "worker 0" && name === "proxy_get_buffer_bytes" ? INTERNAL_FAILURE : undefined,
  });
  isFailing = true;
  configure();
  ask([world.alone()]);
  expect(counted()).toEqual({});
  host.tick();
  expect(counted()).toEqual({ no_trust: 1 });
});
