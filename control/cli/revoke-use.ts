/** What is in use at a gateway, as far as it can tell: its audit log, where that is a file on this machine, and its gauges. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { z } from "zod";
import { isEvidenceLine, isRecordLine } from "../base/audit.js";
import { reasonOf, UserError } from "../base/errors.js";
import { plural } from "../base/text.js";
import { showTime } from "../base/time.js";
import { auditLogOf } from "../gateway/audit-log.js";
import type { Held } from "../gateway/held.js";
import { jsonOf } from "../grant/message.js";
import { sha256Hex } from "../signer/sign.js";
import type { Revoked } from "../trust/claims.js";
import { type IssuedGrant, revokes } from "../trust/entries.js";
import { quoted } from "../trust/facts.js";
import { CLOCK_MARGIN, longestLife } from "../trust/fold.js";
import type { Gateway } from "./gateways.js";

/** The end of a log: tens of thousands of records. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;
/** More on a screen is read by nobody. */
const MAX_SHOWN = 30;

const record = z.looseObject({
  verdict: z.literal("allow"),
  ts: z.string(),
  vm: z.string(),
  seq: z.number(),
  jti: z.string(),
  grant_sha256: z.string(),
  sub: z.string(),
  ent: z.string(),
  incident: z.string().optional(),
  approvers: z.array(z.looseObject({ sub: z.string() })).default([]),
});
const evidence = z.looseObject({ evidence: z.string() });
const ending = z.looseObject({ exp: z.number() });

export interface UsedGrant {
  readonly jti: string;
  readonly sub: string;
  readonly ent: string;
  readonly incident: string | undefined;
  readonly approvers: readonly string[];
  readonly requests: number;
  /** Seconds. */
  readonly last: number;
}

function tail(path: string): string {
  const descriptor = openSync(path, "r");
  try {
    const { size } = fstatSync(descriptor);
    const bytes = Buffer.alloc(Math.min(size, MAX_LOG_BYTES));
    const length = readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
    return bytes.subarray(0, length).toString("utf8");
  } finally {
    closeSync(descriptor);
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // Cut by the beginning of what is read, or by the end of what is written.
  }
}

/** When the grant of that evidence has ended at the latest: no approval that comes later, which may begin its minutes anew, outlives it. */
function endIn(line: string): readonly [hash: string, exp: number] | undefined {
  const text = evidence.safeParse(parsed(line)).data?.evidence ?? "";
  const [payload = ""] = text.split("~", 1);
  const exp = ending.safeParse(jsonOf(payload)).data?.exp;
  return exp === undefined ? undefined : [sha256Hex(payload), exp];
}

/**
 * Grants that were used since then and may still live, the latest first. Each is known by the hash of its payload: who asks may
 * give two grants one name. A record whose stream is still open stands there many times, and is one request.
 * @param now seconds, by the gateway's clock
 */
export function usedIn(log: string, since: number, now: number): UsedGrant[] {
  const found = new Map<string, UsedGrant>();
  const ends = new Map<string, number>();
  const seen = new Set<string>();
  for (const line of log.split("\n")) {
    const end = isEvidenceLine(line) ? endIn(line) : undefined;
    if (end !== undefined) ends.set(...end);
    const read = isRecordLine(line) ? record.safeParse(parsed(line)).data : undefined;
    const last = Math.floor(Date.parse(read?.ts ?? "") / 1000);
    if (read === undefined || !(last >= since) || seen.has(`${read.seq} ${read.vm}`)) continue;
    seen.add(`${read.seq} ${read.vm}`);
    const { jti, sub, ent, incident, grant_sha256: hash } = read;
    const before = found.get(hash);
    found.set(hash, {
      ...{ jti, sub, ent, incident },
      approvers: read.approvers.map((approver) => approver.sub),
      requests: (before?.requests ?? 0) + 1,
      last: Math.max(last, before?.last ?? 0),
    });
  }
  for (const [hash, end] of ends) if (end <= now) found.delete(hash);
  return [...found.values()].sort((a, b) => b.last - a.last);
}

/** Whether the list takes it away. Its keys stand in no record: what a `kid` takes away is not marked. */
function isTaken(grant: UsedGrant, revoked: Revoked): boolean {
  const issued: IssuedGrant = { ...grant, iat: grant.last, subs: [grant.sub, ...grant.approvers], kids: [] };
  // It was used, so it was asked for before.
  return revokes(revoked, { ...issued, iat: 0 });
}

function lineOf(grant: UsedGrant, revoked: Revoked): string {
  const { jti, sub, ent, incident, approvers, requests, last } = grant;
  const approved = approvers.length === 0 ? "" : `, approved by ${approvers.map(quoted).join(" and ")}`;
  const ticket = incident === undefined ? "" : `, ${quoted(incident)}`;
  const mark = isTaken(grant, revoked) ? "ENDS  " : "stays ";
  return `${mark} ${quoted(jti)}: ${quoted(sub)} for ${quoted(ent)}${ticket}${approved}; ${plural(requests, "request")}, last ${showTime(last)}`;
}

async function openStreams(gateway: Gateway): Promise<string> {
  if (gateway.kind === "kong")
    return "Requests that are open now: Kong does not show them, and an answer under way goes on.";
  try {
    const stats = await gateway.admin.stats("glassgate\\.streams$");
    const open = [...stats].find(([name]) => name === "wasmcustom.glassgate.streams")?.[1];
    return open === undefined
      ? "Requests that are open now: the gateway does not show them."
      : `Requests and streams with a grant that are open now, in the fullest worker: ${open}.`;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return `Requests that are open now cannot be seen: ${error.message}`;
  }
}

/**
 * What the gateway's clock shows at the earliest, in seconds. Grants live by it, and it may lag behind this machine's; one that is
 * ahead, or whoever lies for it, hides nothing here.
 */
async function earliestAt(gateway: Gateway, now: number): Promise<number> {
  if (gateway.kind === "kong") return now - CLOCK_MARGIN;
  try {
    return Math.min(now, (await gateway.admin.serverInfo()).clock ?? now - CLOCK_MARGIN);
  } catch (error) {
    if (error instanceof UserError) return now - CLOCK_MARGIN; // That it cannot be seen is told below.
    throw error;
  }
}

/** @param since seconds: grants that were used before can have no life left */
function grantsOf({ kind, file }: Gateway, since: number, now: number): UsedGrant[] | string {
  if (kind === "kong") return "a Kong's own log (`break-glass.log`) is not read here.";
  const log = auditLogOf(file);
  if (log === undefined) return "its file names no audit log that is a file on this machine.";
  try {
    return usedIn(tail(log), since, now);
  } catch (error) {
    return `its audit log ${quoted(log)} cannot be read (${reasonOf(error)}).`;
  }
}

/** Lines for a person: what is in use at one gateway, and what of it the list ends. */
export async function useOf(gateway: Gateway, held: Held, revoked: Revoked, now: number): Promise<string[]> {
  const there = await earliestAt(gateway, now);
  const grants = grantsOf(gateway, there - longestLife(held.claims) - held.leeway, there);
  const lines =
    typeof grants === "string"
      ? [`Which grants are in use cannot be seen: ${grants}`]
      : grants.length === 0
        ? ["No grant that could still live was used."]
        : [
            ...grants.slice(0, MAX_SHOWN).map((grant) => lineOf(grant, revoked)),
            ...(grants.length > MAX_SHOWN ? [`... and ${grants.length - MAX_SHOWN} more`] : []),
          ];
  return [...lines, await openStreams(gateway)];
}

export const UNSEEN_GRANTS = "A grant that was completed and not used yet leaves no trace here: it cannot be shown.";
