/** A log in a store: complete, in order, never overwritten, never taken back, whatever breaks. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { openLogSigner } from "../../control/ledger/log/key.js";
import type { TileSource } from "../../control/ledger/log.js";
import { PublishConflict, publish } from "../../control/ledger/publish/publish.js";
import { type S3Store, storeSource } from "../../control/ledger/publish/store.js";
import { newKey } from "../../control/signer/jwk.js";
import { failure, HASTY, MemoryPosition, PREFIX, readAll, storeAt } from "./kit.js";
import { entryOf, MemoryLog } from "./log.js";
import { BUCKET_OF_TESTS, type Fault, type Seen, StoreServer } from "./store-server.js";

let server: StoreServer;
let store: S3Store;
beforeAll(async () => {
  server = await StoreServer.start(BUCKET_OF_TESTS);
  store = storeAt(server.endpoint);
});
afterAll(() => server.stop());
beforeEach(() => {
  server.objects.clear();
  server.seen.length = 0;
  server.keeps = { ifNoneMatch: true, ifMatch: true };
  server.breakAt();
});

const options = (log: MemoryLog, position?: MemoryPosition) => ({
  source: log,
  vkey: log.vkey,
  store,
  ...(position && { position }),
});
const send = (log: MemoryLog, position?: MemoryPosition) => publish(options(log, position));
const stored = (): string[] => [...server.objects.keys()].sort();
const inStore = (path: string): string => `${PREFIX}/${path}`;
/** What is there, without asking for it over HTTP. */
const there: TileSource = { read: async (path) => server.objects.get(inStore(path)) };
const puts = (): string[] => server.seen.filter(({ method }) => method === "PUT").map(({ key }) => key);

describe("a log that is published", () => {
  it("is there file by file, blobs too, and its checkpoint comes last", async () => {
    const blob = Buffer.alloc(70_000, "b");
    const entries = [...Array(700).keys()].map((i) => entryOf(`{"n":${i}}`));
    const log = new MemoryLog().append([...entries, entryOf("", blob), ...entries.slice(0, 80)]).put(blob);
    const published = await send(log);
    expect(published).toMatchObject({ size: 781, before: undefined, files: log.files.size, removed: 0 });
    expect(stored()).toEqual([...log.files.keys()].map(inStore).sort());
    for (const [path, bytes] of log.files) expect(server.objects.get(inStore(path))?.equals(bytes), path).toBe(true);
    expect(puts().at(-1)).toBe(inStore("checkpoint"));
    expect(await readAll(storeSource(store), log.vkey)).toBe(781);
  });

  it("of no entries yet has its checkpoint there", async () => {
    expect(await send(new MemoryLog())).toMatchObject({ size: 0, files: 1 });
    expect(stored()).toEqual([inStore("checkpoint")]);
  });

  it("is not sent again where nothing is new, with the position or without it", async () => {
    const log = new MemoryLog().add(600);
    const position = new MemoryPosition();
    await send(log, position);
    server.seen.length = 0;
    expect(await send(log, position)).toMatchObject({ files: 0, before: 600 });
    expect(server.seen.length).toBeLessThan(4);
    expect(await send(log)).toMatchObject({ files: 0, before: 600 });
    expect(puts()).toEqual([]);
  });

  it("grows, and loses the partial files that a full one supersedes, those of every width", async () => {
    const log = new MemoryLog().add(20);
    const position = new MemoryPosition();
    for (const more of [0, 17, 200, 60, 300]) {
      await send(log.add(more), position);
      expect(await readAll(there, log.vkey)).toBe(log.size);
    }
    expect(stored()).toEqual([...log.prune().files.keys()].map(inStore).sort());
  });

  it("keeps a partial file as long as there is no full one", async () => {
    const log = new MemoryLog().add(20);
    await send(log);
    await send(log.add(20));
    expect(stored()).toContain(inStore("tile/entries/000.p/20"));
    expect(stored()).toContain(inStore("tile/0/000.p/40"));
  });

  it("is published where the ledger has removed the partial files meanwhile: the full one begins with them", async () => {
    const log = new MemoryLog().add(300);
    const behind = log.copy();
    behind.files = log.add(300).prune().copy().files;
    behind.files.set("checkpoint", Buffer.from(new MemoryLog(log.signer).add(300).files.get("checkpoint") ?? ""));
    expect(await send(behind)).toMatchObject({ size: 300 });
    expect(await readAll(there, log.vkey)).toBe(300);
  });

  it("is completed where the store has lost files and the position is lost", async () => {
    const log = new MemoryLog().add(600);
    await send(log);
    for (const path of ["tile/entries/001", "tile/0/000", "tile/0/002.p/88"]) server.objects.delete(inStore(path));
    expect(await send(log)).toMatchObject({ files: 3 });
    expect(await readAll(there, log.vkey)).toBe(600);
  });

  it("is sent anew where the store was emptied behind the position", async () => {
    const log = new MemoryLog().add(600);
    const position = new MemoryPosition();
    await send(log, position);
    server.objects.clear();
    await send(log, position);
    expect(await readAll(there, log.vkey)).toBe(600);
  });

  it("replaces its checkpoint for more cosignatures, not for fewer", async () => {
    const log = new MemoryLog().add(5);
    await send(log);
    const note = log.files.get("checkpoint") ?? Buffer.alloc(0);
    const cosigned = Buffer.from(`${note}\u2014 witness.example.com ${Buffer.alloc(80, 7).toString("base64")}\n`);
    const witnessed = log.copy();
    witnessed.files.set("checkpoint", cosigned);
    await send(witnessed);
    expect(server.objects.get(inStore("checkpoint"))?.equals(cosigned)).toBe(true);
    await send(log);
    expect(server.objects.get(inStore("checkpoint"))?.equals(cosigned)).toBe(true);
  });
});

describe("where it breaks off", () => {
  const start = new MemoryLog().add(250).addBlob(Buffer.from("a body beside the log"));
  const grown = start.copy().add(300).addBlob(Buffer.from("another"));

  async function requestsOf(log: MemoryLog): Promise<number> {
    server.seen.length = 0;
    await send(log);
    return server.seen.length;
  }

  for (const [kind, odd] of [
    ["cut", 0],
    ["lost", 1],
  ] as const) {
    it(`at any request (${kind}), the store holds a complete tree, and the next run ends it, its position kept or lost`, async () => {
      await send(start);
      const before = new Map(server.objects);
      const total = await requestsOf(grown);
      const whole = stored();
      expect(total).toBeGreaterThan(10);
      for (let at = 1; at <= total; at++) {
        server.objects.clear();
        for (const [key, bytes] of before) server.objects.set(key, bytes);
        const position = new MemoryPosition();
        // Everything from there on: the machine has lost its line.
        server.breakAt((_, count) => (count < at ? undefined : count === at ? kind : "cut"));
        await send(grown, position).catch((error: unknown) => expect(error).toBeInstanceOf(UserError));
        server.breakAt();
        expect([start.size, grown.size]).toContain(await readAll(there, grown.vkey));
        await send(grown, at % 2 === odd ? position : undefined);
        expect(await readAll(there, grown.vkey)).toBe(grown.size);
        expect(whole.filter((key) => !server.objects.has(key))).toEqual([]);
      }
    });
  }

  it("for a moment, it goes on by itself: an answer that is lost, a store that is busy, two writes at once", async () => {
    const once = new Set<string>();
    const faults: readonly Fault[] = ["lost", "cut", { status: 503, headers: { "retry-after": "0" } }, { status: 409 }];
    server.breakAt(({ method, key }: Seen, count) => {
      if (once.has(method + key)) return undefined;
      once.add(method + key);
      return faults[count % faults.length];
    });
    store = storeAt(server.endpoint, { ...HASTY, attempts: 4 });
    try {
      expect(await send(grown)).toMatchObject({ size: grown.size });
      expect(await readAll(there, grown.vkey)).toBe(grown.size);
    } finally {
      store = storeAt(server.endpoint);
    }
  });
});

describe("two who publish", () => {
  it("one log at once both succeed, and the newest checkpoint stays", async () => {
    const log = new MemoryLog().add(10);
    for (let round = 0; round < 5; round++) {
      log.add(70);
      await Promise.all([send(log), send(log), send(log)]);
      expect(await readAll(there, log.vkey)).toBe(log.size);
    }
  });

  it("while the log grows under them", async () => {
    const log = new MemoryLog().add(10);
    const grow = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        log.add(40);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await Promise.all([grow(), send(log), send(log)]);
    await send(log);
    expect(await readAll(there, log.vkey)).toBe(log.size);
  });

  it("an old copy and the log: the newer checkpoint is not replaced, and the word is that it is behind", async () => {
    const log = new MemoryLog().add(300);
    const old = log.copy();
    await send(log.add(300));
    const error = await failure(send(old));
    expect(error).toBeInstanceOf(PublishConflict);
    expect(error.message).toBe("The store holds a newer checkpoint (600 entries) than is here (300).");
    expect(await readAll(there, log.vkey)).toBe(600);
  });

  for (const [name, mine, theirs] of [
    ["longer", 600, 400],
    ["as long", 400, 400],
    ["shorter", 350, 400],
  ] as const) {
    it(`two histories under one key: the ${name} one is refused, and nothing is overwritten`, async () => {
      const common = new MemoryLog().add(300);
      await send(common.copy().add(theirs - 300, "b"));
      const before = new Map(server.objects);
      const error = await failure(send(common.copy().add(mine - 300, "c")));
      expect(error).toBeInstanceOf(PublishConflict);
      expect(error.message).toContain("another history");
      expect(new Map(server.objects)).toEqual(before);
    });
  }

  it("two logs in one place: the second is refused", async () => {
    await send(new MemoryLog().add(5));
    const before = new Map(server.objects);
    for (const other of [new MemoryLog(), new MemoryLog(openLogSigner(newKey("Ed25519"), "other.example.com"))]) {
      const error = await failure(send(other.add(9)));
      expect(error).toBeInstanceOf(PublishConflict);
      expect(error.message).toContain("not this log's");
    }
    expect(new Map(server.objects)).toEqual(before);
  });
});

describe("a store with other content", () => {
  for (const path of ["tile/entries/000", "tile/0/001", "tile/1/000.p/2", "tile/entries/002.p/8"]) {
    it(`${path} is refused loudly, and not overwritten`, async () => {
      const log = new MemoryLog().add(520);
      const other = Buffer.from("other bytes");
      server.objects.set(inStore(path), other);
      const error = await failure(send(log));
      expect(error).toBeInstanceOf(PublishConflict);
      expect(error.message).toContain(`other bytes under ${path} `);
      expect(server.objects.get(inStore(path))?.equals(other)).toBe(true);
      expect(server.objects.has(inStore("checkpoint"))).toBe(false);
    });
  }

  it("as long as the right one, below its own checkpoint, is found where a reader looks", async () => {
    const log = new MemoryLog().add(520);
    await send(log);
    const bundle = Buffer.from(server.objects.get(inStore("tile/entries/000")) ?? "");
    bundle[100] = (bundle[100] ?? 0) ^ 1;
    server.objects.set(inStore("tile/entries/000"), bundle);
    await expect(readAll(there, log.vkey)).rejects.toThrow();
  });

  for (const checkpoint of ["", "no note", "\u0000".repeat(100), "x".repeat(200_000)]) {
    it(`a checkpoint of ${JSON.stringify(checkpoint.slice(0, 10))}, ${checkpoint.length} bytes, is not overwritten`, async () => {
      server.objects.set(inStore("checkpoint"), Buffer.from(checkpoint));
      expect(await failure(send(new MemoryLog().add(3)))).toBeInstanceOf(UserError);
      expect(server.objects.get(inStore("checkpoint"))?.toString()).toBe(checkpoint);
    });
  }
});

describe("a log that is damaged here", () => {
  const blob = Buffer.from("a body");
  const entries = [...Array(520).keys()].map((i) => entryOf(`{"n":${i}}`));
  const whole = new MemoryLog().append([...entries, entryOf("", blob)]).put(blob);
  for (const path of whole.files.keys()) {
    it(`is not published: ${path}`, async () => {
      const log = whole.copy();
      const bytes = Buffer.from(log.files.get(path) ?? "");
      bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
      log.files.set(path, bytes);
      expect(await failure(send(log))).toBeInstanceOf(UserError);
      expect(server.objects.has(inStore("checkpoint"))).toBe(false);
      expect(server.objects.get(inStore(path))?.equals(bytes) ?? false).toBe(false);
      log.files.delete(path);
      expect(await failure(send(log))).toBeInstanceOf(UserError);
      expect(server.objects.has(inStore("checkpoint"))).toBe(false);
    });
  }
});
