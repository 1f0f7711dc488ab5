/** What becomes of a report: its folder, its signature, what is checked of it offline, and what is told of it. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Assertion, Report } from "../../control/drill/model.js";
import { withLast } from "../../control/drill/report/compare.js";
import { handInDrill } from "../../control/drill/report/enter.js";
import { drillsIn, lastReport } from "../../control/drill/report/folder.js";
import { junitOf } from "../../control/drill/report/junit.js";
import { reportPage } from "../../control/drill/report/page.js";
import { tableOf } from "../../control/drill/report/table.js";
import { drillClaims, reportBytes, sha256Of, writeReport } from "../../control/drill/report/write.js";
import { type DrillClaims, readDrillToken, signDrill } from "../../control/ledger/drill.js";
import { newKey } from "../../control/signer/jwk.js";
import { glassgate, type Ran } from "../cli/run.js";
import { FIXED, INVISIBLE } from "../review/page/hostile.js";
import { type HeldDrill, holdDrill, ORIGIN } from "./report-kit.js";

let held: HeldDrill;
beforeAll(async () => {
  held = await holdDrill();
}, 120_000);
afterAll(() => held.remove());

const NOW = Math.floor(Date.now() / 1000);
const at = (...path: string[]): string => join(held.folder, ...path);
const drill = (...args: string[]): Promise<Ran> => glassgate(["drill", ...args], { cwd: held.folder });
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
const changed = (i: number, change: (one: Assertion) => Assertion): Report => ({
  ...held.report,
  assertions: held.report.assertions.map((one, j) => (i === j ? change(one) : one)),
});
const call = (i: number, change: Partial<Assertion["calls"][number]>): Report =>
  changed(i, (one) => ({ ...one, calls: one.calls.map((other) => ({ ...other, ...change })) }));

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
      notProved: [expect.stringContaining("what callers were answered")],
    });
  });

  it("is not there at all where it cannot be signed or written, and two of one second are two", async () => {
    const output = at("whole");
    const fail = (): Promise<string> => Promise.reject(new Error("no key"));
    await expect(writeReport(output, held.report, fail, NOW)).rejects.toThrow("no key");
    expect(existsSync(output)).toBe(false);
    writeFileSync(output, "");
    await expect(writeReport(output, held.report, (claims) => held.sign(claims), NOW)).rejects.toThrow(/Cannot write/);
    const twice = at("twice");
    for (let i = 0; i < 2; i++) await writeReport(twice, held.report, (claims) => held.sign(claims), NOW);
    expect(readdirSync(twice).sort()).toEqual([
      expect.stringMatching(/Z-quarterly$/),
      expect.stringMatching(/Z-quarterly-2$/),
    ]);
    expect(drillsIn(twice)).toMatchObject({ drills: [{}, {}], odd: [] });
  });
});

describe("drill verify names the first wrong thing", () => {
  /** What a signer could write and sign: his own word is not enough. */
  const lies: Readonly<Record<string, readonly [says: RegExp, make: () => Promise<string>]>> = {
    "counts that are not the assertions'": [
      /counts 7 as expected, 0 not and 1 not probed; it has 6, 0 and 1/,
      () => written({ ...held.report, counts: { passed: 7, failed: 0, notProbed: 1 } }),
    ],
    "a finding that is as expected": [
      /opens on gateway-1: a good grant is as expected and has a finding/,
      () => written(changed(0, (one) => ({ ...one, finding: "It is open." }))),
    ],
    "another verdict than the record's": [
      /expired on gateway-1: .* the report says verdict scope, the record in entry \d+ says expired/,
      () => written(call(1, { verdict: "scope" })),
    ],
    "another request's record": [
      /the report says request id other, the record in entry \d+ says gateway-1-expired/,
      () => written(call(1, { requestId: "other" })),
    ],
    "another gateway's record": [
      /the report says gateway gateway-2, the record in entry \d+ says gateway-1/,
      () => written(changed(0, (one) => ({ ...one, gateway: "gateway-2" }))),
    ],
    "another drill's records": [
      /the report says drill nightly, the record in entry \d+ says quarterly/,
      () => written({ ...held.report, drill: "nightly" }),
    ],
    "a denial that was none": [
      /it is as expected with allow in place of expired/,
      () => written(changed(0, (one) => ({ ...one, expected: "denied: expired" }))),
    ],
    "an entry whose bytes were changed": [
      /entry \d+ has another hash than the report says: its bytes were changed/,
      () => written(call(1, { bytes: Buffer.from("{}\n").toString("base64") })),
    ],
    "an entry that stands elsewhere": [
      /entry 0 is not proved to be in the ledger's tree/,
      () => written(call(1, { entry: 0 })),
    ],
    "a proof that is cut": [/is not proved to be in the ledger's tree/, () => written(call(1, { proof: [] }))],
    "a record without its proof": [
      /it has a record, and no proof of it/,
      () =>
        written(
          changed(1, (one) => ({
            ...one,
            calls: one.calls.map(({ entry: _entry, leaf: _leaf, proof: _proof, bytes: _bytes, ...rest }) => rest),
          })),
        ),
    ],
    "another tree under the ledger's name": [
      /The ledger's checkpoint does not hold/,
      () => {
        const [first = "", size = "", , ...rest] = (held.report.checkpoint?.text ?? "").split("\n");
        const text = [first, size, Buffer.alloc(32).toString("base64"), ...rest].join("\n");
        return written({ ...held.report, checkpoint: { text } });
      },
    ],
    "a signature that says another due date": [
      /The signature says of `due` something else than the report/,
      () => written(held.report, (claims) => ({ ...claims, due: "2036-01-01T00:00:00.000Z" })),
    ],
    "a drill that went well with a measure over its limit": [
      /The signature says of `good` something else/,
      () =>
        written({ ...held.report, measures: held.report.measures.map((one) => ({ ...one, ok: false })) }, (claims) => ({
          ...claims,
          good: true,
        })),
    ],
    "somebody whom the bundle does not name": [
      /mallory is not in the trust bundle of test/,
      () => written({ ...held.report, people: { ...held.report.people, signer: "mallory" } }),
    ],
    "a report that was changed afterwards": [
      /This is not the report that drill-rita signed/,
      async () => {
        const folder = await written(held.report);
        writeFileSync(join(folder, "report.json"), ` ${readFileSync(join(folder, "report.json"), "utf8")}`);
        return folder;
      },
    ],
    "a forged signature": [
      /The key .* is not one of drill-rita/,
      async () => {
        const folder = await written(held.report);
        const claims = drillClaims(held.report, sha256Of(reportBytes(held.report)), NOW);
        writeFileSync(join(folder, "report.jws"), `${await signDrill(claims, newKey("Ed25519"))}\n`);
        return folder;
      },
    ],
  };
  for (const [name, [says, make]] of Object.entries(lies))
    it(name, async () => {
      const ran = await verify(await make());
      expect(ran.stdout).toMatch(says);
      expect(ran.stdout.match(/^Wrong: /gm)).toHaveLength(1);
      expect(ran.code).toBe(1);
    });

  it("and says what is no report, or no key, as a wrong input", async () => {
    const folder = await written(held.report);
    const noKey = await drill("verify", folder);
    expect(noKey).toMatchObject({ code: 2, stdout: "" });
    expect(noKey.stderr).toContain("no key of the ledger is named");
    writeFileSync(join(folder, "report.jws"), "nothing\n");
    expect(await verify(folder)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("is no signature of a drill"),
    });
    expect((await verify("nowhere")).code).toBe(2);
  });

  it("without a ledger: what is not proved is said", async () => {
    const { checkpoint: _checkpoint, origin: _origin, ...rest } = held.report;
    const bare = { ...rest, assertions: rest.assertions.map((one) => ({ ...one, calls: [] })) };
    const ran = await drill("verify", await written(bare));
    expect(ran.stdout).toMatch(/Not proved:.*the drill had no ledger/s);
    expect(ran.code).toBe(0);
  });
});
