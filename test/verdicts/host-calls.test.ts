/**
 * Exactly which host calls each kind of request makes, on a worker that is warm: a call costs the gateway more than most of
 * what the filter does itself. Whatever is added here needs a reason as good as those beside it.
 */
import { describe, expect, it } from "vitest";
import { FilterHost, type Header } from "../../control/host/host.js";
import { loadProgram } from "../../control/host/wasm.js";
import { headersOf } from "../kit/headers.js";
import { proofOf } from "../kit/proofs.js";
import { newSigner } from "../kit/token.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
const ATTESTATION: Header = ["x-break-glass-grant", 'sub="admin"'];

/** A host whose worker has judged a request of each kind and done all work of its ticks. */
async function setUp(configuration: Readonly<Record<string, unknown>> = {}) {
  let calls: string[] = [];
  const host = await FilterHost.load({
    intercept: ({ name, thread }) => {
      if (thread === "worker 0") calls.push(name);
      return undefined;
    },
  });
  expect(host.configure(world.configuration({ configuration })).accepted).toBe(true);
  const [vm] = host.process.workers[0]?.allVms ?? [];
  if (vm === undefined) throw new Error("the worker has no VM");
  const during = (action: () => void): readonly string[] => {
    calls = [];
    action();
    return calls;
  };
  /** From the creation of the stream to its deletion. */
  const callsOf = (headers: readonly Header[]) => during(() => host.request({ headers }));
  const tick = () => during(() => host.tick());
  for (const grants of [[], [world.alone()], ["garbage"]]) callsOf(headersOf(grants));
  for (let i = 0; i < 100; i++) tick();
  return { vm, callsOf, tick };
}

it("has no callback but these: whatever else a stream or the gateway goes through costs nothing", async () => {
  const callbacks = [...(await loadProgram()).shape.functions.keys()].filter((name) => name.startsWith("proxy_on_"));
  expect(callbacks).toEqual([
    "proxy_on_context_create",
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_request_headers",
    "proxy_on_delete",
    "proxy_on_http_call_response",
    "proxy_on_tick",
  ]);
});

describe("a request without a grant", () => {
  it("costs two reads", async () => {
    const { callsOf } = await setUp();
    expect(callsOf(headersOf([]))).toEqual([
      "proxy_get_header_map_value", // x-break-glass: is there a grant?
      "proxy_get_header_map_value", // x-break-glass-grant: does the client pretend to have been let in?
    ]);
  });

  it("costs one more where the client sent an attestation", async () => {
    const { callsOf } = await setUp();
    expect(callsOf([...headersOf([]), ATTESTATION])).toEqual([
      "proxy_get_header_map_value", // x-break-glass
      "proxy_get_header_map_value", // x-break-glass-grant: it is there
      "proxy_remove_header_map_value", // the upstream must not see it
    ]);
  });

  it("is denied without clock and record where a grant is required", async () => {
    const { callsOf } = await setUp({ require: true });
    expect(callsOf(headersOf([]))).toEqual([
      "proxy_get_header_map_value", // x-break-glass
      "proxy_get_header_map_value", // x-break-glass-grant
      "proxy_get_header_map_pairs", // the request id, which the answer names
      "proxy_set_property", // the verdict
      "proxy_remove_header_map_value", // the grant: none, but a denial leaves none in any case
      "proxy_send_local_response", // the answer
    ]);
  });

  it("leaves memory as it was: nothing is handed over in the arena, and nothing allocated", async () => {
    const { vm, callsOf } = await setUp();
    const arenaTop = (): number => vm.call("malloc", 0);
    vm.call("tool_reset");
    const empty = arenaTop();
    const size = vm.memory.size;
    const headers = headersOf([]);
    for (let i = 0; i < 100_000; i++) callsOf(headers);
    expect(arenaTop()).toBe(empty);
    expect(vm.memory.size).toBe(size);
    // An attestation's value is handed over in the arena, and stands there until the next request.
    callsOf([...headers, ATTESTATION]);
    expect(arenaTop()).toBeGreaterThan(empty);
    callsOf(headers);
    expect(arenaTop()).toBe(empty);
  });
});

describe("a request with a grant", () => {
  const asked = [
    "proxy_get_header_map_value", // x-break-glass
    "proxy_get_current_time_nanoseconds", // what holds now
    "proxy_get_header_map_pairs", // method, host, path, the grant, what is to be stripped: all in one
    "proxy_get_property", // source.address: for the record and, where signatures must be checked, for who is busy
    "proxy_set_property", // the record, with the evidence of a new grant: without it there is no access
  ];

  it("that was accepted before", async () => {
    const { callsOf } = await setUp();
    const grant = world.grant();
    callsOf(headersOf([grant]));
    expect(callsOf(headersOf([grant]))).toEqual([
      ...asked,
      "proxy_set_property", // the verdict, before any header is changed
      "proxy_remove_header_map_value", // the grant: a credential, which the upstream must not see
      "proxy_replace_header_map_value", // the attestation: who broke the glass
    ]);
  });

  it("that may be used from some networks only, and was accepted before: nothing more, as the record asks where it comes from", async () => {
    const { callsOf } = await setUp();
    const grant = world.grant({ claims: { net: ["192.0.2.0/24"] } });
    callsOf(headersOf([grant]));
    expect(callsOf(headersOf([grant]))).toEqual([
      ...asked,
      "proxy_set_property", // the verdict
      "proxy_remove_header_map_value", // the grant
      "proxy_replace_header_map_value", // the attestation
    ]);
  });

  it("that is new", async () => {
    const { callsOf } = await setUp();
    expect(callsOf(headersOf([world.grant()]))).toEqual([
      ...asked,
      "proxy_set_property", // the verdict
      "proxy_remove_header_map_value", // the grant
      "proxy_replace_header_map_value", // the attestation
    ]);
  });

  it("and with headers that the upstream must not see: a call for each name, however many lines", async () => {
    const { callsOf } = await setUp();
    const grant = world.alone();
    callsOf(headersOf([grant]));
    const more: readonly Header[] = [["authorization", "Bearer a"], ["x-user", "a"], ["x-user", "b"], ATTESTATION];
    expect(callsOf([...headersOf([grant]), ...more])).toEqual([
      ...asked,
      "proxy_set_property", // the verdict
      "proxy_remove_header_map_value", // the grant
      "proxy_remove_header_map_value", // authorization
      "proxy_remove_header_map_value", // x-user
      "proxy_remove_header_map_value", // the client's attestation
      "proxy_replace_header_map_value", // the attestation
    ]);
  });

  it("that is bound to a key: what was used is asked and told, and nothing else is asked", async () => {
    const { callsOf } = await setUp();
    const key = newSigner("Ed25519");
    const grant = world.alone({ claims: { cnf: { jkt: key.kid } } });
    // Later than the start of the table of used proofs.
    const iat = Math.floor(Date.now() / 1000) + 30;
    const prove = (): Header => ["dpop", proofOf(key, { grant, claims: { iat } })];
    callsOf([...headersOf([grant]), prove()]);
    expect(callsOf([...headersOf([grant]), prove()])).toEqual([
      ...asked.slice(0, 3),
      "proxy_get_property", // source.address: for who is busy, and for the record
      "proxy_get_shared_data", // the used proofs of this key
      "proxy_set_shared_data", // and this one
      "proxy_set_property", // the record
      "proxy_set_property", // the verdict
      "proxy_remove_header_map_value", // the grant
      "proxy_remove_header_map_value", // the proof
      "proxy_replace_header_map_value", // the attestation
    ]);
    expect(callsOf(headersOf([grant]))).not.toContain("proxy_get_shared_data");
  });

  const denied = [
    ["garbage", () => headersOf(["garbage"])],
    ["of a stranger", () => headersOf([world.alone({ by: world.stranger })])],
    ["that is forged", () => headersOf([world.alone({ by: world.stranger, header: { kid: world.rita.kid } })])],
    ["for another path", () => headersOf([world.alone()], "/elsewhere")],
    ["twice", () => headersOf(["garbage", "garbage"])],
  ] as const;
  for (const [name, headers] of denied) {
    it(`${name}: denied`, async () => {
      const { callsOf } = await setUp();
      expect(callsOf(headers())).toEqual([
        ...asked,
        "proxy_set_property", // the verdict
        "proxy_remove_header_map_value", // the grant: an access log may show the request's headers
        "proxy_send_local_response", // the answer
      ]);
    });
  }
});

/** A VM says every two seconds, that is at every fourth idle tick, that it is there and how full it is. */
const CLOCK = "proxy_get_current_time_nanoseconds";
const SAID: readonly string[] = [
  CLOCK,
  "proxy_get_shared_data", // who serves which generation
  "proxy_set_shared_data",
  "proxy_record_metric", // revocations_applied
  "proxy_record_metric", // generation
  "proxy_record_metric", // generation_vms
  "proxy_get_shared_data", // has another spoken meanwhile?
  "proxy_get_shared_data", // how full they are
  "proxy_set_shared_data",
  ...Array.from({ length: 6 }, () => "proxy_record_metric"), // contexts, domains, streams, memory of two kinds, open grants
  "proxy_record_metric", // heartbeat_at: this VM is there
];

it("a tick costs nothing while nothing happens, but for what a VM says of itself, and a call for each counter that has risen", async () => {
  const { callsOf, tick } = await setUp();
  const idle = Array.from({ length: 8 }, tick).filter((calls) => calls.length > 1);
  expect(idle).toEqual([SAID, SAID]);
  while (tick().length === 1) {
    // Until it has just spoken.
  }
  const cached = headersOf([world.alone()]);
  for (let i = 0; i < 10; i++) callsOf(cached);
  for (let i = 0; i < 10; i++) callsOf(headersOf(["garbage"]));
  callsOf(headersOf([]));
  expect(tick()).toEqual([
    "proxy_increment_metric", // allow
    "proxy_increment_metric", // malformed
    CLOCK, // tables that were not used for long may go
    "proxy_record_metric", // heartbeat_seq: how far the chain of records has come
    "proxy_record_metric", // heartbeat_head
  ]);
  expect(tick()).toEqual([CLOCK]);
});
