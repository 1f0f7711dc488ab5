/** One request of a drill, sent as it is said, and what the caller sees of the answer. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { messageOf, systemCode } from "../base/errors.js";
import { Gateway } from "../caller/gateway.js";
import type { HeaderLines } from "../caller/headers.js";
import { makeProof } from "../caller/proof.js";
import type { Call, CallSpec, FleetGateway, Seen, Target } from "./model.js";

/** No answer is waited for longer. */
const PATIENCE_MS = 30_000;
/** Enough for the filter's own replies, and for an upstream that says what it received. */
const MAX_BODY_BYTES = 64 * 1024;

const reply = z.object({ type: z.string(), code: z.string(), request_id: z.string().optional() });
const echo = z.object({ method: z.string(), path: z.string(), headers: z.record(z.string(), z.unknown()) });

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Most bodies are none of ours.
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly endedAfterMs: number | undefined;
}

type Sent = Pick<Call, "method" | "host" | "path"> & { readonly headers: HeaderLines; readonly name: string };

function exchange(gateway: Gateway, sent: Sent, { watchMs, patienceMs = PATIENCE_MS }: CallSpec): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = gateway.begin(sent);
    const timer = setTimeout(
      () => outgoing.destroy(new Error(`no answer within ${patienceMs / 1000} s`)),
      patienceMs + (watchMs ?? 0),
    );
    outgoing.once("close", () => clearTimeout(timer));
    outgoing.on("error", reject);
    outgoing.once("upgrade", (incoming, socket) => {
      socket.destroy();
      resolve({ status: incoming.statusCode ?? 101, headers: incoming.headers, body: "", endedAfterMs: undefined });
    });
    outgoing.once("response", (incoming) => {
      const began = performance.now();
      let body = "";
      incoming.setEncoding("latin1");
      incoming.on("data", (chunk: string) => {
        if (body.length < MAX_BODY_BYTES) body += chunk;
        else if (watchMs === undefined) end(undefined);
      });
      const end = (endedAfterMs: number | undefined): void => {
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body, endedAfterMs });
        outgoing.destroy();
      };
      const over = (): void => end(performance.now() - began);
      incoming.once("end", over).once("error", over).once("close", over);
      if (watchMs !== undefined) setTimeout(() => end(undefined), watchMs).unref();
    });
    outgoing.end();
  });
}

/** Faults of the way there whose own words are a library's, and what of the drill file mends each. */
const OF_THE_WAY: readonly (readonly [fault: RegExp, words: string])[] = [
  [
    /WRONG_VERSION_NUMBER|wrong version number|PACKET_LENGTH_TOO_LONG|packet length too long/,
    "what listens there does not speak TLS: is it http://",
  ],
  [
    /SELF_SIGNED|UNABLE_TO_|CERT_UNTRUSTED/,
    "its certificate is from nobody whom this machine trusts: name its authority in `ca`",
  ],
  [/ALTNAME_INVALID/, "its certificate is for another name: write the name that callers use into `url`"],
  [/HPE_INVALID_CONSTANT/, "what listens there does not speak HTTP"],
];

function noAnswer(error: unknown): string {
  const told = `${systemCode(error) ?? ""} ${messageOf(error)}`;
  return OF_THE_WAY.find(([fault]) => fault.test(told))?.[1] ?? messageOf(error);
}

const one = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

/** A Kong names each request by a number of its own, and says whether the upstream has answered. */
function ofKong(headers: Answer["headers"]): { requestId: string | undefined; reached: boolean } {
  return {
    requestId: one(headers["x-kong-request-id"]),
    reached: headers["x-kong-upstream-latency"] !== undefined && headers["x-kong-response-latency"] === undefined,
  };
}

export function seenOf(
  { status, headers, body, endedAfterMs }: Answer,
  ownId: string,
  ms: number,
  isKong = false,
): Seen {
  const [first = ""] = body.split("\n", 1);
  const told = reply.safeParse(jsonOf(body)).data;
  const code = told?.type === `urn:glassgate:verdict:${told?.code}` ? told.code : undefined;
  const upstream = echo.safeParse(jsonOf(first)).data;
  const kong = isKong ? ofKong(headers) : undefined;
  const received = upstream?.headers["x-request-id"];
  const passed = typeof received === "string" ? received : (one(headers["x-request-id"]) ?? ownId);
  return {
    status,
    code,
    requestId: told?.request_id ?? kong?.requestId ?? passed,
    ...(code !== undefined && (told?.request_id ?? "") !== "" && { isNamed: true }),
    // Envoy says so of each answer that came from an upstream.
    reached:
      code === undefined &&
      (headers["x-envoy-upstream-service-time"] !== undefined || upstream !== undefined || kong?.reached === true),
    upstream,
    endedAfterMs,
    error: undefined,
    ms,
  };
}

export function headersOf({ grant, proof, headers = {} }: CallSpec, request: Target, requestId: string): HeaderLines {
  const lines: HeaderLines = new Map([["host", [request.host]]]);
  if (!("x-request-id" in headers)) lines.set("x-request-id", [requestId]);
  for (const [name, value] of Object.entries(headers))
    lines.set(name, typeof value === "string" ? [value] : [...value]);
  if (grant === undefined) return lines;
  lines.set("x-break-glass", [grant.text]);
  if (typeof proof === "string" && proof !== "none") lines.set("dpop", [proof]);
  const key = typeof proof === "object" ? proof : proof === undefined ? grant.proofKey : undefined;
  if (key !== undefined) lines.set("dpop", [proofFor(grant.text, key, request)]);
  return lines;
}

/** A proof for that request, by that key. */
export const proofFor = (grant: string, key: Parameters<typeof makeProof>[0]["key"], request: Target): string =>
  makeProof({ key, method: request.method, url: `https://${request.host}${request.path}`, grant });

const isGrantHeader = (name: string): boolean => name.toLowerCase() === "x-break-glass";

const usualWays = new WeakMap<FleetGateway, Gateway>();

/** Each is checked once: a drill sends hundreds of requests over the usual one. */
function wayTo(gateway: FleetGateway, shown: CallSpec["certificate"]): Gateway {
  const isUsual = shown === gateway.certificate;
  const known = isUsual ? usualWays.get(gateway) : undefined;
  if (known !== undefined) return known;
  const made = new Gateway({
    url: gateway.url,
    ...(gateway.ca === undefined ? {} : { ca: gateway.ca }),
    ...(shown === undefined || shown === "none" ? {} : shown),
  });
  if (isUsual) usualWays.set(gateway, made);
  return made;
}

/** Sends it. Whatever becomes of it is an answer to be judged, also none. */
export async function sendCall(gateway: FleetGateway, target: Target, spec: CallSpec): Promise<Call> {
  const request = {
    method: spec.method ?? target.method,
    host: spec.host ?? target.host,
    path: spec.path ?? target.path,
  };
  const ownId = randomUUID();
  const common = {
    gateway: gateway.id,
    ...request,
    isPresented: spec.grant !== undefined || Object.keys(spec.headers ?? {}).some(isGrantHeader),
    jti: spec.grant?.jti,
    at: Date.now(),
  };
  const began = performance.now();
  try {
    const way = wayTo(gateway, spec.certificate ?? gateway.certificate);
    // Another host is asked for over the same connection as ever: it is the gateway that must say no.
    const sent = { ...request, name: target.host, headers: headersOf(spec, request, ownId) };
    const answer = await exchange(way, sent, spec);
    return { ...common, seen: seenOf(answer, ownId, performance.now() - began, gateway.kong !== undefined) };
  } catch (error) {
    const nothing = { status: 0, code: undefined, reached: false, upstream: undefined, endedAfterMs: undefined };
    return {
      ...common,
      seen: { ...nothing, requestId: ownId, error: noAnswer(error), ms: performance.now() - began },
    };
  }
}
