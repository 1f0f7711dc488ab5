/** Whoever holds a gateway writes true records of what it should never have let in. What the bundle says finds him. */
import { beforeAll, describe, expect, it } from "vitest";
import { readAuditLines } from "../../../control/base/audit.js";
import { FilterHost } from "../../../control/host/host.js";
import { dueOfAnswers, newAnswers, noteAllowed, takeAnswer } from "../../../control/ledger/chain/answers.js";
import { newGrants } from "../../../control/ledger/chain/grants.js";
import { classify } from "../../../control/ledger/chain/lines.js";
import { rulesOf } from "../../../control/ledger/chain/rules.js";
import { isWithin } from "../../../control/ledger/chain/scope.js";
import { headersOf } from "../../kit/headers.js";
import type { Signer } from "../../kit/token.js";
import { HOST } from "../../kit/world.js";
import {
  bend,
  type Chain,
  chained,
  GATEWAY,
  line,
  memberOf,
  type Opened,
  open,
  other,
  playFew,
  sha256,
} from "./kit.js";

let made: Chain;
let now: number;
let record: string;
let evidence: string;

beforeAll(async () => {
  ({ made, now, record, evidence } = await playFew());
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
  it("outside of what was approved, or of what the entitlement opens, does not hold", async () => {
    const first = (changes: Readonly<Record<string, unknown>>) => [
      ...chained(vm, [bend(record, changes)]),
      evidenceLine(evidence),
    ];
    const others = [{ path: "/admin" }, { host: "other.example.org" }, { method: "DELETE" }, { path: "/orders" }];
    for (const changes of others) {
      expect(saysOf(await take(first(changes)))).not.toBe("");
      const [one = "", two = ""] = chained(vm, [
        record,
        bend(record, { evidence: undefined, cached: true, ...changes }),
      ]);
      expect((await take([one, evidenceLine(evidence), two])).codes()).toContain("bad_evidence");
    }
    const long = { path: "/orders/".padEnd(4096, "x"), path_bytes: 5000 };
    expect((await take(first(long))).codes()).toEqual([]);
    for (const changes of [
      { ...long, path: "/admin".padEnd(4096, "x") },
      { ...long, path: "/orders/1/".padEnd(4096, "x") },
      { ...long, path_bytes: 4096 },
      { path: "/admin", path_bytes: 5000 },
      { path: "/orders", path_bytes: 9 },
    ])
      expect([changes.path_bytes, (await take(first(changes))).codes()]).toEqual([
        changes.path_bytes,
        changes.path_bytes === 4096 ? [] : ["bad_evidence"],
      ]);
  });

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

  it("by a grant that the very bundle revokes does not hold", async () => {
    const { world } = made;
    const version = memberOf(record, "bundle");
    const texts = [...chained(vm, [record]), evidenceLine(evidence)];
    for (const [revoked, isFound] of [
      [{ jti: [memberOf(record, "jti")] }, true],
      [{ sub: ["rita"] }, true],
      [{ jti: ["another-grant-of-hers"], incident: ["INC-7"] }, false],
    ] as const) {
      const opened = await take(texts, world.bundle(world.bundleClaims({ version, revoked })));
      expect(opened.codes()).toEqual(isFound ? ["bad_evidence"] : []);
    }
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

describe("what is within a scope", () => {
  const paths = ["/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/A", "/a/b/c/d", "/b", "/ab", "/a/%20", "/a/**", "/a/*"];
  const patterns = ["/", "/a", "/a/", "/a/*", "/a/**", "/**", "/*", "/*/b", "/a/*/c", "/a/b/**", "/*/*", "/a/*/"];

  it("is what the filter itself lets in", async () => {
    const { world } = made;
    const wide = {
      approvals: [],
      authorization_details: [world.detail({ locations: ["*"], actions: ["*"], paths: ["/**"] })],
    };
    // Denials of one requester are on record a hundred times a second.
    let ticks = 0;
    const host = await FilterHost.load({ nodeId: GATEWAY, workers: 1, clock: () => world.now * 1000 + 20 * ticks++ });
    const bundle = world.bundleClaims({ entitlements: [world.entitlement("alone", wide)] });
    expect(host.configure(world.configuration({ bundle })).accepted).toBe(true);
    const differing: unknown[] = [];
    const judged = { allowed: 0, denied: 0 };
    const authorities = [
      "api.example.com",
      "API.example.com",
      "api.example.com:443",
      "api.example.com:8443",
      "other.example.com",
    ];
    const ask = (details: Readonly<Record<string, unknown>>, method: string, authority: string, path: string): void => {
      const grant = world.alone({ claims: { authorization_details: [details] } });
      const headers = headersOf([grant], path).map(([name, value]): [string, string] => {
        if (name === ":method") return [name, method];
        return [name, name === ":authority" ? authority : value];
      });
      const audit = host.request({ headers, worker: 0, sourceAddress: "192.0.2.1:5000" }).filterState;
      const { record: text } = readAuditLines(audit.get("wasm.glassgate.audit") ?? "");
      const isAllowed = memberOf(text, "verdict") === "allow";
      const parsed = classify(Buffer.from(text));
      const opened = { locations: ["api.example.com"], actions: ["GET", "POST"], paths: ["/**"], ...details };
      if (parsed.type !== "record") throw new Error(text);
      // A denied one of another kind says nothing of scopes.
      if (!isAllowed && !String(memberOf(text, "verdict")).startsWith("scope_")) return;
      judged[isAllowed ? "allowed" : "denied"] += 1;
      if (isWithin([opened], parsed.record) !== isAllowed)
        differing.push([details, method, authority, path, isAllowed]);
    };
    for (const pattern of patterns)
      for (const path of paths) ask(world.detail({ locations: [HOST], paths: [pattern] }), "GET", HOST, path);
    for (const location of ["api.example.com", "api.example.com:8443"])
      for (const authority of authorities)
        for (const method of ["GET", "HEAD", "get"])
          ask(world.detail({ locations: [location], actions: ["GET"], paths: ["/**"] }), method, authority, "/x");
    expect(differing).toEqual([]);
    expect(Math.min(judged.allowed, judged.denied)).toBeGreaterThan(20);
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
    const rules = rulesOf({ anchors: [] });
    const step = (index: number, sender = GATEWAY) => ({ index, at: now, sender, say: () => {} });
    for (let i = 0; i < 70_000; i++)
      noteAllowed(
        answers,
        grants,
        rules,
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
    const told = () => dueOfAnswers(answers, rules, { since: 0, now: now + 121_000 }).map(({ says }) => says);
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
