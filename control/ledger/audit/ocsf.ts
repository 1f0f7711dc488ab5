/**
 * A record as an event of the Open Cybersecurity Schema Framework 1.8.0, class API Activity (6003): what a SIEM takes in. The schema
 * is closed: what it has no member for goes under `unmapped`.
 */
import { isIP } from "node:net";
import type { EntryHead } from "../entry.js";
import { type Members, textOf, wholeOf } from "./line.js";

const SCHEMA_VERSION = "1.8.0";
const CLASS = 6003;

const ACTIVITIES: Readonly<Record<string, readonly [id: number, name: string]>> = {
  POST: [1, "Create"],
  GET: [2, "Read"],
  HEAD: [2, "Read"],
  OPTIONS: [2, "Read"],
  PUT: [3, "Update"],
  PATCH: [3, "Update"],
  DELETE: [4, "Delete"],
};
/** The schema's own list for `http_method`. */
const METHODS = ["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "PATCH"];

const INFORMATIONAL = [1, "Informational"] as const;
const LOW = [2, "Low"] as const;
const MEDIUM = [3, "Medium"] as const;
const HIGH = [4, "High"] as const;

/** Every break-glass access is looked at; one that a single key opened, sooner. A denial opened nothing. */
function severityOf(record: Members, isAllowed: boolean): readonly [number, string] {
  if (textOf(record, "drill") !== undefined) return INFORMATIONAL;
  if (!isAllowed) return LOW;
  return record.single_key === true ? HIGH : MEDIUM;
}

/** `192.0.2.1:52100`, `[2001:db8::1]:52100`, or a peer without an address. */
function endpointOf(source: string | undefined): Readonly<Record<string, unknown>> {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(source ?? "") ?? [];
  const ip = bracketed ?? plain ?? source ?? "";
  if (isIP(ip) === 0) return { name: source ?? "unknown" };
  const number = Number(port);
  return { ip, ...(number <= 65_535 ? { port: number } : {}) };
}

/** Host and port of an authority. */
function hostOf(host: string): { hostname: string; port?: number } {
  const [, name = host, port] = /^(.*?)(?::(\d{1,5}))?$/.exec(host) ?? [];
  const number = Number(port);
  return { hostname: name, ...(number <= 65_535 ? { port: number } : {}) };
}

function present(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** What stands elsewhere in the event. */
const MAPPED = new Set(["v", "ts", "verdict", "sub", "method", "host", "path", "source", "request_id"]);

const millisecondsOf = (text: string | undefined): number | undefined => {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
};

export interface OcsfOrigin {
  readonly index: number;
  readonly head: EntryHead;
  /** SHA-256 of the record's bytes, in hex. */
  readonly sha256: string;
  /** The log's origin. */
  readonly origin: string;
}

/** @param record the members of a record's line, whatever they are */
export function toApiActivity(record: Members, { index, head, sha256, origin }: OcsfOrigin): Record<string, unknown> {
  const verdict = textOf(record, "verdict") ?? "unknown";
  const isAllowed = verdict === "allow";
  const method = textOf(record, "method");
  const path = textOf(record, "path");
  const host = textOf(record, "host");
  const requestId = textOf(record, "request_id");
  const sub = textOf(record, "sub");
  const ent = textOf(record, "ent");
  const isDrill = textOf(record, "drill") !== undefined;
  const received = Date.parse(head.received);
  const [activity, activityName] =
    method === undefined
      ? [0, "Unknown"]
      : Object.hasOwn(ACTIVITIES, method)
        ? (ACTIVITIES[method] ?? [])
        : [99, method];
  const activityId = activity ?? 0;
  const [severity, severityName] = severityOf(record, isAllowed);
  const labels = [isDrill ? "drill" : "", record.mode === "shadow" ? "shadow" : ""].filter((label) => label !== "");
  const url = { ...(host === undefined ? {} : hostOf(host)), path: path ?? "/" };
  return present({
    class_uid: CLASS,
    class_name: "API Activity",
    category_uid: 6,
    category_name: "Application Activity",
    activity_id: activityId,
    activity_name: activityName,
    type_uid: CLASS * 100 + activityId,
    type_name: `API Activity: ${activityName}`,
    time: millisecondsOf(textOf(record, "ts")) ?? received,
    severity_id: severity,
    severity: severityName,
    status_id: isAllowed ? 1 : 2,
    status: isAllowed ? "Success" : "Failure",
    status_code: verdict,
    message: `${isDrill ? "Drill: " : ""}break-glass ${record.ended === true ? "stream ended" : "request"}: ${verdict}`,
    actor: present({
      user: sub === undefined ? { name: "Unknown", type_id: 0, type: "Unknown" } : { name: sub, uid: sub },
      authorizations: [present({ decision: verdict, policy: ent === undefined ? undefined : { name: ent } })],
    }),
    api: present({
      operation: [method ?? "Unknown", path].filter((part) => part !== undefined).join(" "),
      service: host === undefined ? undefined : { name: host },
      request: requestId === undefined ? undefined : { uid: requestId },
    }),
    http_request:
      method === undefined && path === undefined
        ? undefined
        : present({ http_method: METHODS.find((known) => known === method), uid: requestId, url }),
    src_endpoint: endpointOf(textOf(record, "source")),
    dst_endpoint: host === undefined ? undefined : hostOf(host),
    metadata: present({
      version: SCHEMA_VERSION,
      product: { name: "Glassgate", vendor_name: "Glassgate" },
      uid: requestId,
      correlation_uid: textOf(record, "grant_sha256"),
      event_code: verdict,
      sequence: index,
      log_name: origin,
      logged_time: received,
      original_time: textOf(record, "ts"),
      log_version: wholeOf(record, "v")?.toString(),
      labels: labels.length === 0 ? undefined : labels,
    }),
    raw_data_hash: { algorithm_id: 3, algorithm: "SHA-256", value: sha256 },
    unmapped: {
      ...Object.fromEntries(Object.entries(record).filter(([name]) => !MAPPED.has(name))),
      log_index: index,
      sender: head.sender,
      via: head.via,
    },
  });
}
