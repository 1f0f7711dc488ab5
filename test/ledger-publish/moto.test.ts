/** The same against another's store: moto, which keeps conditions. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { probe } from "../../control/ledger/publish/probe.js";
import { PublishConflict, publish } from "../../control/ledger/publish/publish.js";
import { S3Store, storeSource } from "../../control/ledger/publish/store.js";
import { parseTarget } from "../../control/ledger/publish/target.js";
import { failure, HASTY, keys, readAll } from "./kit.js";
import { MemoryLog } from "./log.js";
import { type Moto, motoMissing, startMoto, withMoto } from "./moto.js";

describe.skipIf(motoMissing !== undefined)(withMoto("moto's S3"), () => {
  let moto: Moto;
  beforeAll(async () => {
    moto = await startMoto("ledgers");
  });
  afterAll(() => moto?.stop());

  const storeIn = (prefix: string): S3Store =>
    new S3Store(parseTarget(`s3://ledgers/${prefix}`, moto.endpoint), keys, { ...HASTY, attempts: 3 });
  const send = (log: MemoryLog, store: S3Store) => publish({ source: log, vkey: log.vkey, store });

  it("passes the probe, which leaves nothing behind", async () => {
    const store = storeIn("probed");
    expect(await probe(store)).toBeUndefined();
    expect(await store.list("")).toEqual([]);
  });

  it("takes a log, its growth and nothing twice; a reader finds it whole", async () => {
    const store = storeIn("grown/eu-2026-12");
    const log = new MemoryLog().add(250).addBlob(Buffer.from("a body"));
    expect(await send(log, store)).toMatchObject({ size: 251, before: undefined });
    expect(await send(log, store)).toMatchObject({ files: 0 });
    expect(await send(log.add(300), store)).toMatchObject({ size: 551, before: 251, removed: 2 });
    expect(await readAll(storeSource(store), log.vkey)).toBe(551);
    expect((await store.list("")).sort()).toEqual(
      [...log.prune().files.keys()].filter((path) => path !== "tile/1/000.p/1").sort(),
    );
  });

  it("has two publish at once, and refuses an older checkpoint and other bytes", async () => {
    const store = storeIn("two");
    const log = new MemoryLog().add(100);
    const old = log.copy();
    await Promise.all([send(log, store), send(log, store)]);
    log.add(200);
    await Promise.all([send(log, store), send(log, store)]);
    expect(await readAll(storeSource(store), log.vkey)).toBe(300);
    expect(await failure(send(old, store))).toBeInstanceOf(PublishConflict);
    await store.put("tile/entries/001", Buffer.from("other"), "absent");
    expect(await failure(send(log.add(300), store))).toBeInstanceOf(PublishConflict);
    expect(await readAll(storeSource(store), log.vkey)).toBe(300);
  });

  it("has no bucket of another name", async () => {
    const store = new S3Store(parseTarget("s3://nowhere/x", moto.endpoint), keys, HASTY);
    expect((await failure(send(new MemoryLog().add(1), store))).message).toContain("no bucket nowhere");
  });
});
