/** The signature under a drill's report: refused at the door where it does not hold, and found by whoever reads a log that has it. */
import { beforeAll, describe, expect, it } from "vitest";
import { showEntry } from "../../../control/ledger/audit/show.js";
import { Auditor } from "../../../control/ledger/chain/auditor.js";
import type { Pins } from "../../../control/ledger/chain/rules.js";
import { type DrillClaims, MAX_DRILL_BYTES, readDrillToken, signDrill } from "../../../control/ledger/drill.js";
import { decodeEntry, encodeEntry } from "../../../control/ledger/entry.js";
import type { Taken } from "../../../control/ledger/intake.js";
import { newKey, type PrivateKey, publicPart } from "../../../control/signer/jwk.js";
import { signClaims } from "../../../control/signer/sign.js";
import { type Anchors, anchorsSchema } from "../../../control/trust/anchors.js";
import { type Json, World } from "../../kit/world.js";
import { type Opened, open, other } from "./kit.js";

const ORIGIN = "ledger.example/test";
const NOW = Math.floor(Date.now() / 1000);
const rita = newKey("Ed25519");
const elsa = newKey("ES256");
const gone = newKey("Ed25519");
const late = newKey("Ed25519");
const carl = newKey("ES256");
const then = newKey("Ed25519");
let pins: Pins;
let anchors: Anchors;
let bundle: string;
let newer: string;

beforeAll(() => {
  const world = new World(NOW - 60);
  const claims = world.bundleClaims();
  const principals: readonly Json[] = [
    { id: "carl", roles: ["lead"], keys: [publicPart(carl)] },
    { id: "carl-then", roles: [{ role: "drill-oncall", exp: NOW - 10 }], keys: [publicPart(then)] },
    { id: "drill-rita", roles: ["drill-oncall"], keys: [publicPart(rita), { ...publicPart(late), nbf: NOW + 3600 }] },
    { id: "drill-elsa", roles: ["drill-oncall"], keys: [publicPart(elsa)] },
    { id: "drill-gone", roles: ["drill-oncall"], keys: [publicPart(gone)] },
  ];
  const all = { ...claims, principals: [...[claims.principals].flat(), ...principals] };
  bundle = world.bundle({ ...all, revoked: { kid: [gone.kid] } });
  newer = world.bundle({ ...all, version: Number(claims.version) + 1, revoked: { kid: [rita.kid] } });
  anchors = anchorsSchema.parse({ audience: "test", threshold: 2, roots: world.roots.map(({ jwk }) => jwk) });
  pins = { anchors: [anchors], senders: {}, origin: ORIGIN };
});

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();
const claimsOf = (changes: Partial<DrillClaims> = {}): DrillClaims => ({
  v: 1,
  origin: ORIGIN,
  drill: "quarterly",
  name: "quarterly",
  sub: "drill-rita",
  iat: NOW,
  began: iso(NOW - 60),
  ended: iso(NOW - 1),
  due: iso(NOW + 90 * 86_400),
  report: "ab".repeat(32),
  counts: { passed: 120, failed: 0, notProbed: 3 },
  good: true,
  ...changes,
});
const begin = async (): Promise<Opened> => {
  const opened = await open(pins, NOW * 1000);
  await opened.ledger.take([other("bundle", bundle)]);
  return opened;
};
async function hand({ ledger }: Opened, token: string, sub = "drill-rita"): Promise<Taken> {
  const [taken] = await ledger.take([
    { kind: "drill", bytes: Buffer.from(token), sender: { sender: sub, via: "signature" } },
  ]);
  if (taken === undefined) throw new Error("nothing was answered");
  return taken;
}
/** What `verify` says that the ledger was silent about, where a log has it all the same. */
function silentAbout({ log }: Opened, token: string, pinned: Pins = pins): string[] {
  const head = { ledger: 1, type: "drill", received: iso(NOW), sender: "drill-rita", via: "signature" } as const;
  const entries = [...log.entries, encodeEntry({ head, body: Buffer.from(token) })];
  const auditor = new Auditor(pinned);
  entries.forEach((bytes, index) => {
    const entry = decodeEntry(bytes);
    if (entry !== undefined) auditor.take(index, entry);
  });
  return auditor.end().flatMap(({ code, says, isUntold }) => (isUntold && code === "drill_invalid" ? [says] : []));
}

interface Bad {
  readonly says: RegExp;
  readonly changes?: Partial<DrillClaims>;
  readonly key?: PrivateKey;
}
const bad: Readonly<Record<string, Bad>> = {
  "of somebody whom the bundle does not name": {
    changes: { sub: "mallory" },
    says: /^mallory is not in the trust bundle of test/,
  },
  "of another's key": { key: elsa, says: /The key .* is not one of drill-rita in the trust bundle/ },
  "of a key that does not hold yet": { key: late, says: /did not hold when it was signed/ },
  "of a revoked key": { changes: { sub: "drill-gone" }, key: gone, says: /drill-gone, or the key, is revoked/ },
  "of somebody who may hold no drill": {
    changes: { sub: "carl" },
    key: carl,
    says: /^carl may hold no drill by the trust bundle of test \(version \d+\): roles of .* are oncall, drill-oncall\./,
  },
  "of somebody who may not any more": {
    changes: { sub: "carl-then", iat: NOW - 20 },
    key: then,
    says: /^carl-then may hold no drill/,
  },
  "of another environment": {
    changes: { aud: "staging" },
    says: /It is of a drill in staging, and the anchors are of test/,
  },
  "under another name": {
    changes: { name: "yearly" },
    says: /under the name yearly, and its grants were of the drill quarterly/,
  },
  "long after the drill": { changes: { iat: NOW - 9000 }, says: /a drill is signed as it ends/ },
  "of another ledger": { changes: { origin: "ledger.example/other" }, says: /It is of another ledger/ },
  "of no ledger": { changes: { origin: undefined }, says: /It names no ledger/ },
  "from the future": { changes: { iat: NOW + 86_400 }, says: /which is to come/ },
  "of a drill that ends tomorrow": {
    changes: { ended: iso(NOW + 86_400) },
    says: /the drill ended at .*, which is to come/,
  },
  "over more than the ledger has": {
    changes: { checkpoint: { size: 9999, root: "00".repeat(32) } },
    says: /It names 9999 entries, and the ledger has 1\./,
  },
};

describe("the signature under a drill's report", () => {
  it("is entered once, with the signer's name, and tail says what it is", async () => {
    const opened = await begin();
    for (const [sub, key] of [
      ["drill-rita", rita],
      ["drill-elsa", elsa],
    ] as const) {
      const token = await signDrill(claimsOf({ sub }), key);
      const first = await hand(opened, token, sub);
      expect(first).toMatchObject({ isNew: true });
      expect(await hand(opened, token, sub)).toEqual({ index: first.index, isNew: false });
      const again = await opened.reopen();
      expect(await hand(again, token, sub)).toEqual({ index: first.index, isNew: false });
      expect(silentAbout(opened, token)).toEqual([]);
    }
    expect(opened.codes()).toEqual([]);
    const entry = opened.log.decoded().at(-1);
    expect(entry?.head).toMatchObject({ type: "drill", sender: "drill-elsa", via: "signature" });
    const { head, body = Buffer.alloc(0) } = entry ?? {};
    expect(showEntry({ index: 2, bytes: body, head, body })).toMatch(
      /drill {7}drill-elsa signed the drill quarterly of .*, which went well: 120 as expected, 0 not, 3 not probed; next due \d{4}-\d\d-\d\d; report abab/,
    );
  });

  for (const [name, { says, changes, key = rita }] of Object.entries(bad))
    it(`is refused, and found in a log: ${name}`, async () => {
      const opened = await begin();
      const token = await signDrill(claimsOf(changes), key);
      expect(await hand(opened, token)).toMatchObject({ index: undefined, refused: [expect.stringMatching(says)] });
      expect(opened.log.size).toBe(1);
      expect(silentAbout(opened, token)).toEqual([expect.stringContaining("the ledger has no alarm about it")]);
    });

  it("is refused where other bytes were signed, and where a newer bundle revokes the key", async () => {
    const opened = await begin();
    const [head, , signature] = (await signDrill(claimsOf(), rita)).split(".");
    const payload = Buffer.from(JSON.stringify(claimsOf({ report: "cd".repeat(32) }))).toString("base64url");
    const forged = [head, payload, signature].join(".");
    expect((await hand(opened, forged)).refused).toEqual([expect.stringContaining("other bytes were signed")]);
    expect(silentAbout(opened, forged)).toHaveLength(1);
    await opened.ledger.take([other("bundle", newer)]);
    expect((await hand(opened, await signDrill(claimsOf(), rita))).refused).toEqual([
      expect.stringContaining("or the key, is revoked"),
    ]);
  });

  it("is no signature with other members, another type, or beyond its bounds", async () => {
    const opened = await begin();
    const sign = (claims: Json, typ: "bg-drill+jws" | "bg-review+jws" = "bg-drill+jws") =>
      signClaims(typ, claims, rita);
    const good = claimsOf();
    for (const token of [
      await sign({ ...good, more: 1 }),
      await sign({ ...good, v: 2 }),
      await sign({ ...good, sub: "a".repeat(65) }),
      await sign({ ...good, name: "../../etc" }),
      await sign({ ...good, counts: { ...good.counts, passed: -1 } }),
      await sign({ ...good, counts: { ...good.counts, failed: 1 } }),
      await sign({ ...good, began: good.due }),
      await sign({ ...good, report: "AB".repeat(32) }),
      await sign({ ...good, origin: "x".repeat(MAX_DRILL_BYTES) }),
      await sign({ ...good }, "bg-review+jws"),
      "{}",
      "",
    ]) {
      expect(readDrillToken(token)).toBeUndefined();
      expect((await hand(opened, token)).refused).toEqual([expect.stringContaining("It is no signature of a drill")]);
      expect(silentAbout(opened, token)).toHaveLength(1);
    }
  });

  it("accuses nobody where no anchors are pinned to judge a finished log by", async () => {
    const opened = await begin();
    const token = await signDrill(claimsOf({ sub: "mallory" }), rita);
    expect(silentAbout(opened, token, { anchors: [], origin: ORIGIN })).toEqual([]);
  });
});
