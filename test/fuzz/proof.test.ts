/**
 * Fuzzing of DPoP proofs on the release binary: never a trap, and never another verdict than the independent reference gives.
 * GLASSGATE_FUZZ_CASES sets how many (a share of it), GLASSGATE_SEED which.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { proofClaims, proofHeader, publicJwk } from "../kit/proofs.js";
import { quickSigner } from "../kit/quick.js";
import { base64url } from "../kit/token.js";
import { HOST, type Json, World } from "../kit/world.js";
import { referenceProof, type UsedProofs } from "../reference/proof.js";
import { apply, mutations } from "./mutations.js";

const CASES = Number(process.env.GLASSGATE_FUZZ_CASES ?? 30_000);
const TIMEOUT_MS = 15 * 60_000;
const runs = (share: number) => ({ numRuns: Math.max(10, Math.round(CASES * share)) });

const now = Math.floor(Date.now() / 1000);
const world = new World(now);
const keys = [quickSigner("Ed25519"), quickSigner("ES256")] as const;
const stranger = quickSigner("Ed25519");
/** A grant for each key: any host and path. */
const bound = keys.map((key) => ({
  key,
  grant: world.alone({
    claims: { ent: "wide", cnf: { jkt: key.kid }, authorization_details: [world.detail({ paths: ["/**"] })] },
  }),
}));
type Bound = (typeof bound)[number];
let host: FilterHost;
const used: UsedProofs = new Map();
let judged = 0;
let accepted = 0;

beforeAll(async () => {
  // The table of used proofs is older than every proof.
  let clock = now - 1000;
  host = await FilterHost.load({ clock: () => clock * 1000 });
  expect(host.configure(world.configuration()).reason).toBeUndefined();
  clock = now;
});

async function shoot(
  { key, grant }: Bound,
  proofs: readonly Buffer[],
  path = "/orders/7",
  authority: string = HOST,
): Promise<void> {
  const lines = proofs.map((proof) => proof.toString("latin1"));
  judged += 1;
  const outcome = host.request({
    // Another network each time: signatures that do not hold make one busy.
    sourceAddress: `10.${(judged >> 8) & 255}.${judged & 255}.1:4711`,
    headers: [
      [":method", "GET"],
      [":path", path],
      [":authority", authority],
      ["x-break-glass", grant],
      ...lines.map((line): [string, string] => ["dpop", line]),
    ],
  });
  expect(outcome.reply?.details).not.toBe("wasm_fail_stream");
  const request = { method: "GET", host: authority, path, isUpgrade: false };
  const expected = await referenceProof(lines, key.kid, grant, request, now, used);
  expect(outcome.filterState.get("wasm.glassgate.verdict")).toBe(expected);
  if (expected === "allow") accepted += 1;
}

const sign = ({ key }: Bound, head: Buffer | string, payload: Buffer | string): Buffer => {
  const input = `${base64url(head)}.${base64url(payload)}`;
  return Buffer.from(`${input}.${base64url(key.sign(Buffer.from(input)))}`);
};
const headOf = ({ key }: Bound, jwk: Json = {}): string =>
  JSON.stringify({ ...proofHeader(key), jwk: { ...publicJwk(key), ...jwk } });
const claimsOf = ({ grant }: Bound, changes: Json = {}): string =>
  JSON.stringify(proofClaims(grant, { iat: now, ...changes }));
const good = (one: Bound): string => sign(one, headOf(one), claimsOf(one)).toString();
const anyBound = fc.constantFrom(...bound);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, 0, -1, 0.5, "", "d", keys[0].jwk.x, keys[1].jwk.y, stranger.jwk.x, "OKP", "EC", "P-256"),
);

describe("fuzzing of proofs", () => {
  it(
    "bytes of a proof",
    async () => {
      const property = fc.asyncProperty(anyBound, mutations, (one, list) => shoot(one, [apply(list, good(one))]));
      await fc.assert(property, runs(0.02));
    },
    TIMEOUT_MS,
  );

  it(
    "bytes of header and claims, signed again",
    async () => {
      const property = fc.asyncProperty(anyBound, mutations, fc.boolean(), (one, list, isHead) => {
        const head = Buffer.from(headOf(one));
        const claims = Buffer.from(claimsOf(one, { a: { b: [1, "\u00e9", {}] } }));
        return shoot(one, [
          isHead
            ? sign(one, apply(list, head.toString("latin1")), claims)
            : sign(one, head, apply(list, claims.toString("latin1"))),
        ]);
      });
      await fc.assert(property, runs(0.02));
    },
    TIMEOUT_MS,
  );

  it(
    "members of any type, signed again, and proofs twice",
    async () => {
      const name = fc.constantFrom(
        "typ",
        "alg",
        "jwk",
        "kid",
        "crit",
        "jti",
        "htm",
        "htu",
        "iat",
        "ath",
        "nonce",
        "exp",
      );
      const member = fc.constantFrom("kty", "crv", "x", "y", "d", "k", "use", "alg");
      const property = fc.asyncProperty(
        anyBound,
        fc.array(fc.tuple(name, value), { maxLength: 2 }),
        fc.array(fc.tuple(member, value), { maxLength: 2 }),
        fc.constantFrom(1, 1, 1, 2),
        async (one, changes, ofKey, times) => {
          const inHead = changes.filter(([key]) => ["typ", "alg", "jwk", "kid", "crit"].includes(key));
          const inClaims = changes.filter(([key]) => !["typ", "alg", "jwk", "kid", "crit"].includes(key));
          const head = JSON.stringify({
            ...JSON.parse(headOf(one, Object.fromEntries(ofKey))),
            ...Object.fromEntries(inHead),
          });
          const proof = sign(one, head, claimsOf(one, Object.fromEntries(inClaims)));
          for (let i = 0; i < times; i++) await shoot(one, [proof]);
        },
      );
      await fc.assert(property, runs(0.02));
    },
    TIMEOUT_MS,
  );

  it(
    "URLs, and times round the edges",
    async () => {
      const piece = fc.constantFrom(
        "http",
        "s",
        "ws",
        "://",
        HOST,
        HOST.toUpperCase(),
        ":80",
        ":443",
        ":",
        "@",
        "/",
        "orders",
        "7",
        "?",
        "#",
        "\\",
        "%37",
        "..",
        " ",
        "\u00e9",
        "//",
      );
      const htu = fc.oneof(
        fc.array(piece, { maxLength: 8 }).map((parts) => parts.join("")),
        fc.array(piece, { maxLength: 3 }).map((parts) => `https://${HOST}/orders/7${parts.join("")}`),
        fc.array(piece, { maxLength: 3 }).map((parts) => `https://${parts.join("")}${HOST}/orders/7`),
      );
      const seconds = fc.constantFrom(0, 0, 0, -59, -60, -61, 59, 60, 61, -now);
      const target = fc.constantFrom("/orders/7", "/orders/7", "/orders/7?a=b", "/", "/orders/%c3%a9");
      const authority = fc.constantFrom(HOST, HOST, `${HOST}:443`, `${HOST.toUpperCase()}:80`);
      const property = fc.asyncProperty(anyBound, htu, seconds, target, authority, (one, text, away, path, name) =>
        shoot(one, [sign(one, headOf(one), claimsOf(one, { htu: text, iat: now + away }))], path, name),
      );
      await fc.assert(property, runs(0.02));
    },
    TIMEOUT_MS,
  );

  it("was worth it: some were accepted", () => {
    console.log(`${judged} proofs judged, ${accepted} accepted, each as the reference says`);
    expect(accepted).toBeGreaterThan(CASES / 1000);
  });
});
