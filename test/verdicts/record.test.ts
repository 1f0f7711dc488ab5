/** How long a record can be: whatever a client, a grant and a gateway put into it, 8 KiB hold it, and its evidence comes behind. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readAuditLines } from "../../control/base/audit.js";
import { FilterHost, type Header, type HostOptions } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { World } from "../kit/world.js";

/** As in assembly/filter/record.ts: the bound, what all members need at most, and the path's share of it. */
const MAX_RECORD = 8192;
const MAX_MEMBERS = 7630;
const MAX_SHOWN_PATH = 4096;
const start = Math.floor(Date.now() / 1000);
const recordSchema = z.looseObject({
  verdict: z.string(),
  method: z.string(),
  host: z.string(),
  path: z.string(),
  path_bytes: z.number().optional(),
  path_sha256: z.string().optional(),
  incident: z.string().optional(),
  source: z.string(),
  request_id: z.string(),
  vm: z.string(),
});

async function setUp(world: World, configuration: string, options: HostOptions = {}) {
  const host = await FilterHost.load({ clock: () => start * 1000, ...options });
  expect(host.configure(configuration).reason).toBeUndefined();
  const ask = (headers: readonly Header[], sourceAddress?: string) => {
    const outcome = host.request(sourceAddress === undefined ? { headers } : { headers, sourceAddress });
    const { record: line, evidence } = readAuditLines(outcome.filterState.get("wasm.glassgate.audit") ?? "");
    expect(line).toMatch(/^[\x20-\x7e]+$/);
    expect(line.length).toBeLessThanOrEqual(MAX_RECORD);
    return { outcome, line, evidence, record: recordSchema.parse(JSON.parse(line)) };
  };
  return { world, ask };
}

describe("a path", () => {
  const world = new World(start);
  const configuration = world.configuration();
  const wide = (): string =>
    world.alone({ claims: { authorization_details: [world.detail({ paths: ["/orders/**"] })] } });
  const long = (length: number, filling = "x"): string => `/orders/${filling}`.padEnd(length, filling);

  it("is shown whole up to 4,096 characters, and in part, with its length, beyond", async () => {
    const { ask } = await setUp(world, configuration);
    for (const length of [100, MAX_SHOWN_PATH - 1, MAX_SHOWN_PATH]) {
      const { outcome, record } = ask(headersOf([wide()], long(length)));
      expect(outcome.kind).toBe("continue");
      expect(record.path).toBe(long(length));
      expect(record.path_bytes).toBeUndefined();
    }
    for (const length of [MAX_SHOWN_PATH + 1, 9000, 61_440]) {
      const { outcome, record, evidence } = ask(headersOf([wide()], long(length)));
      expect(outcome.kind).toBe("continue");
      expect(record.path).toBe(long(MAX_SHOWN_PATH));
      expect(record.path_bytes).toBe(length);
      expect(evidence).toBeDefined();
    }
  });

  it("that is shown in part is held by its hash: nothing can be done unnoticed behind the cut", async () => {
    const { ask } = await setUp(world, configuration);
    const record = (path: string) => ask(headersOf([wide()], path)).record;
    for (const end of ["/status", "/delete", '/"x"']) {
      const path = `${long(5000)}${end}`;
      expect(record(path).path).toBe(long(MAX_SHOWN_PATH));
      expect(record(`${path}?q=1`).path_sha256).toBe(createHash("sha256").update(path).digest("hex"));
    }
    expect(record(long(MAX_SHOWN_PATH)).path_sha256).toBeUndefined();
  });

  it("is counted without its query, which is not shown", async () => {
    const { ask } = await setUp(world, configuration);
    const whole = ask(headersOf([wide()], `${long(MAX_SHOWN_PATH)}?${"q".repeat(9000)}`));
    expect(whole.record.path_bytes).toBeUndefined();
    const cut = ask(headersOf([wide()], `${long(5000)}?${"q".repeat(9000)}`));
    expect(cut.record.path_bytes).toBe(5000);
  });

  it("ends in no half of an escape, wherever that would be", async () => {
    const { ask } = await setUp(world, configuration);
    for (let shift = 0; shift < 4; shift++) {
      const path = `${long(MAX_SHOWN_PATH - 5 + shift)}${'"'.repeat(3000)}`;
      const { record, line } = ask(headersOf([wide()], path));
      expect(path.startsWith(record.path)).toBe(true);
      expect(record.path_bytes).toBe(path.length);
      // A quote takes two characters, so one may be left over.
      expect(JSON.stringify(record.path).length - 2).toBeGreaterThanOrEqual(MAX_SHOWN_PATH - 1);
      expect(line).toContain(JSON.stringify(record.path));
    }
  });

  it("is cut in records of denials and in shadow alike", async () => {
    const denied = await setUp(world, configuration);
    expect(denied.ask(headersOf([world.alone()], long(9000, "x/"))).record).toMatchObject({
      verdict: "scope_path",
      path: long(MAX_SHOWN_PATH, "x/"),
      path_bytes: 9000,
    });
    const shadow = await setUp(world, world.configuration({ configuration: { mode: "shadow" } }));
    expect(shadow.ask(headersOf([wide()], long(9000))).record).toMatchObject({ verdict: "allow", path_bytes: 9000 });
  });
});

describe("the largest record", () => {
  const name = (text: string): string => text.padEnd(64, text);
  const world = new World(start);
  const approvers = world.crowd.slice(0, 8);
  const host = Array.from({ length: 4 }, (_, i) => String(i).repeat(63)).join(".");
  const detail = world.detail({ locations: [host], actions: ["M".repeat(32)], paths: ["/**"] });
  const configuration = world.configuration({
    configuration: { threshold: 1 },
    bundle: world.bundleClaims({
      version: Number.MAX_SAFE_INTEGER,
      principals: [
        { id: name("r"), roles: ["oncall"], keys: [world.rita.jwk] },
        ...approvers.map((signer, i) => ({ id: name(`a${i}`), roles: ["crowd"], keys: [signer.jwk] })),
      ],
      entitlements: [
        world.entitlement(name("e"), {
          reasons: [name("o")],
          approvals: [{ role: "crowd", count: 8 }],
          drill: true,
          authorization_details: [detail],
        }),
      ],
    }),
  });
  const grant = (): string =>
    world.grant({
      claims: {
        jti: name("j"),
        sub: name("r"),
        ent: name("e"),
        reason: name("o"),
        incident: "\x01".repeat(64),
        drill: name("d"),
        authorization_details: [detail],
      },
      approvals: approvers.map((by) => ({ by })),
    });
  const headers = (changes: Readonly<Record<string, string>> = {}): Header[] =>
    Object.entries({
      ":method": "M".repeat(32),
      ":authority": host,
      ":path": `/${'"'.repeat(60_000)}`,
      "x-break-glass": grant(),
      "x-request-id": "\xff".repeat(500),
      ...changes,
    });
  /** Nothing of it is UTF-8: each byte is shown as an escape. */
  const options: HostOptions = { nodeId: "\x01".repeat(300) };

  it("is an acceptance with everything at its bound, its evidence behind it", async () => {
    const { ask } = await setUp(world, configuration, options);
    const { outcome, line, evidence, record } = ask(headers(), "\x01".repeat(300));
    expect(outcome.kind).toBe("continue");
    expect(record).toMatchObject({ verdict: "allow", host, method: "M".repeat(32), incident: "\x01".repeat(64) });
    expect(record).toMatchObject({ single_key: true, bundle: Number.MAX_SAFE_INTEGER, path_bytes: 60_001 });
    expect(record.approvers).toHaveLength(8);
    expect(record.vm).toContain("\x01".repeat(128));
    // 21 escapes of six characters are 126: the next would not fit.
    expect(record.request_id).toBe("\ufffd".repeat(21));
    expect(record.source).toBe("\x01".repeat(10));
    expect(evidence?.split("~")).toHaveLength(9);
    expect(line.length).toBeLessThanOrEqual(MAX_MEMBERS);
    // The sum of the members' bounds is no guess: all but numbers and the verdict is as long as it may be.
    expect(line.length).toBeGreaterThan(MAX_MEMBERS - 150);
  });

  it("or a denial whose host and method are none", async () => {
    const { ask } = await setUp(world, configuration, options);
    for (const filling of ["\xff", '"', "\xc3\xa9", "a"]) {
      const strange = filling.repeat(1000);
      const { line, record } = ask(headers({ ":authority": strange, ":method": strange }), strange);
      expect(record.verdict).toBe("scope_host");
      expect(line.length).toBeLessThanOrEqual(MAX_MEMBERS);
      expect(record.method.length).toBeLessThanOrEqual(32);
    }
  });
});

it("says where one person or one root key was enough, and only there", async () => {
  const world = new World(start);
  const single = async (threshold: number, grant: string): Promise<unknown> => {
    const signedBy = world.roots.slice(0, threshold);
    const { ask } = await setUp(world, world.configuration({ signedBy, configuration: { threshold } }));
    return ask(headersOf([grant])).record.single_key;
  };
  expect(await single(2, world.grant())).toBeUndefined();
  expect(await single(2, world.alone())).toBe(true);
  expect(await single(1, world.grant())).toBe(true);
});
