/** A list ends where it ends: what stands beside it, in the JSON and in the filter's memory, is none of its items. */
import { describe, expect, it } from "vitest";
import { FilterHost, type Header } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { HOST, World } from "../kit/world.js";

const start = Math.floor(Date.now() / 1000);
const world = new World(start);

async function setUp(changes: Readonly<Record<string, unknown>> = {}) {
  const host = await FilterHost.load({ clock: () => start * 1000 });
  expect(host.configure(world.configuration({ bundle: world.bundleClaims(changes) })).accepted).toBe(true);
  return (headers: readonly Header[]): string | undefined =>
    host.request({ headers }).filterState.get("wasm.glassgate.verdict");
}

it("no other claim makes a grant one for this gateway, wherever it stands", async () => {
  const verdictOf = await setUp();
  for (const aud of ["elsewhere", ["elsewhere"], ["elsewhere", "nowhere"]]) {
    for (const name of ["sub", "ent", "reason", "incident", "drill", "text"]) {
      const claims = world.claims({ ent: "alone", aud: undefined });
      const payload = JSON.stringify({ aud, [name]: "test", ...claims, ...{ [name]: "test" } });
      expect(verdictOf(headersOf([world.alone({ payload })])), `${name} behind ${String(aud)}`).toBe("audience");
    }
  }
});

it("an approver's role neither asks, nor is it a reason, wherever the entitlement names it", async () => {
  const rest = { max_ttl: 900, authorization_details: [world.detail()] };
  const approvals = [{ role: "lead", count: 1 }];
  const verdictOf = await setUp({
    entitlements: [
      { id: "first", requesters: ["oncall"], approvals, reasons: ["outage"], ...rest },
      { id: "second", requesters: ["oncall"], reasons: ["outage"], approvals, ...rest },
    ],
  });
  const ask = (claims: Readonly<Record<string, unknown>>, by = world.rita) =>
    verdictOf(headersOf([world.grant({ by, claims, approvals: [{ by: world.alex }] })]));
  for (const ent of ["first", "second"]) {
    expect(ask({ ent })).toBe("allow");
    expect(ask({ ent, sub: "adam" }, world.adam)).toBe("requester");
    expect(ask({ ent, reason: "lead" })).toBe("reason");
  }
});

it("a denial names what the detail that got furthest lacks, whichever stands last", async () => {
  const verdictOf = await setUp();
  const details = [
    world.detail({ paths: ["/customers/*"] }),
    world.detail({ actions: ["PUT"] }),
    world.detail({ locations: ["b.example.com"] }),
  ];
  const ask = (authorization_details: readonly unknown[]) =>
    verdictOf(headersOf([world.alone({ claims: { ent: "wide", authorization_details } })]));
  expect(ask(details)).toBe("scope_path");
  expect(ask(details.slice(1))).toBe("scope_method");
  expect(ask(details.slice(2))).toBe("scope_host");
  expect(ask(details.toReversed())).toBe("scope_path");
});

describe("wherever a grant comes to lie in memory", () => {
  /** Its scope stands so many bytes further, and the grant is as long as ever. */
  const moved = (bytes: number): string => {
    const { authorization_details: _, ...claims } = world.claims({ ent: "wide" });
    const detail = JSON.stringify([world.detail({ actions: ["GET"] })]);
    const blanks = [" ".repeat(bytes), " ".repeat(256 - bytes)];
    const head = JSON.stringify(claims).slice(0, -1);
    return world.alone({ payload: `${head},${blanks[0]}"authorization_details":${detail}${blanks[1]}}` });
  };

  it("no byte of it makes its hosts, or its methods, any", async () => {
    const verdictOf = await setUp();
    const to = (grant: string, method: string, host: string): string | undefined =>
      verdictOf([
        [":method", method],
        [":path", "/orders/7"],
        [":authority", host],
        ["x-break-glass", grant],
      ]);
    for (let bytes = 0; bytes < 256; bytes++) {
      const grant = moved(bytes);
      expect(to(grant, "GET", "b.example.com"), `${bytes}`).toBe("scope_host");
      expect(to(grant, "DELETE", HOST), `${bytes}`).toBe("scope_method");
    }
    expect(to(moved(7), "GET", HOST)).toBe("allow");
  });
});
