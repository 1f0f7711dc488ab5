/** Three months of one ledger: chains go on over the seams, whatever breaks in between, and what was removed is seen from the newest. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { writeNewTexts } from "../../control/base/files.js";
import { Auditor } from "../../control/ledger/chain/auditor.js";
import type { Alarm } from "../../control/ledger/chain/finding.js";
import { type Ledger, openLedger } from "../../control/ledger/chain/ledger.js";
import { type Entry, encodeEntry } from "../../control/ledger/entry.js";
import { newLogFiles, openFilesLog, Sealed } from "../../control/ledger/log/files.js";
import { openLogSigner } from "../../control/ledger/log/key.js";
import { encodeOpening, encodeSeal, type Predecessor, shardHead } from "../../control/ledger/shard.js";
import { type CheckedShard, checkShards } from "../../control/ledger/shards/check.js";
import { wholeEntries } from "../../control/ledger/shards/entries.js";
import { type NextOptions, nextShard, type Shard } from "../../control/ledger/shards/next.js";
import { openCheckpoint } from "../../control/ledger/tlog/checkpoint.js";
import { EMPTY_EDGE, edgeRoot, grow } from "../../control/ledger/tlog/edge.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { fileSource, readEntries } from "../../control/ledger/tlog/read.js";
import { newKey } from "../../control/signer/jwk.js";
import {
  bend,
  type Chain,
  chained,
  GATEWAY,
  heartbeatOf,
  isRecord,
  line,
  memberOf,
  other,
  play,
  sha256,
} from "../ledger/chain/kit.js";
import { failure } from "./kit.js";

const key = newKey("Ed25519");
let chain: Chain;
let clock: number;

function shardIn(root: string, month: string): Shard {
  return {
    folder: join(root, month),
    signer: openLogSigner(key, `ledger.example.com/eu/${month}`),
    signedPath: join(root, "keys", `${month}.key.json.signed`),
  };
}

interface Named {
  readonly vm: string;
  readonly seq: number;
}

const roots: string[] = [];
const newRoot = (): string => {
  const root = mkdtempSync(join(tmpdir(), "glassgate-shards-"));
  roots.push(root);
  return root;
};
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});
const make = (shard: Shard): void => writeNewTexts(newLogFiles(shard));

interface Running {
  readonly ledger: Ledger;
  readonly alarms: Alarm[];
  close(): Promise<void>;
}

async function run(shard: Shard): Promise<Running> {
  const alarms: Alarm[] = [];
  const log = await openFilesLog(shard);
  const ledger = await openLedger({
    log,
    entries: (from, to) => readEntries(log, log.size, from, to),
    pins: chain.pins,
    clock: () => clock,
    onAlarm: (alarm) => alarms.push(alarm),
  });
  const close = async (): Promise<void> => {
    await ledger.close();
    await log.close();
  };
  return { ledger, alarms, close };
}

const USUAL = new Set(["first_use", "single_key"]);
const codes = ({ alarms }: Running): string[] => alarms.map(({ code }) => code).filter((code) => !USUAL.has(code));
const next = (old: Shard, fresh: Shard, more: Partial<NextOptions> = {}) =>
  nextShard({ old, fresh, pins: chain.pins, clock: () => clock, ...more });

async function entriesOf({ folder, signer }: Shard): Promise<Entry[]> {
  const checkpoint = openCheckpoint(readFileSync(join(folder, "checkpoint"), "utf8"), parseVkey(signer.vkey));
  const entries: Entry[] = [];
  for await (const { entry } of wholeEntries(fileSource(folder), checkpoint)) entries.push(entry);
  return entries;
}

async function check(shards: readonly Shard[], by = shards[0]?.signer.vkey ?? ""): Promise<CheckedShard[]> {
  const checked: CheckedShard[] = [];
  const files = shards.map(({ folder }) => ({ name: folder.split("/").at(-1) ?? "", source: fileSource(folder) }));
  for await (const one of checkShards(files, parseVkey(by))) checked.push(one);
  return checked;
}

/** The lines of the one chain in three parts, each record's evidence with it; the second month lacks one record, which comes in the third. */
let parts: string[][];
let lateLine: string;
beforeAll(async () => {
  chain = await play({ requests: 30 });
  clock = chain.now;
  const records = chain.lines.filter(isRecord);
  const cut = (n: number): number => chain.lines.indexOf(records[n] ?? "");
  lateLine = records[15] ?? "";
  parts = [
    chain.lines.slice(0, cut(10)),
    chain.lines.slice(cut(10), cut(20)).filter((text) => text !== lateLine),
    chain.lines.slice(cut(20)),
  ];
});

/** Two seams, three shards. */
async function threeMonths(root: string): Promise<{ shards: Shard[]; last: Running }> {
  const shards = ["2026-10", "2026-11", "2026-12"].map((month) => shardIn(root, month));
  const [october, november, december] = shards;
  if (october === undefined || november === undefined || december === undefined) throw new Error("three");
  make(october);
  const first = await run(october);
  await first.ledger.take([other("bundle", chain.bundle), ...(parts[0] ?? []).map((text) => line(text))]);
  await first.close();
  make(november);
  await next(october, november);
  const second = await run(november);
  await second.ledger.take((parts[1] ?? []).map((text) => line(text)));
  expect(codes(first).concat(codes(second))).toEqual([]);
  await second.close();
  make(december);
  const made = await next(november, december);
  expect(made).toMatchObject({ vms: 1, openGaps: 1, wasDone: false });
  const last = await run(december);
  await last.ledger.take((parts[2] ?? []).map((text) => line(text)));
  return { shards, last };
}

describe("a ledger that is rolled over", () => {
  it("goes on with its chains, bundles and gaps: nothing is alarmed that is in order, and a late record fills its gap", async () => {
    const { shards, last } = await threeMonths(newRoot());
    const seq = chain.lines.filter(isRecord).length;
    const head = sha256(chain.lines.filter(isRecord).at(-1) ?? "");
    expect(codes(last)).toEqual([]);
    expect(last.ledger.status()).toMatchObject({ openGaps: 1, vms: [{ seq, head }] });
    clock += 130_000;
    await last.ledger.tick();
    expect(codes(last)).toEqual(["gap"]);
    expect(last.alarms.at(-1)).toMatchObject({ seq: memberOf(lateLine, "seq") });
    await last.ledger.take([line(lateLine)]);
    expect(codes(last)).toEqual(["gap", "gap_filled"]);
    expect(last.ledger.status().openGaps).toBe(0);
    await last.close();
    for (const shard of shards) {
      const auditor = new Auditor(chain.pins);
      const found = (await entriesOf(shard)).flatMap((entry, index) => auditor.take(index, entry));
      const bad = [...found, ...auditor.end()].filter(({ code }) => !USUAL.has(code) && !code.startsWith("gap"));
      expect(bad).toEqual([]);
    }
  });

  it("is one history, from the newest checkpoint back to the oldest", async () => {
    const { shards, last } = await threeMonths(newRoot());
    await last.close();
    const checked = await check(shards.toReversed());
    expect(checked.map(({ name }) => name)).toEqual(["2026-12", "2026-11", "2026-10"]);
    expect(checked.map(({ predecessor }) => predecessor?.origin)).toEqual([
      "ledger.example.com/eu/2026-11",
      "ledger.example.com/eu/2026-10",
      undefined,
    ]);
    await expect(check(shards)).rejects.toThrow("is a first shard");
    await expect(check(shards)).rejects.toMatchObject({
      hint: expect.stringMatching(/newest one first, with its own.*--key/),
    });
  });

  it("is found out where the record of a head is another than the successor goes on from", async () => {
    const root = newRoot();
    const [october, november] = [shardIn(root, "2026-10"), shardIn(root, "2026-11")];
    make(october);
    make(november);
    const first = await run(october);
    await first.ledger.take((parts[0] ?? []).map((text) => line(text)));
    await first.close();
    const log = await openFilesLog(october);
    await log.append([encodeEntry({ head: shardHead(clock), body: encodeSeal(november.signer) })]);
    await log.close();
    const checkpoint = readFileSync(join(october.folder, "checkpoint"), "utf8");
    // What `next` would write, but for one digit of a head.
    const honest = shardIn(newRoot(), "2026-11");
    make(honest);
    await next(october, honest);
    const [opening] = await entriesOf(honest);
    const carried: { vms: { sha256: string }[] } = JSON.parse(opening?.body.toString() ?? "").carried;
    for (const vm of carried.vms) vm.sha256 = sha256("other");
    const { origin, vkey } = october.signer;
    const body = encodeOpening({ predecessor: { origin, vkey, checkpoint }, carried });
    const forged = await openFilesLog(november);
    await forged.append([encodeEntry({ head: shardHead(clock), body })]);
    await forged.close();
    await expect(check([november, october])).rejects.toThrow("has no such record");
  });

  it.each([
    ["another place in its chain", (vm: Named) => ({ ...vm, seq: vm.seq + 1 })],
    ["another chain", (vm: Named) => ({ ...vm, vm: vm.vm.replace(/[0-9]+$/, "9") })],
  ])("is found out where a head is a record of %s", async (_, forge) => {
    const root = newRoot();
    const [october, november] = [shardIn(root, "2026-10"), shardIn(root, "2026-11")];
    make(october);
    make(november);
    const first = await run(october);
    await first.ledger.take((parts[0] ?? []).map((text) => line(text)));
    await first.close();
    const honest = shardIn(newRoot(), "2026-11");
    make(honest);
    await next(october, honest);
    const [opening] = await entriesOf(honest);
    const said: { carried: { vms: Named[] }; predecessor: Predecessor } = JSON.parse(opening?.body.toString() ?? "");
    said.carried.vms = said.carried.vms.map(forge);
    const forged = await openFilesLog(november);
    await forged.append([encodeEntry({ head: shardHead(clock), body: encodeOpening(said) })]);
    await forged.close();
    await expect(check([november, october])).rejects.toThrow("has no such record");
    await expect(check([honest, october])).resolves.toHaveLength(2);
  });
});

describe("what went along", () => {
  interface Said {
    readonly predecessor: Predecessor;
    carried: {
      vms: Readonly<Record<string, unknown>>[];
      gateways: Readonly<Record<string, unknown>>[];
      pending: Readonly<Record<string, unknown>>[];
      waiting: Readonly<Record<string, unknown>>[];
      clocks: Readonly<Record<string, unknown>>[];
      grants: Readonly<Record<string, unknown>>[];
      reviews: Readonly<Record<string, unknown>>[];
    };
  }
  let old: Shard;
  let honest: Shard;
  let said: string;
  beforeAll(async () => {
    old = shardIn(newRoot(), "2026-10");
    honest = shardIn(newRoot(), "2026-11");
    make(old);
    make(honest);
    const running = await run(old);
    const texts = [...(parts[0] ?? []), ...(parts[1] ?? [])];
    await running.ledger.take([
      other("bundle", chain.bundle),
      ...texts.map((text) => line(text)),
      other("heartbeat", heartbeatOf(chain.lines, clock)),
      ...unfinished().map((text) => line(text)),
    ]);
    await running.close();
    await next(old, honest);
    said = (await entriesOf(honest))[0]?.body.toString() ?? "";
  });

  const WAITING = `${GATEWAY}/1700000000000000000/9`;
  /** A request that waits, an access whose evidence never came, and one whose evidence adam did not sign, though it has his key's name. */
  function unfinished(): string[] {
    const [record = ""] = chain.lines;
    const { world } = chain;
    const [payload = "", approval = ""] = world.grant({ claims: { incident: "INC-9" } }).split("~");
    const segment = payload.split(".")[1] ?? "";
    const [head = "", , signature = ""] = approval.split(".");
    const broken = `${segment}~${head}..${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
    forgedGrant = sha256(segment);
    const forged = { grant_sha256: forgedGrant, evidence: sha256(broken), jti: "forged", incident: "INC-9" };
    const texts = chained(WAITING, [
      bend(record, { evidence: undefined, verdict: "pending", request_id: "waits" }),
      bend(record, { evidence: sha256("never came") }),
      bend(record, forged),
    ]);
    return [...texts, JSON.stringify({ evidence: broken })];
  }
  let forgedGrant: string;

  const each = (change: Readonly<Record<string, unknown>>) => (carried: Said["carried"]) => ({
    ...carried,
    vms: carried.vms.map((vm) => ({ ...vm, ...change })),
  });
  const bob = {
    accesses: 1,
    answers: 1,
    isShown: true,
    isJudged: true,
    proven: [{ kid: "k", sub: "bob", iat: 1 }],
    isSingleTold: true,
  };

  it.each<[string, (carried: Said["carried"]) => object, RegExp]>([
    ["an open gap was left behind", each({ missing: [] }), /seq 16 did not come, and that was left behind/],
    [
      "a gap was told of already",
      (carried) =>
        each({
          missing: [
            { from: 16, to: 16, since: 1, isTold: true },
            { from: 21, to: 30, since: 1, isTold: false },
          ],
        })(carried),
      /no alarm tells that seq 16 did not come/,
    ],
    ["its chain was known further than it was", each({ top: 40 }), /it is known of up to seq 30, not 40/],
    [
      "an older record is its head",
      ({ vms: [first, ...others], ...carried }) => ({
        ...carried,
        vms: [{ ...first, seq: 1, sha256: sha256(chain.lines[0] ?? "") }, ...others],
      }),
      /its last record is seq 20, not 1/,
    ],
    ["a published head was left behind", each({ heads: [] }), /the published head of seq 30 was left behind/],
    [
      "a review was left behind",
      (carried) => ({ ...carried, reviews: [] }),
      /the review of the grant [0-9a-f]{64} is not/,
    ],
    [
      "a review has other entries",
      (carried) => ({ ...carried, reviews: carried.reviews.map((one) => ({ ...one, digest: "0".repeat(64) })) }),
      /the review of the grant [0-9a-f]{64} is not what was open/,
    ],
    [
      "a review is of a drill now",
      (carried) => ({ ...carried, reviews: carried.reviews.map((one) => ({ ...one, drill: "fire-1" })) }),
      /the review of the grant [0-9a-f]{64} is not what was open/,
    ],
    [
      "a review is of nobody's grant here",
      (carried) => ({ ...carried, reviews: [...carried.reviews, { ...carried.reviews[0], grant: "0".repeat(64) }] }),
      /the review of the grant 0{64} is not what was open/,
    ],
    ["a chain was left behind", (carried) => ({ ...carried, vms: [] }), /it was left behind/],
    [
      "its gateway is new",
      (carried) => ({ ...carried, gateways: carried.gateways.map((one) => ({ ...one, since: clock + 1 })) }),
      /it was known of before/,
    ],
    [
      "its gateway never had a heartbeat",
      (carried) => ({ ...carried, gateways: carried.gateways.map((one) => ({ ...one, beatAt: undefined })) }),
      /its heartbeats were left behind/,
    ],
    [
      "somebody approved a grant that was never seen",
      (carried) => ({ ...carried, grants: [{ ...bob, grant: sha256("made up") }] }),
      /no evidence is there that bob approved/,
    ],
    [
      "somebody approved a grant whose evidence he did not sign",
      (carried) => ({
        ...carried,
        grants: carried.grants.map((one) => ({ ...one, proven: [{ kid: "k", sub: "bob", iat: 1 }] })),
      }),
      /no evidence is there that bob approved/,
    ],
    [
      "a grant opens more than its evidence says",
      (carried) => ({
        ...carried,
        grants: carried.grants.map(({ standing, ...one }) => ({
          ...one,
          ...(standing !== undefined && { standing: { ...Object(standing), details: [] } }),
        })),
      }),
      /no evidence is there that the grant [0-9a-f]{64} says what went along/,
    ],
    [
      "somebody approved whose signature does not hold",
      ({ grants, ...carried }) => ({
        ...carried,
        grants: grants.map((one) => {
          const { adam, now: iat } = chain.world;
          return one["grant"] === forgedGrant ? { ...one, proven: [{ kid: adam.kid, sub: "adam", iat }] } : one;
        }),
      }),
      /no evidence is there that adam approved/,
    ],
    [
      "a request that waits was left behind",
      (carried) => ({ ...carried, pending: [] }),
      /seq 1 of \S+ waited for a receipt, and that was left behind/,
    ],
    [
      "a request that waits has its receipt",
      (carried) => ({ ...carried, pending: carried.pending.map((one) => ({ ...one, hasReceipt: true })) }),
      /seq 1 of \S+ did not wait for a receipt so/,
    ],
    [
      "a request waits that was never there",
      ({ pending, ...carried }) => ({
        ...carried,
        pending: [...pending, { ...pending[0], key: `${WAITING}|7`, seq: 7, sha256: sha256("x") }],
      }),
      /seq 7 of \S+ did not wait for a receipt so/,
    ],
    [
      "an access without evidence was left behind",
      (carried) => ({ ...carried, waiting: [] }),
      /seq 2 of \S+ waited for its evidence, and that was left behind/,
    ],
    [
      "a clock was left behind",
      (carried) => ({ ...carried, clocks: carried.clocks.slice(1) }),
      /how far its clock was is not what went along/,
    ],
    [
      "a clock was elsewhere",
      (carried) => ({ ...carried, clocks: carried.clocks.map((one) => ({ ...one, number: 1 })) }),
      /how far its clock was is not what went along/,
    ],
    ["nothing that can be read", () => ({}), /what went along cannot be read/],
  ])("is held against the shard that it comes from: %s", async (_, forge, words) => {
    const forged = shardIn(newRoot(), "2026-11");
    make(forged);
    const { predecessor, carried }: Said = JSON.parse(said);
    const log = await openFilesLog(forged);
    const body = encodeOpening({ predecessor, carried: forge(carried) });
    await log.append([encodeEntry({ head: shardHead(clock), body })]);
    await log.close();
    await expect(check([forged, old])).rejects.toThrow(words);
    await expect(check([honest, old])).resolves.toHaveLength(2);
  });
});

it("what went along fits also where somebody spoke for a gateway that is none of his, and a VM is named no more", async () => {
  const root = newRoot();
  const [old, fresh] = [shardIn(root, "2026-10"), shardIn(root, "2026-11")];
  make(old);
  make(fresh);
  const pins = { ...chain.pins, senders: { "eu-1": [] } };
  const log = await openFilesLog(old);
  const entries = (from: number, to: number) => readEntries(log, log.size, from, to);
  const before = clock;
  const ledger = await openLedger({ log, entries, pins, clock: () => clock, onAlarm: () => {} });
  const texts = [...(parts[0] ?? []), ...(parts[1] ?? [])];
  const [first = ""] = texts;
  await ledger.take([line(first, "eu-1"), other("bundle", chain.bundle), ...texts.map((text) => line(text))]);
  await ledger.take([line(first, "eu-2"), other("heartbeat", heartbeatOf(texts, clock))]);
  for (const beat of ["[]", "[]"]) {
    clock += 130_000;
    await ledger.take([other("heartbeat", `{"gateway":"gateway-1","at":1,"vms":${beat}}`)]);
    await ledger.tick();
  }
  await ledger.close();
  await log.close();
  await next(old, fresh, { pins });
  clock = before;
  await expect(check([fresh, old])).resolves.toHaveLength(2);
});

describe("a record that is removed from the first of three shards", () => {
  let root: string;
  let shards: Shard[];
  beforeAll(async () => {
    root = newRoot();
    const made = await threeMonths(root);
    await made.last.close();
    shards = made.shards;
  });

  /** The first shard again, its tree and checkpoint rebuilt consistently and signed by its own key. */
  async function rebuilt(change: (entries: Entry[]) => Entry[]): Promise<Shard[]> {
    const copy = newRoot();
    cpSync(root, copy, { recursive: true });
    const moved = shards.map(({ signer }) => shardIn(copy, signer.origin.split("/").at(-1) ?? ""));
    const [october] = moved;
    if (october === undefined) throw new Error("three");
    const entries = change(await entriesOf(october));
    rmSync(join(october.folder, "tile"), { recursive: true });
    const { edge, files } = grow(EMPTY_EDGE, entries.map(encodeEntry));
    writeNewTexts(
      files.map(({ path, bytes }) => ({ path: join(october.folder, path), text: bytes.toString("latin1") })),
    );
    for (const { path, bytes } of files) writeFileSync(join(october.folder, path), bytes);
    writeFileSync(join(october.folder, "checkpoint"), october.signer.signCheckpoint(edge.size, edgeRoot(edge)));
    return moved;
  }

  it("is seen from the third's checkpoint, though everything was signed anew", async () => {
    const moved = await rebuilt((entries) => entries.filter((_, i) => i !== 3));
    await expect(check(moved.slice(0, 1))).resolves.toHaveLength(1); // Alone it is a fine log.
    await expect(check(moved.toReversed())).rejects.toThrow(
      /2026-10 is not what .*2026-11 goes on from: it has \d+ entries, and \d+ were signed there/,
    );
  });

  it("and so is one that was edited, as many as there were", async () => {
    const moved = await rebuilt((entries) => {
      const at = entries.findIndex(({ head, body }) => head.type === "record" && body.includes('"allow"'));
      return entries.map((entry, i) =>
        i === at ? { ...entry, body: Buffer.from(entry.body.toString().replace('"allow"', '"deny"')) } : entry,
      );
    });
    await expect(check(moved.toReversed())).rejects.toThrow(/2026-10 is not what .* others/);
  });

  it("without its files the others are still one history", async () => {
    await expect(check(shards.slice(1).toReversed())).resolves.toHaveLength(2);
  });
});

describe("the next shard", () => {
  async function ended(root: string): Promise<[Shard, Shard]> {
    const [old, fresh] = [shardIn(root, "2026-10"), shardIn(root, "2026-11")];
    make(old);
    const running = await run(old);
    await running.ledger.take([other("bundle", chain.bundle), ...(parts[0] ?? []).map((text) => line(text))]);
    await running.close();
    return [old, fresh];
  }
  const isEmpty = ({ folder }: Shard): boolean => !existsSync(join(folder, "tile"));

  it("seals the old one: nobody appends to it any more", async () => {
    const [old, fresh] = await ended(newRoot());
    make(fresh);
    await next(old, fresh);
    const error = await failure(openFilesLog(old));
    expect(error).toBeInstanceOf(Sealed);
    expect(error.message).toContain("records go into its successor ledger.example.com/eu/2026-11");
    expect((await entriesOf(old)).at(-1)?.head.type).toBe("shard");
  });

  it("is refused by whoever holds the log open when it is sealed", async () => {
    const [old, fresh] = await ended(newRoot());
    const log = await openFilesLog(old);
    const seal = encodeEntry({ head: shardHead(clock), body: encodeSeal(fresh.signer) });
    const [sealing, behind] = await Promise.allSettled([log.append([seal]), log.append([seal])]);
    expect(sealing.status).toBe("fulfilled");
    expect(behind).toMatchObject({ status: "rejected", reason: expect.any(Sealed) });
    await expect(log.append([seal])).rejects.toThrow(Sealed);
    await log.close();
  });

  it("goes on where it was stopped, at each step, and does nothing twice", async () => {
    const [old, fresh] = await ended(newRoot());
    make(fresh);
    // Made, not sealed; then sealed, not opened.
    const log = await openFilesLog(old);
    await log.append([encodeEntry({ head: shardHead(clock), body: encodeSeal(fresh.signer) })]);
    await log.close();
    expect(isEmpty(fresh)).toBe(true);
    expect(await next(old, fresh)).toMatchObject({ wasDone: false, vms: 1 });
    const size = (await entriesOf(fresh)).length;
    expect(await next(old, fresh)).toMatchObject({ wasDone: true });
    expect(await entriesOf(fresh)).toHaveLength(size);
    await expect(check([fresh, old])).resolves.toHaveLength(2);
  });

  it("two at once make one", async () => {
    const [old, fresh] = await ended(newRoot());
    make(fresh);
    const both = await Promise.allSettled([next(old, fresh), next(old, fresh)]);
    for (const one of both) if (one.status === "rejected") expect(one.reason).toBeInstanceOf(UserError);
    await next(old, fresh);
    expect((await entriesOf(fresh)).filter(({ head }) => head.type === "shard")).toHaveLength(1);
    await expect(check([fresh, old])).resolves.toHaveLength(2);
  });

  it("is refused while somebody writes, with his name, and nothing is sealed", async () => {
    const [old, fresh] = await ended(newRoot());
    make(fresh);
    const log = await openFilesLog({ ...old, holder: "glassgate ledger serve" });
    expect((await failure(next(old, fresh))).message).toContain("glassgate ledger serve");
    await log.close();
    const again = await openFilesLog(old);
    await again.close();
  });

  it("is refused under the same name, as another's successor, and where the new folder has entries of its own", async () => {
    const root = newRoot();
    const [old, fresh] = await ended(root);
    make(fresh);
    expect((await failure(next(old, { ...fresh, signer: old.signer }))).message).toContain("needs another");
    await next(old, fresh);
    const third = shardIn(root, "2027-01");
    make(third);
    expect((await failure(next(old, third))).message).toContain("its successor is ledger.example.com/eu/2026-11");
    const own = shardIn(newRoot(), "2026-11");
    make(own);
    const running = await run(own);
    await running.ledger.take([line("something")]);
    await running.close();
    expect((await failure(next(old, own))).message).toContain("is not the successor");
  });

  it("seals nothing for a successor that has entries of its own, or that somebody writes to", async () => {
    const root = newRoot();
    const [old, fresh] = await ended(root);
    make(fresh);
    const writer = await openFilesLog({ ...fresh, holder: "glassgate ledger serve" });
    expect((await failure(next(old, fresh))).message).toContain("glassgate ledger serve");
    await writer.append([encodeEntry({ head: { ...shardHead(clock), type: "review" }, body: Buffer.from("{}") })]);
    await writer.close();
    expect((await failure(next(old, fresh))).message).toContain("is not the successor");
    const again = await openFilesLog(old); // It takes records in as before.
    await again.close();
    const third = shardIn(root, "2026-11-again");
    make(third);
    expect(await next(old, third)).toMatchObject({ wasDone: false });
  });

  it("seals nothing that no successor could go on from", async () => {
    const [old, fresh] = [shardIn(newRoot(), "2026-10"), shardIn(newRoot(), "2026-11")];
    make(old);
    make(fresh);
    const running = await run(old);
    await running.ledger.take([...Array(300).keys()].map((i) => line(`line ${i}`)));
    await running.close();
    const bundle = join(old.folder, "tile/entries/000");
    const bytes = readFileSync(bundle);
    const damaged = Buffer.from(bytes);
    damaged.fill(0, 10, 20);
    writeFileSync(bundle, damaged);
    expect(await failure(next(old, fresh))).toBeInstanceOf(UserError);
    writeFileSync(bundle, bytes);
    const again = await openFilesLog(old);
    await again.close();
    expect(await next(old, fresh)).toMatchObject({ wasDone: false });
  });

  it("of an empty ledger is one as well", async () => {
    const root = newRoot();
    const [old, fresh] = [shardIn(root, "2026-10"), shardIn(root, "2026-11")];
    make(old);
    make(fresh);
    expect(await next(old, fresh)).toMatchObject({ vms: 0 });
    await expect(check([fresh, old])).resolves.toHaveLength(2);
  });

  it("refuses to go on from a log that is damaged, whatever it has sealed", async () => {
    const [old, fresh] = await ended(newRoot());
    make(fresh);
    const log = await openFilesLog(old);
    await log.append([encodeEntry({ head: shardHead(clock), body: encodeSeal(fresh.signer) })]);
    const bundle = join(old.folder, `tile/entries/000.p/${log.size}`);
    await log.close();
    const bytes = readFileSync(bundle);
    bytes[bytes.length - 200] = (bytes[bytes.length - 200] ?? 0) ^ 1;
    writeFileSync(bundle, bytes);
    expect(await failure(next(old, fresh))).toBeInstanceOf(UserError);
    expect(isEmpty(fresh)).toBe(true);
  });

  it("takes nothing along that was posted and only looks like a shard's beginning", async () => {
    const root = newRoot();
    const shard = shardIn(root, "2026-10");
    make(shard);
    const running = await run(shard);
    const { origin, vkey } = shard.signer;
    await running.ledger.take([
      line(encodeOpening({ predecessor: { origin, vkey, checkpoint: "" }, carried: {} })),
      line(encodeSeal({ origin: "evil.example.com", vkey })),
    ]);
    await running.close();
    const log = await openFilesLog(shard);
    await log.close();
    expect((await entriesOf(shard)).every(({ head }) => head.type !== "shard")).toBe(true);
  });
});
