/** A request that becomes a tunnel needs the action CONNECT beside its own method, from the grant and from the entitlement. */
import { expect, it } from "vitest";
import { FilterHost, type Header } from "../../control/host/host.js";
import { HOST, World } from "../kit/world.js";
import { referenceDecision } from "../reference/decide.js";

const start = Math.floor(Date.now() / 1000);
const world = new World(start);
const OTHER = "other.example.com";
const tunnels: readonly Header[] = [
  ["upgrade", "websocket"],
  ["upgrade", "h2c"],
  [":protocol", "websocket"],
];

async function setUp() {
  const host = await FilterHost.load({ clock: () => start * 1000 });
  const configuration = world.configuration();
  expect(host.configure(configuration).accepted).toBe(true);
  /** The verdict of the filter, which is the reference's. */
  return async (
    method: string,
    actions: readonly string[],
    more: readonly Header[],
    { authority = OTHER, ent = "alone" } = {},
  ): Promise<string | undefined> => {
    const detail = world.detail({ locations: [authority], actions, paths: ["/orders/*"] });
    const grant = world.alone({ claims: { ent, authorization_details: [detail] } });
    const path = "/orders/7";
    const headers: Header[] = [
      [":method", method],
      [":path", path],
      [":authority", authority],
      ["x-break-glass", grant],
      ...more,
    ];
    const verdict = host.request({ headers }).filterState.get("wasm.glassgate.verdict");
    const request = { method, host: authority, path, isUpgrade: more.length > 0 };
    expect(verdict).toBe(await referenceDecision({ configuration, grants: [grant], request, now: start }));
    return verdict;
  };
}

it("is out of the grant's scope without CONNECT, and without the request's own method", async () => {
  const ask = await setUp();
  expect(await ask("GET", ["GET"], [])).toBe("allow");
  for (const header of tunnels) {
    expect(await ask("GET", ["GET"], [header]), header.join(": ")).toBe("scope_method");
    expect(await ask("GET", ["CONNECT"], [header]), header.join(": ")).toBe("scope_method");
    expect(await ask("GET", ["CONNECT", "GET"], [header]), header.join(": ")).toBe("allow");
  }
});

it("CONNECT is a method like any other", async () => {
  const ask = await setUp();
  expect(await ask("CONNECT", ["GET"], [])).toBe("scope_method");
  expect(await ask("CONNECT", ["CONNECT"], [])).toBe("allow");
  expect(await ask("CONNECT", ["CONNECT"], [[":protocol", "websocket"]])).toBe("allow");
});

it("needs an entitlement with CONNECT, or for any method", async () => {
  const ask = await setUp();
  for (const header of tunnels) {
    expect(await ask("GET", ["CONNECT", "GET"], [header], { authority: HOST })).toBe("entitlement_scope");
    expect(await ask("GET", ["CONNECT", "GET"], [header], { authority: HOST, ent: "wide" })).toBe("allow");
  }
});
