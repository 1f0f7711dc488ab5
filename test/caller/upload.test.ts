/** A body that nobody takes to its end: whoever sends it comes to read why. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Line } from "../../control/caller/exchange.js";
import { type RunningProxy, startProxy } from "../../control/caller/proxy.js";
import { looseGrant } from "./raw.js";

/** More than all buffers on the way hold. */
const BODY = Buffer.alloc(24 * 1024 * 1024, "x");
const DENIAL = '{"type":"urn:glassgate:verdict:quorum","code":"quorum"}';
const denial = `HTTP/1.1 403 Forbidden\r\nwww-authenticate: BreakGlass error="access_denied"\r\ncontent-type: application/problem+json\r\ncontent-length: ${DENIAL.length}\r\nconnection: close\r\n\r\n${DENIAL}`;

let answer = "";
let server: Server;
let proxy: RunningProxy;
let folder: string;
let file: string;
const told: Line[] = [];
let waiting: Socket[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "glassgate-upload-"));
  file = join(folder, "body");
  writeFileSync(file, BODY);
  // As Envoy does with a request that it denies: it answers at once, reads no further, and later resets the connection.
  server = createServer((socket) => {
    socket.on("error", () => {}); // The proxy has gone away.
    socket.once("data", () => {
      socket.pause();
      if (answer === "") return socket.resetAndDestroy();
      socket.write(answer);
      waiting.push(socket);
      return undefined;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  proxy = await startProxy({
    credential: { grant: await looseGrant() },
    gateway: { url: `http://127.0.0.1:${port}` },
    told: (line) => {
      told.push(line);
      for (const socket of waiting) socket.resetAndDestroy();
      waiting = [];
    },
  });
});
afterAll(async () => {
  await proxy.end();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Node's client: it sends all, whatever is answered meanwhile. */
const node = (path: string, isChunked: boolean) => (): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const { port, username, password } = new URL(proxy.url);
    const headers = {
      host: `127.0.0.1:${port}`,
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`,
      ...(isChunked ? { "transfer-encoding": "chunked" } : { "content-length": BODY.length }),
    };
    const request = httpRequest({ host: "127.0.0.1", port, method: "POST", path, headers, agent: false });
    request.on("error", reject);
    request.on("response", (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.end(BODY);
  });
const curl = (path: string) => (): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const url = `${proxy.url}${path}`;
    const args = ["-q", "-sS", "-w", " %{http_code}", "-H", "expect:", "--data-binary", `@${file}`, url];
    execFile("curl", args, (error, stdout) => {
      const [, text = "", status = "0"] = /^(.*) (\d+)$/s.exec(stdout) ?? [];
      if (error === null) resolve({ status: Number(status), text });
      else reject(error);
    });
  });
/** As most libraries do: it reads no answer before all is sent. */
const python = (path: string) => (): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const program = `import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
connection.request("POST", sys.argv[3], open(sys.argv[4], "rb"), {"authorization": sys.argv[2], "content-length": "${BODY.length}"})
answer = connection.getresponse()
sys.stdout.write(answer.read().decode() + " " + str(answer.status))`;
    const { port, username, password } = new URL(proxy.url);
    const basic = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    execFile("python3", ["-c", program, port, basic, path, file], (error, stdout) => {
      const [, text = "", status = "0"] = /^(.*) (\d+)$/s.exec(stdout) ?? [];
      if (error === null) resolve({ status: Number(status), text });
      else reject(error);
    });
  });
const clients = (path: string) =>
  [
    ["Node's client, with a length", node(path, false)],
    ["Node's client, in chunks", node(path, true)],
    ["curl", curl(path)],
    ["Python's client, which sends all before it reads", python(path)],
  ] as const;

describe("a gateway that answers before it has read all", () => {
  it.each(clients("/orders/1"))("%s: reads the denial", async (_, send) => {
    answer = denial;
    expect(await send()).toEqual({ status: 403, text: DENIAL });
    expect(told.splice(0)).toMatchObject([{ status: 403, why: expect.stringContaining("quorum") }]);
  });
});

describe("a gateway that breaks off", () => {
  it.each(clients("/orders/1"))("%s: reads a 502", async (_, send) => {
    answer = "";
    expect(await send()).toMatchObject({ status: 502, text: expect.stringContaining("the gateway cannot be reached") });
    expect(told.splice(0).map(({ status }) => status)).toEqual([502]);
  });
});

describe("what the grant does not cover", () => {
  it.each(clients("/admin"))("%s: reads why it was not sent on", async (_, send) => {
    expect(await send()).toMatchObject({ status: 403, text: expect.stringContaining("scope_path") });
    expect(told.splice(0).map(({ status }) => status)).toEqual([403]);
  });
});
