/**
 * Fuzzing of the release binary in the Node host. Never a trap; never an accept that the independent reference would not give;
 * of the denials a sample is compared as well. GLASSGATE_FUZZ_CASES sets how many (default 10,000: more are compared in test/reference/decision.test.ts, ten times as many in `npm run soak:tests`), GLASSGATE_SEED which.
 */
import { createPrivateKey, sign } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { newKey } from "../../control/signer/jwk.js";
import { base64url, payloadSegmentOf, type Signer } from "../kit/token.js";
import { World } from "../kit/world.js";
import { referenceDecision } from "../reference/decide.js";
import { apply, mutations } from "./mutations.js";

const CASES = Number(process.env.GLASSGATE_FUZZ_CASES ?? 10_000);
/** After so many failures under one key, within a window, it would be busy (assembly/filter/failures.ts). */
const MAX_FAILED = 32;
/** Of the denials, one in so many is compared with the reference, which is slow. */
const SAMPLE = 25;
const TIMEOUT_MS = 15 * 60_000;
const runs = (share: number) => ({ numRuns: Math.max(10, Math.round(CASES * share)) });

/** Signs by OpenSSL: twenty times faster than the kit's own signer. */
function quickSigner(): Signer {
  const { d, ...jwk } = newKey("Ed25519");
  const key = createPrivateKey({ key: { ...jwk, d }, format: "jwk" });
  return {
    alg: "Ed25519",
    kid: jwk.kid,
    jwk: { kty: jwk.kty, crv: jwk.crv, x: jwk.x, kid: jwk.kid },
    sign: (message) => sign(null, message, key),
  };
}

const now = Math.floor(Date.now() / 1000);
const world = new World(now);
const rita = quickSigner();
const claims = world.bundleClaims();
const principals = Array.isArray(claims.principals) ? claims.principals : [];
const configuration = world.configuration({
  bundle: { ...claims, principals: [{ id: "rita", roles: ["oncall"], keys: [rita.jwk] }, ...principals.slice(1)] },
});
let host: FilterHost;
/** Two times at which the grants are good and no window of the other's failures is open. */
const TIMES = [now, now + 20] as const;
let time: number = now;
let failedApprovals = 0;
let compared = 0;
let accepted = 0;

beforeAll(async () => {
  host = await FilterHost.load({ clock: () => time * 1000 });
  expect(host.configure(configuration).reason).toBeUndefined();
});

interface Shot {
  readonly grants: readonly Buffer[];
  readonly method?: string;
  readonly target?: string;
  readonly authority?: string;
}

/** Sends, and holds the verdict to the reference where it must or the sample says so. */
async function shoot(
  { grants, method = "GET", target = "/orders/7", authority = "api.example.com" }: Shot,
  always = false,
): Promise<void> {
  const texts = grants.map((grant) => grant.toString("latin1"));
  const lines = texts.map((text): [string, string] => ["x-break-glass", text]);
  // Another network each time, and another time now and then: a flood would be busy, which the reference knows nothing of.
  const network = `10.${(compared >> 8) & 255}.${compared & 255}.1:4711`;
  const outcome = host.request({
    sourceAddress: network,
    headers: [[":method", method], [":path", target], [":authority", authority], ...lines],
  });
  expect(outcome.reply?.details).not.toBe("wasm_fail_stream");
  const verdict = outcome.filterState.get("wasm.glassgate.verdict");
  expect(verdict).toBeDefined();
  compared += 1;
  const at = time;
  if (verdict === "approval_signature" && ++failedApprovals % MAX_FAILED === 0)
    time = at === TIMES[0] ? TIMES[1] : TIMES[0];
  if (verdict === "allow") accepted += 1;
  else if (!always && compared % SAMPLE !== 0) return;
  const reference = await referenceDecision({
    configuration,
    grants: texts,
    request: { method, host: authority, path: target, isUpgrade: false },
    now: at,
  });
  expect(verdict).toBe(reference);
}

const resign = (header: Buffer | string, payload: Buffer | string): Buffer => {
  const input = `${base64url(header)}.${base64url(payload)}`;
  return Buffer.from(`${input}.${base64url(rita.sign(Buffer.from(input)))}`);
};
const header = JSON.stringify({ alg: "Ed25519", kid: rita.kid, typ: "bg+jwt" });
const alone = (more: Record<string, unknown> = {}): string => JSON.stringify(world.claims({ ent: "alone", ...more }));

describe("fuzzing", () => {
  const pool = [
    world.grant({ by: rita }),
    world.grant({ by: rita, approvals: [{ by: world.alex }, { by: world.bot }] }),
    world.alone({ by: rita }),
    world.grant({ by: rita, claims: { ent: "everyone" }, approvals: world.crowd.slice(0, 8).map((by) => ({ by })) }),
  ];

  it(
    "bytes of a grant",
    async () => {
      const property = fc.asyncProperty(fc.constantFrom(...pool), mutations, (grant, list) =>
        shoot({ grants: [apply(list, grant)] }),
      );
      await fc.assert(property, runs(0.35));
    },
    TIMEOUT_MS,
  );

  it(
    "pieces of grants, put together anew",
    async () => {
      const pieces = pool.flatMap((grant) => [...grant.split("~"), ...grant.split(/[.~]/)]);
      const separator = fc.constantFrom(".", "~", "..", "~~", "");
      const property = fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...pieces), separator), { minLength: 1, maxLength: 8 }),
        (parts) => shoot({ grants: [Buffer.from(parts.flat().slice(0, -1).join(""))] }),
      );
      await fc.assert(property, runs(0.1));
    },
    TIMEOUT_MS,
  );

  it(
    "approvals shuffled, repeated and mixed between grants",
    async () => {
      const requests = pool.map((grant) => grant.split("~")[0] ?? "");
      const approvals = pool.flatMap((grant) => grant.split("~").slice(1));
      const property = fc.asyncProperty(
        fc.constantFrom(...requests),
        fc.array(fc.constantFrom(...approvals), { maxLength: 9 }),
        (request, list) => shoot({ grants: [Buffer.from([request, ...list].join("~"))] }),
      );
      await fc.assert(property, runs(0.05));
    },
    TIMEOUT_MS,
  );

  it(
    "bytes of the claims, signed again by the requester",
    async () => {
      const texts = [
        alone(),
        alone({ incident: "INC-1", authorization_details: [world.detail(), world.detail({ locations: ["b"] })] }),
      ];
      const property = fc.asyncProperty(fc.constantFrom(...texts), mutations, (text, list) =>
        shoot({ grants: [resign(header, apply(list, text))] }),
      );
      await fc.assert(property, runs(0.25));
    },
    TIMEOUT_MS,
  );

  it(
    "claims of any type, signed again by the requester",
    async () => {
      const base: Record<string, unknown> = { ...world.claims({ ent: "alone" }) };
      const value = fc.oneof(
        fc.jsonValue({ maxDepth: 4 }),
        fc.constantFrom(...Object.values(base)),
        fc.integer({ min: now - 2000, max: now + 2000 }),
      );
      const name = fc.constantFrom(...Object.keys(base), "incident", "drill", "cnf", "net", "nbf");
      const property = fc.asyncProperty(fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 3 }), (changes) =>
        shoot({ grants: [resign(header, JSON.stringify({ ...base, ...Object.fromEntries(changes) }))] }),
      );
      await fc.assert(property, runs(0.1));
    },
    TIMEOUT_MS,
  );

  it(
    "bytes of the header, signed again by the requester",
    async () => {
      const payload = alone();
      const property = fc.asyncProperty(mutations, (list) => shoot({ grants: [resign(apply(list, header), payload)] }));
      await fc.assert(property, runs(0.04));
    },
    TIMEOUT_MS,
  );

  it(
    "requests beside a good grant",
    async () => {
      const wide = world.alone({
        by: rita,
        claims: { ent: "wide", authorization_details: [world.detail({ paths: ["/orders/*", "/a/**", "/%20/x"] })] },
      });
      const piece = fc.constantFrom(
        "/",
        "orders",
        "a",
        ".",
        "..",
        "%",
        "%2e",
        "%2F",
        "%41",
        "%c3",
        "%A9",
        "%3f",
        "%20",
        ";",
        "\\",
        "?",
        "#",
        "*",
        "\x00",
        "\x7f",
        "\xe9",
        "x",
        "//",
      );
      const target = fc.oneof(
        fc.array(piece, { maxLength: 8 }).map((parts) => `/${parts.join("")}`),
        fc.constantFrom("/orders/7", "/a", "*", ""),
      );
      const authority = fc.oneof(
        fc.constantFrom("api.example.com", "API.example.com:80", "api.example.com:8080", "", "a,b", "[::1]:443"),
        fc.string({ maxLength: 12 }).filter((text) => /^[\x20-\x7e]*$/.test(text)),
      );
      const method = fc.constantFrom("GET", "POST", "get", "HEAD", "CONNECT", "");
      const property = fc.asyncProperty(target, authority, method, (path, hostName, verb) =>
        shoot({ grants: [Buffer.from(wide)], target: path, authority: hostName, method: verb }, true),
      );
      await fc.assert(property, runs(0.08));
    },
    TIMEOUT_MS,
  );

  it(
    "bytes of a configuration and its bundle: taken only when nothing that matters changed",
    async () => {
      const mutated = await FilterHost.load({ clock: () => now * 1000 });
      const original: Record<string, unknown> = JSON.parse(configuration);
      const property = fc.asyncProperty(mutations, async (list) => {
        const bent = apply(list, configuration);
        const answer = mutated.configure(bent);
        expect(answer.reason ?? "").not.toContain("trap");
        if (!answer.accepted) return;
        const read: Record<string, unknown> = JSON.parse(bent.toString("utf8"));
        if (read.bundle !== undefined) expect(read.bundle).toBe(original.bundle);
        expect([read.audience, ...(Array.isArray(read.roots) ? read.roots : [])]).toEqual([
          original.audience,
          ...(Array.isArray(original.roots) ? original.roots : []),
        ]);
      });
      await fc.assert(property, runs(0.03));
    },
    TIMEOUT_MS,
  );

  it("was worth it: some were accepted, and the claims of each were", () => {
    console.log(`${compared} grants judged, ${accepted} accepted, each as the reference says`);
    expect(accepted).toBeGreaterThan(0);
    expect(payloadSegmentOf(pool[0] ?? "")).not.toBe("");
  });
});
