/** What witnesses cosigned goes along with a log that is published: never back, never another's, and never before its tree. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { PublishConflict, publish } from "../../control/ledger/publish/publish.js";
import { type S3Store, storeSource } from "../../control/ledger/publish/store.js";
import { noteKey } from "../kit/note-key.js";
import { failure, MemoryPosition, PREFIX, storeAt } from "./kit.js";
import { MemoryLog } from "./log.js";
import { BUCKET_OF_TESTS, StoreServer } from "./store-server.js";

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
  server.breakAt();
});

const [one, two] = [noteKey("witness-1.example"), noteKey("witness-2.example")];

/** The log's newest checkpoint with the witnesses' lines becomes what it has cosigned. */
function cosign(log: MemoryLog, ...witnesses: readonly (typeof one)[]): MemoryLog {
  const note = log.files.get("checkpoint")?.toString() ?? "";
  const text = note.slice(0, note.indexOf("\n\n") + 1);
  const lines = witnesses.map((witness) => `${witness.cosign(text, 1_767_225_600)}\n`);
  log.files.set("cosigned", Buffer.from(note + lines.join("")));
  return log;
}

const send = (log: MemoryLog, position?: MemoryPosition) =>
  publish({ source: log, vkey: log.vkey, store, ...(position && { position }) });
const inStore = (path: string): string | undefined => server.objects.get(`${PREFIX}/${path}`)?.toString();
const local = (log: MemoryLog, path = "cosigned"): string | undefined => log.files.get(path)?.toString();
const puts = (): string[] =>
  server.seen.filter(({ method }) => method === "PUT").map(({ key }) => key.slice(PREFIX.length + 1));

describe("what witnesses cosigned", () => {
  it("stands beside the checkpoint, behind it, and goes on with it", async () => {
    const log = cosign(new MemoryLog().add(300), one);
    const position = new MemoryPosition();
    expect(await send(log, position)).toMatchObject({ size: 300, files: log.files.size });
    expect(puts().slice(-2)).toEqual(["checkpoint", "cosigned"]);
    expect(inStore("cosigned")).toBe(local(log));
    expect((await storeSource(store).read("cosigned"))?.toString()).toBe(local(log));
    expect(await send(log, position)).toMatchObject({ files: 0 });
    // The log goes on, and is not cosigned again yet: then it is, by one more.
    await send(log.add(100), position);
    expect(inStore("cosigned")).toContain("\n300\n");
    expect(await send(cosign(log, one), position)).toMatchObject({ files: 1 });
    expect(await send(cosign(log, one, two), position)).toMatchObject({ files: 1 });
    expect(inStore("cosigned")).toBe(local(log));
  });

  it("is never replaced by an older one, by fewer lines, or by none", async () => {
    const log = cosign(new MemoryLog().add(10), one);
    const older = local(log);
    cosign(log.add(10), one, two);
    const newer = local(log);
    await send(log);
    log.files.set("cosigned", Buffer.from(older ?? ""));
    await send(log);
    await send(cosign(log, one));
    log.files.delete("cosigned");
    await send(log.add(1));
    expect(inStore("cosigned")).toBe(newer);
  });

  it("of a tree that is not published yet waits for it", async () => {
    const log = new MemoryLog().add(10);
    const ahead = cosign(log.copy().add(5), one);
    log.files.set("cosigned", ahead.files.get("cosigned") ?? Buffer.alloc(0));
    await send(log);
    expect(inStore("cosigned")).toBeUndefined();
    await send(ahead);
    expect(inStore("cosigned")).toBe(local(ahead));
  });

  it("of another history, or what is no checkpoint, is not published", async () => {
    const log = new MemoryLog().add(10);
    const other = cosign(new MemoryLog(log.signer).add(8, "b"), one);
    log.files.set("cosigned", other.files.get("cosigned") ?? Buffer.alloc(0));
    const error = await failure(send(log));
    expect(error).toBeInstanceOf(PublishConflict);
    expect(error.message).toContain("does not go on from the one of 8 that witnesses cosigned");
    log.files.set("cosigned", Buffer.from("nothing"));
    expect((await failure(send(log))).message).toContain("its cosigned: This is no signed note");
    expect(inStore("cosigned")).toBeUndefined();
  });

  it("that stands in the store is another's, or of another history: it is left as it is", async () => {
    const log = cosign(new MemoryLog().add(10), one);
    const other = cosign(new MemoryLog(log.signer).add(8, "b"), one);
    for (const [there, says] of [
      [local(other), "another history"],
      [local(cosign(new MemoryLog().add(3), one)), "is not this log's"],
      ["nothing", "is not this log's"],
    ] as const) {
      server.objects.set(`${PREFIX}/cosigned`, Buffer.from(there ?? ""));
      const error = await failure(send(log));
      expect(error).toBeInstanceOf(PublishConflict);
      expect(error.message).toContain(says);
      expect(inStore("cosigned")).toBe(there);
    }
  });

  it("is not overwritten where another was faster", async () => {
    const log = cosign(new MemoryLog().add(10), one);
    const newer = cosign(log.copy().add(5), one, two);
    server.breakAt(({ method, key }) => {
      // Between the look and the write.
      if (method === "PUT" && key.endsWith("/cosigned"))
        server.objects.set(key, newer.files.get("cosigned") ?? Buffer.alloc(0));
      return undefined;
    });
    await send(log);
    expect(inStore("cosigned")).toBe(local(newer));
  });
});
