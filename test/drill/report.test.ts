/** What becomes of a report: its folder, its signature, what is checked of it offline, and what is told of it. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SERVES } from "../../control/cli/ledger-serve.js";
import type { Assertion, Report } from "../../control/drill/model.js";
import { withLast } from "../../control/drill/report/compare.js";
import { handInDrill, sendDrill } from "../../control/drill/report/enter.js";
import { drillsIn, lastReport } from "../../control/drill/report/folder.js";
import { junitOf } from "../../control/drill/report/junit.js";
import { reportPage } from "../../control/drill/report/page.js";
import { tableOf } from "../../control/drill/report/table.js";
import { drillClaims, reportBytes, writeReport } from "../../control/drill/report/write.js";
import { readLedgerConfig } from "../../control/ledger/config.js";
import { type DrillClaims, readDrillToken, signDrill } from "../../control/ledger/drill.js";
import { encodeEntry } from "../../control/ledger/entry.js";
import { runLedger } from "../../control/ledger/serve/run.js";
import { newKey } from "../../control/signer/jwk.js";
import { sha256Hex } from "../../control/signer/sign.js";
import { inside } from "../cli/inside.js";
import type { Ran } from "../cli/run.js";
import { PASSPHRASE } from "../ledger/whole.js";
import { INVISIBLE, LONG, SHORT } from "../review/page/hostile.js";
import { type HeldDrill, holdDrill, ORIGIN } from "./report-kit.js";

let held: HeldDrill;
beforeAll(async () => {
  held = await holdDrill();
}, 120_000);
afterAll(() => held.remove());

const lastOf = (output: string, name: string) => lastReport(output, name, undefined, Date.now()).last;

/** Controls, format characters and halves of characters; our own line feeds apart. */
const INVISIBLES = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}]/u;
const NOW = Math.floor(Date.now() / 1000);
const at = (...path: string[]): string => join(held.folder, ...path);
const drill = (...args: string[]): Promise<Ran> => inside(["drill", ...args], { cwd: held.folder });
const verify = (path: string, ...more: string[]): Promise<Ran> =>
  drill("verify", path, "--key", "ledger.vkey", ...more);

/** Written as `drill run` would, whatever it says. */
let count = 0;
async function written(report: Report, change: (claims: DrillClaims) => DrillClaims = (one) => one): Promise<string> {
  count += 1;
  const output = at(`drills-${count}`);
  const { folder } = await writeReport(output, report, (claims) => held.sign(change(claims)), NOW);
  return folder;
}
const changed = (i: number, change: (one: Assertion) => Assertion, passed = 6): Report => ({
  ...held.report,
  counts: { passed, failed: 6 - passed, notProbed: 1 },
  assertions: held.report.assertions.map((one, j) => (i === j ? change(one) : one)),
});
describe("a drill's folder", () => {
  it("has the report, its signature, a page and JUnit XML, and verifies", async () => {
    expect(held.report.counts).toEqual({ passed: 6, failed: 0, notProbed: 1 });
    const folder = await written(held.report);
    expect(folder).toMatch(/\d{8}T\d{6}Z-quarterly$/);
    expect(readdirSync(folder).sort()).toEqual(["junit.xml", "report.html", "report.json", "report.jws"]);
    const bytes = readFileSync(join(folder, "report.json"));
    const { claims } = readDrillToken(readFileSync(join(folder, "report.jws"), "utf8").trim()) ?? {};
    expect(claims).toMatchObject({
      report: createHash("sha256").update(bytes).digest("hex"),
      ...{ origin: ORIGIN, name: "quarterly", sub: "drill-rita", counts: held.report.counts, good: true },
    });
    for (const path of [folder, join(folder, "report.json")]) {
      const ran = await verify(path);
      expect(ran.stdout).toMatch(
        /drill-rita signed exactly this report.*6 records of its calls are in ledger.example/s,
      );
      expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    }
    const json = JSON.parse((await verify(folder, "--json")).stdout);
    expect(json).toMatchObject({
      holds: true,
      name: "quarterly",
      notProved: expect.arrayContaining([expect.stringContaining("what callers were answered")]),
    });
  });

  it("is not there at all where it cannot be signed or written, and two of one second are two", async () => {
    const output = at("whole");
    const fail = (): Promise<string> => Promise.reject(new Error("no key"));
    await expect(writeReport(output, held.report, fail, NOW)).rejects.toThrow("no key");
    expect(existsSync(output)).toBe(false);
    writeFileSync(output, "");
    await expect(writeReport(output, held.report, (claims) => held.sign(claims), NOW)).rejects.toThrow(/Cannot write/);
    mkdirSync(at("behind-link"));
    symlinkSync("behind-link", at("linked"));
    const led = await writeReport(at("linked"), held.report, (claims) => held.sign(claims), NOW);
    expect(dirname(led.folder)).toBe(realpathSync(at("behind-link")));
    const twice = at("twice");
    for (let i = 0; i < 2; i++) await writeReport(twice, held.report, (claims) => held.sign(claims), NOW);
    const [stem = ""] = readdirSync(twice);
    symlinkSync("/nowhere", join(twice, `${stem}-3`));
    await writeReport(twice, held.report, (claims) => held.sign(claims), NOW);
    const names = [stem, `${stem}-2`, `${stem}-3`, `${stem}-4`];
    expect(stem).toMatch(/Z-quarterly$/);
    expect(readdirSync(twice).sort()).toEqual(names);
    expect(drillsIn(twice, undefined, Date.now())).toMatchObject({
      ...{ drills: [{}, {}, {}], odd: [expect.stringContaining("-3 does not count: it is a link")] },
    });
  });

  it("counts beside what a volume has of its own, and beside one that cannot be looked into", async () => {
    const volume = at("volume");
    await writeReport(volume, held.report, (claims) => held.sign(claims), NOW);
    mkdirSync(join(volume, "lost+found"));
    mkdirSync(join(volume, "circle"));
    symlinkSync("report.json", join(volume, "circle", "report.json"));
    expect(drillsIn(volume, undefined, Date.now())).toMatchObject({
      drills: [{}],
      odd: [expect.stringMatching(/circle does not count: its links lead in a circle\.$/)],
    });
  });
});

describe("what people and CI systems read", () => {
  /** Everything that came from outside is hostile. */
  const hostile = (text: string): Report => ({
    ...held.report,
    people: { requester: text, approvers: [text], signer: text },
    gateways: [{ id: text, url: text, envoy: text, filter: text }],
    assertions: [
      ...held.report.assertions.slice(0, 1),
      {
        ...{ case: text, gateway: text, route: text, what: text, expected: text, seen: text, ok: false },
        ...{ fault: text, finding: text },
        calls: [{ requestId: text, method: text, host: text, path: text, status: 200, code: text, verdict: text }],
      },
    ],
    notProbed: [{ what: text, why: text, member: text }],
    faults: [{ name: text, expected: text, seen: text, ok: false, does: text, undo: text }],
    counts: { passed: 1, failed: 1, notProbed: 1 },
    last: {
      began: held.report.began,
      report: "ab".repeat(32),
      worse: [text],
      mended: [text],
      gone: [text],
      fresh: [text],
    },
  });
  // A report has each text dozens of times.
  const long = LONG.slice(0, 7000);
  const texts = { ...SHORT, ...INVISIBLE, "the end of a CDATA": "]]><x/>", "no character": "\ufffe\uffff", long };

  it("JUnit XML has each assertion, and what is wrong in its place", () => {
    const report = changed(1, (one) => ({
      ...one,
      ok: false,
      fault: "let_in",
      finding: 'gateway-1 let "it" in & <more>.',
    }));
    const xml = junitOf({ ...report, counts: { passed: 5, failed: 1, notProbed: 1 } });
    expect(xml).toMatch(
      /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites name="drill quarterly" time="5\.000" tests="8" failures="1" errors="0" skipped="1">/,
    );
    expect(xml).toMatch(
      /<testsuite name="expired" timestamp="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d" time="0\.000" tests="2" failures="1" errors="0" skipped="0">/,
    );
    expect(xml).toContain(
      '<failure type="let_in" message="gateway-1 let &quot;it&quot; in &amp; &lt;more&gt;.">gateway-1 let &quot;it&quot; in &amp; &lt;more&gt;.</failure>',
    );
    expect(xml).toContain('<testcase classname="drill.quarterly.opens" name="gateway-2: a good grant" time="0.000">');
    expect(xml).toContain('<skipped message="its upstream is not said to be harmless"/>');
    const twice = junitOf({ ...report, assertions: [...report.assertions, ...report.assertions] });
    expect(twice).toContain('name="gateway-2: a good grant #2"');
  });

  it("JUnit XML stays well-formed, whatever a text holds", () => {
    const all = Object.values(texts).map((text) => junitOf(hostile(text)));
    for (const xml of all) {
      expect(xml).not.toMatch(INVISIBLES);
      // XML 1.0, section 2.2; every tag is one of ours, and closed.
      expect(xml).not.toMatch(/[^\t\n\r\x20-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u);
      const open: string[] = [];
      for (const [, slash, name = "", rest = ""] of xml
        .replace(/^<\?.*\?>/, "")
        .matchAll(/<(\/?)([^\s>/]*)([^>]*)>/g)) {
        expect(["testsuites", "testsuite", "testcase", "failure", "skipped", "system-out"]).toContain(name);
        expect(rest).toMatch(/^(?: [a-z]+="[^"<]*")*\/?$/);
        if (slash === "/") expect(open.pop()).toBe(name);
        else if (!rest.endsWith("/")) open.push(name);
      }
      expect(open).toEqual([]);
      expect(xml).not.toMatch(/&(?!(?:amp|lt|gt|quot|#\d+);)/);
    }
    // A parser of others' making, where there is one.
    const parse =
      "import sys,json,xml.dom.minidom as m\nfor x in json.load(sys.stdin): m.parseString(x.encode())\nprint('parsed')";
    const ran = spawnSync("python3", ["-c", parse], { input: JSON.stringify(all), encoding: "utf8" });
    if (ran.error === undefined) expect(ran.stderr + ran.stdout).toBe("parsed\n");
  });

  it("the page stands alone, runs nothing, and shows texts as texts", () => {
    const good = reportPage(held.report, "ab".repeat(32));
    expect(good).toMatch(
      /<meta http-equiv="content-security-policy" content="default-src &#39;none&#39;; style-src &#39;sha256-[A-Za-z0-9+/=]+&#39;; base-uri &#39;none&#39;; form-action &#39;none&#39;/,
    );
    expect(good).toContain("Everything was as expected");
    expect(good).toContain("@media print");
    const shape = (text: string): string[] =>
      (text.match(/<\/?[a-z][^>]*>/g) ?? []).filter(
        (tag) => !/bdi|details|summary|class="(?:long|quiet)"|<\/span>/.test(tag),
      );
    const plain = shape(reportPage(hostile("plain"), "ab".repeat(32)));
    for (const [name, text] of Object.entries(texts)) {
      const made = reportPage(hostile(text), "ab".repeat(32));
      expect(made).not.toMatch(/<script|<img|<svg\/|<link|javascript:[^<]*"|url\(/i);
      expect(made).not.toMatch(INVISIBLES);
      if (text !== "") expect(shape(made), name).toEqual(plain);
    }
  });

  it("a finding stands whole on the page, and what was played in part is called no drill", () => {
    const finding = `gateway-2 ${"let it in ".repeat(60)}: push it.`;
    const report = changed(3, (one) => ({ ...one, ok: false, fault: "let_in", finding }));
    const failed = reportPage({ ...report, counts: { passed: 5, failed: 1, notProbed: 1 } }, "ab".repeat(32));
    expect(failed).toContain(`<li><bdi>${finding}</bdi></li>`);
    expect(failed).toContain("<dt>Next due</dt>");
    const part = reportPage({ ...held.report, partial: true }, "ab".repeat(32));
    expect(part).toContain("some cases alone, which is no whole drill");
    expect(part).not.toMatch(/Everything was as expected: |Next due/);
    expect(tableOf({ ...held.report, partial: true }).at(-1)).toBe("6 as expected, 0 not, 1 not probed.");
  });

  it("the page has the times that the terminal has, of this drill and of those before", () => {
    const times = { p50: 1, max: 2, lastP50: 33, lastMax: 44, earlier: [55, 66] };
    const measures = [{ name: "grant" as const, unit: "ms" as const, samples: [1, 2], ...times, ok: true }];
    const shown = reportPage({ ...held.report, measures }, "ab".repeat(32));
    const cells = [...shown.matchAll(/<td class="num">([^<]*)<\/td>/g)].map(([, cell]) => cell);
    expect(cells).toEqual(["1 ms", "33 ms", "55 ms, 66 ms", "2 ms", "44 ms", ""]);
  });

  it("the table counts faults, names what is no gateway, and says what may come from an old bundle alone", () => {
    const fault = { name: "node-away", expected: "no grant opens", seen: "one opened" };
    const faults = [
      { ...fault, ok: true },
      { ...fault, name: "clock", ok: false },
    ];
    const rows = tableOf({ ...held.report, faults });
    const first = rows.findIndex((row) => row.startsWith("FAIL"));
    expect(rows[first]).toMatch(/^FAIL {2}clock +expected no grant opens; seen one opened$/);
    expect(rows[first + 1]).toMatch(/^ok /);
    expect(rows.join("\n")).toMatch(/^ok {4}node-away +no grant opens$/m);
    expect(rows.at(-1)).toContain("6 as expected, 0 not, 1 not probed; 2 faults, 1 not as expected.");
    expect(tableOf({ ...held.report, faults: faults.slice(0, 1) }).at(-1)).toContain("; 1 fault, as expected.");
    // What made it stands beside it in each form.
    const made = faults.slice(0, 1).map((one) => ({ ...one, does: "sh down.sh", undo: "sh up.sh" }));
    const by = "made by: sh down.sh; undone by: sh up.sh";
    for (const form of [
      tableOf({ ...held.report, faults: made }).join("\n"),
      junitOf({ ...held.report, faults: made }),
    ])
      expect(form).toContain(by);
    expect(reportPage({ ...held.report, faults: made }, "ab".repeat(32))).toContain(by);

    const state = { case: "gateway-state", expected: "version 3", seen: "version 2", calls: [] };
    const looked: Assertion[] = [
      { ...state, gateway: "gateway-1", what: "the trust bundle that it serves", ok: false, finding: "old" },
      { ...state, gateway: "the trust bundle", what: "what it opens", ok: true },
    ];
    const old = { ...held.report, assertions: [...looked, ...held.report.assertions] };
    expect(tableOf(old).join("\n")).not.toContain("What else");
    const worse = changed(1, (one) => ({ ...one, ok: false, fault: "refused", finding: "x" })).assertions;
    const said = "What else is found on gateway-1 may come from another trust bundle alone";
    expect(tableOf({ ...old, assertions: [...looked, ...worse] }).join("\n")).toContain(said);
    const counts = { passed: 6, failed: 2, notProbed: 1 };
    expect(reportPage({ ...old, counts, assertions: [...looked, ...worse] }, "ab".repeat(32))).toContain(said);
    const good = looked.map((one) => ({ ...one, ok: true }));
    expect(tableOf({ ...old, assertions: good }).join("\n")).toMatch(
      /^ok {4}gateway-state .*: 2 checks on gateway-1 and the trust bundle$/m,
    );
  });

  it("the table has what is wrong first, and nothing that moves a cursor", () => {
    const report = changed(3, (one) => ({ ...one, ok: false, fault: "let_in", finding: "gateway-2 let it in." }));
    const measures = report.measures.map((one) => ({ ...one, ok: false, limit: 100, lastP50: 70 }));
    const rows = tableOf({ ...report, measures, counts: { passed: 5, failed: 1, notProbed: 1 } });
    expect(rows.slice(1, 5)).toEqual([
      "Findings:",
      "  - gateway-2 let it in.",
      expect.stringMatching(
        /Too slow: from the ask to the grant: 90 ms in the middle \(last time 70 ms\), 110 ms at most \(3\), limit 100 ms/,
      ),
      expect.stringMatching(/^FAIL {2}opens .*failed on gateway-2 \(1 of 1\)$/),
    ]);
    expect(rows.at(-1)).toMatch(/^5 as expected, 1 not, 1 not probed; 1 limit exceeded\. Next due \d{4}-\d\d-\d\d\.$/);
    expect(rows.join("\n")).toMatch(/^ok {4}expired .*2 checks on 2 gateways$/m);
    for (const text of Object.values(texts)) expect(tableOf(hostile(text)).join("")).not.toMatch(INVISIBLES);
  });
});

describe("a drill beside the last one", () => {
  it("says what is worse, mended, gone and new, and how long it took then", async () => {
    const output = at("compared");
    const broken = changed(1, (one) => ({ ...one, ok: false, finding: "x" }));
    const before = {
      ...broken,
      counts: { passed: 5, failed: 1, notProbed: 1 },
      ended: new Date((NOW - 900) * 1000).toISOString(),
      began: new Date((NOW - 950) * 1000).toISOString(),
    };
    expect(lastOf(output, "quarterly")).toBeUndefined();
    await writeReport(output, before, (claims) => held.sign(claims), NOW - 900);
    mkdirSync(join(output, "20260101T000000Z-quarterly"));
    const last = lastOf(output, "quarterly");
    expect(lastOf(output, "nightly")).toBeUndefined();
    const now = {
      ...held.report,
      assertions: held.report.assertions
        .slice(0, 5)
        .map((one, i) => (i === 0 ? { ...one, ok: false, finding: "y" } : one))
        .concat({ ...(held.report.assertions[0] ?? { calls: [] }), what: "something new" } as Assertion),
    };
    const compared = withLast(now, last);
    expect(compared.last).toEqual({
      began: before.began,
      report: sha256Hex(reportBytes(before)),
      worse: ["opens on gateway-1: a good grant"],
      mended: ["expired on gateway-1: a grant that has expired"],
      gone: ["scope-path on gateway-2: a grant for another path"],
      fresh: ["opens on gateway-1: something new"],
    });
    expect(compared.measures[0]?.lastP50).toBe(90);
    expect(tableOf(compared).join("\n")).toMatch(/Worse than on .*\n {2}- opens on gateway-1: a good grant/);
  });
});

describe("drill due", () => {
  const DAY = 86_400_000;
  async function hold(output: string, name: string, ago: number, every: number): Promise<void> {
    const ended = Date.now() - ago * DAY;
    const [began, dueNext] = [new Date(ended - 1000), new Date(ended + every * DAY)];
    const report = {
      ...held.report,
      ...{ name, drill: name },
      began: began.toISOString(),
      ended: new Date(ended).toISOString(),
      dueNext: dueNext.toISOString(),
    };
    await writeReport(output, report, (claims) => held.sign(claims), Math.floor(ended / 1000));
  }

  it("goes by the newest signed report of each name", async () => {
    const output = at("due");
    await hold(output, "quarterly", 100, 90);
    const late = await drill("due", "due");
    expect(late.stdout).toMatch(
      /^OVERDUE {2}\d{4}-\d\d-\d\d {2}quarterly: held \d{4}-\d\d-\d\d, signed by drill-rita, went well\n$/,
    );
    expect(late.code).toBe(1);
    await hold(output, "nightly", 3, 1);
    await hold(output, "quarterly", 1, 90);
    const json = JSON.parse((await drill("due", "due", "--json")).stdout);
    expect(json.drills.map(({ name, overdue }: { name: string; overdue: boolean }) => [name, overdue])).toEqual([
      ["nightly", true],
      ["quarterly", false],
    ]);
    // Some of its cases alone make no drill.
    const part = { ...held.report, partial: true as const };
    const { folder } = await writeReport(output, part, (claims) => held.sign(claims), NOW);
    expect((await verify(folder)).code).toBe(0);
    expect(JSON.parse((await drill("due", "due", "--json")).stdout)).toEqual(json);
    expect(lastOf(output, "quarterly")?.report.partial).toBeUndefined();
    expect(withLast(part, lastOf(output, "quarterly"))).toBe(part);
    const trusted = ["--anchors", "anchors.json", "--bundle", "bundle.jws"];
    expect(await drill("due", "due", "--drill", "quarterly", ...trusted)).toMatchObject({ code: 0, stderr: "" });
    expect(await drill("due", "due", "--drill", "yearly")).toMatchObject({
      code: 1,
      stdout: "OVERDUE  never       yearly: no signed report of it is there\n",
    });
    expect((await drill("due", "due", "--drill", "quaterly")).stdout).toMatch(/; did you mean quarterly\?$/m);
  });

  it("counts from the last one, whatever its report says, and none that is to come or of another name", async () => {
    const output = at("within");
    await hold(output, "quarterly", 100, 36_500);
    const trusted = ["--anchors", "anchors.json", "--bundle", "bundle.jws"];
    expect((await drill("due", "within", ...trusted)).code).toBe(0);
    const within = await drill("due", "within", "--within", "92d", ...trusted);
    expect(within).toMatchObject({ code: 1, stdout: expect.stringMatching(/^OVERDUE .*quarterly/) });
    await hold(output, "quarterly", -400, 1);
    const ahead = await drill("due", "within", "--within", "92d", ...trusted);
    expect(ahead).toMatchObject({ code: 1, stderr: expect.stringMatching(/does not count: .*, which is to come/) });
    expect(lastReport(output, "quarterly", undefined, Date.now())).toMatchObject({
      ...{ last: { report: { name: "quarterly" } }, odd: [expect.stringContaining("which is to come")] },
    });
  });

  it("waits for no pipe, follows no link, and says so", async () => {
    const output = at("plain");
    await hold(output, "quarterly", 1, 90);
    const [name = ""] = readdirSync(output);
    symlinkSync(join(output, name), join(output, "20990101T000000Z-linked"));
    for (const [folder, file] of [
      ["piped", "report.json"],
      ["signed-by-a-pipe", "report.jws"],
    ] as const) {
      cpSync(join(output, name), join(output, folder), { recursive: true });
      rmSync(join(output, folder, file));
      expect(spawnSync("mkfifo", [join(output, folder, file)]).status).toBe(0);
    }
    cpSync(join(output, name), join(output, "half"), { recursive: true });
    truncateSync(join(output, "half", "report.json"), 100);
    const { code, stdout, stderr } = await drill("due", "plain");
    expect({ code, rows: stdout.split("\n").length - 1 }).toEqual({ code: 0, rows: 1 });
    expect(stderr).toMatch(/linked does not count: it is a link/);
    expect(stderr).toMatch(/piped does not count: Cannot read the report .* it is no plain file/);
    expect(stderr).toMatch(
      /signed-by-a-pipe does not count: Cannot read the report's signature .* it is no plain file/,
    );
    expect(stderr).toMatch(/half does not count: report\.json is not the report that was signed/);
    expect(await verify(join("plain", "piped"))).toMatchObject({ code: 2, stdout: "" });
  });

  it("counts no report that is not signed, or is another than the signed one, and is not content with none", async () => {
    expect(await drill("due", "never-there")).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("No signed report of a drill is in never-there: there is no such folder."),
    });
    const output = at("odd");
    await hold(output, "quarterly", 1, 90);
    const [name = ""] = readdirSync(output);
    cpSync(join(output, name), join(output, "20990101T000000Z-quarterly"), { recursive: true });
    writeFileSync(join(output, "20990101T000000Z-quarterly", "report.json"), "{}");
    mkdirSync(join(output, ".hidden"));
    const ran = await drill("due", "odd");
    expect(ran).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("20990101T000000Z-quarterly does not count"),
    });
    const other = at("forged");
    await writeReport(other, held.report, (claims) => signDrill(claims, newKey("Ed25519")), NOW);
    for (const trusted of [["--anchors", "anchors.json", "--bundle", "bundle.jws"], []])
      expect(await drill("due", "forged", ...trusted)).toMatchObject({
        ...{ code: 1, stdout: "", stderr: expect.stringContaining("is not one of drill-rita") },
      });
    // Where nobody is known, that is said.
    const elsewhere = at("elsewhere");
    mkdirSync(elsewhere);
    expect(await inside(["drill", "due", "../forged"], { cwd: elsewhere })).toMatchObject({
      ...{ code: 0, stderr: expect.stringContaining("nobody's signature is checked") },
    });
  });
});

describe("the ledger takes the signature", () => {
  it("in a folder and where it is served, says so in tail, and tells what is due", async () => {
    const folder = await written(held.report);
    const token = readFileSync(join(folder, "report.jws"), "utf8").trim();
    const opened = await held.open();
    const quiet = (): void => {};
    const place = at("ledger");
    const running = await runLedger({
      folder: place,
      config: readLedgerConfig(join(place, "ledger.yaml")),
      opened,
      say: quiet,
      isServing: true,
    });
    const url = running.listening[0]?.address ?? "";
    const first = await sendDrill(url, token);
    expect(first).toMatchObject({ isNew: true });
    expect(await handInDrill(opened, token)).toEqual({ ...first, isNew: false });
    const forged = await signDrill(
      { ...drillClaims(held.report, "ab".repeat(32), NOW), checkpoint: { size: 2, root: "00".repeat(32) } },
      held.rita,
    );
    const refused = { refused: [expect.stringContaining("a checkpoint of 2 entries that is not this ledger's")] };
    expect(await sendDrill(url, forged)).toEqual(refused);
    expect(await handInDrill(opened, forged)).toEqual(refused);
    await expect(sendDrill(url, "{}")).rejects.toThrow(/answers 400: The body is one signature of a drill's report/);
    const strange = await signDrill(drillClaims(held.report, "ab".repeat(32), NOW), newKey("Ed25519"));
    expect(await sendDrill(url, strange)).toMatchObject({
      refused: [expect.stringContaining("is not one of drill-rita")],
    });
    const entered = await drill("enter", folder, "--ledger", url);
    expect(entered).toMatchObject({ code: 0, stdout: expect.stringMatching(/^It was entered before: entry \d+\.\n$/) });
    const altered = at("altered");
    cpSync(folder, altered, { recursive: true });
    writeFileSync(join(altered, "report.json"), readFileSync(join(altered, "report.json"), "utf8").replace("6", "7"));
    expect(await drill("enter", altered, "--ledger", url)).toMatchObject({
      ...{ code: 2, stdout: "" },
      stderr: expect.stringContaining("report.json is not the report that was signed: its hash is another."),
    });
    // By the folder of a ledger that is served here: at its address, and its key is asked of nobody.
    const yaml = join(place, "ledger.yaml");
    const [plain, lock] = [yaml, join(place, "lock")].map((path) => readFileSync(path, "utf8"));
    const busy = await drill("enter", folder, "--ledger", "ledger");
    expect(busy).toMatchObject({ code: 1, stderr: expect.stringMatching(/"test" writes to .* Nothing was entered\./) });
    writeFileSync(yaml, plain?.replace("127.0.0.1:0", new URL(url).host) ?? "");
    writeFileSync(join(place, "lock"), lock?.replace('"name":"test"', `"name":"${SERVES}"`) ?? "");
    expect(await drill("enter", folder, "--ledger", "ledger")).toMatchObject({ code: 0, stdout: entered.stdout });
    writeFileSync(yaml, plain ?? "");
    writeFileSync(join(place, "lock"), lock ?? "");
    await running.stop();
    const passphrase = { cwd: held.folder, env: { GLASSGATE_PASSPHRASE: PASSPHRASE } };
    const other = await written({ ...held.report, notProbed: [], counts: { ...held.report.counts, notProbed: 0 } });
    const here = await inside(["drill", "enter", other, "--ledger", "ledger", "--json"], passphrase);
    expect(JSON.parse(here.stdout)).toEqual({ entry: expect.any(Number), new: true });
    const bad = await written(held.report, (claims) => ({ ...claims, origin: "ledger.example/other" }));
    expect(await inside(["drill", "enter", bad, "--ledger", "ledger"], passphrase)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("The ledger refuses the signature of the drill: It is of another ledger"),
    });
    const ledger = ["ledger", "--key", "ledger.vkey"];
    const tail = await inside(["ledger", "tail", ...ledger, "--type", "drill"], { cwd: held.folder });
    expect(tail.stdout).toContain("drill-rita signed the drill quarterly");
    const checked = await inside(["ledger", "verify", ...ledger, "--anchors", "anchors.json"], { cwd: held.folder });
    expect(checked.stdout).not.toContain("drill_invalid");
    const due = await drill("due", "--ledger", ...ledger, "--anchors", "anchors.json");
    expect(due.stdout + due.stderr).toMatch(/^due {6}\d{4}-\d\d-\d\d {2}quarterly: held/m);
    expect(due.code).toBe(0);
    expect((await drill("due", "--ledger", "ledger")).code).toBe(2);
    // A drill that nobody held: signed, and entered; the ledger has no record of it.
    const later = new Date((NOW + 500) * 1000).toISOString();
    const names = { ...held.report, name: "never-held", drill: "never-held", ended: later };
    const { folder: none0 } = await writeReport(at("never-held"), names, (claims) => held.sign(claims), NOW + 400);
    expect(await inside(["drill", "enter", none0, "--ledger", "ledger"], passphrase)).toMatchObject({ code: 0 });
    const never = await drill("due", "--drill", "never-held", "--ledger", ...ledger, "--anchors", "anchors.json");
    expect(never).toMatchObject({ code: 1, stdout: expect.stringContaining("OVERDUE  never       never-held") });
    expect(never.stderr).toMatch(
      /entry \d+ does not count: drill-rita signed a drill never-held .*no record of a grant/,
    );
    // A ledger that let in what does not hold is named, and then says nothing of drills.
    const log = await held.openLog();
    const head = {
      ledger: 1,
      type: "drill",
      received: new Date().toISOString(),
      sender: "drill-rita",
      via: "signature",
    } as const;
    await log.append([strange, forged].map((text) => encodeEntry({ head, body: Buffer.from(text) })));
    await log.close();
    const told = await inside(["ledger", "verify", ...ledger, "--anchors", "anchors.json"], { cwd: held.folder });
    expect(told.code).toBe(1);
    expect(told.stdout).toMatch(/drill_invalid: the ledger has no alarm about it: .*is not one of drill-rita/);
    expect(told.stdout).toMatch(
      /drill_invalid: the signature of drill-rita under the drill quarterly does not hold: It names a checkpoint of 2 entries that is not this ledger's/,
    );
    const none = await drill("due", "--ledger", ...ledger, "--anchors", "anchors.json");
    expect(none).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("so it says nothing of drills"),
    });
  });
});
