/** What is in use at a gateway, as far as it can tell: its audit log, where that is a file on this machine, and its gauges. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { z } from "zod";
import { isRecordLine } from "../base/audit.js";
import { reasonOf, UserError } from "../base/errors.js";
import { plural } from "../base/text.js";
import { showTime } from "../base/time.js";
import { auditLogOf } from "../gateway/audit-log.js";
import type { Held } from "../gateway/held.js";
import type { Revoked } from "../trust/claims.js";
import { type IssuedGrant, revokes } from "../trust/entries.js";
import { quoted } from "../trust/facts.js";
import { longestLife } from "../trust/fold.js";
import type { Gateway } from "./gateways.js";

/** The end of a log: tens of thousands of records. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;
/** More on a screen is read by nobody. */
const MAX_SHOWN = 30;

const record = z.looseObject({
  verdict: z.literal("allow"),
  ts: z.string(),
  jti: z.string(),
  sub: z.string(),
  ent: z.string(),
  incident: z.string().optional(),
  approvers: z.array(z.looseObject({ sub: z.string() })).default([]),
});

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

/** Grants that were used since then, the latest first. */
export function usedIn(log: string, since: number): UsedGrant[] {
  const found = new Map<string, UsedGrant>();
  for (const line of log.split("\n")) {
    const read = isRecordLine(line) ? record.safeParse(parsed(line)).data : undefined;
    const last = Math.floor(Date.parse(read?.ts ?? "") / 1000);
    if (read === undefined || !(last >= since)) continue;
    const { jti, sub, ent, incident } = read;
    const before = found.get(jti);
    found.set(jti, {
      ...{ jti, sub, ent, incident },
      approvers: read.approvers.map((approver) => approver.sub),
      requests: (before?.requests ?? 0) + 1,
      last: Math.max(last, before?.last ?? 0),
    });
  }
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

/** @param since seconds: grants that were used before can have no life left */
function grantsOf({ kind, file }: Gateway, since: number): UsedGrant[] | string {
  const log = kind === "kong" ? undefined : auditLogOf(file);
  if (log === undefined) return "its file names no audit log that is a file on this machine.";
  try {
    return usedIn(tail(log), since);
  } catch (error) {
    return `its audit log ${quoted(log)} cannot be read (${reasonOf(error)}).`;
  }
}

/** Lines for a person: what is in use at one gateway, and what of it the list ends. */
export async function useOf(gateway: Gateway, held: Held, revoked: Revoked, now: number): Promise<string[]> {
  const grants = grantsOf(gateway, now - longestLife(held.claims) - held.leeway);
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
