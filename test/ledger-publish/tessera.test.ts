/** The log interface over HTTP: against a stand-in that lies, and against the program itself where Go is. */
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { openTesseraLog, type TesseraOptions } from "../../control/ledger/log/tessera.js";
import type { Log } from "../../control/ledger/log.js";
import { parseBundle } from "../../control/ledger/tlog/tiles.js";
import { failure } from "./kit.js";
import { entryOf, MemoryLog } from "./log.js";

const TOKEN = "a-token-of-the-tests-that-is-long-enough";
const WRITER = { id: "a", name: "the test" };
let server: Server | undefined;
afterEach(async () => {
  const closed = server && once(server, "close");
  server?.close();
  server?.closeAllConnections();
  await closed;
});

/** All of a bundle's entries, however many. */
function entriesOf(body: Buffer): Buffer[] {
  const entries: Buffer[] = [];
  for (let at = 0; at < body.length; at += 2 + body.readUInt16BE(at))
    entries.push(body.subarray(at + 2, at + 2 + body.readUInt16BE(at)));
  return parseBundle(body, entries.length);
}

type Answering = (path: string, body: Buffer, response: ServerResponse) => boolean;

interface Posted {
  readonly log: Log;
  readonly memory: MemoryLog;
  readonly posts: number[];
  /** @param answer whether it has answered; else the log in memory does */
  answer(answer: Answering): void;
}

async function start(memory = new MemoryLog(), more: Partial<TesseraOptions> = {}): Promise<Posted> {
  const posts: number[] = [];
  let answering: Answering = () => false;
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const path = (request.url ?? "").slice(1);
    if (request.method !== "GET" && request.headers.authorization !== `Bearer ${TOKEN}`)
      response.writeHead(401).end("no");
    else if (answering(path, body, response)) return;
    else if (path === "writer") response.end(JSON.stringify({ size: memory.size }));
    else if (path === "add" && request.headers["if-size"] !== String(memory.size))
      response.writeHead(412).end(`the log has ${memory.size} entries`);
    else if (path === "add") {
      const first = memory.size;
      const entries = entriesOf(body);
      posts.push(entries.length);
      memory.append(entries);
      response.end(JSON.stringify({ indices: entries.map((_, i) => first + i) }));
    } else if (request.method === "PUT") {
      memory.put(body);
      response.writeHead(204).end();
    } else {
      const bytes = memory.files.get(path);
      response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  const url = `http://127.0.0.1:${address.port}`;
  const log = await openTesseraLog({ url, vkey: memory.signer.vkey, token: TOKEN, writer: WRITER, ...more });
  return {
    log,
    memory,
    posts,
    answer: (next) => {
      answering = next;
    },
  };
}

describe("a log that Tessera writes", () => {
  it("takes entries in order, from many at once in few requests, and says where they stand", async () => {
    const { log, memory, posts } = await start();
    const all = await Promise.all([...Array(50).keys()].map((i) => log.append([entryOf(`${i}`), entryOf(`${i} too`)])));
    expect(all.flat()).toEqual([...Array(100).keys()]);
    expect(posts.length).toBeLessThan(5);
    expect(log.size).toBe(100);
    expect((await log.read("checkpoint"))?.equals(memory.files.get("checkpoint") ?? Buffer.alloc(0))).toBe(true);
    await log.close();
    await expect(log.append([entryOf("x")])).rejects.toThrow("closed");
  });

  it("cuts what is more than a request may hold", async () => {
    const { log, memory, posts } = await start();
    const large = Buffer.alloc(65_535, "x");
    const indices = await log.append(Array.from({ length: 150 }, () => large));
    expect(indices).toEqual([...Array(150).keys()]);
    expect(posts).toEqual([63, 63, 24]);
    expect(memory.size).toBe(150);
    await expect(log.append([Buffer.alloc(65_536)])).rejects.toThrow(RangeError);
  });

  it("has bodies beside it, and nothing where nothing is", async () => {
    const { log } = await start();
    const bytes = Buffer.alloc(100_000, "b");
    const name = await log.putBlob(bytes);
    expect((await log.read(`blob/${name}`))?.equals(bytes)).toBe(true);
    expect(await log.read("tile/0/000")).toBeUndefined();
    await expect(log.read("../key")).rejects.toThrow();
  });

  it("waits where Tessera has too much to do", async () => {
    const { log, answer } = await start();
    let tries = 0;
    answer((path, _, response) => {
      if (path !== "add" || tries++ > 0) return false;
      response.writeHead(503, { "retry-after": "1" }).end("too much");
      return true;
    });
    expect(await log.append([entryOf("x")])).toEqual([0]);
  });

  const lies: readonly (readonly [string, Answering])[] = [
    ["no JSON", (_, __, response) => response.end("yes") !== undefined],
    ["an index that a checkpoint has", (_, __, response) => response.end('{"indices":[3,4]}') !== undefined],
    ["one index twice", (_, __, response) => response.end('{"indices":[40,40]}') !== undefined],
    ["too few", (_, __, response) => response.end('{"indices":[40]}') !== undefined],
    ["a gap before them", (_, __, response) => response.end('{"indices":[11,12]}') !== undefined],
    ["that something else has written", (_, __, response) => response.writeHead(412).end("12 entries") !== undefined],
    ["a negative one", (_, __, response) => response.end('{"indices":[-1,40]}') !== undefined],
    ["an error", (_, __, response) => response.writeHead(500).end("not all entries were written") !== undefined],
    ["a redirect", (_, __, response) => response.writeHead(307, { location: "/other" }).end() !== undefined],
    ["nothing", (_, __, response) => response.destroy() !== undefined],
  ];
  for (const [what, lie] of lies) {
    it(`takes nothing more where the answer is ${what}`, async () => {
      const { log, answer, memory } = await start(new MemoryLog().add(10));
      answer((path, body, response) => path === "add" && lie(path, body, response));
      const error = await failure(log.append([entryOf("x"), entryOf("y")]));
      expect(error).toBeInstanceOf(UserError);
      expect(error.message).toContain("takes nothing more");
      expect(error.message).not.toContain(TOKEN);
      answer(() => false);
      expect(await failure(log.append([entryOf("z")]))).toBe(error);
      expect(memory.size).toBe(10);
    });
  }

  it("is refused with another key, and where its tree goes back or is another", async () => {
    const { log, memory } = await start(new MemoryLog().add(300));
    const kept = memory.copy();
    const url = (
      await failure(
        openTesseraLog({ url: "http://127.0.0.1:1", vkey: memory.signer.vkey, token: TOKEN, writer: WRITER }),
      )
    ).message;
    expect(url).toContain("does not answer");
    await log.append(Array.from({ length: 300 }, (_, i) => entryOf(`more ${i}`)));
    await log.read("checkpoint");
    expect(log.size).toBe(600);
    memory.files = kept.files;
    expect((await failure(log.read("checkpoint"))).message).toContain("does not go on");
    await expect(log.append([entryOf("x")])).rejects.toThrow("takes nothing more");
  });

  it("is refused where its newer tree has another past", async () => {
    const { log, memory } = await start(new MemoryLog().add(300));
    memory.files = new MemoryLog(memory.signer).add(600, "b").files;
    expect((await failure(log.read("checkpoint"))).message).toContain("does not go on");
  });

  it("is opened once a checkpoint covers what is durable, and not where none does", async () => {
    const memory = new MemoryLog().add(300);
    const stale = memory.copy();
    memory.append([entryOf("acknowledged, and not covered yet")]);
    const current = memory.files;
    memory.files = stale.files;
    expect((await failure(start(memory, { coverMs: 300 }))).message).toMatch(
      /no checkpoint of the 301 entries .* within 1 seconds: its newest has 300 entries/,
    );
    server?.closeAllConnections();
    server?.close();
    setTimeout(() => {
      memory.files = current;
    }, 300);
    const { log } = await start(memory);
    expect(log.size).toBe(301);
  });

  it("ends where what it has acknowledged is never covered", async () => {
    const memory = new MemoryLog();
    const { log } = await start(memory, { coverMs: 300 });
    const empty = memory.copy().files;
    Object.defineProperty(memory, "files", { get: () => new Map(empty), set: () => {} });
    expect(await log.append([entryOf("x")])).toEqual([0]);
    await expect
      .poll(() => failure(log.append([entryOf("y")])).then(({ message }) => message))
      .toMatch(/no checkpoint of/);
    await expect(log.close()).rejects.toThrow("no checkpoint of the 1 entries");
  });

  it("is refused where another writes, with its name", async () => {
    const { log, answer } = await start();
    await log.close();
    answer(
      (path, _, response) => path === "writer" && response.writeHead(409).end("one, process 7 on a") !== undefined,
    );
    const url = server?.address();
    if (url === null || url === undefined || typeof url === "string") throw new Error("no port");
    const error = await failure(
      openTesseraLog({ url: `http://127.0.0.1:${url.port}`, vkey: log.vkey, token: TOKEN, writer: WRITER }),
    );
    expect(error.message).toContain('"one, process 7 on a" writes to it');
  });

  it("is refused where it shows less, or another past, than what was kept", async () => {
    const memory = new MemoryLog().add(300);
    let text: string | undefined;
    const kept = {
      read: async () => text,
      write: async (newest: string) => {
        text = newest;
      },
    };
    await (await start(memory, { kept })).log.close();
    expect(text).toBe(memory.files.get("checkpoint")?.toString());
    for (const other of [
      new MemoryLog(memory.signer),
      new MemoryLog(memory.signer).add(299),
      new MemoryLog(memory.signer).add(300, "b"),
      new MemoryLog(memory.signer).add(700, "b"),
    ]) {
      server?.closeAllConnections();
      server?.close();
      expect((await failure(start(other, { kept }))).message).toMatch(/does not go on from the one of 300/);
    }
    expect(text).toBe(memory.files.get("checkpoint")?.toString());
  });

  for (const [what, checkpoint] of [
    ["another log's", new MemoryLog().add(3).files.get("checkpoint")],
    ["no note", Buffer.from("hello\n")],
    ["endless", Buffer.alloc(1_000_000, "x")],
  ] as const) {
    it(`is not opened where its checkpoint is ${what}`, async () => {
      const memory = new MemoryLog().add(3);
      memory.files.set("checkpoint", checkpoint ?? Buffer.alloc(0));
      expect(await failure(start(memory))).toBeInstanceOf(UserError);
    });
  }

  for (const url of ["http://tessera.example.com", "https://user:secret@tessera.example.com", "tessera"]) {
    it(`is not looked for at ${url}`, async () => {
      const error = await failure(
        openTesseraLog({ url, vkey: new MemoryLog().signer.vkey, token: TOKEN, writer: WRITER }),
      );
      expect(error).toBeInstanceOf(UserError);
      expect(error.message).not.toContain("secret");
    });
  }
});
