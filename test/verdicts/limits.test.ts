/**
 * Every bound of assembly/limits.ts: what is at it is taken, and one more is refused by its name. What cannot be shown by one
 * input has its own test, named here. A constant without a row fails.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { FilterHost, type Header } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { proofClaims, proofOf } from "../kit/proofs.js";
import { quickSigner } from "../kit/quick.js";
import { QuickWorld } from "../kit/quick-world.js";
import { revocations } from "../kit/revocations.js";
import { compact, detached, payloadSegmentOf } from "../kit/token.js";
import { HOST, type Json } from "../kit/world.js";

const world = new QuickWorld(Math.floor(Date.now() / 1000));
const limits = new Map(
  [...readFileSync("assembly/limits.ts", "utf8").matchAll(/^export const ([A-Z_]+): \w+ = ([^;]+);/gm)].map(
    ([, name = "", value = ""]) => [name, value.split("*").reduce((all, factor) => all * Number(factor), 1)],
  ),
);

const names = (count: number, stem = "name"): string[] => Array.from({ length: count }, (_, i) => `${stem}-${i}`);
/** Of exactly so many bytes. */
const long = (bytes: number, start = ""): string => start.padEnd(bytes, "a");

interface Row {
  /** A configuration, or a request, at the limit and one over it. */
  readonly configuration?: (size: number) => string;
  readonly request?: (size: number) => readonly Header[];
  /** What refuses one more: the reason in the log, or the denial. */
  readonly says: RegExp;
}

const bundle = (says: RegExp, claims: (size: number) => Json): Row => ({
  says,
  configuration: (size) => world.configuration({ bundle: { ...world.bundleClaims(), ...claims(size) } }),
});
const entitlement = (says: RegExp, change: (size: number) => Json): Row =>
  bundle(says, (size) => ({ entitlements: [world.entitlement("repair", change(size))] }));
const member = (says: RegExp, change: (size: number) => Json): Row => ({
  says,
  configuration: (size) => world.configuration({ configuration: change(size) }),
});
const receipt = (says: RegExp, change: (size: number) => Json): Row =>
  member(says, (size) => ({ receipt: { cluster: "ledger", path: "/", ...change(size) } }));
const grant = (says: RegExp, make: (size: number) => string): Row => ({ says, request: (n) => headersOf([make(n)]) });
const claim = (says: RegExp, claims: (size: number) => Json): Row =>
  grant(says, (size) => world.alone({ claims: claims(size) }));
const detail = (says: RegExp, change: (size: number) => Json): Row =>
  claim(says, (size) => ({ authorization_details: [world.detail(change(size))] }));

const key = quickSigner();
const bound = world.alone({ claims: { cnf: { jkt: key.kid } } });
/** The gateway's clock, and when proofs are made: the table of used ones takes none from before its start. */
const LATER = 20;
const madeAt = world.now + LATER;
const proofWith = (claims: Json): string => proofOf(key, { grant: bound, claims: { iat: madeAt, ...claims } });
const proof = (make: (size: number) => string): Row => ({
  says: /^proof/,
  request: (size) => [...headersOf([bound]), ["dpop", make(size)]],
});

/**
 * A text that blanks in its JSON make as long as that, or nearly, as base64url has no text of every length: where it is over
 * the limit, not a byte too short.
 */
function ofBytes(limit: string, make: (blanks: string) => string): (size: number) => string {
  return (size) => {
    const most = limits.get(limit) ?? 0;
    const text = (blanks: number): string => make(" ".repeat(blanks));
    let blanks = Math.floor((size - text(0).length) * 0.75) - 4;
    while (text(blanks + 1).length <= most) blanks += 1;
    return text(size > most ? blanks + 1 : blanks);
  };
}

const manyPrincipals = (count: number): Json[] => names(count, "p").map((id) => ({ id, roles: [], keys: [] }));
const principals = (more: readonly Json[]): Json => ({
  principals: [{ id: "rita", roles: ["oncall"], keys: [world.rita.jwk] }, ...more],
});
const [one, two, three] = world.roots;
const bundleWith = (blanks: string): string => {
  const claims = `${JSON.stringify(world.bundleClaims())}${blanks}`;
  const first = compact({ alg: one.alg, kid: one.kid, typ: "bg-bundle+jwt" }, claims, one);
  const head = { alg: two.alg, kid: two.kid, typ: "bg-bundle-approval+jws" };
  return `${first}~${detached(head, payloadSegmentOf(first), two)}`;
};
const textWith = (blanks: string): string => {
  const claims = { version: 7, iat: world.now - 60, aud: ["test"], revoked: {} };
  const head = { alg: three.alg, kid: three.kid, typ: "bg-revocations+jwt" };
  return compact(head, `${JSON.stringify(claims)}${blanks}`, three);
};
const revokers = { revokers: ["oncall", "lead", "security", "crowd"] };
const textsOf = (count: number): string[] =>
  [world.rita, world.adam, world.anna, world.alex, world.bot, ...world.crowd]
    .slice(0, count)
    .map((by) => revocations(world, { by }));

const largeBundle = ofBytes("MAX_BUNDLE_BYTES", bundleWith);
const largeText = ofBytes("MAX_TEXTS_BYTES", textWith);

const rows: Readonly<Record<string, Row>> = {
  MAX_GRANT_BYTES: grant(
    /^too_large/,
    ofBytes("MAX_GRANT_BYTES", (blanks) =>
      world.alone({ payload: `${JSON.stringify(world.claims({ ent: "alone" }))}${blanks}` }),
    ),
  ),
  MAX_APPROVALS: grant(/^malformed.*more approvals than 8/, (size) =>
    world.grant({ claims: { ent: "everyone" }, approvals: world.crowd.slice(0, size).map((by) => ({ by })) }),
  ),
  MAX_PROOF_BYTES: proof(
    ofBytes("MAX_PROOF_BYTES", (blanks) =>
      proofOf(key, { grant: bound, payload: `${JSON.stringify(proofClaims(bound, { iat: madeAt }))}${blanks}` }),
    ),
  ),
  MAX_PROOF_MEMBERS: proof((size) => proofWith(Object.fromEntries(names(size - 5).map((name) => [name, 1])))),
  MAX_PROOF_ID_BYTES: proof((size) => proofWith({ jti: long(size) })),
  MAX_PROOF_AGE: proof((size) => proofWith({ iat: madeAt + size })),
  MAX_JSON_DEPTH: proof((size) => proofWith({ deep: JSON.parse(`${"[".repeat(size - 1)}${"]".repeat(size - 1)}`) })),
  MAX_CONFIGURATION_BYTES: {
    says: /larger than 768 KiB/,
    configuration: (size) => world.configuration().padEnd(size, " "),
  },
  MAX_BUNDLE_BYTES: {
    says: /512 KiB/,
    configuration: (size) => world.configuration({ bundle: null, configuration: { bundle: largeBundle(size) } }),
  },
  MAX_BUNDLE_SIGNATURES: {
    says: /16 signatures/,
    configuration: (size) =>
      world.configuration({
        signedBy: [...world.roots.slice(0, 2), ...Array.from({ length: size - 2 }, () => world.stranger)],
      }),
  },
  MAX_ROOTS: {
    says: /roots.*16|16 roots/,
    configuration: (size) =>
      world.configuration({
        roots: [...world.roots, ...Array.from({ length: size - 3 }, () => quickSigner())],
      }),
  },
  MAX_PRINCIPALS: bundle(/4096 principals/, (size) => principals(manyPrincipals(size - 1))),
  MAX_ENTITLEMENTS: bundle(/1024 entitlements/, (size) => ({
    entitlements: names(size, "e").map((id) => ({
      ...{ id, requesters: ["r"], reasons: ["x"], approvals: [], max_ttl: 60 },
      authorization_details: [{ type: "break_glass_http", locations: ["*"], actions: ["*"], paths: ["/"] }],
    })),
  })),
  MAX_ROLES: bundle(/1024 different roles/, (size) => ({
    ...principals(names(17, "p").map((id, i) => ({ id, keys: [], roles: names(i < 16 ? 60 : size - 961, id) }))),
  })),
  MAX_ROLES_OF_PRINCIPAL: bundle(/64 roles/, (size) => principals([{ id: "p", roles: names(size), keys: [] }])),
  MAX_ENTITLEMENT_PATH_BYTES: entitlement(/32 KiB together/, (size) => ({
    authorization_details: Array.from({ length: 2 }, (_, i) => ({
      ...world.detail(),
      paths: Array.from({ length: 32 }, (_, j) => long(i * j === 31 ? size - 32_768 + 512 : 512, `/${i}/${j}/`)),
    })),
  })),
  MAX_REVOKED: bundle(/4096/, (size) => ({ revoked: { jti: names(size, "revoked-jti-of-16") } })),
  MAX_REVOKER_ROLES: bundle(/out of its bounds: "revokers"/, (size) => ({ revokers: names(size) })),
  MAX_REVIEWER_ROLES: bundle(/out of its bounds: "reviewers"/, (size) => ({ reviewers: names(size) })),
  MAX_LEDGERS: bundle(/16 ledgers/, (size) => ({ ledgers: Array.from({ length: size }, () => quickSigner().jwk) })),
  MAX_FLOORS: bundle(/1024 signers/, (size) => ({ texts: Object.fromEntries(names(size).map((name) => [name, 7])) })),
  MAX_TEXTS: {
    says: /8 texts/,
    configuration: (size) =>
      world.configuration({
        bundle: world.bundleClaims(revokers),
        configuration: { audience: "test", revocations: textsOf(size) },
      }),
  },
  MAX_TEXTS_BYTES: {
    says: /192 KiB/,
    configuration: (size) => world.configuration({ configuration: { revocations: largeText(size) } }),
  },
  MAX_NAME_BYTES: bundle(/name/, (size) => principals([{ id: long(size), roles: [], keys: [] }])),
  MAX_TEXT_BYTES: claim(/claim text must be/, (size) => ({ text: long(size) })),
  MAX_INCIDENT_BYTES: claim(/claim incident must be/, (size) => ({ incident: long(size) })),
  MAX_HOST_BYTES: detail(/locations/, (size) => ({ locations: [HOST, long(size)] })),
  MAX_METHOD_BYTES: detail(/actions/, (size) => ({ actions: ["GET", long(size).toUpperCase()] })),
  MAX_PATTERN_BYTES: detail(/paths/, (size) => ({ paths: ["/orders/*", long(size, "/")] })),
  MAX_DETAILS: claim(/authorization_details/, (size) => ({
    authorization_details: Array.from({ length: size }, () => world.detail()),
  })),
  MAX_LOCATIONS: detail(/locations must be an array of 1 to 16/, (size) => ({ locations: [HOST, ...names(size - 1)] })),
  MAX_ACTIONS: detail(/actions must be an array of 1 to 16/, (size) => ({
    actions: ["GET", ...Array.from({ length: size - 1 }, (_, i) => `M${String.fromCharCode(65 + i)}`)],
  })),
  MAX_PATHS: detail(/paths must be an array of 1 to 32/, (size) => ({
    paths: ["/orders/*", ...names(size - 1, "/p")],
  })),
  MAX_AUDIENCES: claim(/claim aud must be/, (size) => ({ aud: ["test", ...names(size - 1)] })),
  MAX_NETWORKS: claim(/claim net must be/, (size) => ({
    net: ["192.0.2.0/24", ...Array.from({ length: size - 1 }, (_, i) => `10.${i}.0.0/16`)],
  })),
  MAX_WAIT: entitlement(/max_wait is not a whole number from 0 to 3600/, (size) => ({ max_wait: size })),
  MAX_REASONS: entitlement(/out of its bounds: "reasons"/, (size) => ({ reasons: names(size) })),
  MAX_REQUESTER_ROLES: entitlement(/out of its bounds: "requesters"/, (size) => ({ requesters: names(size) })),
  MAX_CLUSTER_BYTES: receipt(/cluster of receipt/, (size) => ({ cluster: long(size) })),
  MAX_RECEIPT_PATH_BYTES: receipt(/path of receipt/, (size) => ({ path: long(size, "/") })),
  MAX_RECEIPT_MS: receipt(/timeout_ms is not a whole number from 1 to 500/, (size) => ({ timeout_ms: size })),
  MAX_STRIP: member(/strip holds more than 32/, (size) => ({ strip: names(size, "x") })),
  MAX_LEEWAY: member(/leeway/, (size) => ({ leeway: size })),
  MAX_TABLE_KIB: member(/table_memory_kib/, (size) => ({ table_memory_kib: size })),
  MAX_SAFE_INTEGER: bundle(/version is not a whole number/, (size) => ({
    version: size > Number.MAX_SAFE_INTEGER ? 2 ** 53 : size,
  })),
};

/** What no single input reaches: why nothing does, or the file and the name of the test that does. */
const elsewhere: Readonly<Record<string, string | readonly [file: string, test: string]>> = {
  MAX_KEYS: "MAX_BUNDLE_BYTES comes first: a key takes 130 bytes and more",
  MAX_UPSTREAM_VALUE_BYTES: ["test/kong/configuration.test.ts", "of 512 characters is taken, of 513 is not"],
  MAX_REMEMBERED_TEXTS: ["test/verdicts/revocations.test.ts", "16 signers and no more, until a bundle takes them in"],
  DEFAULT_LEEWAY: "no bound",
  DEFAULT_RECEIPT_MS: "no bound",
  MAX_RECEIPT_BYTES: [
    "test/verdicts/receipts.test.ts",
    "of 2,048 bytes is taken, of 2,049 is not; an origin of 255 is",
  ],
  MAX_ORIGIN_BYTES: ["test/verdicts/receipts.test.ts", "of 2,048 bytes is taken, of 2,049 is not; an origin of 255 is"],
  MAX_RECEIPT_AGE: ["test/verdicts/receipts.test.ts", "may be ES256, and late or early by a minute"],
  MAX_PENDING: ["test/verdicts/receipts.test.ts", "a requester has a share of the places"],
  MAX_PENDING_OF_REQUESTER: ["test/verdicts/receipts.test.ts", "a requester has a share of the places"],
  DEFAULT_TABLE_KIB: "no bound",
  MAX_CONTEXTS: ["test/verdicts/memory-end.test.ts", "one context too many: denied and told"],
  MAX_DOMAINS: ["test/verdicts/memory-end.test.ts", "the 65th domain: denied and told"],
  MAX_STREAMS: ["test/verdicts/memory-end.test.ts", "a million streams: those beyond the table are unknown"],
  MAX_OPEN_GRANTS: ["test/gateway/streams-node.test.ts", "no room for one more: it is denied before it opens anything"],
  MAX_OPEN_GRANTS_OF_REQUESTER: ["test/gateway/streams-node.test.ts", "a requester has a share: one more is busy"],
  MAX_CACHED_GRANTS: ["test/assembly/filter/cache.spec.ts", "is held by being accepted again"],
  MAX_RECORD_BYTES: ["test/verdicts/record.test.ts", "is an acceptance with everything at its bound"],
  MAX_UNPROVEN_RECORDS: ["test/verdicts/denials.test.ts", "nor do those without a key use up his"],
  MAX_PROVEN_RECORDS: ["test/verdicts/denials.test.ts", "records so many denials of one key in a second"],
  MAX_FAILED: ["test/verdicts/busy.test.ts", "is busy after 32 failures from the same /24"],
  MAX_TABLES: ["test/verdicts/memory-end.test.ts", "tables fill what they may and no more"],
  MAX_WAITING_KEYS: ["test/verdicts/tables.test.ts", "16 keys wait for theirs"],
  MAX_VMS: ["test/verdicts/generation.test.ts", "a table that is full takes no VM more"],
  MAX_PROOFS_OF_GRANT: ["test/verdicts/proof-memory.test.ts", "is full after 4,096 proofs in a minute"],
  MAX_PROOFS_OF_REQUESTER: ["test/assembly/proof/bucket.spec.ts", "of a requester is full for all grants of his"],
  MAX_PROOFS_OF_BUCKET: ["test/assembly/proof/bucket.spec.ts", "cannot make the bucket larger than its limit"],
  PROOF_BUCKETS: "no bound",
  MAX_MEMORY_PAGES: ["test/verdicts/memory-end.test.ts", "asconfig.json allows the memory that the budget counts with"],
  CONFIGURATION_MEMORY: [
    "test/verdicts/memory-end.test.ts",
    "largest bundles, each of another domain and with a stream",
  ],
  STREAM_MEMORY: ["test/verdicts/memory-end.test.ts", "a million streams: those beyond the table are unknown"],
  OPEN_GRANT_MEMORY: ["test/gateway/streams-node.test.ts", "no room for one more: it is denied before it opens"],
  TABLE_MEMORY: ["test/verdicts/memory-end.test.ts", "tables fill what they may and no more"],
};

it("each limit has a row, and each row a limit, or a test that is there", () => {
  expect([...Object.keys(rows), ...Object.keys(elsewhere)].sort()).toEqual([...limits.keys()].sort());
  for (const where of Object.values(elsewhere)) {
    if (typeof where === "string") continue;
    const [file, test] = where;
    expect(readFileSync(file, "utf8"), file).toContain(`it("${test}`);
  }
});

const problem = z.object({ code: z.string(), detail: z.string().optional() });

const life = { max_ttl: 3600 };
const entitlements = [
  world.entitlement("alone", { approvals: [], ...life }),
  world.entitlement("everyone", { approvals: [{ role: "crowd", count: 8 }], ...life }),
];

describe("taken at the limit, and one more refused by its name", () => {
  for (const [name, { configuration, request, says }] of Object.entries(rows)) {
    it(name, async () => {
      const limit = limits.get(name) ?? Number.NaN;
      const host = await FilterHost.load({ clock: () => world.now * 1000 });
      if (configuration !== undefined) {
        expect(host.configure(configuration(limit))).toMatchObject({ accepted: true, reason: undefined });
        expect(host.configure(configuration(limit + 1)).reason).toMatch(says);
      }
      if (request === undefined) return;
      expect(host.configure(world.configuration({ bundle: world.bundleClaims({ entitlements }) })).accepted).toBe(true);
      host.advance(1000 * LATER);
      const verdictOf = (size: number): string => {
        const { kind, reply } = host.request({ headers: request(size) });
        if (kind === "continue") return "allow";
        const { code, detail = "" } = problem.parse(JSON.parse(reply?.body ?? "{}"));
        return `${code}: ${detail}`;
      };
      expect(verdictOf(limit)).toBe("allow");
      expect(verdictOf(limit + 1)).toMatch(says);
    });
  }
});
