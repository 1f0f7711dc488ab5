/** Who wants a review closed unread, shown smaller, or made unusable: the insider, the reviewer, a sender, and the ledger's operator. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { deniedRows } from "../../control/cli/review-text.js";
import { apply } from "../../control/ledger/chain/apply.js";
import { carry } from "../../control/ledger/chain/carry.js";
import { classify } from "../../control/ledger/chain/lines.js";
import { joinLine } from "../../control/ledger/chain/review-join.js";
import { newReviews } from "../../control/ledger/chain/reviews.js";
import { rulesOf } from "../../control/ledger/chain/rules.js";
import { newState } from "../../control/ledger/chain/state.js";
import { type Entry, encodeEntry } from "../../control/ledger/entry.js";
import type { Taken } from "../../control/ledger/intake.js";
import { type ReviewClaims, signReview } from "../../control/ledger/review.js";
import { encodeOpening, shardHead } from "../../control/ledger/shard.js";
import { Gatherer } from "../../control/review/gather.js";
import type { DeniedReview, Review } from "../../control/review/model.js";
import { deniedPage } from "../../control/review/page/denied.js";
import type { Place } from "../../control/review/page/document.js";
import { newKey, type PrivateKey, publicPart } from "../../control/signer/jwk.js";
import { inside } from "../cli/inside.js";
import { glassgate, type Ran } from "../cli/run.js";
import { deniedOf } from "../kit/review.js";
import type { Json, World } from "../kit/world.js";
import { anchorsOf, bend, GATEWAY, line } from "../ledger/chain/kit.js";
import { filesOf, testKey, writeLog } from "../ledger/make-log.js";
import { calmGrant, calmUse, hashOf, key, Scene } from "./scene.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-review-attacks-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const [olga, pat] = [newKey("Ed25519"), newKey("ES256")];
const reviewersOf = (world: World): Json => {
  const claims = world.bundleClaims();
  const auditor = (id: string, one: PrivateKey): Json => ({ id, roles: ["auditor"], keys: [publicPart(one)] });
  const principals = [...[claims.principals].flat(), auditor("olga", olga), auditor("pat", pat)];
  return { ...claims, principals, reviewers: ["auditor"] };
};

/** A folder for each test. */
let folder: string;
let scene: Scene;
let grant: string;
let name: string;
/** A record of it. */
let template: string;

beforeAll(() => {
  writeFileSync(join(base, "ledger.vkey"), `${key.vkey}\n`);
});
beforeEach(async () => {
  folder = mkdtempSync(join(base, "log-"));
  scene = await Scene.start(undefined, reviewersOf);
  writeFileSync(join(base, "anchors.json"), JSON.stringify(anchorsOf(scene.world)));
  grant = calmGrant(scene);
  name = hashOf(grant);
  scene.pass(120_000);
  await calmUse(scene, grant);
  const lines = scene.linesOfCall({ grant, requestId: "template" });
  await scene.hand(...lines);
  await scene.answer("template", {});
  template = lines[0]?.bytes.toString() ?? "";
});

const review = async (command: string, ...args: readonly string[]): Promise<Ran> => {
  await scene.write(folder, 0);
  const options = ["--key", "ledger.vkey", "--anchors", "anchors.json", "--zone", "UTC"];
  return inside(["review", command, folder, ...args, ...options], { cwd: base });
};
/** A line of a sender who may speak for another gateway, and writes what he likes. */
const forge = (changes: Json): Promise<void> =>
  scene.hand(line(bend(template, { vm: "other/1/1", seq: 1, prev: "0".repeat(64), ...changes })));

const place: Place = { now: 0, ledger: "log", key: undefined, anchors: [], isServed: false };
const keyOf = (one: Review | DeniedReview): string => ("key" in one ? one.key : one.grant);
async function found(wanted: string): Promise<Review | DeniedReview> {
  await scene.write(folder, 0);
  const { reviews, denied } = await scene.read(folder);
  const one = [...reviews, ...denied].find((candidate) => keyOf(candidate) === wanted);
  if (one === undefined) throw new Error("no such review");
  return one;
}
/** What somebody who looks at it now would sign. */
async function claimsOf(wanted: string, changes: Partial<ReviewClaims> = {}): Promise<ReviewClaims> {
  const one = await found(wanted);
  const [origin = "", size, root = ""] = readFileSync(join(folder, "checkpoint"), "utf8").split("\n");
  const { allowed, denied, answers, alarms } = one.counts;
  return {
    v: 1,
    origin,
    review: wanted,
    classification: allowed === 0 ? "unused" : "real",
    findings: "A refund loop, mended.",
    actions: [],
    counts: { allowed, denied, answers, alarms },
    digest: "key" in one ? one.digest : one.evidence.digest,
    checkpoint: { size: Number(size), root: Buffer.from(root, "base64").toString("hex") },
    sub: "olga",
    iat: Math.floor(scene.clock.now / 1000),
    ...changes,
  };
}
async function hand(token: string): Promise<Taken | undefined> {
  scene.ledger.clock.now = scene.clock.now;
  const sender = { sender: "olga", via: "signature" } as const;
  const [taken] = await scene.ledger.ledger.take([{ kind: "review", bytes: Buffer.from(token), sender }]);
  return taken;
}
const sign = async (wanted: string, changes: Partial<ReviewClaims> = {}, by = olga): Promise<string> =>
  signReview(await claimsOf(wanted, changes), by);
/** Until it has ended, and what comes late is there. */
const end = async (): Promise<void> => {
  scene.pass(3_600_000);
  await scene.ledger.ledger.tick();
};

describe("who has an older closing signature", () => {
  it("does not put it before a newer one, neither as it is nor spelt anew", async () => {
    await end();
    const first = await sign(name, { actions: [{ what: "Narrow it", owner: "adam", due: "2026-02-01" }] });
    const atOnce = await sign(name, { classification: "misuse", sub: "pat" }, pat);
    expect(await hand(first)).toMatchObject({ isNew: true });
    const size = scene.ledger.log.size;
    // Two at once: whoever comes second had not seen what the first one said.
    expect(await hand(atOnce)).toMatchObject({
      refused: [expect.stringMatching(/signed by somebody.*entry \d+.*look again/i)],
    });
    expect(await hand(first)).toEqual({ index: size - 1, isNew: false });
    const second = await sign(name, { classification: "misuse", sub: "pat" }, pat);
    expect(await hand(second)).toMatchObject({ isNew: true });
    expect((await hand(first))?.refused).toEqual([expect.stringMatching(/look again/)]);
    // ECDSA: whoever has one signature has another one of the same bytes.
    const [head = "", payload = "", last = ""] = second.split(".");
    const bytes = Buffer.from(last, "base64url");
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const other = order - BigInt(`0x${bytes.subarray(32).toString("hex")}`);
    const turned = Buffer.concat([bytes.subarray(0, 32), Buffer.from(other.toString(16).padStart(64, "0"), "hex")]);
    const again = await hand(`${head}.${payload}.${turned.toString("base64url")}`);
    expect(again?.isNew).toBe(false);
    expect(scene.ledger.log.size).toBe(size + 1);
    expect((await found(name)).closures.at(-1)).toMatchObject({ classification: "misuse", isOutdated: false });
  });

  it("says no time at which nothing of it was there", async () => {
    await end();
    expect((await hand(await sign(name, { iat: 1 })))?.refused).toEqual([
      expect.stringMatching(/signed at 1970-01-01 00:00:01 UTC.*before/),
    ]);
  });
});

describe("a shared review that was closed", () => {
  it("stays closed when one of its grants is let in after all, and has its own", async () => {
    const [early, never] = [calmGrant(scene), calmGrant(scene)];
    scene.pass(60_000);
    for (const one of [early, never]) await scene.call({ grant: one, path: "/admin" });
    const at = scene.clock.now;
    await end();
    const [shared] = (await found(name)) && (await scene.read(folder)).denied;
    expect(shared?.grants).toHaveLength(2);
    expect(await hand(await sign(shared?.key ?? ""))).toMatchObject({ isNew: true });
    const later = scene.clock.now;
    scene.clock.now = at + 1000;
    const lines = scene.linesOfCall({ grant: early });
    scene.clock.now = later;
    await scene.hand(...lines);
    const one = await found(shared?.key ?? "");
    expect([one.state, one.closures.map(({ isOutdated }) => isOutdated)]).toEqual(["closed", [false]]);
    expect(await found(hashOf(early))).toMatchObject({ state: "open" });
  });
});

describe("a closing signature", () => {
  it("is called nobody's where no roots are pinned, also where it is the ledger's own making", async () => {
    await end();
    expect(await hand(await sign(name))).toMatchObject({ isNew: true });
    await scene.write(folder, 0);
    const unpinned = (command: string, ...args: readonly string[]): Promise<Ran> =>
      inside(["review", command, folder, ...args, "--key", "ledger.vkey"], { cwd: base });
    const list = await unpinned("list");
    expect(list.stdout).toMatch(/signed 2026-01-14 13:\d\d:\d\d UTC, not verified/);
    const overdue = await unpinned("overdue");
    for (const { stderr } of [list, overdue]) expect(stderr).toContain("name --anchors");
    expect((await unpinned("page", name)).stdout).toContain("The signature was not verified");
    const [pinned, page, shown] = [await review("list"), await review("page", name), await review("show", name)];
    for (const { stdout, stderr } of [pinned, page, shown])
      expect(stdout + stderr).not.toMatch(/ledger's word|not verified:|Sign it:/);
  });
});

describe("a review that was open when its shard was sealed", () => {
  it("says in the next one that the calls of before are not shown there", async () => {
    await scene.call({ grant: calmGrant(scene), path: "/admin" });
    await end();
    const state = newState(randomBytes(32));
    const rules = rulesOf({ anchors: [anchorsOf(scene.world)] });
    const { log } = scene.ledger;
    for (const [index, one] of log.decoded().entries()) apply(state, rules, index, one);
    const checkpoint = filesOf(log.entries, key).get("checkpoint")?.toString() ?? "";
    const next = testKey("ledger.example/next");
    writeFileSync(join(base, "next.vkey"), next.vkey);
    const predecessor = { origin: key.name, vkey: key.vkey, checkpoint };
    const body = encodeOpening({ predecessor, carried: carry(state) });
    writeLog(folder, filesOf([encodeEntry({ head: shardHead(scene.clock.now), body })], next));
    const shared = "denied:rita:2026-01-14T12Z";
    for (const wanted of [name, shared])
      for (const command of ["show", "page"]) {
        const { stdout } = await inside(["review", command, folder, wanted, "--key", "next.vkey"], { cwd: base });
        expect([command, stdout]).toEqual([
          command,
          expect.stringMatching(/log before, ledger\.example\/test, was sealed/),
        ]);
      }
  });
});

describe("a clock that was set back", () => {
  afterEach(() => {
    vi.useRealTimers();
  });
  it("hides nothing that is overdue by the ledger's own entries", async () => {
    scene.pass(2 * 86_400_000);
    await scene.call({ grant: calmGrant(scene), path: "/admin" });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 0, 14, 12, 5) });
    const { code, stdout, stderr } = await review("overdue");
    expect([code, stdout]).toEqual([1, expect.stringContaining(`since 2026-01-15 12:02:00 UTC  ${name}`)]);
    expect(stderr).toMatch(/this machine's clock is 1 day 23 hours .* behind the ledger's newest entry/);
    expect((await review("page", name)).stdout).toMatch(/class="state hot">Overdue/);
  });
});

describe("a machine of no zone", () => {
  it("has working hours in UTC", async () => {
    await scene.write(folder, 0);
    const { code, stdout } = await glassgate(["review", "list", folder, "--key", "ledger.vkey"], {
      cwd: base,
      env: { TZ: "" },
    });
    expect([code, stdout]).toEqual([0, expect.stringContaining("verified: 1 overdue.")]);
  });
});

describe("who is denied thousands of times", () => {
  it("crowds out his own, and nobody else's, neither in the ledger nor in what is shown of one", async () => {
    const rules = rulesOf({ anchors: [] });
    const reviews = newReviews();
    const gathered = new Gatherer(
      rules,
      ({ sub }) => sub === "mallory",
      () => false,
    );
    const texts = new Map(["mallory", "rita"].map((sub) => [sub, bend(template, { sub, verdict: "scope_path" })]));
    const received = new Date(scene.clock.now).toISOString();
    const denied = (index: number, sub: string): void => {
      const body = Buffer.from(texts.get(sub)?.replace(name, String(index).padStart(64, "0")) ?? "");
      const one: Entry = { head: { ledger: 1, type: "record", received, sender: GATEWAY, via: "file" }, body };
      gathered.take(index, one, classify(body));
      if (index < 1100) joinLine(reviews, rules, index, one, classify(body), { chain: "vm", answered: undefined });
    };
    denied(0, "mallory");
    denied(1, "mallory");
    for (let index = 2; index < 16_400; index++) denied(index, "rita");
    const sizes = [...reviews.shared].map(([of, { grants }]) => [of, grants.size]);
    expect(sizes).toEqual([
      ["denied:mallory:2026-01-14T12Z", 2],
      ["denied:rita:2026-01-14T12Z", 1024],
    ]);
    expect(reviews.denied.size).toBe(1026);
    const kept = [...gathered.grants.values()].filter(({ sub }) => sub === "mallory");
    expect(kept.map(({ calls }) => calls.length)).toEqual([1, 1]);
    const grants = Array.from({ length: 1024 }, (_, i) => String(i).padStart(64, "0"));
    const crowded = deniedPage(deniedOf({ grants }), { origin: "o", size: 1 }, place);
    expect(crowded).toContain("There may have been more");
    expect(deniedRows(deniedOf({ grants }), "sign").join("\n")).toContain("There may have been more");
  });
});

describe("who writes what he likes", () => {
  it("ends no command by a time that is none", async () => {
    const times = [
      "2026-13-45T99:99:99.000Z",
      "2026-01-00T00:00:00.000Z",
      "2026-01-01T24:00:00.001Z",
      "0000-99-01T00:00:00.000Z",
    ];
    for (const [i, ts] of times.entries()) await forge({ grant_sha256: String(i).repeat(64), ts, vm: `other/1/${i}` });
    const lines = ["list", "overdue --due 9999d", `show ${name}`, `page ${name}`, `show ${name} --csv`];
    for (const args of lines.map((text) => text.split(" "))) {
      const ran = await review(args[0] ?? "", ...args.slice(1));
      expect([args[0], ran.code, ran.stderr]).toEqual([args[0], 0, expect.not.stringContaining("should not")]);
    }
  });

  it("takes no grant's name: a whole one means that grant, whatever others are called", async () => {
    await forge({ grant_sha256: "6".repeat(64), jti: name });
    const denied = calmGrant(scene);
    await scene.call({ grant: denied, path: "/admin" });
    await forge({ grant_sha256: "7".repeat(64), jti: "denied:rita:2026-01-14T12Z", seq: 2, vm: "other/1/2" });
    for (const wanted of [name, "denied:rita:2026-01-14T12Z"]) {
      const { code, stdout } = await review("show", wanted, "--json");
      expect([wanted, code]).toEqual([wanted, 0]);
      expect(keyOf(JSON.parse(stdout))).toBe(wanted);
    }
  });

  it("puts no command of his into the one that is to be copied", async () => {
    const sub = "rita;touch owned $(id) 'x`";
    await forge({ grant_sha256: "6".repeat(64), sub, verdict: "scope_path" });
    await end();
    await end();
    const { stdout } = await review("show", `denied:${sub}:2026-01-14T12Z`);
    expect(stdout).toContain(` 'denied:rita;touch owned $(id) '\\''x\`:2026-01-14T12Z'`);
  });

  it("makes no formula, whatever a spreadsheet takes for a beginning or for the end of a cell", async () => {
    const paths = ["/a;=1+1", "/b; @x", "\uff1dcmd", "\uff0b1", "/c\t=1", "/d\u2028=1"];
    for (const [i, path] of paths.entries())
      await forge({ grant_sha256: "6".repeat(64), path, host: "-1", seq: i + 1, vm: `other/1/${i}` });
    const { code, stdout } = await review("show", "6".repeat(64), "--csv");
    expect(code).toBe(0);
    const rows = stdout.split("\r\n").slice(1);
    for (const cell of rows.flatMap((row) => row.split(/[,;\t]/)))
      expect(cell.replace(/^["' ]*(?=')/, "")).not.toMatch(/^["\s]*[=+\-@\uff1d\uff0b\uff0d\uff20]/);
    expect(stdout).toContain(";'=1+1");
  });
});
