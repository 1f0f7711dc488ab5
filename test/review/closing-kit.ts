/**
 * A gateway's lines of an hour ago, decided by the release filter, and people who could look at them: those who had no part in it, and
 * those who had.
 */
import { createHash } from "node:crypto";
import { readAuditLines } from "../../control/base/audit.js";
import { FilterHost, type Header } from "../../control/host/host.js";
import { Auditor } from "../../control/ledger/chain/auditor.js";
import { shownOf } from "../../control/ledger/chain/reviews.js";
import { decodeEntry, type Entry } from "../../control/ledger/entry.js";
import type { ReviewClaims } from "../../control/ledger/review.js";
import { newKey, type PrivateKey, publicPart } from "../../control/signer/jwk.js";
import { type Anchors, anchorsSchema } from "../../control/trust/anchors.js";
import { headersOf } from "../kit/headers.js";
import { payloadSegmentOf } from "../kit/token.js";
import { type GrantSpec, type Json, World } from "../kit/world.js";

export const GATEWAY = "gateway-1";
export const sha256 = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");

/** `pat` may revoke, and `olga` review. */
export const people = ["olga", "otis", "rita", "rita-review", "adam", "adam-review", "pat", "gone-review"] as const;
export type Name = (typeof people)[number];

/** Roles, and the person behind each. `rita` asks and `adam` approves; each has a second account. */
const ROLES: Readonly<Record<Name, Json>> = {
  olga: { roles: ["auditor"] },
  otis: { roles: ["auditor"] },
  rita: { roles: ["oncall", "auditor"] },
  "rita-review": { roles: ["auditor"], person: "rita" },
  adam: { roles: ["lead", "auditor"] },
  "adam-review": { roles: ["auditor"], person: "adam" },
  pat: { roles: ["lead"] },
  "gone-review": { roles: [{ role: "auditor", exp: 1_700_000_000 }] },
};

export interface Story {
  readonly world: World;
  key(name: Name): PrivateKey;
  readonly anchors: Anchors;
  readonly bundle: string;
  /** A newer one, changed so. */
  newerBundle(changes: Json): string;
  /** By name: the grant's SHA-256. */
  readonly grants: Readonly<Record<"used" | "lasting" | "gapped" | "streaming" | "drill" | "refused", string>>;
  /** Lines of the audit log and the answers' log. */
  readonly lines: readonly string[];
  /** An answer more, to a call of `used`, which comes when everything was looked at. */
  readonly late: string;
}

/** Seconds before now at which the story begins. */
const AGO = 4000;

export async function tellStory(): Promise<Story> {
  const now = Math.floor(Date.now() / 1000);
  const world = new World(now - AGO);
  const keys = new Map(people.map((name) => [name, newKey("Ed25519")]));
  const key = (name: Name): PrivateKey => keys.get(name) ?? newKey("Ed25519");
  const claims = bundleOf(world, key);
  let clock = (now - AGO) * 1000;
  const host = await FilterHost.load({ nodeId: GATEWAY, workers: 4, clock: () => clock++ });
  const bundle = world.bundle(claims);
  const { accepted, reason } = host.configure(world.configuration({ configuration: { bundle } }));
  if (!accepted) throw new Error(reason);
  const lines: string[] = [];
  let calls = 0;
  const call = (grant: string, worker: number, { path = "/orders/7", isAnswered = true } = {}): string => {
    calls += 1;
    const id = `call-${calls}`;
    const header: Header = ["x-request-id", id];
    const headers = [...headersOf([grant], path), header];
    const { filterState } = host.request({ headers, worker, sourceAddress: "192.0.2.1:5000" });
    const { record, evidence } = readAuditLines(filterState.get("wasm.glassgate.audit") ?? "");
    lines.push(record, ...(evidence === undefined ? [] : [JSON.stringify({ evidence })]));
    if (isAnswered) lines.push(answer(id));
    return record;
  };
  const grantOf = (grant: string): string => sha256(payloadSegmentOf(grant));
  const make = (spec: GrantSpec = {}): string => world.grant(spec);

  const used = make({ claims: { incident: "INC-7" } });
  call(used, 0);
  call(used, 0);
  call(used, 0, { path: "/admin", isAnswered: false });
  const gapped = make();
  call(gapped, 1);
  lines.splice(lines.indexOf(call(gapped, 1, { path: "/orders/8", isAnswered: false })), 1);
  call(gapped, 1);
  const streaming = make();
  call(streaming, 2, { isAnswered: false });
  const drill = world.alone({ claims: { ent: "drill", drill: "fire-1" } });
  call(drill, 0);
  const refused = make({ approvals: [{ by: world.adam }] });
  call(refused, 0, { isAnswered: false });
  clock = now * 1000;
  const lasting = make({
    claims: { iat: now, exp: now + 900 },
    approvals: [
      { by: world.adam, iat: now },
      { by: world.anna, iat: now },
    ],
  });
  call(lasting, 3);
  const anchors = anchorsSchema.parse({ audience: "test", threshold: 2, roots: world.roots.map(({ jwk }) => jwk) });
  const grants = {
    used: grantOf(used),
    lasting: grantOf(lasting),
    gapped: grantOf(gapped),
    streaming: grantOf(streaming),
    drill: grantOf(drill),
    refused: grantOf(refused),
  };
  const version = Number(claims.version);
  const newerBundle = (changes: Json): string => world.bundle({ ...claims, version: version + 1, ...changes });
  return { world, key, anchors, bundle, newerBundle, grants, lines, late: answer("call-1", 502) };
}

const answer = (id: string, status = 200): string =>
  JSON.stringify({ request_id: id, verdict: "allow", status, bytes_received: 0, bytes_sent: 2, duration_ms: 7 });

function bundleOf(world: World, key: Story["key"]): Json {
  const claims = world.bundleClaims();
  const principals = Array.isArray(claims.principals) ? claims.principals : [];
  const there = new Set<string>(principals.map((one: Json) => String(one.id)));
  const more = principals.map((one: Json) => {
    const name = people.find((person) => person === one.id);
    return name === undefined ? one : { ...one, ...ROLES[name], keys: [...[one.keys].flat(), publicPart(key(name))] };
  });
  const others = people.filter((name) => !there.has(name));
  return {
    ...claims,
    principals: [...more, ...others.map((id) => ({ id, ...ROLES[id], keys: [publicPart(key(id))] }))],
    reviewers: ["auditor"],
    revokers: ["lead"],
  };
}

/** What somebody who looks at these entries would sign. */
export function claimsOver(
  story: Story,
  entries: readonly Buffer[],
  origin: string,
  root: Buffer,
  review: string,
  changes: Partial<ReviewClaims> = {},
): ReviewClaims {
  const auditor = audited(story, entries, origin);
  const { state } = auditor.judging(Date.now(), 0);
  const { digest, counts } = shownOf(state.reviews, review);
  return {
    v: 1,
    origin,
    review,
    classification: counts.allowed === 0 ? "unused" : "real",
    findings: "A refund loop, mended.",
    actions: [{ what: "Narrow the entitlement", owner: "adam", due: "2027-01-15" }],
    ...{ counts, digest },
    checkpoint: { size: entries.length, root: root.toString("hex") },
    sub: "olga",
    iat: Math.floor(Date.now() / 1000),
    ...changes,
  };
}

const decoded = (bytes: Buffer): Entry => {
  const entry = decodeEntry(bytes);
  if (entry === undefined) throw new Error("no entry");
  return entry;
};

/** The rules of `verify` over these entries. */
export function audited({ anchors }: Story, entries: readonly Buffer[], origin: string): Auditor {
  const auditor = new Auditor({ anchors: [anchors], origin });
  for (const [index, bytes] of entries.entries()) auditor.take(index, decoded(bytes));
  auditor.end();
  return auditor;
}

/** What `verify` says that the ledger was silent about. */
export function silentAbout({ anchors }: Story, entries: readonly Buffer[], origin: string): string[] {
  const auditor = new Auditor({ anchors: [anchors], origin });
  for (const [index, bytes] of entries.entries()) auditor.take(index, decoded(bytes));
  return auditor
    .end()
    .flatMap(({ isUntold, code, says }) => (isUntold === true && code === "review_invalid" ? [says] : []));
}
