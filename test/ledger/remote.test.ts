/** An agent's way to a ledger elsewhere: patient, exact, and never led anywhere else. */
import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SinkStopped } from "../../control/ledger/follow/follower.js";
import { RemoteLedger } from "../../control/ledger/follow/remote.js";
import type { Received } from "../../control/ledger/intake.js";
import { Certificates } from "../kit/certificates.js";
import { newToken, sha256, startTestServer } from "./http-kit.js";

const PATIENCE = { timeout: 60_000 };

const token = newToken();
let folder: string;
let told: string[];
const ends: (() => void | Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "glassgate-remote-"));
  writeFileSync(join(folder, "token"), `${token}\n`, { mode: 0o600 });
  told = [];
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  rmSync(folder, { recursive: true, force: true });
});

const lines = (count: number, size = 100): Received[] =>
  Array.from({ length: count }, (_, i) => ({
    kind: "line",
    bytes: Buffer.from(`${i} `.padEnd(size, "x")),
    sender: { sender: "gateway-1", via: "file" },
  }));

const remoteOf = (url: string, more: object = {}): RemoteLedger => {
  const remote = new RemoteLedger(
    { url, token_file: join(folder, "token"), ...more },
    (sentence) => told.push(sentence),
    20,
  );
  ends.push(() => remote.stop());
  return remote;
};

/** Answers with what is next in the list; the last one for ever. */
async function scripted(...answers: readonly ((request: IncomingMessage, response: ServerResponse) => void)[]) {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url ?? "");
    request
      .resume()
      .on("end", () => (answers[Math.min(seen.length, answers.length) - 1] ?? answers[0])?.(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`, seen };
}
const status =
  (code: number, headers: Record<string, string> = {}) =>
  (_: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(code, headers);
    response.end(code === 200 ? '{"taken":1,"new":1}' : "{}");
  };
const answer =
  (text: string) =>
  (_: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(text);
  };

describe("the sink", () => {
  it("hands all in, in order, in bounded requests", async () => {
    const server = await startTestServer(`
senders: [{ name: a, tokens: [${sha256(token)}], speaks_for: [], follows: true }]
listen: { address: "127.0.0.1:0" }
`);
    ends.push(() => server.close());
    const received = [...lines(3000), ...lines(5, 900_000)];
    await remoteOf(server.url).sink(received);
    expect(server.intake.entries.length).toBe(3005);
    expect(server.intake.entries.map(({ bytes }) => bytes.toString())).toEqual(
      received.map(({ bytes }) => bytes.toString()),
    );
    expect(server.intake.entries[0]?.sender).toEqual({ sender: "a", via: "token" });
    expect(server.intake.calls).toBeGreaterThanOrEqual(5);
  });

  it("tries again whatever the answer is, until it is 200, and says it once", async () => {
    const { url, seen } = await scripted(
      status(503),
      (request) => void request.socket.destroy(),
      status(401),
      status(429, { "retry-after": "0" }),
      status(302, { location: "http://127.0.0.1:1/elsewhere" }),
      status(200),
    );
    await remoteOf(url).sink(lines(1));
    expect(seen).toEqual(Array(6).fill("/v1/follow"));
    expect(told.length).toBe(2);
    expect(told.join()).not.toContain(token);
  });

  it("believes no 200 that does not say that all of it was taken", async () => {
    const { url, seen } = await scripted(
      answer("<html>Welcome to our network</html>"),
      answer("{}"),
      answer('{"taken":2,"new":2}'),
      answer('{"taken":0}'),
      answer('{"taken":"1"}'),
      answer("1"),
      answer("null"),
      answer("x".repeat(100_000)),
      answer('{"taken":1,"new":0,"later":true}'),
    );
    await remoteOf(url).sink(lines(1));
    expect(seen.length).toBe(9);
    expect(told[0]).toMatch(/no ledger/);
  });

  it("comes back not before the ledger wants it to", async () => {
    const times: number[] = [];
    const { url } = await scripted(
      (request, response) => {
        times.push(performance.now());
        status(429, { "retry-after": "2" })(request, response);
      },
      (request, response) => {
        times.push(performance.now());
        status(200)(request, response);
      },
    );
    await remoteOf(url).sink(lines(1));
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(1990);
  });

  it("gives up when it is stopped, and only then", async () => {
    const { url } = await scripted(status(503));
    const remote = remoteOf(url);
    const handed = remote.sink(lines(1));
    await expect.poll(() => told.length, PATIENCE).toBe(1);
    remote.stop();
    await expect(handed).rejects.toBeInstanceOf(SinkStopped);
  });

  it("shows another token as soon as its file has another, and goes on while there is none", async () => {
    const [old, fresh] = [newToken(), newToken()];
    const server = await startTestServer(`
senders: [{ name: a, tokens: [${sha256(fresh)}], speaks_for: [], follows: true }]
listen: { address: "127.0.0.1:0" }
`);
    ends.push(() => server.close());
    const file = join(folder, "renewed");
    writeFileSync(file, old, { mode: 0o600 });
    const remote = remoteOf(server.url, { token_file: file });
    const handed = remote.sink(lines(2));
    await expect.poll(() => told.join(), PATIENCE).toMatch(/answers 401: Nobody is known/);
    rmSync(file);
    writeFileSync(`${file}.new`, fresh, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    await handed;
    expect(server.intake.entries.length).toBe(2);
  });

  it("shows another certificate once it has its key as well, and says at the start where they do not go together", async () => {
    const certificates = new Certificates();
    ends.push(() => certificates.remove());
    const [own, old, fresh] = ["ledger", "old", "fresh"].map((name) => certificates.selfSigned(name));
    if (own === undefined || old === undefined || fresh === undefined) throw new Error("three certificates");
    const der = Buffer.from(fresh.shown.cert.toString().replace(/-----[^-]+-----|\s/g, ""), "base64");
    const server = await startTestServer(`
senders: [{ name: a, certificates: [${sha256(der)}], speaks_for: [], follows: true }]
listen: { address: "127.0.0.1:0", tls: { certificate: "${own.certificate}", key: "${own.key}" } }
`);
    ends.push(() => server.close());
    const to = { url: server.url, ca: own.certificate, certificate: join(folder, "cert"), key: join(folder, "key") };
    copyFileSync(old.certificate, to.certificate);
    copyFileSync(fresh.key, to.key);
    expect(() => new RemoteLedger(to, () => {})).toThrow(/key is not the key of .*cert/);
    copyFileSync(old.key, to.key);
    const remote = new RemoteLedger(to, (sentence) => told.push(sentence), 20);
    ends.push(() => remote.stop());
    const handed = remote.sink(lines(2));
    await expect.poll(() => told.join(), PATIENCE).toMatch(/answers 401: Nobody is known/);
    copyFileSync(fresh.certificate, to.certificate);
    copyFileSync(fresh.key, to.key);
    await handed;
    expect(server.intake.entries.length).toBe(2);
  });

  it("over TLS only to a certificate that holds, with a token or a certificate of its own", async () => {
    const certificates = new Certificates();
    ends.push(() => certificates.remove());
    const own = certificates.selfSigned("ledger");
    const client = certificates.selfSigned("client");
    const der = Buffer.from(client.shown.cert.toString().replace(/-----[^-]+-----|\s/g, ""), "base64");
    const server = await startTestServer(`
senders: [{ name: a, certificates: [${sha256(der)}], speaks_for: [], follows: true }]
listen: { address: "127.0.0.1:0", tls: { certificate: "${own.certificate}", key: "${own.key}" } }
`);
    ends.push(() => server.close());
    const shown = { token_file: undefined, certificate: client.certificate, key: client.key };
    const { token_file: _, ...mine } = shown;
    const good = new RemoteLedger({ url: server.url, ca: own.certificate, ...mine }, (sentence) => told.push(sentence));
    await good.sink(lines(2));
    good.stop();
    expect(server.intake.entries.length).toBe(2);
    const wrong = remoteOf(server.url, mine);
    const handed = wrong.sink(lines(3));
    await expect.poll(() => told.join(), PATIENCE).toMatch(/does not answer: .*self-signed certificate/);
    wrong.stop();
    await expect(handed).rejects.toBeInstanceOf(SinkStopped);
    expect(server.intake.entries.length).toBe(2);
  });
});
