/** What an allowed request carries on Kong, and that nobody is let in where that host does not do its part. */
import { beforeEach, describe, expect, it } from "vitest";
import { readAuditLines } from "../../control/base/audit.js";
import { Status } from "../../control/host/abi.js";
import type { Header } from "../../control/host/host.js";
import { linesOf } from "../kit/headers.js";
import { HOST } from "../kit/world.js";
import { codeOf, KEY, Kong, recordOf, verdictOf } from "./kong.js";

/** What Kong 3.6 and later say of a request. */
const numbered = { properties: { "ngx.kong_request_id": "0123abcd" } };
let kong: Kong;
beforeEach(async () => {
  kong = await Kong.start();
  expect(kong.configure(kong.configuration())).toBe(true);
});

describe("an allowed request", () => {
  it("carries the key and the attestation, and not the grant", () => {
    const seen = kong.ask();
    expect(verdictOf(seen)).toBe("allow");
    expect(linesOf(seen.headers, "apikey")).toEqual([KEY]);
    expect(linesOf(seen.headers, "x-break-glass")).toEqual([""]);
    expect(linesOf(seen.headers, "x-break-glass-grant")).toHaveLength(1);
    expect(linesOf(seen.headers, "x-break-glass-grant")[0]).toContain('sub="rita"');
  });

  it("has the record and its evidence in kong.ctx.shared, and the key nowhere", () => {
    const seen = kong.ask(undefined, [], numbered);
    const record = recordOf(seen);
    const { evidence } = readAuditLines(seen.said.get("audit") ?? "");
    expect(record).toMatchObject({
      verdict: "allow",
      sub: "rita",
      path: "/orders/7",
      host: HOST,
      request_id: "0123abcd",
    });
    expect(record).toMatchObject({ source: "192.0.2.1", vm: expect.stringMatching(/^node-1\/\d+\/\d+$/) });
    expect(evidence).toBeDefined();
    expect(JSON.stringify([[...seen.filterState], kong.log])).not.toContain(KEY);
  });

  it("is on record under Kong's own number, whatever the client says; under the client's where Kong gives none", () => {
    const own: Header = ["X-Request-Id", "the-client-s"];
    expect(recordOf(kong.ask(undefined, [own], numbered)).request_id).toBe("0123abcd");
    kong.watch.answers.set("proxy_get_property ngx.kong_request_id", Status.NotFound);
    expect(recordOf(kong.ask(undefined, [own])).request_id).toBe("the-client-s");
    expect(recordOf(kong.ask()).request_id).toBe("");
  });

  it("loses what it brings of the attestation, the key and the stripped headers, in any case", () => {
    const seen = kong.ask(undefined, [
      ["X-Break-Glass-Grant", 'sub="admin"'],
      ["APIKEY", "the client's"],
      ["Authorization", "Bearer forged"],
      ["X-USER", "root"],
      ["X-Original-URL", "/admin"],
    ]);
    expect(verdictOf(seen)).toBe("allow");
    expect(linesOf(seen.headers, "apikey")).toEqual([KEY]);
    expect(linesOf(seen.headers, "x-break-glass-grant")[0]).not.toContain("admin");
    for (const name of ["authorization", "x-user", "x-original-url"]) expect(linesOf(seen.headers, name)).toEqual([""]);
  });

  it("is parsed once: the second is cached, and its record follows the first", () => {
    const grant = kong.world.grant();
    const records = [kong.ask(grant), kong.ask(grant)].map(recordOf);
    expect(records.map((record) => [record.seq, record.cached])).toEqual([
      [1, false],
      [2, true],
    ]);
  });

  it("asks the host few things", () => {
    const grant = kong.world.grant();
    kong.ask(grant);
    expect(kong.ask(grant).calls.length).toBeLessThanOrEqual(14);
  });
});

describe("a host that fails", () => {
  it.each([
    ["proxy_replace_header_map_value", "apikey", "internal"],
    ["proxy_replace_header_map_value", "x-break-glass-grant", "internal"],
    ["proxy_replace_header_map_value", "x-break-glass", "internal"],
    ["proxy_replace_header_map_value", "x-user", "internal"],
    ["proxy_set_property", "kong.ctx.shared.glassgate_audit", "audit_unavailable"],
    ["proxy_set_property", "kong.ctx.shared.glassgate_verdict", "internal"],
  ])("%s of %s: nobody is let in, nor has the key gone out", (call, subject, code) => {
    const { answers } = kong.watch;
    answers.set(`${call} ${subject}`, Status.InternalFailure);
    const seen = kong.ask(undefined, [["X-User", "root"]]);
    expect(seen.kind).toBe("reply");
    expect(codeOf(seen)).toBe(code);
    expect(linesOf(seen.headers, "apikey")).not.toContain(KEY);
    answers.clear();
    expect(verdictOf(kong.ask())).toBe("allow");
  });
});
