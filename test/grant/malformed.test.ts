/** A malformed grant says which claim or header member is wrong and what it must be; a reply tells nothing of the grant's own bytes. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { malformedBecause, readClaims } from "../../control/grant/ask.js";
import { claims as claimRows } from "../../control/grant/claims.js";
import { FilterHost } from "../../control/host/host.js";
import { Party } from "../kit/party.js";
import { base64url, segment } from "../kit/token.js";
import { type Json, World } from "../kit/world.js";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const world = new World(Math.floor(Date.now() / 1000));
let host: FilterHost;
let party: Party;
beforeAll(async () => {
  host = await FilterHost.load();
  expect(host.configure(world.configuration()).accepted).toBe(true);
  party = await Party.make();
});
afterAll(() => party.end());

const problem = z.object({ code: z.string(), detail: z.string().optional() });
function answerTo(grant: string): z.infer<typeof problem> {
  const { reply } = host.request({
    headers: [
      [":method", "GET"],
      [":path", "/orders/7"],
      [":authority", "api.example.com"],
      ["x-break-glass", grant],
    ],
  });
  return problem.parse(JSON.parse(Buffer.from(reply?.body ?? "").toString()));
}

const detail = (changes: Json): Json => ({ authorization_details: [world.detail({ ...changes })] });
const claims = (changes: Json): string => world.grant({ claims: changes });
const [request = "", approval = ""] = world.grant().split("~");
const [header = "", payload = "", signature = ""] = request.split(".");

const CASES: readonly (readonly [string, string, string])[] = [
  ["a claim that is missing", claims({ reason: undefined }), "claim reason is missing"],
  ["a claim of another type", claims({ incident: 7 }), "claim incident must be a string of 1 to 64 bytes"],
  [
    "a claim out of its bounds",
    claims({ incident: "x".repeat(65) }),
    "claim incident must be a string of 1 to 64 bytes",
  ],
  ["a person that is a number", claims({ sub: 7 }), "claim sub must be a name"],
  ["an entitlement that is none", claims({ ent: "" }), "claim ent must be a name"],
  ["reasons in an array", claims({ reason: ["outage"] }), "claim reason must be a name"],
  [
    "no details",
    claims({ authorization_details: [] }),
    "claim authorization_details must be an array of 1 to 16 objects",
  ],
  ["an empty text", claims({ text: "" }), "claim text must be a string of 1 to 1000 bytes"],
  ["a name that is none", claims({ drill: "../x" }), "claim drill must be a name"],
  ["a jti that is too short", claims({ jti: "abc" }), "claim jti must be a string of 16 to 64 of A-Za-z0-9_-"],
  ["a date with a fraction", claims({ exp: 1.5 }), "claim exp must be whole seconds since 1970"],
  ["a date as a string", claims({ iat: "now" }), "claim iat must be whole seconds since 1970"],
  ["dates turned round", claims({ exp: world.now }), "claim exp is not after iat"],
  [
    "too many audiences",
    claims({ aud: Array.from({ length: 17 }, () => "a") }),
    "claim aud must be a name, or an array of 1 to 16 names",
  ],
  [
    "a claim that is not known",
    claims({ nonce: "canary" }),
    "the payload has a member that this filter does not know, and so cannot enforce",
  ],
  [
    "a key that is none",
    claims({ cnf: { jkt: "x" } }),
    "claim cnf must be an object of one member, x5t#S256 or jkt: a SHA-256 in base64url",
  ],
  [
    "a key of another kind",
    claims({ cnf: { kid: "x" } }),
    "claim cnf has a member that this filter does not know, and so cannot enforce",
  ],
  [
    "a network with host bits",
    claims({ net: ["10.0.0.1/8"] }),
    "claim net must be an array of 1 to 16 CIDR blocks, each in its canonical spelling",
  ],
  ["a claim twice", world.grant({ payload: '{"sub":"a","sub":"b"}' }), "claim sub stands there twice"],
  ["no object", world.grant({ payload: "[1]" }), "the payload must be a JSON object"],
  ["no JSON", world.grant({ payload: '{"sub":"a"' }), "the payload is not JSON that every reader reads alike"],
  [
    "a scope without hosts",
    claims(detail({ locations: [] })),
    "claim authorization_details: locations must be an array of 1 to 16 lower-case hosts, each with its port where that is not 80 or 443",
  ],
  [
    "a method in small letters",
    claims(detail({ actions: ["get"] })),
    "claim authorization_details: actions must be an array of 1 to 16 methods in capitals",
  ],
  [
    "an ambiguous pattern",
    claims(detail({ paths: ["/a/../b"] })),
    "claim authorization_details: paths must be an array of 1 to 32 path patterns, none of them ambiguous",
  ],
  [
    "another type of scope",
    claims(detail({ type: "other" })),
    "claim authorization_details: type must be break_glass_http",
  ],
  [
    "a scope with more",
    claims(detail({ datatypes: ["x"] })),
    "claim authorization_details has a member that this filter does not know, and so cannot enforce",
  ],
  [
    "a scope with less",
    claims({ authorization_details: [{ type: "break_glass_http" }] }),
    "claim authorization_details: locations is missing",
  ],
  [
    "a header with more",
    world.grant({ header: { crit: ["x"] } }),
    "the request has a member that this filter does not know, and so cannot enforce",
  ],
  ["a header without kid", world.grant({ header: { kid: undefined } }), "the request: header member kid is missing"],
  [
    "an ask",
    world.grant({ header: { typ: "bg-ask+jwt" } }),
    "the request: header member typ must be that of a grant, bg+jwt (an ask, bg-ask+jwt, opens nothing)",
  ],
  [
    "an approval of another typ",
    `${request}~${world.approve(payload, { by: world.adam, header: { typ: "x" } })}`,
    "approval 1: header member typ must be bg-approval+jws",
  ],
  [
    "a second approval without iat",
    `${request}~${approval}~${world.approve(payload, { by: world.anna, header: { iat: undefined } })}`,
    "approval 2: header member iat is missing",
  ],
  [
    "nine approvals",
    [request, ...Array.from({ length: 9 }, () => approval)].join("~"),
    "the grant has more approvals than 8",
  ],
  ["no dots", "abc", "the request is not made of the segments and dots of a compact JWS"],
  ["one character", "x", "the request is not made of the segments and dots of a compact JWS"],
  ["a tilde in front", `~${request}`, "the request is not made of the segments and dots of a compact JWS"],
  [
    "an empty approval in front",
    `${request}~~${approval}`,
    "approval 1 is not made of the segments and dots of a compact JWS",
  ],
  ["an empty approval", `${request}~`, "approval 1 is not made of the segments and dots of a compact JWS"],
  ["padding in the payload", `${header}.${payload}=.${signature}`, "the payload is not canonical base64url"],
  ["a header in another alphabet", `${header}+.${payload}.${signature}`, "the request is not canonical base64url"],
  ["a cut signature", request.slice(0, -3), "the request has no signature of 64 octets in canonical base64url"],
  ["nothing", "", "the grant is empty"],
];

describe("the reply to a malformed grant", () => {
  for (const [name, grant, words] of CASES)
    it(`${name}: ${words}`, () => expect(answerTo(grant)).toEqual({ code: "malformed", detail: words }));

  it("has no detail where the verdict is another", () => {
    expect(answerTo(claims({ aud: "other" }))).toEqual({ code: "audience" });
    expect(answerTo(`${header}.${payload}.${"A".repeat(86)}`)).toEqual({ code: "signature" });
    expect(answerTo("x".repeat(8193))).toEqual({ code: "too_large" });
    // Nor is one left over from the request before.
    expect(answerTo("abc").detail).toBeDefined();
    expect(answerTo(claims({ aud: "other" }))).toEqual({ code: "audience" });
  });

  it("holds none of the grant's bytes, whatever stands in it", () => {
    const vocabulary = new Set(CASES.flatMap(([, , words]) => words.split(/[\s:,()]+/)));
    const more =
      "the request payload grant approval is not too large must be a string bg-approval+jws alg kid typ iat inner".split(
        " ",
      );
    for (const word of more) vocabulary.add(word);
    const claimNames = new Set<string>(claimRows.map(({ name }) => name));
    const bent = fc.oneof(
      fc
        .dictionary(
          fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom("sub", "aud", "exp", "canary")),
          fc.jsonValue(),
        )
        .map((value) => `${header}.${segment(value)}.${signature}`),
      fc
        .tuple(fc.integer({ min: 0, max: request.length - 1 }), fc.string({ minLength: 1, maxLength: 3 }))
        .map(([at, text]) => `${request.slice(0, at)}${text.replace(/[^!-~]/g, "!")}${request.slice(at)}`),
      fc.jsonValue().map((value) => `${segment(value)}.${payload}.${signature}`),
    );
    fc.assert(
      fc.property(bent, (grant) => {
        const { code, detail: words } = answerTo(grant);
        expect(words === undefined).toBe(code !== "malformed");
        for (const word of words?.split(/[\s:,()]+/) ?? [])
          expect(vocabulary.has(word) || claimNames.has(word) || /^\d+$/.test(word), `${word}: ${words}`).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});

describe("the holder is told all of it", () => {
  it("by name, also of a claim that is not known", async () => {
    expect(await malformedBecause(claims({ "no\u202ence": 1 }))).toBe(
      "the payload has a member that this filter does not know, and so cannot enforce: no\\u{202e}nce",
    );
    expect(await malformedBecause(world.grant())).toBeUndefined();
    const payload = JSON.stringify(world.claims()).padEnd(6200);
    expect(await malformedBecause(world.grant({ payload, approvals: [] }))).toBe("the grant is too large");
    const ask = `${base64url(JSON.stringify({ alg: world.rita.alg, kid: world.rita.kid, typ: "bg-ask+jwt" }))}.${segment(world.claims({ incident: "" }))}.${"A".repeat(86)}`;
    await expect(readClaims(ask, "The ask")).rejects.toThrow(
      "The ask is not well-formed, and every gateway would refuse it: claim incident must be a string of 1 to 64 bytes.",
    );
  });

  it("by explain and by approve", async () => {
    const bad = world.claims({ sub: "rita", nbf: 7 });
    const token = (typ: string): string =>
      `${segment({ alg: "Ed25519", kid: party.keys.rita.kid, typ })}.${segment(bad)}.${"A".repeat(86)}`;
    const explained = await party.run(["explain", token("bg+jwt"), "GET", "https://api.example.com/orders/1"]);
    expect(explained).toMatchObject({ code: 1 });
    expect(explained.stdout).toMatch(
      /^malformed: .*\nbecause +the payload has a member that this filter does not know, and so cannot\s+enforce: nbf$/m,
    );
    const json = await party.run(["explain", token("bg+jwt"), "GET", "https://api.example.com/orders/1", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ verdict: "malformed", detail: expect.stringMatching(/: nbf$/) });
    const approved = await party.run(["approve", token("bg-ask+jwt"), "--key", "adam"]);
    expect(approved).toMatchObject({ code: 2, stdout: "" });
    expect(approved.stderr).toMatch(/not\s+well-formed[\s\S]*does\s+not\s+know[\s\S]*nbf/);
  });
});
