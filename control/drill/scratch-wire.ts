/** The scratch gateway's own ways in: with a client certificate, with an earlier session, from another source, by raw HTTP/2. */
import { randomUUID } from "node:crypto";
import { type RequestOptions, request } from "node:https";
import { connect, type TLSSocket } from "node:tls";
import { messageOf } from "../base/errors.js";
import { verdicts } from "../base/verdicts.gen.js";
import { outgoingHeaders } from "../caller/headers.js";
import type { Call, CallSpec, Target } from "./model.js";
import { headersOf, seenOf } from "./wire.js";

const PATIENCE_MS = 30_000;
const MAX_BODY_BYTES = 64 * 1024;

export interface Way extends Pick<RequestOptions, "cert" | "key" | "localAddress" | "agent"> {
  readonly session?: Buffer | undefined;
}

export interface Listener {
  readonly gateway: string;
  readonly port: number;
  readonly ca: string;
}

export type SentOver = Call & { readonly isResumed: boolean; readonly session: Buffer | undefined };

const about = ({ gateway }: Listener, target: Target, spec: CallSpec) => ({
  gateway,
  method: spec.method ?? target.method,
  host: spec.host ?? target.host,
  path: spec.path ?? target.path,
  isPresented: spec.grant !== undefined,
  jti: spec.grant?.jti,
  at: Date.now(),
});

const nothing = (requestId: string, error: string, ms: number): Call["seen"] => ({
  ...{ status: 0, code: undefined, requestId, reached: false, upstream: undefined, endedAfterMs: undefined, error, ms },
});

/** Whatever becomes of it is an answer to be judged, also none. */
export function sendOver(listener: Listener, way: Way, target: Target, spec: CallSpec): Promise<SentOver> {
  const common = about(listener, target, spec);
  const ownId = randomUUID();
  const began = performance.now();
  return new Promise((resolve) => {
    let session: Buffer | undefined;
    let isResumed = false;
    const end = (seen: Call["seen"]): void => resolve({ ...common, seen, isResumed, session });
    const { session: offered, ...rest } = way;
    const outgoing = request({
      agent: false,
      ...rest,
      ...(offered === undefined ? {} : { session: offered }),
      ...{ host: "127.0.0.1", port: listener.port, servername: common.host, ca: listener.ca },
      ...{ method: common.method, path: common.path, setHost: false },
      headers: outgoingHeaders(headersOf(spec, common, ownId)),
    });
    outgoing.setTimeout(PATIENCE_MS, () => outgoing.destroy(new Error("no answer within 30 s")));
    outgoing.once("socket", (socket) => {
      socket.once("secureConnect", () => {
        isResumed = isTls(socket) && socket.isSessionReused();
      });
      socket.on("session", (given: Buffer) => {
        session = given;
      });
    });
    outgoing.on("error", (error) => end(nothing(ownId, messageOf(error), performance.now() - began)));
    outgoing.once("response", (incoming) => {
      const answered = performance.now();
      let body = "";
      incoming.setEncoding("latin1");
      incoming.on("data", (chunk: string) => {
        if (body.length < MAX_BODY_BYTES) body += chunk;
      });
      const over = (endedAfterMs: number | undefined): void => {
        const { statusCode: status = 0, headers } = incoming;
        end(seenOf({ status, headers, body, endedAfterMs }, ownId, performance.now() - began));
      };
      const cut = (): void => over(performance.now() - answered);
      incoming.once("end", () => (spec.watchMs === undefined ? over(undefined) : cut()));
      incoming.once("error", cut);
      if (spec.watchMs === undefined) return;
      const watch = setTimeout(() => {
        over(undefined);
        outgoing.destroy();
      }, spec.watchMs);
      incoming.once("close", () => clearTimeout(watch));
    });
    outgoing.end();
  });
}

const isTls = (socket: object): socket is TLSSocket => "isSessionReused" in socket;

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "ascii");
const [DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY] = [0, 1, 3, 4, 7] as const;
const END_STREAM = 0x1;
const END_HEADERS = 0x4;

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A string of HPACK without Huffman's code (RFC 7541, section 5.2). */
function literal(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const size: number[] = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>= 7) size.push((rest & 127) | 128);
  return Buffer.concat([Buffer.of(...size, rest), bytes]);
}

/** A field without indexing, by its own name (RFC 7541, section 6.2.2): no library would send some of these. */
const field = ([name, value]: readonly [string, string]): Buffer =>
  Buffer.concat([Buffer.of(0), literal(name), literal(value)]);

interface Heard {
  body: string;
  isOver: boolean;
  isReset: boolean;
}

function hear(frames: Buffer, heard: Heard): Buffer {
  let rest = frames;
  while (rest.length >= 9) {
    const length = rest.readUIntBE(0, 3);
    if (rest.length < 9 + length) break;
    const [type, flags] = [rest.readUInt8(3), rest.readUInt8(4)];
    const payload = rest.subarray(9, 9 + length);
    rest = rest.subarray(9 + length);
    if (type === DATA) heard.body += payload.toString("latin1");
    if ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0) heard.isOver = true;
    if (type === RST_STREAM || type === GOAWAY) heard.isReset = true;
  }
  return rest;
}

/** As the body has it: fields of an answer are packed in a way that nothing here reads. */
function statusOf(body: string): number {
  const code = /"urn:glassgate:verdict:([a-z_]+)"/.exec(body)?.[1];
  const found = Object.entries(verdicts).find(([name]) => name === code);
  if (found !== undefined) return found[1].status;
  return body.includes('"headers":') ? 200 : 400;
}

/** One request of HTTP/2 whose fields are sent as they are. Of the answer the body alone is read: it says whose it is. */
export function sendFields(
  listener: Listener,
  target: Target,
  spec: CallSpec,
  fields: readonly (readonly [string, string])[],
): Promise<Call> {
  const common = about(listener, target, spec);
  const requestId = randomUUID();
  const began = performance.now();
  const all: (readonly [string, string])[] = [
    [":method", common.method],
    [":scheme", "https"],
    [":authority", common.host],
    [":path", common.path],
    ["x-request-id", requestId],
    ...(spec.grant === undefined ? [] : [["x-break-glass", spec.grant.text] as const]),
    ...fields,
  ];
  return new Promise((resolve) => {
    const heard: Heard = { body: "", isOver: false, isReset: false };
    let rest: Buffer = Buffer.alloc(0);
    const socket = connect({
      ...{ host: "127.0.0.1", port: listener.port, servername: common.host, ca: listener.ca },
      ALPNProtocols: ["h2"],
    });
    const end = (error: string | undefined): void => {
      socket.destroy();
      const ms = performance.now() - began;
      if (error !== undefined) resolve({ ...common, seen: nothing(requestId, error, ms) });
      else {
        const status = statusOf(heard.body);
        resolve({
          ...common,
          seen: seenOf({ status, headers: {}, body: heard.body, endedAfterMs: undefined }, requestId, ms),
        });
      }
    };
    socket.setTimeout(PATIENCE_MS, () => end("no answer within 30 s"));
    socket.once("error", (error) => end(messageOf(error)));
    socket.once("close", () => end("the connection was closed"));
    socket.once("secureConnect", () => {
      const block = Buffer.concat(all.map(field));
      socket.write(
        Buffer.concat([
          PREFACE,
          frame(SETTINGS, 0, 0, Buffer.alloc(0)),
          frame(HEADERS, END_STREAM | END_HEADERS, 1, block),
        ]),
      );
    });
    socket.on("data", (chunk: Buffer) => {
      rest = hear(Buffer.concat([rest, chunk]), heard);
      if (heard.isOver) end(undefined);
      else if (heard.isReset) end("the stream was reset");
    });
  });
}
