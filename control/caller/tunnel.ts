/** A WebSocket through the proxy, where the grant has CONNECT: after the gateway's 101 bytes flow both ways, until the grant's end. */
import { type IncomingMessage, STATUS_CODES } from "node:http";
import { type Duplex, pipeline } from "node:stream";
import { authorize } from "./credential.js";
import { judge, type Passage, PLAIN, pathOnly, takeAnswer } from "./exchange.js";
import { unreached } from "./gateway.js";
import { type HeaderLines, headerLines, returnedResponse } from "./headers.js";

function head(status: number, headers: Iterable<readonly [string, string | readonly string[]]>): string {
  const lines = [...headers].flatMap(([name, values]) => [values].flat().map((value) => `${name}: ${value}`));
  return `${[`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`, ...lines].join("\r\n")}\r\n\r\n`;
}

export function refuseTunnel(socket: Duplex, status: number, why: string): void {
  socket.end(`${head(status, Object.entries({ ...PLAIN, connection: "close" }))}${why}\n`);
}

/** @param early what the client sent behind its request, before it was answered */
export function tunnel(
  request: IncomingMessage,
  socket: Duplex,
  early: Buffer,
  passage: Passage,
  isSocket: boolean,
): void {
  socket.on("error", () => socket.destroy()); // The client has gone: what hangs on it ends below.
  if (request.headers.upgrade?.toLowerCase() !== "websocket") {
    // Whatever else (h2c) would carry requests that nobody judges.
    refuseTunnel(socket, 400, "The only upgrade here is websocket.");
    return;
  }
  const judged = judge(request, isSocket, passage, true);
  if ("status" in judged || "cookie" in judged) {
    if ("status" in judged) refuseTunnel(socket, judged.status, judged.why);
    else refuseTunnel(socket, 400, "This is no WebSocket.");
    return;
  }
  const { admitted, rewriting, method, headers } = judged;
  const { host, path } = admitted;
  headers.delete("content-length");
  headers.delete("transfer-encoding");
  headers.set("connection", ["Upgrade"]).set("upgrade", ["websocket"]);
  for (const [name, value] of Object.entries(authorize(passage.credential, { method, host, path })))
    headers.set(name, [value]);
  const tell = (status: number, why?: string): void =>
    passage.told({ method, host, path: pathOnly(path), status, ...(why === undefined ? {} : { why }) });
  const outgoing = passage.gateway.begin({ method, host, path, headers });
  let isAnswered = false;
  const answerWith = (status: number, returned: HeaderLines): void => {
    isAnswered = true;
    socket.write(head(status, returned), "latin1"); // As Node reads header values.
  };
  const fail = (why: string): void => {
    if (isAnswered || socket.destroyed) {
      socket.destroy();
      return;
    }
    isAnswered = true;
    tell(502, why);
    refuseTunnel(socket, 502, `${why}.`);
  };
  socket.once("close", () => outgoing.destroy());
  outgoing.once("upgrade", (answer, upstream, first) => {
    tell(101);
    const returned = returnedResponse(headerLines(answer.rawHeaders), rewriting);
    answerWith(101, returned.set("connection", ["Upgrade"]).set("upgrade", ["websocket"]));
    socket.write(first);
    upstream.write(early);
    pipeline(upstream, socket, upstream, () => {
      upstream.destroy();
      socket.destroy();
    });
  });
  outgoing.once("response", (answer) => {
    const status = takeAnswer(answer, passage, tell, fail);
    if (status === undefined) return;
    const returned = returnedResponse(headerLines(answer.rawHeaders), rewriting);
    returned.delete("content-length");
    answerWith(status, returned.set("connection", ["close"]));
    pipeline(answer, socket, () => socket.destroy());
  });
  outgoing.on("error", (error) => fail(unreached(error)));
  outgoing.end();
}
