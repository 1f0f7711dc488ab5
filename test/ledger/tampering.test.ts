/**
 * What is done to a gateway's lines, to what it publishes, or to its ledger, and who says so (docs/audit.md): the ledger, in an alarm
 * that is on record, and `verify`, which finds it anew where the ledger's own alarm was left out and all was signed again.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { anchorsHash } from "../../control/ledger/chain/rules.js";
import { decodeEntry } from "../../control/ledger/entry.js";
import type { Received } from "../../control/ledger/intake.js";
import { inside } from "../cli/inside.js";
import { compact } from "../kit/token.js";
import {
  anchorsOf,
  bend,
  type Chain,
  chained,
  heartbeatOf,
  isRecord,
  line,
  memberOf,
  type Opened,
  open,
  other,
  play,
  sha256,
} from "./chain/kit.js";
import { entry, filesOf, testKey, writeLog } from "./make-log.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-tampering-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const key = testKey("ledger.example/test");

let made: Chain;
let records: readonly string[];
let vm: string;

beforeAll(async () => {
  made = await play({ requests: 12 });
  records = made.lines.filter(isRecord);
  vm = String(memberOf(records[0] ?? "", "vm"));
  writeFileSync(join(base, "anchors.json"), JSON.stringify(anchorsOf(made.world)));
});

const beat = (lines: readonly string[]): Received => other("heartbeat", heartbeatOf(lines, made.now));

/** A ledger that takes these in, and for which all graces pass, those of `verify` too, while the gateway goes on publishing. */
async function keep(batches: readonly (readonly Received[])[], lastBeat = made.lines): Promise<Opened> {
  const opened = await open(made.pins, made.now);
  await opened.ledger.take([other("bundle", made.bundle)]);
  for (const received of batches) {
    await opened.ledger.take(received);
    opened.clock.now += 1000;
    await opened.ledger.tick();
  }
  for (let passed = 0; passed < 420; passed += 30) {
    opened.clock.now += 30_000;
    await opened.ledger.take([beat(lastBeat)]);
    await opened.ledger.tick();
  }
  return opened;
}

interface Verified {
  readonly code: number | null;
  readonly codes: readonly string[];
  readonly onRecord: readonly string[];
  readonly first: Readonly<Record<string, unknown>> | undefined;
}

let serial = 0;
async function verify(
  entries: readonly Buffer[],
  anchors = "anchors.json",
  ...more: readonly string[]
): Promise<Verified> {
  const folder = join(base, `log-${serial++}`);
  writeLog(folder, filesOf(entries, key));
  const args = [
    "ledger",
    "verify",
    folder,
    "--key",
    key.vkey,
    "--json",
    ...(anchors === "" ? [] : ["--anchors", anchors]),
    ...more,
  ];
  const { code, stdout, stderr } = await inside(args, { cwd: base });
  expect(stdout, stderr).not.toBe("");
  const { problems, onRecord } = JSON.parse(stdout);
  const codesOf = (list: readonly { code: string }[]): string[] => list.map((one) => one.code);
  return { code, codes: codesOf(problems), onRecord: codesOf(onRecord), first: problems[0] };
}

/** The log as its key's holder would make it who wants nobody to know: without that alarm. */
const without = (code: string, entries: readonly Buffer[]): Buffer[] =>
  entries.filter((bytes) => {
    const read = decodeEntry(bytes);
    return read?.head.type !== "alarm" || memberOf(read.body.toString(), "code") !== code;
  });

const asLines = (lines: readonly string[]): Received[] => lines.map((text) => line(text));
/** The lines with one of them made another, or left out. */
const changed = (at: string, to?: string): string[] =>
  made.lines.flatMap((text) => (text !== at ? [text] : to === undefined ? [] : [to]));
const recordOf = (seq: number): string => records.find((text) => memberOf(text, "seq") === seq) ?? "";
const allowed = (): string => records.find((text) => memberOf(text, "evidence") !== undefined) ?? "";

it("lines that nobody tampered with are proved, with anchors and without", async () => {
  const { log, codes } = await keep([asLines(made.lines), [beat(made.lines)]]);
  expect(codes()).toEqual([]);
  expect(await verify(log.entries)).toMatchObject({ code: 0, codes: [] });
  expect(await verify(log.entries, "")).toMatchObject({ code: 0, codes: [] });
});

describe("the ledger raises an alarm, and verify finds it anew where there is none", () => {
  const bob = (): string =>
    bend(allowed(), {
      approvers: [
        { sub: "adam", iat: 1 },
        { sub: "bob", iat: 1 },
      ],
    });
  const ghost = JSON.stringify({ request_id: "nobody-allowed-it", status: 200 });
  const scenarios: [what: string, code: string, run: () => Promise<Opened>][] = [
    ["a fork", "fork", () => keep([asLines(made.lines), asLines([bend(recordOf(3), { request_id: "another" })])])],
    ["a record that was never delivered", "gap", () => keep([asLines(changed(recordOf(4)))])],
    [
      "a record that was edited in the file",
      "chain_break",
      () => keep([asLines(changed(recordOf(4), bend(recordOf(4), { path: "/orders/7" })))]),
    ],
    ["a whole chain that was deleted", "missing_vm", () => keep([[beat(made.lines)]])],
    [
      "a file that was rewritten after a heartbeat",
      "head_mismatch",
      () => {
        const rewritten = chained(
          vm,
          records.map((text) => bend(text, { evidence: undefined, verdict: "expired" })),
        );
        return keep([[beat(made.lines)], asLines(rewritten)]);
      },
    ],
    ["'approved by bob', who never signed", "bad_evidence", () => keep([asLines(changed(allowed(), bob()))])],
    ["evidence that was left out", "evidence_missing", () => keep([asLines(made.lines.filter(isRecord))])],
    [
      "other anchors",
      "anchors",
      () => {
        const anchors = anchorsHash(anchorsOf(made.world, 1), "enforce");
        return keep([asLines(changed(recordOf(5), bend(recordOf(5), { anchors })))]);
      },
    ],
    ["an older bundle", "bundle_back", () => keep([asLines(changed(recordOf(9), bend(recordOf(9), { bundle: 1 })))])],
    ["an answer without its record", "answer_without_record", () => keep([asLines([...made.lines, ghost])])],
    [
      "bytes that look like a review",
      "quarantined",
      () => keep([asLines(made.lines), [line(entry("closed", { type: "review", via: "ledger", sender: "ledger" }))]]),
    ],
  ];

  it.each(scenarios)("%s: %s", async (_, code, run) => {
    const { log, codes } = await run();
    expect(codes()).toContain(code);
    const honest = await verify(log.entries);
    expect(honest.onRecord).toContain(code);
    expect(honest.codes).toEqual([]);
    expect(honest.code).toBe(0);
    const silent = await verify(without(code, log.entries));
    expect(silent.code).toBe(1);
    expect(silent.codes).toContain(code);
    expect(silent.first).toMatchObject({
      step: "meaning",
      says: expect.stringContaining("the ledger has no alarm about it"),
    });
    if (code === "fork") expect(silent.first).toMatchObject({ vm, seq: 3 });
  });

  it("posted bytes never become a review", async () => {
    const { log } = await keep([[line(entry("closed", { type: "review", via: "ledger", sender: "ledger" }))]]);
    expect(log.decoded().map(({ head }) => head.type)).not.toContain("review");
  });
});

it("a gateway that is silent for longer than the ledger waits: verify waits as long as the ledger does", async () => {
  const opened = await open(made.pins, made.now, { grace: { silence: 900 } });
  await opened.ledger.take([other("bundle", made.bundle), ...asLines(made.lines), beat(made.lines)]);
  for (let passed = 0; passed < 600; passed += 30) {
    opened.clock.now += 30_000;
    await opened.ledger.take([other("heartbeat", heartbeatOf([], made.now, "gateway-2"), "gateway-2")]);
    await opened.ledger.tick();
  }
  expect(opened.codes()).toEqual([]);
  expect(await verify(opened.log.entries)).toMatchObject({ code: 1, codes: ["silence"] });
  expect(await verify(opened.log.entries, "anchors.json", "--silence", "15m")).toMatchObject({ code: 0 });
});

describe("what whoever holds the log's key removes from it", () => {
  it("a record: its chain names the gap; the checkpoint of before, that something was removed", async () => {
    const { log } = await keep([asLines(made.lines)]);
    const victim = log.decoded().findIndex(({ body }) => body.toString() === recordOf(4));
    const rest = log.entries.filter((_, i) => i !== victim);
    const { code, first } = await verify(rest);
    expect(code).toBe(1);
    expect(first).toMatchObject({ vm });
  });

  it("a record whose grace is not over when the log ends: that is said to be open", async () => {
    const opened = await open(made.pins, made.now);
    await opened.ledger.take([other("bundle", made.bundle), ...asLines(changed(recordOf(4)))]);
    const folder = join(base, "open");
    writeLog(folder, filesOf(opened.log.entries, key));
    const { code, stdout } = await inside(["ledger", "verify", folder, "--key", key.vkey], { cwd: base });
    expect(code).toBe(0);
    expect(stdout).toContain(`that seq 4 of ${vm} was ever delivered: the log ends before an alarm about it was due`);
  });

  it("a VM's whole chain: the heartbeats that name it", async () => {
    const { log } = await keep([asLines(made.lines), [beat(made.lines)]]);
    const decoded = log.decoded();
    const rest = log.entries.filter((_, i) => decoded[i]?.head.type !== "record");
    expect((await verify(rest)).codes).toContain("missing_vm");
  });

  it("the entry that a receipt is for, and a receipt for what was never there", async () => {
    const { world } = made;
    const by = world.crowd[8] ?? world.stranger;
    const bundle = world.bundle(world.bundleClaims({ version: memberOf(allowed(), "bundle"), ledgers: [by.jwk] }));
    const own = `${vm}1`;
    const [pending = "", final = ""] = chained(own, [
      bend(allowed(), { verdict: "pending" }),
      bend(allowed(), { evidence: undefined, settles: 1 }),
    ]);
    const evidence = made.lines[made.lines.indexOf(allowed()) + 1] ?? "";
    for (const [index, code] of [
      [1, undefined],
      [1_000_000, "receipt_without_entry"],
    ] as const) {
      const opened = await open(made.pins, made.now);
      await opened.ledger.take([other("bundle", bundle)]);
      const claims = { origin: key.name, index, record_sha256: sha256(pending), iat: Math.floor(made.now / 1000) };
      const receipt = JSON.stringify({
        receipt: compact({ alg: by.alg, kid: by.kid, typ: "bg-receipt+jws" }, claims, by),
      });
      await opened.ledger.take(asLines([pending, evidence, receipt, final]));
      opened.clock.now += 121_000;
      await opened.ledger.tick();
      if (code === undefined) expect(opened.codes()).toEqual([]);
      else {
        expect(opened.codes()).toContain(code);
        expect((await verify(without(code, opened.log.entries))).codes).toContain(code);
        continue;
      }
      const gone = opened.log.decoded().findIndex(({ body }) => body.toString() === pending);
      const rest = opened.log.entries.filter((_, i) => i !== gone);
      expect((await verify(rest)).codes.filter((found) => found.startsWith("receipt_"))).not.toEqual([]);
    }
  });
});
