/** What of a request the build for Kong judges, on a host that decodes, cuts and shows but the first line, and what it must not open there. */
import { beforeEach, describe, expect, it } from "vitest";
import type { Header } from "../../control/host/host.js";
import { proofOf } from "../kit/proofs.js";
import { newSigner } from "../kit/token.js";
import { HOST, type Json } from "../kit/world.js";
import { Kong, verdictOf } from "./kong.js";

let kong: Kong;
beforeEach(async () => {
  kong = await Kong.start();
  expect(kong.configure(kong.configuration())).toBe(true);
});

describe("headers", () => {
  it.each([
    "X-Break-Glass",
    "X-Break-Glass-Grant",
    "Apikey",
    "Authorization",
    "x-jwt-payload",
    "X-Original-Url",
    "DPoP",
  ])("that come twice: %s is duplicate_header, as the host would leave the second line", (name) => {
    const value = name === "X-Break-Glass" ? kong.world.grant() : "one";
    const first: readonly Header[] = name === "X-Break-Glass" ? [] : [[name.toLowerCase(), value]];
    expect(verdictOf(kong.ask(undefined, [...first, [name.toUpperCase(), value]]))).toBe("duplicate_header");
  });

  it("of other names may come twice", () => {
    expect(
      verdictOf(
        kong.ask(undefined, [
          ["X-Tag", "a"],
          ["x-tag", "b"],
        ]),
      ),
    ).toBe("allow");
  });

  it("are at most 96: what is cut off nobody has judged", () => {
    const filler = (count: number): readonly Header[] =>
      Array.from({ length: count }, (_, i): Header => [`x-f-${i}`, "1"]);
    expect(verdictOf(kong.ask(undefined, filler(94)))).toBe("allow");
    expect(verdictOf(kong.ask(undefined, filler(95)))).toBe("internal");
    // The second line of the key's header would be the one that is cut.
    expect(verdictOf(kong.ask(undefined, [...filler(95), ["apikey", "a"], ["apikey", "b"]]))).toBe("internal");
    expect(verdictOf(kong.ask(undefined, filler(94)))).toBe("allow");
  });

  it("name the host: without one, or with another, nothing is opened", () => {
    const under = (...host: readonly Header[]): string =>
      verdictOf(kong.send({ lines: [...host, ["x-break-glass", kong.world.grant()]] }));
    expect(under()).toBe("scope_host");
    expect(under(["hOST", HOST])).toBe("allow");
    expect(under(["Host", "kong"])).toBe("scope_host");
  });
});

describe("the path", () => {
  it.each([
    ["/orders/7?a=1&b=%2f", "allow"],
    ["/orders/caf%C3%A9", "allow"],
    ["/orders%2f7", "path_ambiguous"],
    ["/orders/7%3fq", "path_ambiguous"],
    ["/orders//7", "path_ambiguous"],
    ["/admin/../orders/7", "path_ambiguous"],
    ["/%6frders/7", "path_ambiguous"],
    ["/admin", "scope_path"],
    ["/orders/7/8", "scope_path"],
  ])("is judged as it was sent: %s: %s", (path, verdict) => {
    expect(verdictOf(kong.ask(undefined, [], { path }))).toBe(verdict);
  });

  it.each([
    ["/orders/7", "/admin", "path_ambiguous"],
    ["/orders/7", "/orders/8", "path_ambiguous"],
    ["/orders/7", "/orders/78", "path_ambiguous"],
    ["/orders/caf%C3%A9", "/orders/caf%C3%AA", "path_ambiguous"],
    ["/orders/caf%C3%A9", "/orders/caf%25C3%25A9", "path_ambiguous"],
    ["/orders/78", "/orders/7", "path_ambiguous"],
    ["/orders/7", "/orders/7?x=1", "allow"],
  ])(
    "in whose place a plugin has put another: nobody knows which the upstream gets: %s, %s: %s",
    (sent, path, verdict) => {
      const properties = { "request.path": sent };
      expect(verdictOf(kong.ask(undefined, [], { path, properties }))).toBe(verdict);
    },
  );
});

describe("what the host cannot do", () => {
  const certificate = (): Json => ({ "x5t#S256": "A".repeat(43) });

  it("a grant for a client's certificate is binding_missing", () => {
    expect(verdictOf(kong.ask(kong.world.grant({ claims: { cnf: certificate() } })))).toBe("binding_missing");
  });

  it("a grant for a key is binding_missing with a good proof too: another worker could have seen it", () => {
    const key = newSigner("Ed25519");
    const grant = kong.world.grant({ claims: { cnf: { jkt: key.kid } } });
    expect(verdictOf(kong.ask(grant, [["DPoP", proofOf(key, { grant })]]))).toBe("binding_missing");
  });

  it("a stream that could outlive its grant is not opened, whatever the grant says", () => {
    const details = [kong.world.detail({ actions: ["GET", "CONNECT"] })];
    const grant = kong.world.grant({ claims: { ent: "wide", authorization_details: details }, approvals: [] });
    expect(verdictOf(kong.ask(grant))).toBe("allow");
    expect(
      verdictOf(
        kong.ask(grant, [
          ["Upgrade", "websocket"],
          ["Connection", "upgrade"],
        ]),
      ),
    ).toBe("scope_method");
    expect(verdictOf(kong.ask(grant, [], { method: "CONNECT" }))).toBe("scope_method");
  });

  it("networks are known, without a port", () => {
    const grant = kong.world.grant({ claims: { net: ["2001:db8::1/128"] } });
    for (const sourceAddress of ["2001:db8::1", "[2001:db8::1]:50000", "[2001:db8::1]"])
      expect(verdictOf(kong.ask(grant, [], { sourceAddress })), sourceAddress).toBe("allow");
    expect(verdictOf(kong.ask(grant, [], { sourceAddress: "192.0.2.1" }))).toBe("network");
    expect(verdictOf(kong.ask(grant, [], { sourceAddress: "unix:" }))).toBe("network");
  });
});
