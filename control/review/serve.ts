/**
 * The reviews as pages over HTTP, for one person's browser: read-only, on this machine. What is shown was verified at the checkpoint that
 * stands there now; where that fails nothing is shown. Nobody is asked who he is, so the address is the only lock (addresses.ts).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { messageOf, reasonOf, systemError, UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { asciiJson } from "../ledger/audit/line.js";
import { type Address, isKnownHost } from "./addresses.js";
import { deniedId, deniedPage } from "./page/denied.js";
import { type Place, POLICY } from "./page/document.js";
import { listPage } from "./page/list.js";
import { noticePage } from "./page/notice.js";
import { reviewPage } from "./page/review.js";
import { type Ledger, Reading } from "./reading.js";

const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 10_000,
} as const;
/** A browser opens six. */
const MAX_CONNECTIONS = 64;

/** Whatever a page says of itself; and that nothing of it is kept, framed or taken for another type. */
const HEADERS = {
  "content-security-policy": `${POLICY}; frame-ancestors 'none'`,
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
} as const;

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const JSON_TYPE = "application/json; charset=utf-8";
const data = (value: unknown): Answer => ({ status: 200, body: asciiJson(value, 2), type: JSON_TYPE });

const notFound: Answer = {
  status: 404,
  body: noticePage(
    "There is no such review",
    "No grant in this ledger has that name.",
    "The list of all reviews has those that there are.",
  ),
};

const refused = (status: number, sentence: string, headers: Answer["headers"] = {}): Answer => ({
  status,
  body: `${sentence}\n`,
  type: "text/plain; charset=utf-8",
  headers,
});

export interface Serving {
  readonly ledger: Ledger;
  readonly address: Address;
  /** Names besides this machine's own under which it may be asked for. */
  readonly names: readonly string[];
  readonly place: Omit<Place, "now" | "isServed">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** One line, for who runs it. */
  readonly say: (sentence: string) => void;
}

async function show(path: string, reading: Reading, place: Place): Promise<Answer> {
  if (path === "/" || path === "/reviews.json") {
    const list = await reading.list();
    return path === "/" ? { status: 200, body: listPage(list, place) } : data(list);
  }
  const named = /^\/(review|denied)\/([0-9a-f]{64})(\.json)?$/.exec(path);
  if (named === null) return notFound;
  const [, kind, id = "", isData] = named;
  if (kind === "review") {
    // What is not there costs no second reading: anybody's page can ask this address for a name that it made up.
    if (!(await reading.list()).reviews.some(({ grant }) => grant === id)) return notFound;
    const review = (await reading.one(id)).reviews.find(({ grant }) => grant === id);
    if (review === undefined) return notFound;
    return isData === undefined ? { status: 200, body: reviewPage(review, place) } : data(review);
  }
  const key = (await reading.list()).denied.find((one) => deniedId(one) === id)?.key;
  if (key === undefined) return notFound;
  const list = await reading.one(key);
  const denied = list.denied.find((one) => one.key === key);
  if (denied === undefined) return notFound;
  return isData === undefined ? { status: 200, body: deniedPage(denied, list, place) } : data(denied);
}

async function answerTo(
  request: IncomingMessage,
  { address, names, place, now, say }: Serving,
  reading: Reading,
): Promise<Answer> {
  if (!isKnownHost(request.headers.host, address, names))
    return refused(
      421,
      "These pages are not served under that name. Ask for them under the address that the command printed.",
    );
  if (request.method !== "GET" && request.method !== "HEAD")
    return refused(405, "These pages can only be read.", { allow: "GET, HEAD" });
  const path = (request.url ?? "").split("?", 1)[0] ?? "";
  try {
    return await show(path, reading, { ...place, now: now(), isServed: true });
  } catch (error) {
    // What does not verify must not look as if it did: no part of it is shown.
    const known = systemError(error);
    const sentence = known?.message ?? "The ledger could not be read.";
    say(visible(`Nothing is shown: ${known?.message ?? messageOf(error)}`));
    const next =
      known instanceof UserError && known.hint !== undefined ? known.hint : "The command's own output says more.";
    return { status: 503, body: noticePage("Nothing can be shown", sentence, next) };
  }
}

function write(response: ServerResponse, answer: Answer, isHead: boolean): void {
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, {
    ...HEADERS,
    "content-type": answer.type ?? "text/html; charset=utf-8",
    "content-length": body.length,
    ...answer.headers,
  });
  response.end(isHead ? undefined : body);
}

export interface Served {
  /** As a browser takes it: `http://127.0.0.1:7071`. */
  readonly url: string;
  close(): Promise<void>;
}

async function listen(server: Server, { host, port }: Address): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, resolve);
  });
}

export async function serveReviews(serving: Serving): Promise<Served> {
  const reading = new Reading(serving.ledger, serving.now);
  const server = createServer(LIMITS, (request, response) => {
    request.resume(); // A body has nothing to say here.
    void answerTo(request, serving, reading).then((answer) => write(response, answer, request.method === "HEAD"));
  });
  server.maxConnections = MAX_CONNECTIONS;
  try {
    await listen(server, serving.address);
  } catch (error) {
    throw new UserError(
      `Cannot listen on ${visible(`${serving.address.host}:${serving.address.port}`)}: ${reasonOf(error)}.`,
      {
        cause: error,
        hint: "Choose another port with --listen; port 0 takes one that is free.",
        exitCode: 1,
      },
    );
  }
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : serving.address.port;
  const { host } = serving.address;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
