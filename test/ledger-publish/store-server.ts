/** A small object store of the tests' own: it checks signatures, keeps conditions or ignores them, and breaks where it is told to. */
import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export const BUCKET_OF_TESTS = "ledgers";
export const KEYS = { accessKeyId: "AKIATESTTESTTEST", secretAccessKey: "a-secret-that-nobody-may-see/+=" };

export interface Seen {
  readonly method: string;
  /** Below the bucket; of a list, its prefix with an asterisk. */
  readonly key: string;
}

/** `cut`: nothing is done, the connection breaks. `lost`: it is done, and then it breaks. `silence`: nothing, for ever. */
export type Fault =
  | "cut"
  | "lost"
  | "silence"
  | { status: number; headers?: Record<string, string>; body?: string | Buffer };

const sha256 = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");
const hmac = (key: Buffer | string, text: string): Buffer => createHmac("sha256", key).update(text).digest();
export const etagOf = (bytes: Buffer): string => `"${createHash("md5").update(bytes).digest("hex")}"`;

/** Signature version 4, written down from its description and not from a library. */
function isSigned(request: IncomingMessage, body: Buffer): boolean {
  const { headers, method = "", url = "" } = request;
  const [, id, date, region, names = "", signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([a-z0-9-]+)\/s3\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? "",
    ) ?? [];
  if (id !== KEYS.accessKeyId || date === undefined || region === undefined) return false;
  if (headers["x-amz-content-sha256"] !== sha256(body)) return false;
  const must = ["host", "x-amz-content-sha256", "x-amz-date", "if-match", "if-none-match"];
  if (must.some((name) => headers[name] !== undefined && !names.split(";").includes(name))) return false;
  const [path = "", query = ""] = url.split("?");
  const canonical = [
    method,
    path,
    query.split("&").sort().join("&"),
    ...names.split(";").map((name) => `${name}:${String(headers[name])}`),
    "",
    names,
    sha256(body),
  ].join("\n");
  const scope = `${date}/${region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", String(headers["x-amz-date"]), scope, sha256(canonical)].join("\n");
  const key = hmac(hmac(hmac(hmac(`AWS4${KEYS.secretAccessKey}`, date), region), "s3"), "aws4_request");
  return hmac(key, text).toString("hex") === signature;
}

const error = (status: number, code: string): Given => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>secret words</Message></Error>`,
});

type Given = Exclude<Fault, string>;

export class StoreServer {
  readonly objects = new Map<string, Buffer>();
  readonly seen: Seen[] = [];
  /** Which conditions it keeps. */
  keeps = { ifNoneMatch: true, ifMatch: true };
  private fault: ((request: Seen, count: number) => Fault | undefined) | undefined;
  private count = 0;
  private readonly server = createServer((request, response) => {
    this.handle(request, response).catch(() => request.socket.destroy()); // The client went away meanwhile.
  });

  private constructor(private readonly bucket: string) {}

  static async start(bucket: string): Promise<StoreServer> {
    const store = new StoreServer(bucket);
    store.server.listen(0, "127.0.0.1");
    await once(store.server, "listening");
    return store;
  }

  get endpoint(): string {
    const address = this.server.address();
    if (address === null || typeof address === "string") throw new Error("The server has no port.");
    return `http://127.0.0.1:${address.port}`;
  }

  /** @param fault asked before each request, which is the n-th from now on */
  breakAt(fault?: (request: Seen, count: number) => Fault | undefined): void {
    this.fault = fault;
    this.count = 0;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, "close");
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const url = new URL(request.url ?? "", "http://store");
    const prefix = url.searchParams.get("prefix");
    const key = prefix === null ? url.pathname.slice(this.bucket.length + 2) : `${prefix}*`;
    const seen = { method: request.method ?? "", key };
    this.seen.push(seen);
    this.count += 1;
    const fault = this.fault?.(seen, this.count);
    if (fault === "silence") return;
    if (fault === "cut") return void request.socket.destroy();
    const given = typeof fault === "object" ? fault : this.answer(request, key, prefix, body);
    if (fault === "lost") return void request.socket.destroy();
    response.writeHead(given.status, given.headers);
    response.end(request.method === "HEAD" ? undefined : given.body);
  }

  private answer(request: IncomingMessage, key: string, prefix: string | null, body: Buffer): Given {
    if (!isSigned(request, body)) return error(403, "SignatureDoesNotMatch");
    const { objects } = this;
    if (prefix !== null) {
      const keys = [...objects.keys()].filter((one) => one.startsWith(prefix)).sort();
      return { status: 200, body: keys.map((one) => `<Contents><Key>${one}</Key></Contents>`).join("") };
    }
    const there = objects.get(key);
    const { "if-none-match": absent, "if-match": same } = request.headers;
    switch (request.method) {
      case "PUT":
        if (absent === "*" && there !== undefined && this.keeps.ifNoneMatch) return error(412, "PreconditionFailed");
        if (same !== undefined && this.keeps.ifMatch) {
          if (there === undefined) return error(404, "NoSuchKey");
          if (etagOf(there) !== same) return error(412, "PreconditionFailed");
        }
        objects.set(key, body);
        return { status: 200, headers: { etag: etagOf(body) } };
      case "DELETE":
        objects.delete(key);
        return { status: 204 };
      default:
        if (there === undefined) return error(404, "NoSuchKey");
        return { status: 200, headers: { etag: etagOf(there), "content-length": String(there.length) }, body: there };
    }
  }
}
