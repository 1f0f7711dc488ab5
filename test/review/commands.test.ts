/** The commands that read reviews, as a person runs them: what they print, how they end, and what they refuse in one sentence. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inside } from "../cli/inside.js";
import { atTerminal, glassgate, type Ran } from "../cli/run.js";
import { anchorsOf, bend, GATEWAY, line } from "../ledger/chain/kit.js";
import { entry, filesOf, testKey, writeLog } from "../ledger/make-log.js";
import { askOf, calmGrant, calmUse, hashOf, key, Scene } from "./scene.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-review-commands-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Markup, control, bidi, ANSI, a formula, and a word that no line has room for. */
const HOSTILE = `=cmd|'/c calc'!A1<script>alert(1)</script>\u001b]0;owned\u0007\u001b[2J\u202egnp.exe\r\n\u0085${"\u0301".repeat(9)}`;
const LONG = `/${"a".repeat(4000)}`;

let scene: Scene;
let grant: string;
let name: string;
/** A record of it. */
let template: string;
/** Of lines that somebody made up: its sender may speak for that gateway, and writes what he likes. */
const madeUp = "5".repeat(64);

const review = (...args: readonly string[]): Promise<Ran> => inside(["review", ...args], { cwd: base });
const read = (command: string, ...args: readonly string[]): Promise<Ran> =>
  review(command, "log", ...args, "--key", "ledger.vkey", "--anchors", "anchors.json", "--zone", "UTC");

beforeAll(async () => {
  scene = await Scene.start();
  grant = calmGrant(scene, { claims: { text: HOSTILE.slice(0, 90), incident: "INC-7" } });
  name = hashOf(grant);
  scene.pass(120_000);
  await calmUse(scene, grant);
  for (let i = 0; i < 60; i++) await scene.call({ grant, path: `/orders/${i}` });
  await scene.call({ grant, path: "/admin" });
  const denied = calmGrant(scene);
  scene.pass(60_000);
  await scene.call({ grant: denied, path: "/admin" });
  const lines = scene.linesOfCall({ grant, requestId: "template" });
  await scene.hand(...lines);
  await scene.answer("template", {});
  template = lines[0]?.bytes.toString() ?? "";
  const more = {
    grant_sha256: madeUp,
    jti: "=1+1",
    sub: HOSTILE.slice(0, 60),
    ent: HOSTILE.slice(0, 60),
    reason: HOSTILE.slice(0, 60),
  };
  const about = {
    method: "+GET",
    host: HOSTILE.slice(0, 200),
    path: LONG,
    source: HOSTILE.slice(0, 60),
    request_id: "@SUM(A1)",
  };
  await scene.hand(
    line(
      bend(template, {
        vm: "other/1/1",
        seq: 1,
        prev: "0".repeat(64),
        ...more,
        ...about,
        approvers: [{ sub: HOSTILE.slice(0, 60), iat: 1 }],
      }),
    ),
  );
  await scene.write(join(base, "log"));
  writeFileSync(join(base, "ledger.vkey"), `${key.vkey}\n`);
  writeFileSync(join(base, "anchors.json"), JSON.stringify(anchorsOf(scene.world)));
  writeFileSync(join(base, "ask.txt"), `Please approve:\n> ${askOf(grant, scene.world.rita)}\n`);
});

/** Nothing that moves a cursor, turns text round or hides. */
const isPlain = (text: string): boolean => /^[\n\r\x20-\x7e\u00a0-\u02ff\u0370-\u1fff\u{1f600}]*$/u.test(text);

describe("review show", () => {
  it("tells the story of one grant: by whom, what for, what was done, what proves it, what is left to do", async () => {
    const { code, stdout } = await read("show", name.slice(0, 12), "--ask", "ask.txt");
    expect(code).toBe(0);
    for (const words of [
      "requester     rita (oncall)",
      "proven by the ask",
      "approved by   adam (lead) at 2026-01-14 12:01:00 UTC; the signature holds",
      "because of    outage, INC-7",
      "GET, POST on api.example.com",
      "63 calls",
      "1 call denied: 1 scope_path",
      "It ended by itself at 2026-01-14 12:10:00 UTC.",
      "Nothing was let in after its end.",
      "under the trust bundle whose roots are those that you pinned",
      "... and 14 more: --csv and --json have them all",
      `Sign it: glassgate review close log ${name} --key ledger.vkey --anchors anchors.json --as YOUR-KEY`,
    ])
      expect(stdout).toContain(words);
    expect(isPlain(stdout)).toBe(true);
  });

  it("has the reader's own clock beside UTC, as list has; rows below each other are in UTC alone", async () => {
    const options = { cwd: base, env: { TZ: "Asia/Tokyo" } };
    const from = ["log", "--key", "ledger.vkey", "--anchors", "anchors.json"];
    const [show, list] = await Promise.all([
      glassgate(["review", "show", ...from, name], options),
      glassgate(["review", "list", ...from], options),
    ]);
    for (const words of [
      "adam (lead) at 2026-01-14 12:01:00 UTC (2026-01-14 21:01:00 +09:00); the signature holds",
      "It ended by itself at 2026-01-14 12:10:00 UTC (2026-01-14 21:10:00 +09:00).",
    ])
      expect(show.stdout).toContain(words);
    expect(show.stdout).toMatch(/^due .* UTC \(.* \+09:00\)$/m);
    expect(show.stdout).toMatch(/^ {2}2026-01-14 12:01:00 UTC {2}approved/m);
    expect(list.stdout).toMatch(/seen [\d-]+ [\d:]+ UTC \(.* \+09:00\), due .* UTC \(.* \+09:00\)/);
  });

  it("takes the jti, and gives all of it as JSON", async () => {
    const { jti } = JSON.parse(Buffer.from(grant.split(".", 2)[1] ?? "", "base64url").toString());
    const { code, stdout } = await read("show", String(jti), "--json");
    expect(code).toBe(0);
    const shown = JSON.parse(stdout);
    expect(shown.grant).toBe(name);
    expect(shown.calls).toHaveLength(64);
    expect(shown.evidence.checkpoint).toBe(readFileSync(join(base, "log", "checkpoint"), "utf8"));
  });

  it("shows what somebody made up as what it is, and lets none of it out of its line", async () => {
    const { code, stdout } = await read("show", madeUp);
    expect(code).toBe(0);
    expect(isPlain(stdout)).toBe(true);
    expect(stdout).toContain("not proven: the record says so");
    expect(stdout).toContain("no bundle here names this account");
    expect(stdout).toContain("evidence_missing");
    expect(stdout).toContain("\\u{1b}]0;owned\\u{7}");
    expect(stdout).toContain("... (4001 characters)");
    for (const row of stdout.split("\n")) expect(row.length).toBeLessThan(1500);
  });

  it("takes a jti that was copied in part, where it is long enough to be one", async () => {
    const { jti } = JSON.parse(Buffer.from(grant.split(".", 2)[1] ?? "", "base64url").toString());
    expect((await read("show", String(jti).slice(0, 8))).stdout).toContain(name);
    const short = await read("show", String(jti).slice(0, 7));
    expect(short).toMatchObject({ code: 2, stdout: "" });
    expect(short.stderr).toContain("first 8 characters");
  });

  it("gives its calls as CSV in which nothing is a formula", async () => {
    const { code, stdout } = await read("show", madeUp, "--csv");
    expect(code).toBe(0);
    const [head = "", row = ""] = stdout.split("\r\n");
    expect(head.split(",").slice(0, 8)).toEqual(["entry", "time", "gateway", "vm", "seq", "mode", "verdict", "method"]);
    expect(row).toContain(`,"'+GET","'=cmd|'/c calc'!A1`);
    expect(row).toContain(`,"'@SUM(A1)",`);
    expect(isPlain(stdout)).toBe(true);
  });

  it("shows a shared review by its key, and by any of its grants", async () => {
    const [byKey] = [await read("show", "denied:rita:2026-01-14T12Z")];
    expect(byKey.code).toBe(0);
    expect(byKey.stdout).toContain("denied        1 call: 1 scope_path");
    const { stdout } = await read("list", "--json");
    const [shared] = JSON.parse(stdout).denied;
    const byGrant = await read("show", shared.grants[0]);
    expect(byGrant.stdout).toBe(byKey.stdout);
  });

  it("keeps to 80 columns on a terminal, and is coloured there alone", async () => {
    const line = `npx glassgate review show log ${name} --key ledger.vkey --anchors anchors.json --zone UTC --ask ask.txt`;
    const { code, stdout } = await atTerminal(line, [], { cwd: base, env: { NO_COLOR: "" } });
    expect(code, stdout).toBe(0);
    const rows = stripVTControlCharacters(stdout).split(/\r?\n/);
    // A word that is longer than a line is left whole, so that it can be copied.
    const wide = rows.filter((row) => row.length > 80 && row.trim().includes(" "));
    expect(wide).toEqual([]);
  });

  it("prints one format", async () => {
    const { code, stdout } = await read("show", name, "--csv", "--json");
    expect([code, JSON.parse(stdout).error.message]).toEqual([2, "--csv and --json are two formats."]);
  });

  it("shows in its help how it is used", async () => {
    const { code, stdout } = await review("show", "--help");
    expect(code).toBe(0);
    expect(stdout).toContain("$ glassgate review show ledger/");
  });
});

describe("review list and review overdue", () => {
  it("list what waits, and end with 1 where it waits too long", async () => {
    const list = await read("list");
    expect(list.code).toBe(0);
    expect(list.stdout).toMatch(/^overdue +rita used repair for outage, INC-7: 63 allowed, 1 denied$/m);
    expect(list.stdout).toContain("verified: 3 overdue.");
    expect(isPlain(list.stdout)).toBe(true);
    const late = await read("overdue");
    expect(late.code).toBe(1);
    expect(late.stdout).toContain(`${name}: rita used repair`);
    const years = await read("overdue", "--due", "9999d");
    expect([years.code, years.stdout]).toEqual([0, expect.stringContaining("Nothing is overdue")]);
    const open = await read("list", "--state", "open");
    expect(open.stdout).not.toContain("rita used");
  });

  it("take no state for another", async () => {
    const { code, stderr } = await read("list", "--state", "overdu");
    expect([code, stderr]).toEqual([2, expect.stringContaining("Did you mean overdue?")]);
  });
});

describe("what is refused, in one sentence and with nothing on standard output", () => {
  it.each<[what: string, args: readonly string[], code: number, says: RegExp]>([
    [
      "a grant that nothing is of",
      ["show", "log", "9".repeat(64), "--key", "ledger.vkey"],
      2,
      /^error: Nothing in ledger.example\/test is of the grant 9{64}\.\n/,
    ],
    [
      "a name that is no grant's",
      ["show", "log", HOSTILE, "--key", "ledger.vkey"],
      2,
      /^error: Nothing in ledger\.example\/test is of the grant =cmd/,
    ],
    ["too short a name", ["show", "log", "5555555", "--key", "ledger.vkey"], 2, /is of the grant 5555555\./],
    [
      "another log's key",
      ["list", "log", "--key", "other.vkey"],
      1,
      /does not verify, so nothing of it is shown: checkpoint: The checkpoint is of the log/,
    ],
    [
      "another key of that name",
      ["show", "log", "5".repeat(64), "--key", "false.vkey"],
      1,
      /does not verify, so nothing of it is shown: checkpoint: No key that is known here/,
    ],
    [
      "an entry that was changed",
      ["show", "changed", "5".repeat(64), "--key", "ledger.vkey"],
      1,
      /nothing of it is shown: tile\/entries\/000.*the entry was changed\.\n/,
    ],
    ["a tail that was cut off", ["list", "log", "--key", "ledger.vkey", "--since", "newer"], 1, /the tail was cut off/],
    [
      "alarms that the ledger left out",
      ["list", "silent", "--key", "ledger.vkey", "--anchors", "anchors.json"],
      1,
      /the ledger has no alarm about it/,
    ],
    ["no ledger", ["list", "nowhere", "--key", "ledger.vkey"], 2, /^error: Cannot read the ledger nowhere/],
    ["no hours", ["list", "log", "--key", "ledger.vkey", "--hours", "18-8"], 2, /"18-8" are no working hours/],
    ["no zone", ["list", "log", "--key", "ledger.vkey", "--zone", "Mars/Base"], 2, /There is no time zone Mars\/Base/],
    [
      "a grant for an ask",
      ["show", "log", "5".repeat(64), "--key", "ledger.vkey", "--ask", "grant.txt"],
      2,
      /The ask is not an ask: it is a grant/,
    ],
  ])("%s", async (_what, args, code, says) => {
    const { entries } = scene.ledger.log;
    writeFileSync(join(base, "other.vkey"), testKey("other.example/log").vkey);
    writeFileSync(join(base, "false.vkey"), testKey(key.name, 9).vkey);
    writeFileSync(join(base, "grant.txt"), grant);
    const longer = filesOf([...entries, ...entries.slice(0, 1)], key);
    writeFileSync(join(base, "newer"), longer.get("checkpoint") ?? "");
    const changed = filesOf(entries, key);
    const file = [...changed].find(([path]) => path.startsWith("tile/entries/000"))?.[1];
    if (file === undefined) throw new Error("no entries");
    file[file.length - 5] = 0x21;
    writeLog(join(base, "changed"), changed);
    const received = scene.clock.now + 1000;
    const forked = bend(template, { vm: "other/1/1", seq: 1, prev: "0".repeat(64) });
    const fork = entry(forked, { sender: GATEWAY, received: new Date(received).toISOString() });
    writeLog(join(base, "silent"), filesOf([...entries, fork], key));
    const ran = await inside(["review", ...args], { cwd: base });
    expect([ran.code, ran.stdout]).toEqual([code, ""]);
    expect(ran.stderr).toMatch(says);
    expect(isPlain(ran.stderr)).toBe(true);
    expect(ran.stderr.split("\n").filter((row) => row.startsWith("error:"))).toHaveLength(1);
  });
});
