/** What a gateway tells nobody, `explain --proof` tells the holder: which rules a refused DPoP proof breaks. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { completeGrant, makeAsk } from "../../control/grant/make.js";
import { detail, entitlement, nowSeconds, Party } from "../kit/party.js";
import { hashOf, type ProofSpec, proofOf } from "../kit/proofs.js";
import { newSigner, type Signer } from "../kit/token.js";
import { inside } from "./inside.js";
import { glassgate } from "./run.js";

let party: Party;
const key = newSigner("Ed25519");
const now = nowSeconds();

const grantFor = async (jkt: string | undefined): Promise<string> => {
  const rest = { aud: "production", ent: "orders-repair", reason: "outage", authorization_details: [detail] };
  const cnf = jkt === undefined ? {} : { cnf: { jkt } };
  const ask = await makeAsk({ ...rest, ...cnf, ttl: 600, iat: now - 30, sub: "rita", text: "loop" }, party.keys.rita);
  return completeGrant(ask, [], party.keys.rita);
};
let grant: string;
beforeAll(async () => {
  party = await Party.make();
  await party.pin({ entitlements: [entitlement({ approvals: [] })] });
  grant = await grantFor(key.kid);
  party.write("grant.txt", `x-break-glass: ${grant}\n`);
});
afterAll(() => party.end());

const explain = async (proof: string, ...more: string[]) => {
  party.write("proof.txt", proof);
  const words = ["explain", "grant.txt", "GET", "https://api.example.com/orders/7", "--proof", "proof.txt", "--json"];
  const { code, stdout } = await inside([...words, ...more], { cwd: party.folder, env: party.env });
  const { verdict, detail: why } = JSON.parse(stdout);
  return { code, verdict, why };
};
const made = (spec: Partial<ProofSpec> = {}, by: Signer = key) => proofOf(by, { grant, ...spec });

it("a good one, as it is, as a header, and among the headers that curl -v shows", async () => {
  const dump = (proof: string) =>
    `> GET /orders/7 HTTP/1.1\n> Host: api.example.com\n> DPoP: ${proof}\n> accept: */*\n`;
  for (const form of [(proof: string) => `${proof}\n`, (proof: string) => `DPoP: ${proof}`, dump])
    expect(await explain(form(made()))).toMatchObject({
      code: 0,
      verdict: "allow",
      why: expect.stringContaining("used before"),
    });
});

const other = newSigner("Ed25519");
const es256 = newSigner("ES256");
const cases: [name: string, why: RegExp, spec: () => string][] = [
  ["method", /^htm is for "POST", and the request is a GET/, () => made({ claims: { htm: "POST" } })],
  [
    "path",
    /^htu is for "https:\/\/api\.example\.com\/orders\/8", and the request for "https:\/\/api\.example\.com\/orders\/7"/,
    () => made({ claims: { htu: "https://api.example.com/orders/8" } }),
  ],
  [
    "host",
    /^htu is for "https:\/\/other\.example\.com\/orders\/7"/,
    () => made({ claims: { htu: "https://other.example.com/orders/7" } }),
  ],
  ["user", /^htu is .*no URL/, () => made({ claims: { htu: "https://me@api.example.com/orders/7" } })],
  [
    "too old",
    /^iat is too old: .* UTC, .* before .*60 seconds are allowed/,
    () => made({ claims: { iat: nowSeconds() - 102 } }),
  ],
  ["ahead", /^iat is too far ahead: .* after /, () => made({ claims: { iat: nowSeconds() + 100 } })],
  ["no seconds", /^iat is "1\.5", no whole seconds/, () => made({ claims: { iat: 1.5 } })],
  ["another grant", /^ath is of another grant/, () => made({ claims: { ath: hashOf(`${grant}~`) } })],
  ["no id", /^jti is none, and has 1 to 256 bytes/, () => made({ claims: { jti: undefined } })],
  ["signature", /^its signature is not by its key/, () => made({ by: other })],
  ["typ", /^typ is "JWT", not "dpop\+jwt"/, () => made({ header: { typ: "JWT" } })],
  ["alg", /^alg is "ES256", and its key takes Ed25519 or EdDSA/, () => made({ header: { alg: "ES256" } })],
  ["member", /^its header has a member that none may have: "kid"/, () => made({ header: { kid: "x" } })],
  ["cut", /was it copied whole\?$/, () => made().slice(0, -3)],
  ["two", /^there are 2 headers DPoP/, () => `DPoP: ${made()}\ndpop: ${made()}\n`],
  [
    "not strict",
    /JSON is not strict/,
    () => {
      const claims = `"htm":"GET","htu":"https://api.example.com/orders/7","iat":${nowSeconds()},"ath":"${hashOf(grant)}"`;
      return made({ payload: `{"jti":"first","jti":"second",${claims}}` });
    },
  ],
  [
    "two faults",
    /^htm is for "POST".*; ath is of another grant/,
    () => made({ claims: { htm: "POST", ath: hashOf("x") } }),
  ],
];
for (const [name, why, proof] of cases)
  it(`which rule: ${name}`, async () => {
    expect(await explain(proof())).toEqual({ code: 1, verdict: "proof", why: expect.stringMatching(why) });
  });

it("another key: whose it is, and whose it should be", async () => {
  for (const by of [other, es256])
    expect(await explain(made({}, by))).toEqual({
      code: 1,
      verdict: "binding_mismatch",
      why: `it is by the key ${by.kid}, and the grant is bound to ${key.kid}`,
    });
});

it("--at: as of the request's own time", async () => {
  const at = nowSeconds() - 20;
  const proof = made({ claims: { iat: at - 55 } });
  expect(await explain(proof, "--at", String(at))).toMatchObject({ verdict: "allow" });
  expect(await explain(proof)).toMatchObject({ verdict: "proof", why: expect.stringMatching(/^iat is too old/) });
});

it("without one, says how to show one; a grant without a proof key has none", async () => {
  const words = ["explain", "grant.txt", "GET", "https://api.example.com/orders/7"];
  const options = { cwd: party.folder, env: party.env };
  const { code, stdout } = await inside(words, options);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^binding_missing(?:.|\n)*--proof FILE/) });
  party.write("unbound.txt", await grantFor(undefined));
  party.write("proof.txt", made());
  const unbound = await inside(["explain", "unbound.txt", ...words.slice(2), "--proof", "proof.txt"], options);
  expect(unbound).toMatchObject({ code: 2, stderr: expect.stringContaining("not bound to a proof key") });
});

it("two requests in one text are two requests, not one with two proofs; an empty header is empty", async () => {
  const words = ["explain", "grant.txt", "GET", "https://api.example.com/orders/7", "--proof", "proof.txt"];
  const shown = async (text: string) => {
    party.write("proof.txt", text);
    return inside(words, { cwd: party.folder, env: party.env });
  };
  const request = () => `> GET /orders/7 HTTP/1.1\r\n> Host: api.example.com\r\n> DPoP: ${made()}\r\n> \r\n`;
  const answer = "< HTTP/1.1 401 Unauthorized\r\n< \r\n";
  const connect = "> CONNECT api.example.com:443 HTTP/1.1\r\n> \r\n< HTTP/1.1 200 OK\r\n< \r\n";
  for (const one of [request(), `${connect}${request()}`])
    expect(await shown(`${one}${answer}`)).toMatchObject({ code: 0 });
  for (const two of [
    `${request()}${answer}${request()}`,
    `${request().replace("HTTP/1.1", "HTTP/2")}${answer}${request()}`,
  ])
    expect(await shown(two)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/there are 2 requests in it(?:.|\n)*headers of one request/),
    });
  for (const empty of ["DPoP:\n", "> GET /orders/7 HTTP/1.1\n> DPoP: \n"])
    expect(await shown(empty)).toMatchObject({ code: 2, stderr: expect.stringContaining("it is empty") });
});

it("what could still be in the way is no reason of the allow", async () => {
  party.write("proof.txt", made());
  const words = ["explain", "grant.txt", "GET", "https://api.example.com/orders/7", "--proof", "proof.txt"];
  const { stdout } = await inside(words, { cwd: party.folder, env: party.env });
  expect(stdout).toMatch(/^allow: .*\nbut {10}a gateway also refuses/);
  expect(stdout).not.toContain("because");
});

it("is taken from standard input, and never as an argument", async () => {
  const words = ["explain", "grant.txt", "GET", "https://api.example.com/orders/7", "--proof"];
  const given = await inside([...words, made()], { cwd: party.folder, env: party.env });
  expect(given).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining("on a command line can be read"),
  });
  party.write("empty.txt", "\n");
  const empty = await inside([...words, "empty.txt"], { cwd: party.folder, env: party.env });
  expect(empty).toMatchObject({ code: 2, stderr: expect.stringContaining("it is empty") });
  const piped = await glassgate([...words, "-"], { cwd: party.folder, env: party.env, input: made() });
  expect(piped).toMatchObject({ code: 0, stdout: expect.stringMatching(/^allow/) });
  // Nor should a grant that opens: it is judged all the same, as it may be over.
  const text = await inside(["explain", grant, ...words.slice(2, 4)], { cwd: party.folder, env: party.env });
  expect(text).toMatchObject({ code: 0, stderr: expect.stringContaining("everybody on this machine can read") });
});
