/** DPoP proofs, each with the verdict that docs/request.md demands, and their nearest neighbours. */
import { createHash } from "node:crypto";
import { proofClaims, proofHeader, proofOf, publicJwk } from "../kit/proofs.js";
import { base64url, compact, newSigner, type Signer, segment } from "../kit/token.js";
import { HOST, type Json, type World } from "../kit/world.js";
import type { CaseRequest } from "./case.js";

export interface Bound {
  readonly world: World;
  readonly key: Signer;
  /** Bound to the key, for any host, method and path. */
  readonly grant: string;
}

export interface ProofCase {
  readonly name: string;
  readonly verdict: string;
  readonly proofs: (bound: Bound) => readonly string[];
  readonly request?: CaseRequest;
  /** Another grant than the bound one. */
  readonly grant?: (bound: Bound) => string;
}

const claims = (name: string, verdict: string, changes: Json, request?: CaseRequest): ProofCase => ({
  name,
  verdict,
  proofs: ({ key, grant }) => [proofOf(key, { grant, claims: changes })],
  ...(request === undefined ? {} : { request }),
});
const header = (name: string, verdict: string, changes: (key: Signer) => Json): ProofCase => ({
  name,
  verdict,
  proofs: ({ key, grant }) => [proofOf(key, { grant, header: changes(key) })],
});
const text = (name: string, verdict: string, bend: (proof: string) => string): ProofCase => ({
  name,
  verdict,
  proofs: ({ key, grant }) => [bend(proofOf(key, { grant }))],
});
/** The payload's text, bent. */
const payload = (name: string, verdict: string, bend: (json: string) => string): ProofCase => ({
  name,
  verdict,
  proofs: ({ key, grant }) => [proofOf(key, { grant, payload: bend(JSON.stringify(proofClaims(grant))) })],
});
const head = (name: string, verdict: string, bend: (json: string) => string): ProofCase => ({
  name,
  verdict,
  proofs: ({ key, grant }) => [proofOf(key, { grant, head: bend(JSON.stringify(proofHeader(key))) })],
});
const url = (htu: unknown, verdict: string, request?: CaseRequest): ProofCase =>
  claims(`htu ${JSON.stringify(htu)}`, verdict, { htu }, request);
const at = (seconds: number): Json => ({ iat: Math.floor(Date.now() / 1000) + seconds });
const jwk = (name: string, verdict: string, changes: Json): ProofCase =>
  header(`jwk ${name}`, verdict, (key) => ({ jwk: { ...publicJwk(key), ...changes } }));

const thumbprintOf = (members: Json): string =>
  createHash("sha256").update(JSON.stringify(members)).digest("base64url");

/** A key that is no point, or of small order, and a signature that lax checks take: the grant is bound to it all the same. */
function badKey(name: string, alg: string, members: Json, signature: Buffer): ProofCase {
  return {
    name,
    verdict: "proof",
    grant: ({ world }) => world.alone({ claims: { cnf: { jkt: thumbprintOf(members) } } }),
    proofs: ({ grant }) => {
      const input = `${segment({ typ: "dpop+jwt", alg, jwk: members })}.${segment(proofClaims(grant))}`;
      return [`${input}.${base64url(signature)}`];
    },
  };
}
const identity = Buffer.from([1, ...Buffer.alloc(31)]);
const notCanonical = Buffer.from([0xee, ...Buffer.alloc(30, 0xff), 0x7f]);

export const proofCases: readonly ProofCase[] = [
  claims("a good one", "allow", {}),
  { name: "none", verdict: "binding_missing", proofs: () => [] },
  { name: "an empty one", verdict: "proof", proofs: () => [""] },
  { name: "two", verdict: "proof", proofs: ({ key, grant }) => [proofOf(key, { grant }), proofOf(key, { grant })] },
  { name: "a good one and an empty one", verdict: "proof", proofs: ({ key, grant }) => [proofOf(key, { grant }), ""] },
  {
    name: "two in one line",
    verdict: "proof",
    proofs: ({ key, grant }) => [`${proofOf(key, { grant })},${proofOf(key, { grant })}`],
  },
  { name: "an access token", verdict: "proof", proofs: () => ["DPoP abc"] },
  { name: "the grant itself", verdict: "proof", proofs: ({ grant }) => [grant] },
  {
    name: "by another key",
    verdict: "binding_mismatch",
    proofs: ({ grant }) => [proofOf(newSigner("Ed25519"), { grant })],
  },
  {
    name: "by another key, and wrong in all its claims",
    verdict: "binding_mismatch",
    proofs: ({ grant }) => [proofOf(newSigner("ES256"), { grant, payload: "{}" })],
  },
  {
    name: "with the grant's key, signed by another",
    verdict: "proof",
    proofs: ({ key, grant }) => [proofOf(key, { grant, by: newSigner("Ed25519") })],
  },
  {
    name: "without a signature of anything",
    verdict: "proof",
    proofs: ({ key, grant }) => [proofOf(key, { grant }).replace(/\.[^.]*$/, `.${base64url(Buffer.alloc(64))}`)],
  },

  header("typ jwt", "proof", () => ({ typ: "jwt" })),
  header("typ DPoP+JWT", "proof", () => ({ typ: "DPoP+JWT" })),
  header("typ of a grant", "proof", () => ({ typ: "bg+jwt" })),
  header("no typ", "proof", () => ({ typ: undefined })),
  header("alg EdDSA", "allow", () => ({ alg: "EdDSA" })),
  header("alg none", "proof", () => ({ alg: "none" })),
  header("alg HS256", "proof", () => ({ alg: "HS256" })),
  header("alg of another key", "proof", () => ({ alg: "ES256" })),
  header("no alg", "proof", () => ({ alg: undefined })),
  header("no jwk", "proof", () => ({ jwk: undefined })),
  header("jwk by name", "proof", (key) => ({ jwk: key.kid })),
  header("kid instead of jwk", "proof", (key) => ({ jwk: undefined, kid: key.kid })),
  header("a further member", "proof", (key) => ({ kid: key.kid })),
  header("crit", "proof", () => ({ crit: ["exp"], exp: 1 })),
  head("a member twice", "proof", (json) => json.replace("{", '{"typ":"dpop+jwt",')),
  head("white space", "allow", (json) => ` ${json.replaceAll(":", " : ")}\n`),
  head("a comma too many", "proof", (json) => json.replace(/}$/, ",}")),
  jwk("with members of others", "allow", {
    use: "sig",
    kid: "whatever",
    alg: "RS256",
    key_ops: ["verify"],
    y: "",
    e: 1,
  }),
  jwk("with an empty d", "proof", { d: "" }),
  jwk("with d null", "proof", { d: null }),
  jwk("with an RSA key's p", "proof", { p: "AA" }),
  jwk("with a secret k", "proof", { k: "AA" }),
  jwk("without x", "proof", { x: undefined }),
  jwk("of another kty", "proof", { kty: "EC" }),
  jwk("of another crv", "proof", { crv: "X25519" }),
  jwk("with a fraction of nobody's", "allow", { n: 0.5 }),
  jwk("with padding", "proof", { x: `${"A".repeat(43)}=` }),
  badKey(
    "the neutral point",
    "Ed25519",
    { crv: "Ed25519", kty: "OKP", x: base64url(identity) },
    Buffer.concat([identity, Buffer.alloc(32)]),
  ),
  badKey(
    "no canonical point",
    "EdDSA",
    { crv: "Ed25519", kty: "OKP", x: base64url(notCanonical) },
    Buffer.concat([identity, Buffer.alloc(32)]),
  ),
  badKey(
    "no point of P-256",
    "ES256",
    { crv: "P-256", kty: "EC", x: base64url(Buffer.alloc(32, 1)), y: base64url(Buffer.alloc(32, 1)) },
    Buffer.alloc(64, 1),
  ),
  badKey(
    "zero of P-256",
    "ES256",
    { crv: "P-256", kty: "EC", x: base64url(Buffer.alloc(32)), y: base64url(Buffer.alloc(32)) },
    Buffer.alloc(64, 1),
  ),

  claims("no jti", "proof", { jti: undefined }),
  claims("an empty jti", "proof", { jti: "" }),
  claims("jti of 256 bytes", "allow", { jti: `${"j".repeat(254)}\u00e9` }),
  claims("jti of 257 bytes", "proof", { jti: `${"j".repeat(255)}\u00e9` }),
  claims("jti a number", "proof", { jti: 7 }),
  claims("htm POST for GET", "proof", { htm: "POST" }),
  claims("htm POST for POST", "allow", { htm: "POST" }, { method: "POST" }),
  claims("htm GET for POST", "proof", {}, { method: "POST" }),
  claims("htm GET for a WebSocket", "allow", {}, { headers: { upgrade: "websocket" } }),
  claims("htm CONNECT for a WebSocket", "proof", { htm: "CONNECT" }, { headers: { upgrade: "websocket" } }),
  claims("htm in lower case", "proof", { htm: "get" }),
  claims("no htm", "proof", { htm: undefined }),
  claims("no htu", "proof", { htu: undefined }),
  claims("no iat", "proof", { iat: undefined }),
  claims("iat a text", "proof", { iat: String(Math.floor(Date.now() / 1000)) }),
  payload("iat a fraction", "proof", (json) => json.replace(/("iat":\d+)/, "$1.0")),
  payload("iat with an exponent", "proof", (json) => json.replace(/"iat":\d+/, '"iat":1e9')),
  claims("no ath", "proof", { ath: undefined }),
  claims("ath of another grant", "proof", { ath: createHash("sha256").update("x").digest("base64url") }),
  claims("ath in hex", "proof", { ath: createHash("sha256").update("x").digest("hex") }),
  claims("claims that nobody knows", "allow", {
    nonce: "n",
    exp: 1,
    nbf: 99999999999,
    aud: ["x"],
    a: { b: [null, true] },
  }),
  claims("unknown claims of numbers that are no dates", "allow", { a: 1.5, b: -1, c: 1e30, d: 2 ** 53 }),
  payload("an unknown claim with a number that is none", "proof", (json) => json.replace("{", '{"a":1.,')),
  payload("a claim twice", "proof", (json) => json.replace("{", '{"jti":"other",')),
  payload("an unknown claim twice", "proof", (json) => json.replace("{", '{"a":1,"\\u0061":1,')),
  payload("a name twice, deep in an unknown claim", "proof", (json) => json.replace("{", '{"a":[{"b":1,"b":1}],')),
  payload("depth 8", "allow", (json) => json.replace("{", '{"a":[[[[[[[]]]]]]],')),
  payload("depth 9", "proof", (json) => json.replace("{", '{"a":[[[[[[[[]]]]]]]],')),
  payload("a lone surrogate", "proof", (json) => json.replace("{", '{"a":"\\ud800",')),
  payload("an array", "proof", (json) => `[${json}]`),
  payload("cut short", "proof", (json) => json.slice(0, -1)),
  {
    name: "invalid UTF-8",
    verdict: "proof",
    proofs: ({ key, grant }) => [rawPayload(key, grant, Buffer.from([0x22, 0xff, 0x22]))],
  },

  url(`http://${HOST}/orders/7`, "allow"),
  url(`wss://${HOST}/orders/7`, "allow"),
  url(`ws://${HOST}/orders/7`, "allow"),
  url(`HTTPS://${HOST.toUpperCase()}:443/orders/7`, "allow"),
  url(`https://${HOST}:80/orders/7`, "allow"),
  url(`https://${HOST}/orders/7?a=b#c`, "allow"),
  url(`https://${HOST}/orders/7`, "allow", { path: "/orders/7?a=b" }),
  url(`https://${HOST}/orders/7?x=1`, "allow", { path: "/orders/7?x=2" }),
  url(`https://${HOST}/orders/7`, "allow", { host: `${HOST.toUpperCase()}:443` }),
  url(`https://${HOST}/orders/8`, "proof"),
  url(`https://${HOST}/orders/7/`, "proof"),
  url(`https://${HOST}/orders/%37`, "proof"),
  url(`https://${HOST}//orders/7`, "proof"),
  url(`https://${HOST}/orders/../orders/7`, "proof"),
  url(`https://${HOST}:8443/orders/7`, "proof"),
  url("https://other.example.com/orders/7", "proof"),
  url(`https://u@${HOST}/orders/7`, "proof"),
  url(`https://${HOST}@${HOST}/orders/7`, "proof"),
  url(`https://${HOST}`, "proof"),
  url(`//${HOST}/orders/7`, "proof"),
  url("/orders/7", "proof"),
  url(`${HOST}/orders/7`, "proof"),
  url(`ftp://${HOST}/orders/7`, "proof"),
  url(` https://${HOST}/orders/7`, "proof"),
  url("", "proof"),
  url([`https://${HOST}/orders/7`], "proof"),
  { ...claims("57 s early", "allow", {}), proofs: ({ key, grant }) => [proofOf(key, { grant, claims: at(57) })] },
  { ...claims("10 minutes old", "proof", {}), proofs: ({ key, grant }) => [proofOf(key, { grant, claims: at(-600) })] },
  {
    ...claims("10 minutes early", "proof", {}),
    proofs: ({ key, grant }) => [proofOf(key, { grant, claims: at(600) })],
  },
  claims("of 1970", "proof", { iat: 0 }),
  claims("of the last day", "proof", { iat: Number.MAX_SAFE_INTEGER }),

  text("four parts", "proof", (proof) => `${proof}.`),
  text("two parts", "proof", (proof) => proof.split(".").slice(0, 2).join(".")),
  text("padding", "proof", (proof) => proof.replace(".", "=.")),
  text("a signature of 63 octets", "proof", (proof) => proof.slice(0, -2)),
  text("a space within", "proof", (proof) => proof.replace(".", " .")),
  {
    name: "of 8 KiB",
    verdict: "allow",
    proofs: ({ key, grant }) => [ofLength(key, grant, 8192)],
  },
  { name: "longer than 8 KiB", verdict: "proof", proofs: ({ key, grant }) => [ofLength(key, grant, 8194)] },
];

function rawPayload(key: Signer, grant: string, value: Buffer): string {
  const [before = "", after = ""] = JSON.stringify({ a: "@", ...proofClaims(grant) }).split('"@"');
  const bytes = Buffer.concat([Buffer.from(before), value, Buffer.from(after)]);
  const input = `${segment(proofHeader(key))}.${base64url(bytes)}`;
  return `${input}.${base64url(key.sign(Buffer.from(input)))}`;
}

/** A good proof filled up to a length: every fourth character more is three bytes of payload. */
function ofLength(key: Signer, grant: string, length: number): string {
  for (let fill = 0; ; fill++) {
    const proof = compact(proofHeader(key), { ...proofClaims(grant, { jti: "of 8 KiB" }), a: "x".repeat(fill) }, key);
    if (proof.length >= length) return proof;
    fill += Math.max(0, Math.floor(((length - proof.length) * 3) / 4) - 3);
  }
}
