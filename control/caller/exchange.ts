/** One request on its way: admitted, covered, sent on with the grant, answered. Bodies are streamed, never held. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import { verdicts } from "../base/verdicts.gen.js";
import { authorize, type Credential } from "./credential.js";
import { isOver, sayDenial, whenRead } from "./denial.js";
import { type Gateway, unreached } from "./gateway.js";
import { type Admitted, COOKIE, type Guard, type Opened, type Refused } from "./guard.js";
import { forwardedRequest, type HeaderLines, headerLines, type Rewriting, returnedResponse } from "./headers.js";
import type { Scope } from "./scope.js";

/** What is told of a request, to the person. */
export interface Line {
  readonly method: string;
  /** Empty where nobody was let in: what a stranger wrote is shown to nobody. */
  readonly host: string;
  /** Without its query, which may hold secrets. */
  readonly path: string;
  readonly status: number;
  /** Why it was not sent on, or did not come back. */
  readonly why?: string;
}

/** What all requests of a start share. */
export interface Passage {
  readonly guard: Guard;
  readonly scope: Scope;
  readonly gateway: Gateway;
  readonly credential: Credential;
  /** Where a browser is led that opened the one-time URL. */
  readonly startPath: (host: string) => string;
  /** Seconds that the grant still has: none, and nothing is sent on. */
  readonly left: () => number;
  readonly told: (line: Line) => void;
  /** A gateway has said that the grant is no more. */
  readonly over: () => void;
}

export interface Sending {
  readonly admitted: Admitted;
  readonly rewriting: Rewriting;
  readonly method: string;
  readonly headers: HeaderLines;
}

export const ENDED: Refused = { status: 503, why: "The grant has ended." };

export const pathOnly = (path: string): string => path.split("?", 1)[0] ?? "";

/** Whether it may be sent on, and what then; tells of it where it may not. */
export function judge(
  request: IncomingMessage,
  isSocket: boolean,
  passage: Passage,
  isUpgrade = false,
): Sending | Opened | Refused {
  const lines = headerLines(request.rawHeaders);
  const method = request.method ?? "";
  const outcome = passage.left() > 0 ? passage.guard.admit(request, lines, isSocket) : ENDED;
  if ("status" in outcome) {
    passage.told({ method, host: "", path: "", status: outcome.status, why: outcome.why });
    return outcome;
  }
  if ("cookie" in outcome) return outcome;
  const { host, path, origin, isBrowser, secretHeaders } = outcome;
  const verdict = passage.scope.refusal({ method, host, path, isUpgrade });
  if (verdict !== undefined) {
    const why = `not sent on: ${verdict}: ${verdicts[verdict].title}`;
    passage.told({ method, host, path: pathOnly(path), status: 403, why });
    return { status: 403, why: `The grant does not cover this (${verdict}); it was not sent on.` };
  }
  const rewriting = { host, origin, isBrowser, secretHeaders, cookieName: COOKIE };
  return { admitted: outcome, rewriting, method, headers: forwardedRequest(lines, rewriting) };
}

/** Below it are interim answers, which are not handed on, and numbers that Node's server does not write. */
const LEAST_STATUS = 200;

/** The gateway's answer is told once its verdict is read. @returns its status; undefined where it is no answer, which has failed then */
export function takeAnswer(
  answer: IncomingMessage,
  passage: Passage,
  tell: (status: number, why?: string) => void,
  fail: (why: string) => void,
): number | undefined {
  const status = answer.statusCode ?? 0;
  if (status < LEAST_STATUS) {
    fail(`the gateway answers with ${status}, which is no answer`);
    answer.destroy();
    return undefined;
  }
  whenRead(answer, (verdict) => {
    tell(status, verdict && sayDenial(verdict, answer.headers.date));
    if (isOver(verdict)) passage.over();
  });
  return status;
}

export const PLAIN = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" } as const;

/** How long a client may go on sending what nobody wants, so that it comes to read why: as long as it may take for its headers. */
const LINGER_MS = 15_000;

/**
 * What follows on the connection is thrown away: no body of a refused request is read. But a connection that is closed on a client
 * that still sends is reset, and the answer is lost with it (RFC 9112, section 9.6).
 */
export function refuse(response: ServerResponse, { status, why, challenge }: Refused): void {
  const body = `${why}\n`;
  response.writeHead(status, {
    ...PLAIN,
    connection: "close",
    "content-length": Buffer.byteLength(body),
    ...(challenge === true ? { "proxy-authenticate": 'Basic realm="glassgate"' } : {}),
  });
  const { req } = response;
  if (req.complete) {
    response.end(body);
    return;
  }
  response.write(body);
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  req.once("end", end).once("close", end).resume();
}

function welcome(response: ServerResponse, { cookie }: Opened, location: string, left: number): void {
  response.writeHead(303, {
    ...PLAIN,
    location,
    "referrer-policy": "no-referrer",
    "set-cookie": `${COOKIE}=${cookie}; Path=/; Max-Age=${Math.max(1, left)}; HttpOnly; SameSite=Strict`,
  });
  response.end();
}

/** Answers a request, whatever becomes of it. */
export function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  isSocket: boolean,
  passage: Passage,
): void {
  const judged = judge(request, isSocket, passage);
  if ("status" in judged) {
    refuse(response, judged);
    return;
  }
  if ("cookie" in judged) {
    welcome(response, judged, passage.startPath(judged.host), passage.left());
    return;
  }
  const { admitted, rewriting, method, headers } = judged;
  const { host, path } = admitted;
  const tell = (status: number, why?: string): void =>
    passage.told({ method, host, path: pathOnly(path), status, ...(why === undefined ? {} : { why }) });
  for (const [name, value] of Object.entries(authorize(passage.credential, { method, host, path })))
    headers.set(name, [value]);
  const outgoing = passage.gateway.begin({ method, host, path, headers });
  /** What comes behind an answer takes nothing of it back: a gateway that has denied an upload closes while we still send it. */
  let isAnswered = false;
  const fail = (why: string): void => {
    if (isAnswered || response.destroyed) return;
    isAnswered = true;
    tell(502, why);
    refuse(response, { status: 502, why: `${why}.` });
  };
  outgoing.once("response", (answer) => {
    const status = takeAnswer(answer, passage, tell, fail);
    if (status === undefined) return;
    isAnswered = true;
    response.writeHead(status, Object.fromEntries(returnedResponse(headerLines(answer.rawHeaders), rewriting)));
    // An answer that breaks off breaks off for the client too: it must not look whole.
    pipeline(answer, response, () => outgoing.destroy());
  });
  outgoing.once("upgrade", (_answer, socket) => {
    socket.destroy();
    fail("the gateway answers with another protocol, for which nobody asked");
  });
  outgoing.on("error", (error) => fail(unreached(error)));
  response.once("close", () => outgoing.destroy());
  if (headers.has("content-length") || headers.has("transfer-encoding")) {
    outgoing.flushHeaders(); // A body may begin late.
    request.on("error", () => {}); // The client has gone: what hangs on it has ended above.
    // Nobody takes the rest of a body where the way has ended before it: the client must get rid of it to read the answer.
    outgoing.once("close", () => request.unpipe().resume());
    request.pipe(outgoing);
  } else outgoing.end();
}
