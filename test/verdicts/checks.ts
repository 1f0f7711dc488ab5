/** What must hold of every answer, whatever the gateway. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { z } from "zod";
import { payloadSegmentOf } from "../kit/token.js";
import type { Observed, Sent } from "./driver.js";
import { DEFAULTS } from "./driver.js";

const rowSchema = z.array(z.object({ code: z.string(), status: z.number(), error: z.string(), title: z.string() }));
const rows = new Map(
  rowSchema
    .parse(JSON.parse(readFileSync(new URL("../../config/verdicts.json", import.meta.url), "utf8")))
    .map((row) => [row.code, row]),
);

export const sha256 = (text: string): string => createHash("sha256").update(text, "latin1").digest("hex");
export const recordOf = (seen: Observed): Record<string, unknown> =>
  z.record(z.string(), z.unknown()).parse(JSON.parse(seen.audit ?? "null"));

/** Verdicts before the requester's signature holds: their records carry no claim. */
const UNPROVEN = new Set([
  "duplicate_header",
  "too_large",
  "path_ambiguous",
  "no_trust",
  "bundle_expired",
  "malformed",
  "algorithm",
  "key_unknown",
  "key_not_valid",
  "not_yet_valid",
  "expired",
  "audience",
  "signature",
]);
/** What an allowed request loses (docs/request.md), and what the suite configures. */
export const STRIPPED: readonly string[] = [
  "authorization",
  "dpop",
  "x-http-method-override",
  "x-http-method",
  "x-method-override",
  "x-original-method",
  "x-original-url",
  "x-original-path",
  "x-original-uri",
  "x-original-host",
  "x-rewrite-url",
  "forwarded",
  "x-forwarded-host",
  "x-forwarded-uri",
  "x-forwarded-path",
  "x-forwarded-prefix",
  "x-forwarded-method",
  "x-forwarded-server",
  "x-host",
  "x-http-host-override",
  "x-jwt-payload",
  "x-user",
];
const CHAIN = ["v", "vm", "seq", "prev", "ts", "mode", "verdict"];
const PROVEN = [
  ...CHAIN,
  "jti",
  "grant_sha256",
  "sub",
  "ent",
  "reason",
  "incident",
  "approvers",
  "method",
  "host",
  "path",
  "path_bytes",
  "path_sha256",
  "source",
  "request_id",
  "bundle",
  "anchors",
  "evidence",
  "cached",
  "drill",
  "single_key",
  "kid",
];
const EARLY = [...CHAIN, "kid", "source", "request_id", "bundle", "anchors"];
const OPTIONAL = new Set(["incident", "evidence", "drill", "single_key", "kid", "bundle", "path_bytes", "path_sha256"]);

/** The signatures of a grant: none of them may be seen anywhere but in evidence (the approvers'). */
const requestSignature = (grant: string): string | undefined => {
  const signature = grant.split("~")[0]?.split(".")[2];
  return signature !== undefined && signature.length > 40 ? signature : undefined;
};

/** No part of the answer, the log or the upstream's request holds the requester's signature: what opens. */
export function expectNoLeak({ grants }: Sent, seen: Observed): void {
  for (const grant of grants) {
    if (grant !== "") expect(seen.logged).not.toContain(JSON.stringify(grant));
    const secret = requestSignature(grant);
    if (secret === undefined) continue;
    expect(seen.body).not.toContain(secret);
    expect(JSON.stringify(seen.headers)).not.toContain(secret);
    expect(seen.logged).not.toContain(secret);
    expect(JSON.stringify(seen.upstream ?? {})).not.toContain(secret);
  }
  expect(seen.upstream?.["x-break-glass"]).toBeUndefined();
}

/** The reply of a denial: status, challenge, problem details, and no more. `told` is what it says; the record has the verdict. */
export function expectDenial(verdict: string, { method }: Sent, seen: Observed, told = verdict): void {
  const isHead = method === "HEAD";
  const row = rows.get(told);
  expect(seen.status).toBe(row?.status);
  expect(seen.headers["www-authenticate"]).toBe(row?.error === "" ? "BreakGlass" : `BreakGlass error="${row?.error}"`);
  expect(seen.headers["content-type"]).toBe("application/problem+json");
  expect(seen.headers["cache-control"]).toBe("no-store");
  expect(seen.upstream).toBeUndefined();
  expect(seen.verdict).toBe(verdict);
  expect(seen.details).toBe(`glassgate_${told}`);
  expect(seen.evidence).toBeUndefined();
  // An answer to HEAD has no body.
  if (seen.body === "" && isHead) return;
  const body: unknown = JSON.parse(seen.body);
  expect(body).toEqual({
    type: `urn:glassgate:verdict:${told}`,
    title: row?.title,
    status: row?.status,
    code: told,
    request_id: expect.any(String),
    // Words of our own closed list: printable, without quotes and escapes.
    ...(verdict === "malformed" ? { detail: expect.stringMatching(/^[ !#-[\]-~]{10,160}$/) } : {}),
  });
}

/** What an allowed request looks like to the upstream. */
export function expectAllowed(seen: Observed, record: Readonly<Record<string, unknown>>): void {
  expect(seen.status).toBe(200);
  expect(seen.headers["cache-control"]).toBe("no-store");
  expect(seen.verdict).toBe("allow");
  for (const name of STRIPPED) expect(seen.upstream?.[name], name).toBeUndefined();
  const drill = record.drill === undefined ? "" : `, drill="${String(record.drill)}"`;
  expect(seen.upstream?.["x-break-glass-grant"]).toMatch(
    new RegExp(
      `^jti="${String(record.jti)}", sub="${String(record.sub)}", ent="${String(record.ent)}", exp=\\d+${drill}$`,
    ),
  );
}

/** Members, their order, and what they say of this request. */
export function expectRecord(verdict: string, mode: string, sent: Sent, seen: Observed): void {
  const record = recordOf(seen);
  const isProven = !UNPROVEN.has(verdict) || record.sub !== undefined;
  if (
    UNPROVEN.has(verdict) &&
    verdict !== "expired" &&
    verdict !== "algorithm" &&
    verdict !== "key_unknown" &&
    verdict !== "key_not_valid" &&
    verdict !== "not_yet_valid"
  ) {
    expect(record.sub).toBeUndefined();
  }
  const order = isProven ? PROVEN : EARLY;
  expect(Object.keys(record)).toEqual(order.filter((name) => !OPTIONAL.has(name) || record[name] !== undefined));
  expect(seen.audit).toMatch(/^[\x20-\x7e]+$/);
  expect(record).toMatchObject({ v: 1, verdict, mode });
  expect(record.anchors).toMatch(/^[0-9a-f]{64}$/);
  expect(record.ts).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(Math.abs(Date.parse(String(record.ts)) - Date.now())).toBeLessThan(600_000);
  if (!isProven) return;
  // Whose key it was is said where `sub` does not say it.
  expect(record.kid !== undefined).toBe(verdict === "key_owner");
  const [grant = ""] = sent.grants;
  expect(record.grant_sha256).toBe(sha256(payloadSegmentOf(grant)));
  expect(record.method).toBe(sent.method ?? DEFAULTS.method);
  expect(record.host).toBe(sent.host ?? DEFAULTS.host);
  expect(record.path).toBe((sent.path ?? DEFAULTS.path).split("?", 1)[0]);
}

/** Evidence on first acceptance: payload and approvals as sent, joined by tildes; its hash is in the record; it is no grant. */
export function expectEvidence(sent: Sent, seen: Observed): void {
  const [request = "", ...approvals] = (sent.grants[0] ?? "").split("~");
  expect(seen.evidence).toBe([payloadSegmentOf(request), ...approvals].join("~"));
  expect(recordOf(seen).evidence).toBe(sha256(seen.evidence ?? ""));
}

/** seq counts up by one, and prev is the hash of the record before, per VM. */
export function expectChain(records: readonly string[], state: Map<string, { seq: number; hash: string }>): void {
  for (const text of records) {
    const { vm, seq, prev } = z
      .looseObject({ vm: z.string(), seq: z.number(), prev: z.string() })
      .parse(JSON.parse(text));
    const before = state.get(vm) ?? { seq: 0, hash: "0".repeat(64) };
    expect({ seq, prev }).toEqual({ seq: before.seq + 1, prev: before.hash });
    state.set(vm, { seq, hash: sha256(text) });
  }
}
