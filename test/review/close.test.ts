/** Closing a review: by whom, when and over what, at the door, in the command and in `verify` alike. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { encodeEntry } from "../../control/ledger/entry.js";
import { encodeFrame } from "../../control/ledger/frame.js";
import { openFilesLog } from "../../control/ledger/log/files.js";
import { openLogSigner } from "../../control/ledger/log/key.js";
import { type ReviewClaims, readReview, signReview } from "../../control/ledger/review.js";
import { openCheckpoint } from "../../control/ledger/tlog/checkpoint.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { fileSource, readEntries } from "../../control/ledger/tlog/read.js";
import { readKeyFile, unlockKey, writeKeyFile } from "../../control/signer/keyfile.js";
import { anchorsSchema } from "../../control/trust/anchors.js";
import { inside } from "../cli/inside.js";
import { atTerminal, freePort, type Ran } from "../cli/run.js";
import { revocations } from "../kit/revocations.js";
import { World } from "../kit/world.js";
import { line, open, other } from "../ledger/chain/kit.js";
import { ask, type Got, newToken } from "../ledger/http-kit.js";
import { filesOf, testKey, writeLog } from "../ledger/make-log.js";
import { type LedgerFolder, newLedgerFolder, PASSPHRASE, type Running, serve } from "../ledger/whole.js";
import { claimsOver, GATEWAY, type Name, people, type Story, sha256, silentAbout, tellStory } from "./closing-kit.js";

vi.setConfig({ testTimeout: 240_000 });

const ORIGIN = "ledger.example/test";
const token = newToken();
let base: string;
let story: Story;
let ledger: LedgerFolder;
let running: Running & { readonly url: string };

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "glassgate-close-"));
  story = await tellStory();
  writeFileSync(join(base, "anchors.json"), JSON.stringify(story.anchors));
  writeFileSync(join(base, "token"), `${token}\n`, { mode: 0o600 });
  const sender = `{ name: ${GATEWAY}, tokens: [${sha256(token)}], speaks_for: [${GATEWAY}], follows: true, reads: true }`;
  const yaml = `anchors: [../anchors.json]\ngrace: 1s\nsenders: [${sender}]\nlisten: { address: "127.0.0.1:${await freePort()}" }\n`;
  ledger = await newLedgerFolder(base, yaml);
  writeFileSync(join(base, "ledger.vkey"), `${ledger.vkey}\n`);
  for (const name of people)
    await writeKeyFile(join(base, "keys", `${name}.key.json`), name, story.key(name), PASSPHRASE, 1000);
  running = await serve(ledger);
  const frame = encodeFrame([{ kind: "bundle", bytes: Buffer.from(story.bundle) }]);
  expect((await post("/v1/follow", frame)).status).toBe(200);
  expect((await post("/v1/lines", `${story.lines.join("\n")}\n`)).status).toBe(200);
});
afterAll(async () => {
  running.kill("SIGTERM");
  await running.ended;
  rmSync(base, { recursive: true, force: true });
});

const post = (path: string, body: string | Buffer): Promise<Got> => ask(running.url, { path, token, body });
/** Nobody is known here: the signature itself says whose it is. */
const knock = (signed: string): Promise<Got> => ask(running.url, { path: "/v1/review", body: signed });
const metrics = async (): Promise<string> => (await ask(running.url, { method: "GET", path: "/metrics", token })).body;

const head = () => openCheckpoint(readFileSync(join(ledger.folder, "checkpoint"), "utf8"), parseVkey(ledger.vkey));
async function entries(): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const { bytes } of readEntries(fileSource(ledger.folder), head().size)) all.push(bytes);
  return all;
}
const claims = async (review: string, changes: Partial<ReviewClaims> = {}): Promise<ReviewClaims> =>
  claimsOver(story, await entries(), ORIGIN, head().root, review, changes);

const sayAll = ["--classification", "real", "--findings", "A refund loop, mended."];
const close = (review: string, as: Name, more: readonly string[] = sayAll): string[] => [
  ...["review", "close", running.url, review, "--as", as, "--keys", join(base, "keys")],
  ...["--key", join(base, "ledger.vkey"), "--anchors", join(base, "anchors.json"), "--grace", "1s"],
  ...["--token-file", join(base, "token"), ...more],
];
const env = { GLASSGATE_PASSPHRASE: PASSPHRASE };
const run = (review: string, as: Name, more?: readonly string[]): Promise<Ran> =>
  inside(close(review, as, more), { env });

/** An entry as a ledger that lets everything in would write it. */
const entryOf = (signed: string): Buffer =>
  encodeEntry({
    head: { ledger: 1, type: "review", received: new Date().toISOString(), sender: "olga", via: "signature" },
    body: Buffer.from(signed),
  });

interface Case {
  readonly says: RegExp;
  readonly as: Name;
  readonly grant: keyof Story["grants"];
  readonly more?: readonly string[];
  readonly changes?: Partial<ReviewClaims>;
}
const cases: Readonly<Record<string, Case>> = {
  "who asked for it": { as: "rita", grant: "used", says: /rita asked for the grant, and cannot review it/ },
  "the requester's second account": {
    as: "rita-review",
    grant: "used",
    says: /rita-review is the same person as rita/,
  },
  "who approved it": { as: "adam", grant: "used", says: /adam approved the grant, and cannot review it/ },
  "an approver's second account": { as: "adam-review", grant: "used", says: /adam-review is the same person as adam/ },
  "somebody without the role": {
    as: "pat",
    grant: "used",
    says: /pat holds none of the roles that review \(auditor\)/,
  },
  "somebody whose role is over": { as: "gone-review", grant: "used", says: /holds none of the roles that review/ },
  "nobody before it has ended": { as: "olga", grant: "lasting", says: /The grant has not ended: it does at 2/ },
  "nobody while records are missing": {
    as: "olga",
    grant: "gapped",
    says: /waits for record 2 of gateway-1\/.*of this grant/,
  },
  "nobody while a stream may be open": { as: "olga", grant: "streaming", says: /1 stream may still be open/ },
  "nobody who calls a use unused": {
    as: "olga",
    grant: "used",
    says: /was used: it is not `unused`/,
    more: ["--classification", "unused", "--findings", "x"],
    changes: { classification: "unused" },
  },
  "nobody who calls an emergency a drill": {
    as: "olga",
    grant: "used",
    says: /The grant is of no drill/,
    more: ["--classification", "drill", "--findings", "x"],
    changes: { classification: "drill" },
  },
  "nobody who calls a drill real": { as: "olga", grant: "drill", says: /of a drill: it is `drill`/ },
};

/** In a folder that nobody serves, by olga at a terminal. */
function closeIn(folder: string, review: string, vkey: string, what: string, grace = "1s"): Promise<Ran> {
  const args = [
    ...["review", "close", folder, review, "--as", "olga", "--keys", join(base, "keys"), "--grace", grace],
    ...["--key", vkey, "--classification", what, "--findings", "x"],
  ];
  const line = ["npx glassgate", ...args.map((part) => `'${part}'`)].join(" ");
  return atTerminal(line, [[/anything else to stop: $/, "yes"]], { env, columns: 200 });
}

describe("a review is closed by", () => {
  it.each(Object.entries(cases))("%s: refused by the command, at the door and by verify", async (_, one) => {
    const review = story.grants[one.grant];
    const ran = await run(review, one.as, one.more);
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toMatch(one.says);
    expect(ran.stderr).not.toContain('Type "yes"');
    const before = head().size;
    const signed = await signReview(await claims(review, { sub: one.as, ...one.changes }), story.key(one.as));
    const got = await knock(signed);
    expect({ status: got.status, body: got.body }).toMatchObject({
      status: 422,
      body: expect.stringMatching(one.says),
    });
    expect(head().size).toBe(before);
    const [says, ...others] = silentAbout(story, [...(await entries()), entryOf(signed)], ORIGIN);
    expect(says).toMatch(one.says);
    expect(says).toContain(one.as);
    expect(others).toEqual([]);
  });

  it("nobody whose signature is over other bytes, of another ledger, or over another history", async () => {
    const own = await claims(story.grants.used);
    const signed = await signReview(own, story.key("olga"));
    const [header = "", , signature = ""] = signed.split(".");
    const payload = Buffer.from(JSON.stringify({ ...own, findings: "Nothing to see." })).toString("base64url");
    const bad: readonly (readonly [string, RegExp])[] = [
      [`${header}.${payload}.${signature}`, /signature of olga does not hold: other bytes/],
      [await signReview({ ...own, origin: "ledger.example/other" }, story.key("olga")), /of another ledger/],
      [await signReview({ ...own, digest: "0".repeat(64) }, story.key("olga")), /over other entries/],
      [await signReview({ ...own, counts: { ...own.counts, denied: 0 } }, story.key("olga")), /counts are not those/],
      [await signReview({ ...own, sub: "adam" }, story.key("olga")), /is not one of adam/],
      [
        await signReview({ ...own, review: "0".repeat(64) }, story.key("olga")),
        /Nothing in this ledger is of this grant/,
      ],
      [await signReview({ ...own, iat: own.iat + 3600 }, story.key("olga")), /which is to come/],
    ];
    for (const [one, says] of bad) {
      expect(await knock(one)).toMatchObject({ status: 422, body: expect.stringMatching(says) });
      expect(silentAbout(story, [...(await entries()), entryOf(one)], ORIGIN)).toEqual([expect.stringMatching(says)]);
    }
    const rewritten = await signReview(
      { ...own, checkpoint: { ...own.checkpoint, root: "1".repeat(64) } },
      story.key("olga"),
    );
    expect(await knock(rewritten)).toMatchObject({ status: 422, body: expect.stringMatching(/not this ledger's/) });
    for (const none of ["", "a.b.c", `${signed}~`, `${signed}\n`, "x".repeat(59_000)])
      expect((await knock(none)).status).toBe(400);
    expect((await knock("x".repeat(70_000))).status).toBe(413);
  });

  it("nobody who was shown less than there is: something came between showing and signing", async () => {
    const { used } = story.grants;
    const early = await signReview(await claims(used), story.key("olga"));
    const send = `node -e 'fetch("${running.url}/v1/lines",{method:"POST",headers:{authorization:"Bearer ${token}"},body:process.argv[1]}).then((r)=>process.exit(r.ok?0:1))' '${story.late}'`;
    const line = ["npx glassgate", ...close(used, "olga").map((part) => `'${part}'`)].join(" ");
    const ran = await atTerminal(line, [[/anything else to stop: $/, "yes", send]], { env });
    expect(ran.stdout).toMatch(/The ledger refuses the signature: It is over other entries than/s);
    expect(ran.code).toBe(1);
    expect(await knock(early)).toMatchObject({ status: 422, body: expect.stringMatching(/something came after/) });
    expect(silentAbout(story, [...(await entries()), entryOf(early)], ORIGIN)).toEqual([
      expect.stringMatching(/something came after/),
    ]);
  });

  it("nobody who cannot hand it in, which is said before anything is asked", async () => {
    const config = join(ledger.folder, "ledger.yaml");
    const plain = readFileSync(config, "utf8");
    try {
      writeFileSync(config, plain.replace(/listen: .*/, 'listen: { address: "127.0.0.1:0" }'));
      const ran = await closeIn(ledger.folder, story.grants.drill, ledger.vkey, "drill");
      expect(ran.stdout).toMatch(/"glassgate ledger serve" writes to this ledger.*Nothing was signed.*address/s);
      expect(ran.stdout).not.toContain("anything else to stop");
      expect(ran.code).toBe(1);
    } finally {
      writeFileSync(config, plain);
    }
  });

  it("her who names the folder that is served here: the ledger that serves it takes the signature", async () => {
    const ran = await closeIn(ledger.folder, story.grants.drill, ledger.vkey, "drill");
    expect(ran.stdout).toMatch(/Closed: entry \d+/);
  });

  it("somebody who had no part in it, at a terminal, who is shown what is signed", async () => {
    const { used } = story.grants;
    const line = ["npx glassgate", ...close(used.slice(0, 12), "olga", []).map((part) => `'${part}'`)].join(" ");
    const answers = ["wrong", "real", "A refund loop, mended.", "no action", "Narrow it;adam;2027-01-15", "", "yes"];
    const ran = await atTerminal(line, answers, { env, columns: 200 });
    expect(ran).toMatchObject({ code: 0 });
    for (const shown of [
      used,
      "INC-7",
      "2 allowed, 1 denied",
      "rita",
      "adam",
      "What you sign as olga",
      "Narrow it (adam, until 2027-01-15)",
    ])
      expect(ran.stdout).toContain(shown);
    const entry = Number(/Closed: entry (\d+)/.exec(ran.stdout)?.[1]);
    const body = (await entries())[entry]?.toString() ?? "";
    expect(body).toMatch(/^{"ledger":1,"type":"review",.*"sender":"olga","via":"signature"}\n/);
    const signed = body.slice(body.indexOf("\n") + 1);
    expect(readReview(signed)?.claims).toMatchObject({ review: used, sub: "olga", actions: [{ owner: "adam" }] });
    expect(await metrics()).toContain('glassgate_ledger_reviews{state="closed"} 2\n');
    const tail = ["ledger", "tail", ledger.folder, "--key", ledger.vkey, "--grant", used, "--type", "review"];
    expect((await inside(tail, {})).stdout).toContain(`olga closed the review of ${used} as real: A refund loop`);
    // Whoever gets no answer sends it again.
    expect(JSON.parse((await knock(signed)).body)).toEqual({ index: entry, new: false });
    // A late line reopens, and what was signed does not cover it.
    expect((await post("/v1/lines", story.late.replace("502", "503"))).status).toBe(200);
    expect(await metrics()).toContain('glassgate_ledger_reviews{state="reopened"} 1\n');
    expect((await knock(signed)).status).toBe(422);
    // Whoever signs again is shown what was promised: it would be gone from the list of what is due.
    const again = await run(used, "olga");
    expect(again.stderr.replace(/\s+/g, " ")).toMatch(
      /signed olga \(auditor\), .* UTC: real \(entry [^)]*\) look at It promised "Narrow it" \(adam, until 2027-01-15\): name it again unless it is settled\./,
    );
  });

  it("nobody whom an urgent text has taken back: refused from then on", async () => {
    const { world, grants } = story;
    const text = revocations(world, { by: world.roots[0], revoked: { sub: ["otis"] } });
    const frame = encodeFrame([{ kind: "text", bytes: Buffer.from(text) }]);
    expect((await post("/v1/follow", frame)).status).toBe(200);
    const says = /otis, or the key, is revoked in an urgent text of /;
    expect(await run(grants.used, "otis")).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(says) });
    const signed = await signReview(await claims(grants.used, { sub: "otis" }), story.key("otis"));
    expect(await knock(signed)).toMatchObject({ status: 422, body: expect.stringMatching(says) });
    expect(silentAbout(story, [...(await entries()), entryOf(signed)], ORIGIN)).toEqual([expect.stringMatching(says)]);
  });

  it("no line that somebody sends as one of a gateway's", async () => {
    const signed = await signReview(await claims(story.grants.used), story.key("olga"));
    expect((await post("/v1/lines", `${signed}\n`)).status).toBe(200);
    expect((await entries()).at(-1)?.toString()).toMatch(/"type":"(?:quarantine|alarm)"/);
    expect((await entries()).some((entry) => entry.includes(signed) && !entry.includes('"type":"quarantine"'))).toBe(
      false,
    );
    const frame = Buffer.from(
      JSON.stringify({ received: [{ kind: "review", bytes: Buffer.from(signed).toString("base64") }] }),
    );
    expect((await post("/v1/follow", frame)).status).toBe(400);
  });

  it("whom the bundle says so, also in a folder that nobody serves; a ledger that lets in another is named by verify", async () => {
    running.kill("SIGTERM");
    await running.ended;
    const copy = join(base, "copy");
    cpSync(join(base, "ledger"), join(copy, "ledger"), { recursive: true });
    cpSync(join(base, "keys"), join(copy, "keys"), { recursive: true });
    cpSync(join(base, "anchors.json"), join(copy, "anchors.json"));
    const folder = join(copy, "ledger");
    const shared =
      /denied:rita:[0-9T-]+Z/.exec(
        (await inside(["review", "list", folder, "--key", ledger.vkey, "--anchors", join(base, "anchors.json")], {}))
          .stdout,
      )?.[0] ?? "";
    // A folder's own grace counts where none is named: its door goes by it.
    const yaml = readFileSync(join(folder, "ledger.yaml"), "utf8");
    writeFileSync(join(folder, "ledger.yaml"), yaml.replace("grace: 1s", "grace: 2h"));
    const early = ["review", "close", folder, story.grants.used, "--as", "olga", "--keys", join(base, "keys")];
    const refused = await inside([...early, "--key", ledger.vkey, ...sayAll], { env });
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/ended at [^;]*; what comes late is waited for until/),
    });
    writeFileSync(join(folder, "ledger.yaml"), yaml);
    expect((await closeIn(folder, shared, ledger.vkey, "unused")).stdout).toMatch(/Closed: entry \d+/);
    // Whoever signs again is shown what he signs over.
    expect((await closeIn(folder, shared, ledger.vkey, "unused")).stdout).toMatch(
      /signed +olga[^\n]* UTC: unused \(entry \d+\)\s.*Closed: entry \d+/s,
    );
    const verify = (): Promise<Ran> =>
      inside(
        [
          "ledger",
          "verify",
          folder,
          "--key",
          join(base, "ledger.vkey"),
          "--anchors",
          join(base, "anchors.json"),
          "--grace",
          "1s",
        ],
        {},
      );
    expect((await verify()).stdout).not.toMatch(/review_invalid|closing signature/);
    const path = join(copy, "keys", "ledger.key.json");
    const signer = openLogSigner(await unlockKey(readKeyFile(path), PASSPHRASE), ORIGIN);
    const log = await openFilesLog({
      folder,
      signer,
      signedPath: `${path}.signed`,
      holder: "a ledger that lets everything in",
    });
    const bad = await signReview(await claims(story.grants.used, { sub: "rita" }), story.key("rita"));
    await log.append([entryOf(bad)]);
    await log.close();
    const told = await verify();
    expect(told.code).toBe(1);
    expect(told.stdout).toMatch(/review_invalid.*the ledger has no alarm about it.*rita asked for the grant/s);
  });

  it("nobody as long as no anchors of its gateways are pinned, and it says what to do", async () => {
    const roots = new World(0).roots.map(({ jwk }) => jwk);
    const anchors = anchorsSchema.parse({ audience: "test", threshold: 2, roots });
    const own = await open({ anchors: [anchors], senders: { [GATEWAY]: [] }, origin: ORIGIN }, Date.now());
    await own.ledger.take([other("bundle", story.bundle), ...story.lines.map((text) => line(text))]);
    const folder = join(base, "others");
    const made = testKey(ORIGIN);
    writeLog(folder, filesOf(own.log.entries, made));
    writeFileSync(join(base, "others.json"), JSON.stringify(anchors));
    const args = [folder, story.grants.used, "--key", made.vkey, "--anchors", join(base, "others.json")];
    const ran = await inside(["review", "close", ...args, "--as", "olga", "--keys", join(base, "keys"), ...sayAll], {
      env,
    });
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr.replace(/\s+/g, " ")).toMatch(
      /None of the anchors here are those of the gateways .*name their anchors with --anchors.*leave the review open/,
    );
  });

  it("somebody in the next shard, where it was open when the one before was sealed", async () => {
    const [old, next] = [join(base, "ledger"), join(base, "next")];
    const origin = "ledger.example/next";
    const key = join(base, "keys", "next.key.json");
    const sealed = await inside(["ledger", "next", old, next, "--origin", origin, "--key", key], { env });
    expect(sealed).toMatchObject({ code: 0 });
    const { vkey } = openLogSigner(await unlockKey(readKeyFile(key), PASSPHRASE), origin);
    // What an urgent text took back before stays taken back.
    const barred = [next, story.grants.used, "--key", vkey, "--as", "otis", "--keys", join(base, "keys"), ...sayAll];
    expect(await inside(["review", "close", ...barred, "--grace", "10m"], { env })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/otis, or the key, is revoked in an urgent text/),
    });
    // No alarm tells of the gap yet: its gateway is catching up.
    const ran = await closeIn(next, story.grants.used, vkey, "real", "10m");
    expect(ran.stdout).toMatch(
      /was open when the log before, ledger\.example\/test, was sealed.*2 allowed, 1 denied.*Closed: entry \d+/s,
    );
    const rest = `glassgate review show FOLDER ${story.grants.used.slice(0, 16)} --key VKEY`;
    const reading = [next, story.grants.used, "--key", vkey, "--anchors", join(base, "anchors.json")];
    const shown = (await inside(["review", "show", ...reading], { env: { COLUMNS: "9999" } })).stdout;
    expect(shown).toContain("Its older entries are there");
    expect(shown).toContain(rest);
    const page = (await inside(["review", "page", ...reading], {})).stdout;
    expect(page).toContain("Not all of it is here");
    expect(page).toContain(rest);
    expect((await closeIn(old, story.grants.drill, ledger.vkey, "drill")).stdout).toMatch(/sealed/);
  });
});
