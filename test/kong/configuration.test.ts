/** Nobody else guards the route on Kong, so whatever the configuration is, a chain is attached, and it denies what it cannot judge. */
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import type { Header } from "../../control/host/host.js";
import { wasmPath } from "../../control/host/wasm.js";
import { linesOf } from "../kit/headers.js";
import { newSigner } from "../kit/token.js";
import { HOST } from "../kit/world.js";
import { codeOf, KEY, Kong, type Seen, verdictOf } from "./kong.js";

let kong: Kong;
beforeEach(async () => {
  kong = await Kong.start();
});

describe("nobody else guards the route", () => {
  const noGrant = (...more: readonly Header[]): Seen => kong.send({ lines: [["Host", HOST], ...more] });

  it("no grant is a deny, and an attestation without one opens nothing", () => {
    expect(kong.configure(kong.configuration())).toBe(true);
    expect(verdictOf(noGrant())).toBe("no_grant");
    expect(codeOf(noGrant(["X-Break-Glass-Grant", 'sub="rita"'], ["apikey", KEY]))).toBe("no_grant");
  });

  const unusable: readonly (readonly [string, () => string, RegExp])[] = [
    ["no JSON", () => "nonsense", /not JSON/],
    ["nothing at all", () => "", /not JSON/],
    ["without require", () => kong.configuration({ require: undefined }), /nobody would guard this route/],
    ["require: false", () => kong.configuration({ require: false }), /nobody would guard this route/],
    ["in shadow", () => kong.configuration({ mode: "shadow" }), /nobody would guard this route/],
    ["an unknown member", () => kong.configuration({ surprise: 1 }), /unknown member/],
    [
      "larger than a configuration may be",
      () => `${kong.configuration()}${" ".repeat(800 * 1024)}`,
      /larger than 768 KiB/,
    ],
    ["larger than the arena", () => `${kong.configuration()}${" ".repeat(2 * 1024 * 1024)}`, /larger than 768 KiB/],
  ];
  it.each(unusable)("a configuration that cannot be used is taken, and denies everything: %s", (_, text, reason) => {
    expect(kong.configure(text())).toBe(true);
    expect(kong.log.join("\n")).toMatch(reason);
    expect(kong.log).toContain("glassgate: no usable configuration here: every request is denied");
    expect(verdictOf(noGrant())).toBe("no_grant");
    expect(verdictOf(kong.ask())).toBe("no_trust");
  });

  it("a bundle that does not verify is taken, and every grant is no_trust", () => {
    const text = kong.world.configuration({ signedBy: kong.world.roots.slice(0, 1), configuration: { require: true } });
    expect(kong.configure(text)).toBe(true);
    expect(kong.log.join("\n")).toMatch(/generation \d+ has no usable bundle here: every request is denied/);
    expect(verdictOf(kong.ask())).toBe("no_trust");
    expect(verdictOf(noGrant())).toBe("no_grant");
  });
});

describe("receipts", () => {
  it("receipt is refused, and an entitlement that demands one is denied: no request can wait here", () => {
    expect(kong.configure(kong.configuration({ receipt: { cluster: "ledger", path: "/" } }))).toBe(true);
    expect(kong.log.join("\n")).toMatch(/unknown member, or one that this filter cannot enforce.*receipt/);
    expect(verdictOf(kong.ask())).toBe("no_trust");
    const { world } = kong;
    const entitlements = [world.entitlement("alone", { approvals: [], audit: "receipt" })];
    const bundle = world.bundleClaims({ entitlements, ledgers: [newSigner("Ed25519").jwk] });
    const text = JSON.parse(kong.configuration());
    expect(kong.configure(JSON.stringify({ ...text, bundle: world.bundle(bundle) }))).toBe(true);
    expect(verdictOf(kong.ask(world.alone()))).toBe("audit_unavailable");
  });
});

describe("upstream_header", () => {
  const taken = (value: unknown): string => {
    expect(kong.configure(kong.configuration({ upstream_header: value }))).toBe(true);
    return verdictOf(kong.ask());
  };

  it("may be left out: the filter then sets none", () => {
    expect(taken(undefined)).toBe("allow");
  });

  it("takes the place of a header that is stripped anyway", () => {
    kong.configure(kong.configuration({ upstream_header: { name: "authorization", value: KEY } }));
    const seen = kong.ask(undefined, [["Authorization", "Bearer mine"]]);
    expect(verdictOf(seen)).toBe("allow");
    expect(linesOf(seen.headers, "authorization")).toEqual([KEY]);
  });

  it("stands beside as many stripped headers as there may be", () => {
    const strip = Array.from({ length: 32 }, (_, i) => `x-strip-${i}`);
    kong.configure(kong.configuration({ strip }));
    expect(
      verdictOf(
        kong.ask(undefined, [
          ["apikey", "a"],
          ["APIKEY", "b"],
        ]),
      ),
    ).toBe("duplicate_header");
    expect(linesOf(kong.ask().headers, "apikey")).toEqual([KEY]);
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
    expect(kong.log.join("\n")).not.toContain(KEY);
  });

  it("is what Envoy's build does not know, and refuses", () => {
    const text = readFileSync(wasmPath);
    expect(text.includes(Buffer.from("upstream_header", "utf16le"))).toBe(false);
  });
});
