/** What whoever holds a signer's key could write and sign, and what `drill verify` makes of it: his own word is not enough. */
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Assertion, FaultResult, Report } from "../../control/drill/model.js";
import { provenEntry } from "../../control/drill/report/enter.js";
import { verifyReport } from "../../control/drill/report/verify.js";
import { drillClaims, reportBytes, writeReport } from "../../control/drill/report/write.js";
import { type DrillClaims, signDrill } from "../../control/ledger/drill.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { fileSource } from "../../control/ledger/tlog/read.js";
import { newKey, type PrivateKey } from "../../control/signer/jwk.js";
import { sha256Hex } from "../../control/signer/sign.js";
import { type Anchors, readAnchors } from "../../control/trust/anchors.js";
import { verifyBundle } from "../../control/trust/bundle.js";
import type { BundleClaims } from "../../control/trust/claims.js";
import { inside } from "../cli/inside.js";
import type { Ran } from "../cli/run.js";
import { PASSPHRASE } from "../ledger/whole.js";
import { type HeldDrill, holdDrill } from "./report-kit.js";

let held: HeldDrill;
let anchors: Anchors;
let bundle: BundleClaims;
beforeAll(async () => {
  held = await holdDrill();
  anchors = readAnchors(at("anchors.json"));
  bundle = (await verifyBundle(readFileSync(at("bundle.jws"), "utf8"), "bundle.jws", anchors)).claims;
}, 120_000);
afterAll(() => held.remove());
const at = (...path: string[]): string => join(held.folder, ...path);
const NOW = Math.floor(Date.now() / 1000);
const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();

type Told = Assertion["calls"][number];
const told = ({ calls }: Assertion, change: Partial<Told>): Told[] => calls.map((one) => ({ ...one, ...change }));
const changed = (i: number, change: (one: Assertion) => Partial<Assertion>, passed = 6): Report => ({
  ...held.report,
  counts: { passed, failed: 6 - passed, notProbed: 1 },
  assertions: held.report.assertions.map((one, j) => (i === j ? { ...one, ...change(one) } : one)),
});
const call = (i: number, change: Partial<Told>): Report => changed(i, (one) => ({ calls: told(one, change) }));
const only = (assertions: readonly Assertion[]): Report => ({
  ...held.report,
  assertions,
  counts: { passed: assertions.length, failed: 0, notProbed: 1 },
});
/** As a drill without a ledger tells of it. */
const unproved = ({ entry: _entry, leaf: _leaf, proof: _proof, bytes: _bytes, ...rest }: Told): Told => rest;
const held0 = (): Assertion => held.report.assertions[0] ?? expect.fail();

/** A fault whose calls have records that nothing else names. */
function fault(change: Partial<FaultResult> = {}, seen = "of 1 that the filter judged 1 on record, 1 entered"): Report {
  const { real } = held;
  const [first, ...others] = held.report.assertions;
  const one = { name: "ledger-down", gateways: ["gateway-1"], expected: "as before", ok: true };
  const faults = [{ ...one, seen: `${seen} in the ledger`, calls: first?.calls ?? [], ...change }];
  // Its evidence is the first assertion's, whose place another call takes that was not let in.
  const bare: Assertion = {
    ...held0(),
    expected: "refused, as it has no credential",
    calls: [unproved({ ...real, status: 401 })],
  };
  const { verdict: _verdict, vm: _vm, seq: _seq, mode: _mode, ...plain } = bare.calls[0] ?? expect.fail();
  return { ...held.report, assertions: [{ ...bare, calls: [plain] }, ...others], faults };
}

interface Lie {
  readonly says: RegExp;
  readonly report?: () => Report;
  readonly claims?: (claims: DrillClaims) => DrillClaims;
  readonly key?: () => PrivateKey;
  readonly bytes?: (bytes: Buffer) => Buffer;
  /** Changed after it was signed. */
  readonly changed?: (bytes: Buffer) => Buffer;
  readonly anchors?: () => Anchors;
}

async function judge(lie: Partial<Lie>): Promise<ReturnType<typeof verifyReport>> {
  const report = lie.report?.() ?? held.report;
  const bytes = (lie.bytes ?? ((same) => same))(reportBytes(report));
  const claims = drillClaims(report, sha256Hex(bytes), NOW);
  const token = await signDrill((lie.claims ?? ((same) => same))(claims), lie.key?.() ?? held.rita);
  return verifyReport({
    ...{ bytes: (lie.changed ?? ((same) => same))(bytes), token, named: "report.json", bundle },
    ...{ anchors: lie.anchors?.() ?? anchors, key: parseVkey(held.vkey), now: Date.now(), forms: new Map() },
  });
}

const lies: Readonly<Record<string, Lie>> = {
  "counts that are not the assertions'": {
    says: /counts 7 as expected, 0 not and 1 not probed; it has 6, 0 and 1/,
    report: () => ({ ...held.report, counts: { passed: 7, failed: 0, notProbed: 1 } }),
  },
  "a finding that is as expected": {
    says: /opens on gateway-1: a good grant is as expected and has a finding/,
    report: () => changed(0, () => ({ finding: "It is open." })),
  },
  "no finding where something is not as expected": {
    says: /opens on gateway-1: a good grant is not as expected, and no finding says why/,
    report: () => changed(0, () => ({ ok: false }), 5),
  },
  "another verdict than the record's": {
    says: /expired on gateway-1: .* the report says verdict scope, the record in entry \d+ says expired/,
    report: () => changed(1, (one) => ({ expected: "denied: scope", calls: told(one, { verdict: "scope" }) })),
  },
  "another request's record": {
    says: /the report says request id other, the record in entry \d+ says gateway-1-expired/,
    report: () => call(1, { requestId: "other" }),
  },
  "another gateway's record": {
    says: /the report says gateway gateway-2, the record in entry \d+ says gateway-1/,
    report: () => changed(0, () => ({ gateway: "gateway-2" })),
  },
  "another drill's records": {
    says: /the report says drill nightly, the record in entry \d+ says quarterly/,
    report: () => ({ ...held.report, drill: "nightly", name: "nightly" }),
  },
  "another drill's name": {
    says: /It is under the name yearly, and its grants were of the drill quarterly/,
    report: () => ({ ...held.report, name: "yearly" }),
  },
  "a real grant's record": {
    says: /opens on gateway-1: .* the report says drill quarterly, the record in entry \d+ says none/,
    report: () => changed(0, () => ({ calls: [held.real] })),
  },
  "one record for two calls": {
    says: /opens on gateway-1: a second grant: entry \d+ is the evidence of another call already, of opens on gateway-1: a good grant/,
    report: () => only([...held.report.assertions, { ...held0(), what: "a second grant" }]),
  },
  "a denial that was none": {
    says: /it is as expected with allow in place of expired/,
    report: () => changed(0, () => ({ expected: "denied: expired" })),
  },
  "a denial that was answered with what was asked for": {
    says: /expired on gateway-1: .*: it is as expected, and a call was let in/,
    report: () => call(1, { status: 200 }),
  },
  "a call that was let in where none may be": {
    says: /opens on gateway-1: .*: it is as expected, and a call was let in/,
    report: () => changed(0, () => ({ expected: "not let in" })),
  },
  "an opening without a call": {
    says: /opens on gateway-1: .*: it is as expected, and no call was made/,
    report: () => changed(0, () => ({ calls: [] })),
  },
  "a stream that no record ends": {
    says: /it is as expected, and no record ends the stream/,
    report: () => changed(0, () => ({ expected: "allowed, and cut when the grant ends" })),
  },
  "an entry whose bytes were changed": {
    says: /entry \d+ has another hash than the report says: its bytes were changed/,
    report: () => call(1, { bytes: Buffer.from("{}\n").toString("base64") }),
  },
  "an entry that stands elsewhere": {
    says: /entry 0 is not proved to be in the ledger's tree/,
    report: () => call(1, { entry: 0 }),
  },
  "a proof that is cut": {
    says: /is not proved to be in the ledger's tree/,
    report: () => call(1, { proof: [] }),
  },
  "a record without its proof": {
    says: /it has a record, and no proof of it/,
    report: () => changed(1, (one) => ({ calls: one.calls.map(unproved) })),
  },
  "a gateway that the report does not have": {
    says: /opens on elsewhere: .*: the report has no gateway elsewhere/,
    report: () => changed(0, (one) => ({ gateway: "elsewhere", calls: one.calls.map(unproved) })),
  },
  "a gateway to which nothing was sent": {
    says: /Nothing was sent to gateway-2: there no drill was held/,
    report: () => only(held.report.assertions.filter(({ gateway }) => gateway === "gateway-1")),
  },
  "no gateway at all": {
    says: /The report names no gateway/,
    report: () => ({ ...only([]), gateways: [] }),
  },
  "a gateway that went well and has no record": {
    says: /all went well, and has not one record of gateway-2/,
    report: () =>
      only([
        ...held.report.assertions.filter(({ gateway }) => gateway === "gateway-1"),
        {
          ...{ case: "no-credential", gateway: "gateway-2", what: "GET", expected: "refused, as it has no credential" },
          ...{ seen: "401", ok: true, calls: [{ requestId: "1", method: "GET", host: "h", path: "/", status: 401 }] },
        },
      ]),
  },
  "last quarter's records": {
    says: /the ledger took entry \d+ in at .*, and the drill was held from/,
    report: () => ({ ...held.report, began: iso(NOW - 8_640_000), ended: iso(NOW - 8_639_000) }),
    claims: (claims) => ({ ...claims, iat: NOW - 8_639_000 }),
  },
  "a drill that was signed long after it": {
    says: /the drill ended at .*, and that it was signed at .*: a drill is signed as it ends/,
    report: () => ({ ...held.report, began: iso(NOW - 90_000), ended: iso(NOW - 86_400) }),
  },
  "a drill that ends tomorrow": {
    says: /It says that it was signed at .*, which is to come/,
    report: () => ({ ...held.report, ended: iso(NOW + 86_400) }),
    claims: (claims) => ({ ...claims, iat: NOW + 86_400 }),
  },
  "records of other anchors": {
    says: /the record in entry \d+ is by other anchors than these/,
    anchors: () => ({ ...anchors, threshold: 1 }),
  },
  "a drill of another environment": {
    says: /It is of a drill in staging, and the anchors are of test/,
    report: () => ({ ...held.report, audience: "staging" }),
  },
  "another tree under the ledger's name": {
    says: /The ledger's checkpoint does not hold/,
    report: () => {
      const [first = "", size = "", , ...rest] = (held.report.checkpoint?.text ?? "").split("\n");
      return {
        ...held.report,
        checkpoint: { text: [first, size, Buffer.alloc(32).toString("base64"), ...rest].join("\n") },
      };
    },
  },
  "a signature that says another due date": {
    says: /The signature says of `due` something else than the report/,
    claims: (claims) => ({ ...claims, due: "2036-01-01T00:00:00.000Z" }),
  },
  "some cases alone that are signed as a whole drill": {
    says: /The signature says of `partial` something else than the report/,
    report: () => ({ ...held.report, partial: true }),
    claims: ({ partial: _partial, ...claims }) => claims,
  },
  "a signature that says another drill file": {
    says: /The signature says of `file` something else than the report/,
    report: () => ({ ...held.report, drillFile: "ab".repeat(32) }),
    claims: (claims) => ({ ...claims, file: "cd".repeat(32) }),
  },
  "a signature that says no drill file": {
    says: /The signature says of `file` something else than the report/,
    report: () => ({ ...held.report, drillFile: "ab".repeat(32) }),
    claims: ({ file: _file, ...claims }) => claims,
  },
  "a drill that went well with a measure over its limit": {
    says: /The signature says of `good` something else/,
    report: () => ({
      ...held.report,
      measures: held.report.measures.map((one) => ({ ...one, limit: 100, ok: false })),
    }),
    claims: (claims) => ({ ...claims, good: true }),
  },
  "a measure that hides its slowest sample": {
    says: /Of `grant` the report says something else than its samples/,
    report: () => ({ ...held.report, measures: held.report.measures.map((one) => ({ ...one, limit: 100 })) }),
  },
  "a fault whose record was changed": {
    says: /the fault ledger-down: entry \d+ has another hash/,
    report: () => fault({ calls: told(held0(), { bytes: "e30K" }) }),
  },
  "a fault whose record has no proof": {
    says: /the fault ledger-down: it has a record, and no proof of it/,
    report: () => fault({ calls: held0().calls.map(unproved) }, "of 1 that the filter judged 1 on record, 0 entered"),
  },
  "a fault with another verdict than the record's": {
    says: /the fault ledger-down: the report says verdict expired, the record in entry \d+ says allow/,
    report: () => fault({ calls: told(held0(), { verdict: "expired", status: 401 }) }),
  },
  "a fault in which a record was lost": {
    says: /the fault ledger-down: it is as expected, and a call was let in that is recorded as nothing/,
    report: () =>
      fault({ calls: [{ requestId: "1", method: "GET", host: "h", path: "/", status: 200 }] }, "of 1 judged 0 entered"),
  },
  "a fault that counts more than it has": {
    says: /the fault ledger-down: it counts 7 records, and has 1/,
    report: () => fault({}, "of 1 that the filter judged 7 on record, 1 entered"),
  },
  "a fault that counts with a case's record": {
    says: /the fault ledger-down: entry \d+ is the evidence of another call already/,
    report: () => ({ ...fault(), assertions: held.report.assertions }),
  },
  "a fault that went wrong and has no finding": {
    says: /the fault ledger-down is not as expected, and no finding says why/,
    report: () => fault({ ok: false }),
  },
  "somebody whom the bundle does not name": {
    says: /mallory is not in the trust bundle of test/,
    report: () => ({ ...held.report, people: { ...held.report.people, signer: "mallory" } }),
  },
  "somebody who may hold no drill": {
    says: /carl may hold no drill by the trust bundle of test \(version \d+\): roles of an entitlement with `drill: true` are oncall, drill-oncall/,
    report: () => ({ ...held.report, people: { ...held.report.people, signer: "carl" } }),
    key: () => held.carl,
  },
  "a forged signature": { says: /The key .* is not one of drill-rita/, key: () => newKey("Ed25519") },
  "a report that was changed afterwards": {
    says: /This is not the report that drill-rita signed/,
    changed: (bytes) => Buffer.concat([Buffer.from(" "), bytes]),
  },
};

describe("drill verify names the first wrong thing", () => {
  it.each(Object.entries(lies))("%s", async (_, lie) => {
    const { wrong, proved, notProved } = await judge(lie);
    expect(wrong).toMatch(lie.says);
    expect({ proved, notProved }).toEqual({ proved: [], notProved: [] });
  });

  it("and takes what has a fault's calls, what is partial, and what was signed before audiences were told", async () => {
    expect(await judge({ report: () => fault() })).toMatchObject({ wrong: undefined });
    const { audience: _audience, ...before } = held.report;
    expect(await judge({ report: () => before })).toMatchObject({ wrong: undefined });
    const { wrong, proved } = await judge({ report: () => ({ ...held.report, partial: true }) });
    expect({ wrong, proved }).toMatchObject({
      wrong: undefined,
      proved: [expect.stringContaining("exactly this"), expect.stringContaining("6 records")],
    });
  });

  it("says what the drill file leaves out, names what it accepts, and by which commands faults were made", async () => {
    const notProbed = [
      { what: "POST on gateway-1", why: "its upstream is not said to be harmless" },
      { what: "gateway-1: the finding jwt-open:/orders@api", why: "the drill file accepts it", member: "accept" },
      { what: "gateway-1: the route api.example.com/orders", why: "anybody may reach it", member: "open" },
    ];
    const drillFile = "ab".repeat(32);
    const faulty = fault({ does: "kill -STOP 7", undo: "kill -CONT 7" });
    const own = { name: "idp-down", expected: "as before", seen: "so", ok: true, does: "true", undo: "true" };
    const counts = { ...held.report.counts, notProbed: notProbed.length };
    const report = { ...faulty, drillFile, notProbed, counts, faults: [...faulty.faults, own] };
    const { wrong, proved, notProved, counts: words } = await judge({ report: () => report });
    expect({ wrong, words }).toEqual({
      wrong: undefined,
      words: "6 as expected, 0 not, 3 not probed; 2 faults, as expected; 1 finding accepted by the drill file",
    });
    expect(proved[0]).toContain(`The drill file that it tells of has SHA-256 ${drillFile}.`);
    expect(notProved).toEqual(
      expect.arrayContaining([
        "what was not probed: 3 things; the drill file itself leaves out 1: gateway-1: the route api.example.com/orders",
        "that no harm comes of 1 finding that the drill file accepts: gateway-1: the finding jwt-open:/orders@api",
        "that the drill file's own commands made these faults: idp-down; made by: true; undone by: true",
      ]),
    );
    expect(notProved.join("\n")).not.toContain("which it does not tell");
  });

  it("says of what was signed before that was told that it does not tell it", async () => {
    const { wrong, notProved } = await judge({ report: () => fault() });
    expect(wrong).toBeUndefined();
    expect(notProved).toEqual(
      expect.arrayContaining([
        "how these faults were made, which it does not tell: ledger-down",
        "which drill file was played, which it does not tell",
      ]),
    );
  });

  it("names some of the cases that it does not know, and counts the others", async () => {
    const strange = Array.from({ length: 500 }, (_, i): Assertion => {
      const about = { case: `strange-${i}`, gateway: "gateway-1", what: "x", expected: "x", seen: "x" };
      return { ...about, ok: true, calls: [] };
    });
    const { notProved } = await judge({ report: () => only([...held.report.assertions, ...strange]) });
    expect(notProved.join("\n")).toMatch(/which this version does not have: strange-0, .*strange-9 and 490 more$/m);
    // Those of all gateways at once are this version's too.
    const own = ["revoked-everywhere", "pushed", "alerts"].flatMap((name) =>
      strange.slice(0, 1).map((one) => ({ ...one, case: name })),
    );
    const known = await judge({ report: () => only([...held.report.assertions, ...own]) });
    expect(known.notProved.join("\n")).not.toContain("which this version does not have");
  });

  it("a member that stands there twice is another report to another reader", async () => {
    const bytes = (one: Buffer): Buffer => Buffer.from(one.toString().replace('"v": 1,', '"v": 1,\n "notProbed": [],'));
    await expect(judge({ bytes })).rejects.toThrow(/is not as a report of a drill is written/);
  });
});

describe("the command", () => {
  const drill = (...args: string[]): Promise<Ran> => inside(["drill", "verify", ...args], { cwd: held.folder });
  let count = 0;
  async function written(report: Report): Promise<string> {
    count += 1;
    const { folder } = await writeReport(at(`drills-${count}`), report, (claims) => held.sign(claims), NOW);
    return folder;
  }

  it("says of some cases alone that they are no drill, and counts faults", async () => {
    const part = await drill(await written({ ...held.report, partial: true }), "--key", "ledger.vkey");
    expect(part.stdout).toMatch(
      /^Some cases alone of the drill quarterly \(--only\), .* no whole drill; what was tried went well: 6 as/,
    );
    expect(part.stdout).not.toMatch(/^Drill|Next due/m);
    const faulty = await drill(await written(fault()), "--key", "ledger.vkey");
    expect(faulty.stdout).toMatch(/^Drill quarterly of .*, which went well: .*; 1 fault, as expected\. Next due /);
  });

  it("says what to give in place of the page, and which drills a folder holds", async () => {
    const folder = await written(held.report);
    for (const name of ["report.html", "junit.xml", "report.jws"])
      expect(await drill(join(folder, name), "--key", "ledger.vkey")).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(
          /is not what is signed: that is report\.json\.\n.*Give its folder: \S+-quarterly\n/,
        ),
      });
    expect(await drill(join(folder, ".."), "--key", "ledger.vkey")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is no drill's folder: it holds 1 drill\.\n.*Give one of them: \S+-quarterly\n/),
    });
  });

  it("says what is wrong, what is no report, and what needs a key", async () => {
    const folder = await written(call(1, { status: 200 }));
    const wrong = await drill(folder, "--key", "ledger.vkey");
    expect(wrong).toMatchObject({ code: 1, stdout: expect.stringMatching(/^Wrong: expired on gateway-1: [^\n]*\n$/) });
    const good = await written(held.report);
    const noKey = await drill(good);
    expect(noKey).toMatchObject({ code: 2, stdout: "" });
    expect(noKey.stderr).toContain("no key of the ledger is named");
    writeFileSync(join(good, "report.jws"), "nothing\n");
    const none = { code: 2, stderr: expect.stringContaining("is no signature of a drill") };
    expect(await drill(good, "--key", "ledger.vkey")).toMatchObject(none);
    expect((await drill("nowhere", "--key", "ledger.vkey")).code).toBe(2);
  });

  it("says what is not proved: without a ledger, of other gateways, of cases that are not in it, of a page that was changed", async () => {
    const { checkpoint: _checkpoint, origin: _origin, ...rest } = held.report;
    const bare = { ...rest, assertions: rest.assertions.map((one) => ({ ...one, calls: one.calls.map(unproved) })) };
    const folder = await written(bare);
    writeFileSync(join(folder, "report.html"), "<h1>Everything was as expected</h1>");
    const ran = await drill(folder);
    expect(ran.stdout).toMatch(/Not proved:.*the drill had no ledger/s);
    expect(ran.stdout).toContain("that there are no other gateways than gateway-1, gateway-2");
    expect(ran.stdout).toMatch(/which are not in it: normal-caller, .* on gateway-1, gateway-2$/m);
    expect(ran.stdout).toContain("that report.html says the same");
    expect(ran.stdout).not.toContain("that junit.xml says the same");
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  });
});

describe("a ledger that says that it has entered the signature", () => {
  const drill = (...args: string[]): Promise<Ran> =>
    inside(["drill", ...args], { cwd: held.folder, env: { GLASSGATE_PASSPHRASE: PASSPHRASE } });
  const key = ["--key", "ledger.vkey"];

  it("is believed where it proves that", async () => {
    const { folder, token } = await writeReport(at("entered"), held.report, (claims) => held.sign(claims), NOW);
    // Answers 200 to everything, and enters nothing.
    const files = fileSource(at("ledger"));
    const server = createServer((request, response) => {
      request.resume();
      if (request.method === "POST") return void response.end(JSON.stringify({ index: 3, new: true }));
      files.read((request.url ?? "").slice(1)).then((bytes) => {
        response.statusCode = bytes === undefined ? 404 : 200;
        response.end(bytes);
      }, expect.fail);
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    expect(await drill("enter", folder, "--ledger", url)).toMatchObject({
      ...{ code: 0, stdout: "Entered: entry 3.\n", stderr: expect.stringContaining("the ledger's own word") },
    });
    const lied = await drill("enter", folder, "--ledger", url, ...key);
    expect(lied).toMatchObject({ code: 1, stdout: "" });
    expect(lied.stderr).toMatch(/says that the signature is entry 3, and does not prove it: entry 3 is something else/);
    server.close();
    const vkey = parseVkey(held.vkey);
    await expect(provenEntry(files, vkey, 99, token, 0)).rejects.toThrow(/it has signed \d+ entries/);
    const entered = await drill("enter", folder, "--ledger", "ledger", ...key);
    expect(entered.stdout).toMatch(/^Entered: entry \d+, proved to be in its signed tree of \d+\.\n$/);
    expect(entered.code, entered.stderr).toBe(0);
  });

  it("takes it in the next shard where the drill was held at the end of this one", async () => {
    const { folder } = await writeReport(
      at("late"),
      { ...held.report, partial: true },
      (claims) => held.sign(claims),
      NOW,
    );
    const named = ["--origin", "ledger.example/drill-2", "--key", at("ledger-2.key.json")];
    const next = await inside(["ledger", "next", "ledger", "ledger-2", ...named], {
      ...{ cwd: held.folder, env: { GLASSGATE_PASSPHRASE: PASSPHRASE } },
    });
    expect(next.code, next.stderr).toBe(0);
    writeFileSync(at("ledger-2.vkey"), next.stdout);
    expect(await drill("enter", folder, "--ledger", "ledger")).toMatchObject({ code: 1, stdout: "" });
    const second = ["--ledger", "ledger-2", "--key", "ledger-2.vkey"];
    const ran = await drill("enter", folder, ...second);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stdout).toMatch(/^Entered: entry \d+, proved/);
    const other = { size: 999, root: "00".repeat(32) };
    const forged = await writeReport(
      at("late"),
      held.report,
      (claims) => held.sign({ ...claims, checkpoint: other }),
      NOW,
    );
    const refused = await drill("enter", forged.folder, ...second);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(
      /a checkpoint of 999 entries, and ledger\.example\/drill ended with another, of \d+/,
    );
    const verified = await inside(
      ["ledger", "verify", "ledger-2", "--key", "ledger-2.vkey", "--anchors", "anchors.json"],
      { cwd: held.folder },
    );
    expect(verified.stdout).not.toContain("drill_invalid");
  });
});
