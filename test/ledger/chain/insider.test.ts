/** Whoever holds a gateway writes true records of what it should never have let in. What the bundle says finds him. */
import { beforeAll, describe, expect, it } from "vitest";
import { dueOfAnswers, newAnswers, noteAllowed, takeAnswer } from "../../../control/ledger/chain/answers.js";
import { newGrants } from "../../../control/ledger/chain/grants.js";
import { classify } from "../../../control/ledger/chain/lines.js";
import { rulesOf } from "../../../control/ledger/chain/rules.js";
import type { Signer } from "../../kit/token.js";
import { bend, type Chain, chained, GATEWAY, line, memberOf, type Opened, open, other, play, sha256 } from "./kit.js";

let made: Chain;
let now: number;
let record: string;
let evidence: string;

beforeAll(async () => {
  made = await play({ requests: 12 });
  ({ now } = made);
  [record = "", evidence = ""] = [made.lines[0], String(memberOf(made.lines[1] ?? "{}", "evidence"))];
});

const vm = `${GATEWAY}/1700000000000000000/7`;
const evidenceLine = (text: string): string => JSON.stringify({ evidence: text });
async function take(texts: readonly string[], bundle = made.bundle): Promise<Opened> {
  const opened = await open(made.pins, now);
  await opened.ledger.take([other("bundle", bundle), ...texts.map((text) => line(text))]);
  opened.clock.now += 121_000;
  await opened.ledger.tick();
  return opened;
}
const saysOf = ({ alarms }: Opened): string => alarms.find(({ code }) => code === "bad_evidence")?.says ?? "";

describe("an access", () => {
  const approvedBy = (
    signers: readonly (readonly [string, Signer])[],
    changes: Readonly<Record<string, unknown>> = {},
  ) => {
    const { world } = made;
    const [payload = ""] = evidence.split("~");
    const text = [payload, ...signers.map(([, by]) => world.approve(payload, { by }))].join("~");
    const approvers = signers.map(([sub]) => ({ sub, iat: world.now }));
    return [...chained(vm, [bend(record, { approvers, evidence: sha256(text), ...changes })]), evidenceLine(text)];
  };

  it("that too few have approved does not hold, however true its record is", async () => {
    const { adam, alex, anna, bot, ritaAdmin } = made.world;
    expect(
      (
        await take(
          approvedBy([
            ["adam", adam],
            ["anna", anna],
          ]),
        )
      ).codes(),
    ).toEqual([]);
    const few: readonly (readonly (readonly [string, Signer])[])[] = [
      [],
      [["adam", adam]],
      [["anna", anna]],
      [
        ["adam", adam],
        ["alex", alex],
      ],
      [
        ["adam", adam],
        ["bot", bot],
      ], // One person with two accounts.
      [
        ["adam", adam],
        ["rita-admin", ritaAdmin],
      ], // The requester's own second account.
    ];
    for (const signers of few) {
      const opened = await take(approvedBy(signers));
      expect([signers.map(([sub]) => sub), opened.codes()]).toEqual([signers.map(([sub]) => sub), ["bad_evidence"]]);
      expect(saysOf(opened)).toContain("needs approvals that it does not have");
    }
  });

  it("by an entitlement or a requester that the bundle does not know does not hold", async () => {
    const { world } = made;
    const version = memberOf(record, "bundle");
    const without = world.bundle(world.bundleClaims({ version, entitlements: [world.entitlement("alone")] }));
    const texts = chained(vm, [record]);
    expect(saysOf(await take([...texts, evidenceLine(evidence)], without))).toContain("no entitlement repair");
    const others = [world.entitlement("repair", { requesters: ["security"] })];
    const closed = world.bundle(world.bundleClaims({ version, entitlements: others }));
    expect(saysOf(await take([...texts, evidenceLine(evidence)], closed))).toContain("rita may not ask for repair");
  });

  it("after the grant had ended does not hold, at its first use and later", async () => {
    const { adam, anna } = made.world;
    const both = [
      ["adam", adam],
      ["anna", anna],
    ] as const;
    const at = (seconds: number) => ({ ts: new Date((made.world.now + seconds) * 1000).toISOString() });
    expect(saysOf(await take(approvedBy(both, at(4000))))).toContain("had ended");
    const later = (seconds: number) => {
      const [first = "", text = ""] = approvedBy(both);
      const [, second = ""] = chained(vm, [first, bend(record, { evidence: undefined, cached: true, ...at(seconds) })]);
      return [
        [first, text, second],
        [second, first, text],
      ];
    };
    for (const order of later(100)) expect((await take(order)).codes()).toEqual([]);
    for (const order of later(4000)) {
      const opened = await take(order);
      expect(saysOf(opened)).toContain("had ended");
    }
  });
});

describe("an access that needs a receipt", () => {
  const bundle = () => {
    const { world } = made;
    const entitlements = [world.entitlement("repair", { audit: "receipt" })];
    return world.bundle(world.bundleClaims({ version: memberOf(record, "bundle"), entitlements }));
  };

  it("and waited for none is told of, whenever the bundle comes", async () => {
    const texts = [...chained(vm, [record]), evidenceLine(evidence)];
    expect((await take(texts, bundle())).codes()).toEqual(["receipt_missing"]);
    expect((await take(texts)).codes()).toEqual([]);
    const opened = await open(made.pins, now);
    await opened.ledger.take(texts.map((text) => line(text)));
    expect(opened.codes()).toEqual([]);
    await opened.ledger.take([other("bundle", bundle())]);
    expect(opened.codes()).toEqual(["receipt_missing"]);
  });

  it("and was denied, or is only a rehearsal, needs none", async () => {
    const denied = chained(vm, [bend(record, { verdict: "audit_unavailable", evidence: undefined })]);
    expect((await take(denied, bundle())).codes()).toEqual([]);
  });
});

describe("an answer without a record", () => {
  it("is told of after however many requests, and not where its record may have been forgotten", () => {
    const parsed = classify(Buffer.from(record));
    if (parsed.type !== "record") throw new Error("no record");
    const answers = newAnswers();
    const grants = newGrants();
    const step = (index: number, sender = GATEWAY) => ({ index, at: now, sender, say: () => {} });
    for (let i = 0; i < 70_000; i++)
      noteAllowed(
        answers,
        grants,
        { ...parsed.record, request_id: `r${i}`, ts: new Date(now - 70_000 + i).toISOString() },
        step(i),
      );
    const answer = (id: string, at: number, sender = GATEWAY) =>
      takeAnswer(
        answers,
        grants,
        { request_id: id, status: 200, time: new Date(at).toISOString() },
        id,
        step(99_999, sender),
      );
    const told = () =>
      dueOfAnswers(answers, rulesOf({ anchors: [] }), { since: 0, now: now + 121_000 }).map(({ says }) => says);
    answer("r69000", now - 1000);
    answer("r5", now - 70_000);
    answer("r5", now - 70_000, "answers-only");
    expect(told()).toEqual([]);
    answer("hidden", now - 1000);
    expect(told()).toHaveLength(1);
    answer("hidden-too", now - 1000, "answers-only");
    expect(told()).toHaveLength(2);
  });
});
