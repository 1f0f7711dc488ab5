/**
 * What Kong's host forces on the filter, on the Node host as Kong: each row of docs/gateways/kong-differences.md that no other test
 * shows. The requests are those of an attacker who knows that host.
 */
import { describe, expect, it } from "vitest";
import type { Header, Outcome } from "../../control/host/host.js";
import { linesOf } from "../kit/headers.js";
import { World } from "../kit/world.js";
import { referenceDecision } from "../reference/decide.js";
import { asKong, type KongOptions, kongGateway, UPSTREAM_HEADER } from "./kong-gateway.js";
import { laterRefusals, refusals } from "./refusals.js";
import { rawPaths } from "./scopes.js";

const world = new World(Math.floor(Date.now() / 1000));
const configuration = asKong(world.configuration());

async function kong(options: KongOptions = {}) {
  const { host } = await kongGateway(options);
  expect(host.configure(configuration).accepted).toBe(true);
  const ask = (more: readonly Header[], path = "/orders/7", authority = "api.example.com"): Outcome =>
    host.request({
      headers: [[":method", "GET"], [":path", path], ["Host", authority], ...more],
      sourceAddress: "127.0.0.1:50000",
    });
  return { host, ask };
}

/** As many pushes as an operator makes in a year. */
const CHAINS = 150;
const REQUEST: readonly Header[] = [
  [":method", "GET"],
  [":path", "/orders/7"],
  ["host", "api.example.com"],
];

const hasKey = ({ headers }: Outcome): boolean =>
  linesOf(headers, UPSTREAM_HEADER.name).includes(UPSTREAM_HEADER.value);

describe("the path", () => {
  const wide = (): string =>
    world.alone({ claims: { ent: "wide", authorization_details: [world.detail({ paths: ["/**"] })] } });
  const DECODED = ["/orders/%2e%2e/customers/7", "/orders/7%3fadmin=1", "/orders/%0a7", "/orders/7%23x", "/orders/%41"];
  for (const path of [...rawPaths, ...DECODED]) {
    it(`${JSON.stringify(path)} is judged as it was sent, not as nginx decodes it: ambiguous, or refused by nginx`, async () => {
      const { ask } = await kong();
      const bytes = Buffer.from(path, "utf8").toString("latin1");
      const grant = wide();
      const outcome = ask([["x-break-glass", grant]], bytes);
      expect(hasKey(outcome)).toBe(false);
      if (outcome.isUnjudged) expect(outcome.reply?.status).toBe(400);
      else expect(outcome.said.get("verdict")).toBe("path_ambiguous");
      const request = { method: "GET", host: "api.example.com", path: bytes, isUpgrade: false };
      expect(await referenceDecision({ configuration, grants: [grant], request, now: world.now })).toBe(
        "path_ambiguous",
      );
    });
  }
});

describe("the host", () => {
  it("is the client's header, whatever nginx calls itself", async () => {
    for (const serverName of ["api.example.com", "kong", ""]) {
      const { ask } = await kong({ nginx: { serverName, port: 80, hostname: "api.example.com" } });
      const grant = world.alone();
      expect(ask([["x-break-glass", grant]]).said.get("verdict")).toBe("allow");
      expect(ask([["x-break-glass", grant]], "/orders/7", "payroll.example.com").said.get("verdict")).toBe(
        "scope_host",
      );
    }
  });
});

describe("lines", () => {
  it("of an allowed request: the grant's and each stripped one are there and empty, one key, one attestation", async () => {
    const { ask } = await kong();
    const outcome = ask([
      ["X-Break-Glass", world.grant()],
      ["Authorization", "Bearer a"],
      ["X-User", "admin"],
      ["x-BREAK-glass-GRANT", 'sub="admin"'],
      [UPSTREAM_HEADER.name.toUpperCase(), "guessed"],
    ]);
    expect(outcome.said.get("verdict")).toBe("allow");
    for (const name of ["x-break-glass", "authorization", "x-user"])
      expect(linesOf(outcome.headers, name), name).toEqual([""]);
    expect(linesOf(outcome.headers, UPSTREAM_HEADER.name)).toEqual([UPSTREAM_HEADER.value]);
    expect(linesOf(outcome.headers, "x-break-glass-grant")).toEqual([expect.stringMatching(/^jti="/)]);
  });

  const TWICE = ["x-break-glass", "x-break-glass-grant", UPSTREAM_HEADER.name, "x-user", "x-original-url", "host"];
  for (const name of TWICE) {
    it(`${name} twice, in whatever case: a replaced one would leave the other`, async () => {
      const { ask } = await kong();
      const grant: Header[] = name === "x-break-glass" ? [] : [["x-break-glass", world.grant()]];
      const outcome = ask([...grant, [name, "a"], [name.toUpperCase(), "b"]]);
      expect(hasKey(outcome)).toBe(false);
      if (name === "host") expect(outcome.reply?.status).toBe(400);
      else expect(outcome.said.get("verdict")).toBe("duplicate_header");
    });
  }

  it("more than 96 are not judged in part: denied, as the host shows no more of them", async () => {
    const { ask } = await kong();
    // Host and the grant are two of them.
    const many = (count: number): Header[] => Array.from({ length: count - 2 }, (_, i) => [`h-${i}`, "v"]);
    const grant: Header = ["x-break-glass", world.alone()];
    expect(ask([grant, ...many(96)]).said.get("verdict")).toBe("allow");
    for (const count of [97, 98, 100, 101, 150]) {
      // The grant first, and last: where it would be cut off.
      for (const headers of [
        [grant, ...many(count)],
        [...many(count), grant],
      ]) {
        const outcome = ask(headers);
        expect(hasKey(outcome), String(count)).toBe(false);
        expect(outcome.reply?.status, String(count)).toBeGreaterThanOrEqual(400);
      }
    }
  });
});

describe("a configuration that cannot be used", () => {
  const later = world.bundleClaims();
  const bad = [...refusals, ...laterRefusals(world, later)];
  const forKong = (text: string): string => {
    try {
      return asKong(text);
    } catch {
      return text; // Not JSON: as it is.
    }
  };
  it(`each of ${bad.length}: a chain is attached; at start and after a restart nothing is opened`, async () => {
    for (const { name, configuration: make } of bad) {
      const text = forKong(make(world));
      const { host: fresh } = await kongGateway();
      const { host: running } = await kong();
      const judge = (host: typeof fresh): Outcome =>
        host.request({ headers: [...REQUEST, ["x-break-glass", world.alone()]] });
      const { accepted, refusal } = fresh.configure(text);
      expect(accepted, name).toBe(true);
      expect([judge(fresh).isUnjudged, refusal !== undefined && hasKey(judge(fresh))], name).toEqual([false, false]);
      // While it runs, a bundle that is held and newer may go on deciding.
      expect(running.configure(text).accepted, name).toBe(true);
      expect(judge(running).isUnjudged, name).toBe(false);
      running.process.restart(0);
      expect([judge(running).isUnjudged, refusal !== undefined && hasKey(judge(running))], name).toEqual([
        false,
        false,
      ]);
    }
  });

  it("whatever bytes: a chain is attached, and nothing is opened", async () => {
    for (const text of ["", "{}", "null", "[", "\0", `{"generation":1,"generation":2}`, "x".repeat(300_000)]) {
      const { host } = await kongGateway();
      expect(host.configure(text).accepted, text.slice(0, 20)).toBe(true);
      for (const grant of ["", "nonsense", world.alone()]) {
        const outcome = host.request({
          headers: [...REQUEST, ["x-break-glass", grant]],
        });
        expect([outcome.isUnjudged, outcome.kind], text.slice(0, 20)).toEqual([false, "reply"]);
      }
    }
  });
});

describe("an instance that is lost", () => {
  it("by a collected plan, or with its worker: the next decides the same, and its records begin another chain", async () => {
    const { host, ask } = await kong();
    const grant = world.grant();
    const record = (): { vm: string; seq: number; verdict: string } =>
      JSON.parse(
        ask([["x-break-glass", grant]])
          .said.get("audit")
          ?.split("\n")[0] ?? "{}",
      );
    const first = record();
    expect(record()).toMatchObject({ vm: first.vm, seq: first.seq + 1, verdict: "allow" });
    host.process.collect();
    const second = record();
    expect(second).toMatchObject({ seq: 1, verdict: "allow" });
    expect(second.vm).not.toBe(first.vm);
    host.process.restart(0);
    expect(record()).toMatchObject({ seq: 1, verdict: "allow" });
  });

  it("and min_version holds: an older bundle than it is not gone back to", async () => {
    const { host, ask } = await kong();
    const claims = world.bundleClaims();
    const floor = Number(claims.version) + 10;
    host.configure(asKong(world.configuration({ bundle: claims, configuration: { min_version: floor } })));
    for (const lose of [() => {}, () => host.process.collect(), () => host.process.restart(0)]) {
      lose();
      expect(hasKey(ask([["x-break-glass", world.alone()]]))).toBe(false);
    }
  });
});

describe("rotation", () => {
  it("a new chain serves new requests, and an open one ends under its own", async () => {
    const { host, ask } = await kong();
    const grant = world.alone({ claims: { jti: "taken-back-later-01" } });
    const open = host.open({
      headers: [...REQUEST, ["x-break-glass", grant]],
    });
    expect(open.outcome.said.get("verdict")).toBe("allow");
    const bundle = world.bundleClaims({ revoked: { jti: ["taken-back-later-01"] } });
    expect(host.configure(asKong(world.configuration({ bundle }))).accepted).toBe(true);
    expect(ask([["x-break-glass", grant]]).said.get("verdict")).toBe("revoked");
    open.close();
    expect(host.process.log.filter(({ level }) => level === "error" || level === "critical")).toEqual([]);
  });

  it("of many chains, none of which is ever ended, the last one serves", async () => {
    const { host, ask } = await kong();
    for (let i = 0; i < CHAINS; i++) {
      const { accepted, refusal } = host.configure(asKong(world.configuration()));
      expect([accepted, refusal], `chain ${i}`).toEqual([true, undefined]);
    }
    expect(hasKey(ask([["x-break-glass", world.alone()]]))).toBe(true);
  });
});
