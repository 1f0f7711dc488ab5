/** Who approved: the evidence and the records that the release filter made, and what an insider could make of them. */
import { beforeAll, describe, expect, it } from "vitest";
import { anchorsHash } from "../../../control/ledger/chain/rules.js";
import { base64url, compact } from "../../kit/token.js";
import {
  anchorsOf,
  bend,
  type Chain,
  chained,
  GATEWAY,
  isRecord,
  line,
  memberOf,
  type Opened,
  open,
  other,
  play,
  playFew,
  sha256,
} from "./kit.js";

let made: Chain;
let now: number;
/** The first acceptance of a grant with two approvals, and its evidence. */
let record: string;
let evidence: string;

beforeAll(async () => {
  ({ made, now, record, evidence } = await playFew());
});

const vm = `${GATEWAY}/1700000000000000000/7`;
async function take(
  lines: readonly string[],
  more: { bundle?: string | undefined; anchors?: Chain["pins"] } = {},
): Promise<Opened> {
  const opened = await open(more.anchors ?? made.pins, now);
  const bundle = "bundle" in more ? more.bundle : made.bundle;
  if (bundle !== undefined) await opened.ledger.take([other("bundle", bundle)]);
  await opened.ledger.take(lines.map((text) => line(text)));
  opened.clock.now += 121_000;
  await opened.ledger.tick();
  return opened;
}
const evidenceLine = (text: string): string => JSON.stringify({ evidence: text });
/** The record with that evidence, as the only one of its VM. */
const withEvidence = (text: string, changes: Readonly<Record<string, unknown>> = {}): string[] => [
  ...chained(vm, [bend(record, { evidence: sha256(text), ...changes })]),
  evidenceLine(text),
];

describe("the anchors' hash", () => {
  it("is the filter's own, in enforce and in shadow", async () => {
    expect(memberOf(record, "anchors")).toBe(anchorsHash(anchorsOf(made.world), "enforce"));
    const shadow = await play({ requests: 1, configuration: { mode: "shadow" } });
    expect(memberOf(shadow.lines[0] ?? "", "anchors")).toBe(anchorsHash(anchorsOf(shadow.world), "shadow"));
  });
});

describe("evidence", () => {
  it("that proves its record gives no alarm, in whatever order it, the record and the bundle come", async () => {
    const parts = [line(record), line(evidenceLine(evidence)), other("bundle", made.bundle)];
    for (const order of [
      [0, 1, 2],
      [1, 0, 2],
      [2, 1, 0],
      [1, 2, 0],
      [0, 2, 1],
      [2, 0, 1],
    ]) {
      const opened = await open(made.pins, now);
      for (const i of order) await opened.ledger.take(parts.slice(i, i + 1));
      opened.clock.now += 121_000;
      await opened.ledger.tick();
      expect(opened.codes()).toEqual([]);
    }
  });

  it("names whom a record says to have approved, and who signed nothing", async () => {
    const [adam, anna] = [
      { sub: "adam", iat: made.world.now },
      { sub: "anna", iat: made.world.now },
    ];
    const bob = { sub: "bob", iat: made.world.now };
    const says: readonly (readonly [readonly unknown[], string])[] = [
      [[adam, bob], "bob"],
      [[adam, anna, bob], "bob"],
      [[adam, { ...anna, iat: made.world.now - 1 }], "anna"],
      [[adam], "anna signed, and the record does not say so"],
      [[], "adam signed"],
      [[anna, anna], "anna"],
    ];
    for (const [approvers, words] of says) {
      const opened = await take(withEvidence(evidence, { approvers }));
      const found = opened.alarms.find(({ code }) => code === "bad_evidence");
      expect(found?.says).toContain(words);
      expect(found?.grant_sha256).toBe(memberOf(record, "grant_sha256"));
    }
  });

  it("must agree with the record in every claim that it names", async () => {
    for (const [name, value] of [
      ["jti", "another-grant-name"],
      ["sub", "anna"],
      ["ent", "alone"],
      ["reason", "drill"],
      ["incident", "INC-8"],
      ["drill", "d-1"],
      ["grant_sha256", sha256("x")],
    ] as const) {
      const { alarms } = await take(withEvidence(evidence, { single_key: name === "ent", [name]: value }));
      expect(alarms.find(({ code }) => code === "bad_evidence")?.says).toMatch(
        name === "grant_sha256" ? /another grant/ : new RegExp(name),
      );
    }
  });

  it("holds by keys of that very bundle, with a header as it must be, in their time", async () => {
    const { world } = made;
    const [payload = ""] = evidence.split("~");
    const approve = (by = world.adam, header: Readonly<Record<string, unknown>> = {}, over = payload) =>
      world.approve(over, { by, header });
    const [, adam = "", anna = ""] = evidence.split("~");
    const flip = (token: string): string =>
      `${token.slice(0, -5)}${token.at(-5) === "A" ? "B" : "A"}${token.slice(-4)}`;
    const bad: readonly (readonly [string, string])[] = [
      ["a signature that was changed", [payload, adam, flip(anna)].join("~")],
      [
        "another one's signature under her key",
        [payload, adam, `${anna.split("..")[0]}..${adam.split("..")[1]}`].join("~"),
      ],
      ["an approval of another grant", [payload, adam, approve(world.anna, {}, base64url("{}"))].join("~")],
      ["a stranger", [payload, adam, approve(world.stranger)].join("~")],
      ["another type", [payload, adam, approve(world.anna, { typ: "bg-bundle-approval+jws" })].join("~")],
      ["no iat", [payload, adam, approve(world.anna, { iat: undefined })].join("~")],
      ["a further member", [payload, adam, approve(world.anna, { crit: ["b64"] })].join("~")],
      ["another algorithm", [payload, adam, approve(world.anna, { alg: "ES256" })].join("~")],
      ["its payload inside", [payload, adam, anna.replace("..", `.${payload}.`)].join("~")],
      ["a key that has ended", [payload, adam, approve(world.gone)].join("~")],
      ["nobody at all", payload],
      ["nine approvals", [payload, ...Array.from({ length: 9 }, () => anna)].join("~")],
    ];
    for (const [name, text] of bad)
      expect([name, (await take(withEvidence(text))).codes()]).toEqual([name, ["bad_evidence"]]);
  });

  it("that does not come is missed after the grace, and so is that of an access which rests on earlier evidence", async () => {
    expect((await take(chained(vm, [record]))).codes()).toEqual(["evidence_missing"]);
    const later = bend(record, { evidence: undefined, cached: true });
    expect((await take(chained(vm, [later]))).codes()).toEqual(["evidence_missing"]);
    const [first = "", second = ""] = chained(vm, [record, later]);
    expect((await take([first, evidenceLine(evidence), second])).codes()).toEqual([]);
    expect((await take([second, first, evidenceLine(evidence)])).codes()).toEqual([]);
    const bob = [
      { sub: "adam", iat: 1 },
      { sub: "bob", iat: 1 },
    ];
    const [one = "", two = ""] = chained(vm, [record, bend(later, { approvers: bob })]);
    const opened = await take([one, evidenceLine(evidence), two]);
    expect(opened.alarms.find(({ code }) => code === "bad_evidence")?.says).toContain("bob");
  });

  it("that no record names is told of", async () => {
    expect((await take([evidenceLine(evidence)])).codes()).toEqual(["evidence_without_record"]);
  });

  it("is not pushed out by somebody else who sends much of it", async () => {
    const opened = await open(made.pins, now);
    await opened.ledger.take([line(evidenceLine(evidence))]);
    const flood = Array.from({ length: 3000 }, (_, i) => line(evidenceLine(`${i}x~y`), "liar"));
    await opened.ledger.take([other("bundle", made.bundle), ...flood, line(record)]);
    opened.clock.now += 121_000;
    await opened.ledger.tick();
    expect(opened.alarms.filter(({ subject }) => subject !== "liar").map(({ code }) => code)).toEqual(["first_use"]);
  });
});

describe("a grant", () => {
  it("is told of at its first use, with who, what and why, and once", async () => {
    const { alarms } = await take(made.lines);
    const uses = alarms.filter(({ code }) => code === "first_use");
    expect(uses).toHaveLength(3);
    expect(uses[0]?.says).toBe("rita used repair for outage, approved by adam, anna: GET api.example.com/orders/0");
    expect(alarms.filter(({ code }) => code === "single_key")).toHaveLength(1);
  });

  it("that takes the name of another is told of", async () => {
    const twice = withEvidence(evidence)[0] ?? "";
    const again = chained(`${vm}0`, [
      bend(twice, { grant_sha256: sha256("another"), verdict: "expired", evidence: undefined }),
    ]);
    expect((await take([twice, evidenceLine(evidence), ...again])).codes()).toEqual(["jti_reused"]);
  });

  it("counts as used where an answer came", async () => {
    const opened = await take(made.lines);
    const answer = JSON.stringify({
      time: "2026-01-01T00:00:00.000Z",
      request_id: "request-0",
      verdict: "allow",
      status: 200,
      bytes_received: 0,
      bytes_sent: 5,
      duration_ms: 3,
      details: "via_upstream",
    });
    await opened.ledger.take([line(answer), line(answer)]);
    expect(opened.ledger.useOf(String(memberOf(record, "grant_sha256")))).toMatchObject({ answers: 1 });
    await opened.ledger.take([line(bend(answer, { request_id: "nobody-knows-it" }))]);
    opened.clock.now += 121_000;
    await opened.ledger.tick();
    expect(opened.codes()).toEqual(["answer_without_record"]);
    expect(opened.alarms.at(-1)?.says).toContain("nobody-knows-it");
  });

  it("gives no alarm where the answer comes before its record", async () => {
    const opened = await open(made.pins, now);
    await opened.ledger.take([line(JSON.stringify({ request_id: "request-0", status: 200 }))]);
    await opened.ledger.take([other("bundle", made.bundle), ...made.lines.map((text) => line(text))]);
    opened.clock.now += 121_000;
    await opened.ledger.tick();
    expect(opened.codes()).toEqual([]);
  });

  it("that is denied again and again is told of once in five minutes", async () => {
    const denial = bend(made.lines.filter(isRecord)[4] ?? "", { evidence: undefined });
    expect(memberOf(denial, "verdict")).not.toBe("allow");
    const denials = (count: number) =>
      chained(
        vm,
        Array.from({ length: count }, () => denial),
      );
    expect((await take(denials(20))).codes()).toEqual([]);
    const { alarms } = await take(denials(45));
    expect(alarms.filter(({ code }) => code === "denials").map(({ subject }) => subject)).toEqual([
      "person rita",
      "source 192.0.2.1",
    ]);
  });
});

describe("bundles", () => {
  const version = (number: number) => made.world.bundle(made.world.bundleClaims({ version: number }));
  const at = (number: number, changes: Readonly<Record<string, unknown>> = {}) =>
    bend(record, { bundle: number, evidence: undefined, verdict: "expired", ...changes });

  it("that the pinned roots have not signed count for nothing", async () => {
    const { world } = made;
    const claims = world.bundleClaims();
    const bad = [
      world.bundle(claims, world.roots.slice(0, 1)),
      world.bundle(claims, [world.roots[0], world.roots[0]]),
      world.bundle(claims, [world.stranger, world.roots[0]]),
      world.bundle({ ...claims, aud: ["production"] }),
      world.bundle(claims).replace(/.$/, (last) => (last === "A" ? "B" : "A")),
      "x.y.z",
      "",
    ];
    for (const text of bad) {
      const { ledger, codes } = await take([], { bundle: text });
      expect(codes()).toEqual(["foreign_bundle"]);
      expect(ledger.status().bundles).toEqual([{ audience: "test", version: undefined }]);
    }
  });

  it("with one version and two texts are in conflict; a further signature makes no other bundle", async () => {
    const { world } = made;
    const claims = world.bundleClaims({ version: 7 });
    const opened = await take([], { bundle: world.bundle(claims) });
    await opened.ledger.take([other("bundle", world.bundle(claims, [...world.roots]))]);
    expect(opened.codes()).toEqual([]);
    await opened.ledger.take([other("bundle", world.bundle({ ...claims, exp: world.now + 5 }))]);
    expect(opened.codes()).toEqual(["bundle_conflict"]);
  });

  it("never go back in one VM, in whatever order its records come", async () => {
    const texts = chained(vm, [at(7), at(8), at(8), at(9)]);
    const back = chained(vm, [at(7), at(9), at(8)]);
    for (const order of [(all: string[]) => all, (all: string[]) => all.toReversed()]) {
      const forward = (await take(order([...texts]))).codes();
      expect(forward).not.toContain("bundle_back");
      const opened = await take(order([...back]));
      expect(opened.codes()).toContain("bundle_back");
    }
  });

  it("that nobody showed are missed, and no more once they are shown", async () => {
    const { codes } = await take(chained(vm, [at(7)]), { bundle: version(8) });
    expect(codes()).toEqual(["bundle_unknown"]);
    const opened = await open(made.pins, now);
    await opened.ledger.take([...chained(vm, [at(7)]).map((text) => line(text)), other("bundle", version(7))]);
    opened.clock.now += 121_000;
    await opened.ledger.tick();
    expect(opened.codes()).toEqual([]);
  });

  it("that are older than the newest may decide for the time of a rollout", async () => {
    const opened = await open(made.pins, now);
    await opened.ledger.take([other("bundle", version(7)), other("bundle", version(8))]);
    const ts = (seconds: number): string => new Date(now + seconds * 1000).toISOString();
    opened.clock.now += 2_000_000;
    const [soon = "", late = ""] = chained(vm, [at(7, { ts: ts(890) }), at(7, { ts: ts(910) })]);
    await opened.ledger.take([line(soon)]);
    expect(opened.codes()).toEqual([]);
    await opened.ledger.take([line(late)]);
    expect(opened.codes()).toEqual(["bundle_behind"]);
  });

  it("under other anchors than the pinned ones are told of: roots, threshold, audience or mode", async () => {
    const other = anchorsHash({ ...anchorsOf(made.world), threshold: 1 }, "enforce");
    expect((await take(chained(vm, [at(7, { anchors: other })]))).codes()).toEqual(["anchors"]);
    expect((await take(made.lines, { anchors: { anchors: [anchorsOf(made.world, 1)] } })).codes()).toContain("anchors");
  });
});

describe("receipts", () => {
  const ORIGIN = "ledger.example/test";
  const settle = async (
    change: (signed: { origin: string; index: number; record_sha256: string; iat: number }) => unknown,
    more: {
      final?: Readonly<Record<string, unknown>>;
      by?: "stranger";
      noReceipt?: true;
      noFinal?: true;
      header?: Readonly<Record<string, unknown>>;
    } = {},
  ) => {
    const { world } = made;
    const key = world.crowd[8] ?? world.stranger;
    const bundle = world.bundle(world.bundleClaims({ version: memberOf(record, "bundle"), ledgers: [key.jwk] }));
    const opened = await open(made.pins, now);
    await opened.ledger.take([other("bundle", bundle)]);
    const later = world.bundleClaims({
      version: Number(memberOf(record, "bundle")) + 1,
      ledgers: [world.stranger.jwk],
    });
    await opened.ledger.take([other("bundle", world.bundle(later))]);
    const [pending = "", final = ""] = chained(vm, [
      bend(record, { verdict: "pending" }),
      bend(record, { evidence: undefined, settles: 1, ...more.final }),
    ]);
    const [taken] = await opened.ledger.take([line(pending, "receipts")]);
    const claims = {
      origin: ORIGIN,
      index: taken?.index ?? -1,
      record_sha256: sha256(pending),
      iat: Math.floor(now / 1000),
    };
    const by = more.by === undefined ? key : world.stranger;
    const receipt = compact({ alg: by.alg, kid: by.kid, typ: "bg-receipt+jws", ...more.header }, change(claims), by);
    await opened.ledger.take([
      line(pending),
      line(evidenceLine(evidence)),
      ...(more.noReceipt === true ? [] : [line(JSON.stringify({ receipt }))]),
      ...(more.noFinal === true ? [] : [line(final)]),
    ]);
    opened.clock.now += 121_000;
    await opened.ledger.tick();
    return opened.codes();
  };

  it("hold for the very record at the very index, signed by a ledger of the bundle", async () => {
    expect(await settle((claims) => claims)).toEqual([]);
    expect(await settle((claims) => ({ ...claims, origin: "another.example" }))).toContain("receipt_wrong");
    expect(await settle((claims) => ({ ...claims, index: claims.index - 1 }))).toContain("receipt_wrong");
    expect(await settle((claims) => ({ ...claims, record_sha256: sha256("x") }))).toContain("receipt_wrong");
    expect(await settle((claims) => ({ ...claims, more: 1 }))).toContain("receipt_wrong");
    expect(await settle((claims) => claims, { by: "stranger" })).toContain("receipt_wrong");
    expect(await settle((claims) => claims, { header: { typ: "bg-review+jws" } })).toContain("receipt_wrong");
    expect(await settle((claims) => ({ ...claims, index: 1_000_000 }))).toContain("receipt_without_entry");
  });

  it("are missed where a request was allowed after it waited; who was denied needs none", async () => {
    expect(await settle((claims) => claims, { noReceipt: true })).toEqual(["receipt_missing"]);
    expect(await settle((claims) => claims, { noReceipt: true, final: { verdict: "audit_unavailable" } })).toEqual([]);
    expect(await settle((claims) => claims, { noFinal: true })).toEqual(["unsettled"]);
    expect(await settle((claims) => claims, { final: { request_id: "another" } })).toEqual(["settles_wrong"]);
    expect(await settle((claims) => claims, { final: { settles: 2 } })).toContain("settles_wrong");
  });
});
