/** The build for Kong on a host that answers as ngx_wasm_module does: what that host forces to be otherwise than on Envoy. */
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { readAuditLines } from "../../control/base/audit.js";
import { proofOf } from "../kit/proofs.js";
import { newSigner } from "../kit/token.js";
import { HOST, type Json, World } from "../kit/world.js";
import { kongFilter, type Line, Ngx, type Seen } from "./ngx.js";

const KEY = "standing-key-9f3Zq";
const filter = kongFilter();
/** Above what the world counts up to. */
const NEWER = 2 ** 50;
const GRANT = "x-break-glass";

let world: World;
let ngx: Ngx;

const configuration = (changes: Json = {}, bundle?: Json): string =>
  world.configuration({
    ...(bundle === undefined ? {} : { bundle }),
    configuration: { require: true, upstream_header: { name: "apikey", value: KEY }, ...changes },
  });
const lines = (...more: readonly Line[]): readonly Line[] => [["Host", HOST], ...more];
const withGrant = (grant = world.grant(), ...more: readonly Line[]): readonly Line[] =>
  lines(["X-Break-Glass", grant], ...more);
const send = (grant?: string, more: readonly Line[] = [], changes: Partial<Parameters<Ngx["send"]>[0]> = {}): Seen =>
  ngx.send({ lines: withGrant(grant, ...more), path: "/orders/7", ...changes });
const upstream = (seen: Seen, name: string): string[] =>
  seen.upstream.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
const codeOf = (seen: Seen): string => {
  const code: unknown = seen.reply === undefined ? "allow" : JSON.parse(seen.reply.body).code;
  return String(code);
};
const recordOf = (seen: Seen): Json => JSON.parse(readAuditLines(seen.shared.get("glassgate_audit") ?? "").record);
/** Denied or let in, it is so in each place that tells. */
const verdictOf = (seen: Seen): string => {
  const code = codeOf(seen);
  expect(seen.shared.get("glassgate_verdict")).toBe(code);
  if (seen.reply === undefined) expect(seen.action).toBe(0);
  else {
    expect(seen.action).toBe(1);
    expect(seen.reply.reason).toBe(`glassgate_${code}`);
    expect(upstream(seen, "apikey")).not.toContain(KEY);
  }
  return code;
};

beforeEach(() => {
  world = new World(Math.floor(Date.now() / 1000));
  ngx = new Ngx(filter);
});

describe("an allowed request", () => {
  beforeEach(() => expect(ngx.configure(configuration())).toBe(1));

  it("carries the key and the attestation, and not the grant", () => {
    const seen = send();
    expect(verdictOf(seen)).toBe("allow");
    expect(upstream(seen, "apikey")).toEqual([KEY]);
    expect(upstream(seen, GRANT)).toEqual([""]);
    expect(upstream(seen, "x-break-glass-grant")).toHaveLength(1);
    expect(upstream(seen, "x-break-glass-grant")[0]).toContain('sub="rita"');
  });

  it("has the record and its evidence in kong.ctx.shared, and the key nowhere", () => {
    const seen = send(undefined, [], { requestId: "0123abcd" });
    const record = recordOf(seen);
    const { evidence } = readAuditLines(seen.shared.get("glassgate_audit") ?? "");
    expect(record).toMatchObject({
      verdict: "allow",
      sub: "rita",
      path: "/orders/7",
      host: HOST,
      request_id: "0123abcd",
    });
    expect(record).toMatchObject({ source: "192.0.2.1", vm: expect.stringMatching(/^node-1\/\d+\/\d+$/) });
    expect(evidence).toBeDefined();
    expect(JSON.stringify([...seen.shared, ngx.log])).not.toContain(KEY);
  });

  it("is on record under Kong's own number, whatever the client says; under the client's where Kong gives none", () => {
    const own: Line = ["X-Request-Id", "the-client-s"];
    expect(recordOf(send(undefined, [own], { requestId: "0123abcd" })).request_id).toBe("0123abcd");
    expect(recordOf(send(undefined, [own])).request_id).toBe("the-client-s");
    expect(recordOf(send()).request_id).toBe("");
  });

  it("loses what it brings of the attestation, the key and the stripped headers, in any case", () => {
    const seen = send(undefined, [
      ["X-Break-Glass-Grant", 'sub="admin"'],
      ["APIKEY", "the client's"],
      ["Authorization", "Bearer forged"],
      ["X-USER", "root"],
      ["X-Original-URL", "/admin"],
    ]);
    expect(verdictOf(seen)).toBe("allow");
    expect(upstream(seen, "apikey")).toEqual([KEY]);
    expect(upstream(seen, "x-break-glass-grant")[0]).not.toContain("admin");
    for (const name of ["authorization", "x-user", "x-original-url"]) expect(upstream(seen, name)).toEqual([""]);
  });

  it("is parsed once: the second is cached, and its record follows the first", () => {
    const grant = world.grant();
    const records = [send(grant), send(grant)].map(recordOf);
    expect(records.map((record) => [record.seq, record.cached])).toEqual([
      [1, false],
      [2, true],
    ]);
  });

  it("asks the host few things", () => {
    const grant = world.grant();
    send(grant);
    expect(send(grant).calls.length).toBeLessThanOrEqual(14);
  });
});

describe("a host that fails", () => {
  beforeEach(() => expect(ngx.configure(configuration())).toBe(1));

  it.each(["apikey", "x-break-glass-grant", "x-break-glass", "x-user", "glassgate_audit", "glassgate_verdict"])(
    "and does not take %s lets nobody in, nor has the key gone out",
    (name) => {
      ngx.refuses = name;
      const seen = send(undefined, [["X-User", "root"]]);
      expect(seen.action).toBe(1);
      expect(codeOf(seen)).toBe(name === "glassgate_audit" ? "audit_unavailable" : "internal");
      expect(upstream(seen, "apikey")).not.toContain(KEY);
      ngx.refuses = undefined;
      expect(codeOf(send())).toBe("allow");
    },
  );
});

describe("headers", () => {
  beforeEach(() => expect(ngx.configure(configuration())).toBe(1));

  it.each([
    "X-Break-Glass",
    "X-Break-Glass-Grant",
    "Apikey",
    "Authorization",
    "x-jwt-payload",
    "X-Original-Url",
    "Host",
    "DPoP",
  ])("that come twice: %s is duplicate_header, as the host would leave the second line", (name) => {
    const value = name === "X-Break-Glass" ? world.grant() : name === "Host" ? HOST : "one";
    const first: readonly Line[] = name === "X-Break-Glass" || name === "Host" ? [] : [[name.toLowerCase(), value]];
    expect(verdictOf(send(undefined, [...first, [name.toUpperCase(), value]]))).toBe("duplicate_header");
  });

  it("of other names may come twice", () => {
    expect(
      verdictOf(
        send(undefined, [
          ["X-Tag", "a"],
          ["x-tag", "b"],
        ]),
      ),
    ).toBe("allow");
  });

  it("are at most 96: what is cut off nobody has judged", () => {
    const filler = (count: number): readonly Line[] => Array.from({ length: count }, (_, i): Line => [`x-f-${i}`, "1"]);
    expect(verdictOf(send(undefined, filler(94)))).toBe("allow");
    expect(verdictOf(send(undefined, filler(95)))).toBe("internal");
    // The second line of the key's header would be the one that is cut.
    expect(verdictOf(send(undefined, [...filler(95), ["apikey", "a"], ["apikey", "b"]]))).toBe("internal");
    expect(verdictOf(send(undefined, filler(94)))).toBe("allow");
  });

  it("name the host: without one, or with another, nothing is opened", () => {
    const grant = world.grant();
    expect(verdictOf(ngx.send({ lines: [[GRANT, grant]], path: "/orders/7" }))).toBe("scope_host");
    expect(
      verdictOf(
        ngx.send({
          lines: [
            ["hOST", "api.example.com"],
            [GRANT, grant],
          ],
          path: "/orders/7",
        }),
      ),
    ).toBe("allow");
    expect(
      verdictOf(
        ngx.send({
          lines: [
            ["Host", "kong"],
            [GRANT, grant],
          ],
          path: "/orders/7",
        }),
      ),
    ).toBe("scope_host");
  });
});

describe("the path", () => {
  beforeEach(() => expect(ngx.configure(configuration())).toBe(1));

  it.each([
    ["/orders/7?a=1&b=%2f", undefined, "allow"],
    ["/orders/caf%C3%A9", undefined, "allow"],
    ["/orders%2f7", "/orders/7", "path_ambiguous"],
    ["/orders/7%3fq", "/orders/7?q", "path_ambiguous"],
    ["/orders//7", "/orders/7", "path_ambiguous"],
    ["/admin/../orders/7", "/orders/7", "path_ambiguous"],
    ["/%6frders/7", "/orders/7", "path_ambiguous"],
    ["/admin", "/admin", "scope_path"],
    ["/orders/7/8", "/orders/7/8", "scope_path"],
    // A plugin has put another in its place: nobody knows which one the upstream gets.
    ["/orders/7", "/admin", "path_ambiguous"],
    ["/orders/7", "/orders/8", "path_ambiguous"],
    ["/orders/7", "/orders/78", "path_ambiguous"],
    ["/orders/caf%C3%A9", "/orders/caf\u00c3\u00aa", "path_ambiguous"],
    ["/orders/caf%C3%A9", "/orders/caf%C3%A9", "path_ambiguous"],
    ["/orders/78", "/orders/7", "path_ambiguous"],
    ["/orders/7", "/orders/7?x=1", "allow"],
  ])("is judged as it was sent: %s, decoded %s: %s", (path, uri, verdict) => {
    const seen = send(undefined, [], uri === undefined ? { path } : { path, uri });
    expect(verdictOf(seen)).toBe(verdict);
  });
});

describe("what the host cannot do", () => {
  beforeEach(() => expect(ngx.configure(configuration())).toBe(1));
  const certificate = (): Json => ({ "x5t#S256": "A".repeat(43) });

  it("a grant for a client's certificate is binding_missing", () => {
    expect(verdictOf(send(world.grant({ claims: { cnf: certificate() } })))).toBe("binding_missing");
  });

  it("a grant for a key is binding_missing with a good proof too: another worker could have seen it", () => {
    const key = newSigner("Ed25519");
    const grant = world.grant({ claims: { cnf: { jkt: key.kid } } });
    expect(verdictOf(send(grant, [["DPoP", proofOf(key, { grant })]]))).toBe("binding_missing");
  });

  it("a stream that could outlive its grant is not opened, whatever the grant says", () => {
    const details = [world.detail({ actions: ["GET", "CONNECT"] })];
    const grant = world.grant({ claims: { ent: "wide", authorization_details: details }, approvals: [] });
    expect(verdictOf(send(grant))).toBe("allow");
    expect(
      verdictOf(
        send(grant, [
          ["Upgrade", "websocket"],
          ["Connection", "upgrade"],
        ]),
      ),
    ).toBe("scope_method");
    expect(verdictOf(send(grant, [], { method: "CONNECT" }))).toBe("scope_method");
  });

  it("networks are known, without a port", () => {
    const grant = world.grant({ claims: { net: ["2001:db8::/32"] } });
    expect(verdictOf(send(grant, [], { source: "2001:db8::1" }))).toBe("allow");
    expect(verdictOf(send(grant, [], { source: "192.0.2.1" }))).toBe("network");
    expect(verdictOf(send(grant, [], { source: "unix:" }))).toBe("network");
  });
});

describe("nobody else guards the route", () => {
  const noGrant = (root?: number): Seen => ngx.send({ lines: lines(), path: "/orders/7" }, root);

  it("no grant is a deny, and an attestation without one opens nothing", () => {
    expect(ngx.configure(configuration())).toBe(1);
    expect(verdictOf(noGrant())).toBe("no_grant");
    const forged = ngx.send({
      lines: lines(["X-Break-Glass-Grant", 'sub="rita"'], ["apikey", KEY]),
      path: "/orders/7",
    });
    expect(codeOf(forged)).toBe("no_grant");
  });

  const unusable: readonly (readonly [string, () => string, RegExp])[] = [
    ["no JSON", () => "nonsense", /not JSON/],
    ["nothing at all", () => "", /not JSON/],
    ["without require", () => configuration({ require: undefined }), /nobody would guard this route/],
    ["require: false", () => configuration({ require: false }), /nobody would guard this route/],
    ["in shadow", () => configuration({ mode: "shadow" }), /nobody would guard this route/],
    ["an unknown member", () => configuration({ surprise: 1 }), /unknown member/],
    ["larger than a configuration may be", () => `${configuration()}${" ".repeat(800 * 1024)}`, /larger than 768 KiB/],
    ["larger than the arena", () => `${configuration()}${" ".repeat(2 * 1024 * 1024)}`, /larger than 768 KiB/],
  ];
  it.each(unusable)("a configuration that cannot be used is taken, and denies everything: %s", (_, text, reason) => {
    expect(ngx.configure(text())).toBe(1);
    expect(ngx.log.join("\n")).toMatch(reason);
    expect(ngx.log).toContain("glassgate: no usable configuration here: every request is denied");
    expect(verdictOf(noGrant())).toBe("no_grant");
    expect(verdictOf(send())).toBe("no_trust");
  });

  it("a bundle that does not verify is taken, and every grant is no_trust", () => {
    const text = world.configuration({ signedBy: world.roots.slice(0, 1), configuration: { require: true } });
    expect(ngx.configure(text)).toBe(1);
    expect(ngx.log.join("\n")).toMatch(/generation \d+ has no usable bundle here: every request is denied/);
    expect(verdictOf(send())).toBe("no_trust");
    expect(verdictOf(noGrant())).toBe("no_grant");
  });

  it("a stream of a root context that nobody configured is denied", () => {
    expect(ngx.configure(configuration())).toBe(1);
    expect(verdictOf(noGrant(99))).toBe("no_grant");
    expect(verdictOf(ngx.send({ lines: withGrant(), path: "/orders/7" }, 99))).toBe("no_trust");
  });
});

describe("rotation and new instances", () => {
  it("chains stand side by side, each with its own bundle's rules; the newest bundle of a domain takes over", () => {
    expect(ngx.configure(configuration(), 7)).toBe(1);
    const grant = world.grant();
    expect(verdictOf(send(grant))).toBe("allow");
    const revoked = world.bundleClaims({ version: NEWER, revoked: { sub: ["rita"] } });
    expect(ngx.configure(configuration({}, revoked), 8)).toBe(1);
    expect(verdictOf(ngx.send({ lines: withGrant(grant), path: "/orders/7" }, 8))).toBe("revoked");
    expect(verdictOf(ngx.send({ lines: withGrant(grant), path: "/orders/7" }, 7))).toBe("revoked");
  });

  it("an older bundle is not gone back to while the instance lives, and min_version holds afterwards", () => {
    const newer = world.bundleClaims({ version: NEWER, revoked: { sub: ["rita"] } });
    const older = configuration({}, world.bundleClaims({ version: NEWER - 1 }));
    expect(ngx.configure(configuration({}, newer), 7)).toBe(1);
    expect(ngx.configure(older, 8)).toBe(1);
    expect(ngx.log.join("\n")).toContain("older than the bundle in force");
    expect(verdictOf(ngx.send({ lines: withGrant(), path: "/orders/7" }, 8))).toBe("revoked");
    const held = configuration({ min_version: NEWER }, world.bundleClaims({ version: NEWER - 1 }));
    expect(ngx.replaceInstance(held)).toBe(1);
    expect(verdictOf(send())).toBe("no_trust");
  });

  it("an instance in a trapped one's place works without on_vm_start, under a name of its own", () => {
    const text = configuration();
    expect(ngx.configure(text)).toBe(1);
    const vmOf = (seen: Seen): unknown => recordOf(seen).vm;
    const before = vmOf(send());
    expect(ngx.replaceInstance(text)).toBe(1);
    const seen = send();
    expect(verdictOf(seen)).toBe("allow");
    expect(vmOf(seen)).not.toBe(before);
    expect(String(vmOf(seen))).not.toMatch(/\/0\b/);
  });

  it("the end of a stream that began before the trap ends nothing else, whatever its number", () => {
    expect(ngx.replaceInstance(configuration(), 7)).toBe(1);
    ngx.endStranger(7);
    expect(verdictOf(send())).toBe("allow");
  });

  it("workers that start in the same millisecond have different names", () => {
    const names = Array.from({ length: 8 }, () => {
      const worker = new Ngx(filter);
      worker.now = 1_700_000_000_000;
      worker.configure(configuration());
      const seen = worker.send({ lines: withGrant(), path: "/orders/7" });
      return String(recordOf(seen).vm);
    });
    expect(new Set(names).size).toBe(8);
  });

  it("a worker whose chains are loaded anew again and again holds two bundles of a domain, not all of them", () => {
    for (let i = 0; i < 300; i++) {
      expect(ngx.configure(configuration(), 100 + i)).toBe(1);
      if (i === 0) expect(codeOf(ngx.send({ lines: withGrant(), path: "/orders/7" }, 100))).toBe("allow");
    }
    expect(verdictOf(ngx.send({ lines: withGrant(), path: "/orders/7" }, 399))).toBe("allow");
    expect(verdictOf(ngx.send({ lines: withGrant(), path: "/orders/7" }, 100))).toBe("allow");
    // Settings of 16 KiB each, and room for the bundles.
    expect(ngx.memory).toBeLessThan(16 * 1024 * 1024);
  });

  it("tells in the log what is served, and neither the key nor a grant", () => {
    const grant = world.grant();
    ngx.configure(configuration());
    send(grant);
    expect(ngx.log.join("\n")).toMatch(/generation \d+ is served here, with bundle \d+/);
    expect(ngx.log.join("\n")).not.toContain(KEY);
    expect(ngx.log.join("\n")).not.toContain(grant);
  });
});

describe("tables of multiples", () => {
  const play = (kib: number): number => {
    ngx.configure(configuration({ table_memory_kib: kib }));
    const before = ngx.memory;
    for (let i = 0; i < 200; i++) {
      const seen = send(world.grant({ claims: { jti: `grant-number-${1000 + i}` } }));
      expect(codeOf(seen)).toBe("allow");
      expect(seen.later).toEqual([]);
    }
    return ngx.memory - before;
  };

  it("are built behind the answers, without a host call, and decide alike", () => {
    // Both base points' and those of the three keys that signed, one of which fits into what was free.
    expect(play(4096)).toBeGreaterThan((952 + 2 * 256) * 1024);
  });

  it("are not built where there is no memory for them", () => {
    expect(play(0)).toBe(0);
  });
});

describe("upstream_header", () => {
  const taken = (value: unknown): string => {
    ngx.configure(configuration({ upstream_header: value }));
    return verdictOf(send());
  };

  it("may be left out: the filter then sets none", () => {
    expect(taken(undefined)).toBe("allow");
  });

  it("takes the place of a header that is stripped anyway", () => {
    ngx.configure(configuration({ upstream_header: { name: "authorization", value: KEY } }));
    const seen = send(undefined, [["Authorization", "Bearer mine"]]);
    expect(verdictOf(seen)).toBe("allow");
    expect(upstream(seen, "authorization")).toEqual([KEY]);
  });

  it("stands beside as many stripped headers as there may be", () => {
    const strip = Array.from({ length: 32 }, (_, i) => `x-strip-${i}`);
    ngx.configure(configuration({ strip }));
    expect(
      verdictOf(
        send(undefined, [
          ["apikey", "a"],
          ["APIKEY", "b"],
        ]),
      ),
    ).toBe("duplicate_header");
    expect(upstream(send(), "apikey")).toEqual([KEY]);
  });

  it("of 512 characters is taken, of 513 is not", () => {
    expect(taken({ name: "apikey", value: "a".repeat(512) })).toBe("allow");
    expect(taken({ name: "apikey", value: "a".repeat(513) })).toBe("no_trust");
  });

  it.each([
    ["a host", { name: "host", value: KEY }],
    ["the grant's header", { name: "x-break-glass", value: KEY }],
    ["the attestation's", { name: "x-break-glass-grant", value: KEY }],
    ["one that nginx reads itself", { name: "content-length", value: KEY }],
    ["capitals", { name: "ApiKey", value: KEY }],
    ["a pseudo header", { name: ":path", value: KEY }],
    ["no name", { value: KEY }],
    ["no value", { name: "apikey" }],
    ["an empty value", { name: "apikey", value: "" }],
    ["a newline", { name: "apikey", value: `${KEY}\nx: y` }],
    ["a blank", { name: "apikey", value: `${KEY} x` }],
    ["the key as a name", { [KEY]: "apikey" }],
    ["the key in the name's place", { name: KEY, value: "apikey" }],
    ["text", KEY],
  ])("that cannot be used denies all, and is not shown: %s", (_, value) => {
    expect(taken(value)).toBe("no_trust");
    expect(ngx.log.join("\n")).not.toContain(KEY);
  });

  it("is what Envoy's build does not know, and refuses", () => {
    const text = readFileSync(new URL("../../build/glassgate.wasm", import.meta.url));
    expect(text.includes(Buffer.from("upstream_header", "utf16le"))).toBe(false);
  });
});
