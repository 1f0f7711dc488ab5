/** Roster proofs: what counts, what does not, who is named; and that a proof is nothing but a proof. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, expect, it } from "vitest";
import {
  type Challenge,
  challengeText,
  findChallenges,
  newChallenge,
  readProof,
  signProof,
} from "../../control/drill/roster.js";
import { type Book, changeBook, readBook, withChallenge } from "../../control/drill/roster-book.js";
import { judgeProof, type Keys, keysOf } from "../../control/drill/roster-judge.js";
import { isWanting, standing, takeProofs } from "../../control/drill/roster-standing.js";
import { findAll, findMessages } from "../../control/grant/find.js";
import { FilterHost } from "../../control/host/host.js";
import { readReview } from "../../control/ledger/review.js";
import { newKey, type PrivateKey, publicPart, type WindowedKey } from "../../control/signer/jwk.js";
import { signClaims, signPayload } from "../../control/signer/sign.js";
import type { BundleClaims } from "../../control/trust/claims.js";
import { headersOf } from "../kit/headers.js";
import { detail, entitlement } from "../kit/party.js";
import { World } from "../kit/world.js";

const DAY = 86_400;
const WITHIN = 90 * DAY;
const now = 1_800_000_000;
const keys = {
  rita: newKey("Ed25519"),
  ritaPhone: newKey("ES256"),
  ritaAdmin: newKey("Ed25519"),
  adam: newKey("ES256"),
  late: newKey("Ed25519"),
  gone: newKey("Ed25519"),
  root: newKey("ES256"),
  stranger: newKey("Ed25519"),
};
const windowed = (key: PrivateKey, window: { nbf?: number; exp?: number } = {}): WindowedKey => ({
  ...publicPart(key),
  ...window,
});

function trusting(changes: Partial<BundleClaims> = {}, audience = "production"): Keys {
  const claims: BundleClaims = {
    schema: 1,
    version: 7,
    iat: now - 400 * DAY,
    exp: now + DAY,
    aud: [audience],
    principals: [
      { id: "rita", roles: ["oncall"], keys: [windowed(keys.rita), windowed(keys.ritaPhone)] },
      { id: "rita-admin", person: "rita", roles: ["lead"], keys: [windowed(keys.ritaAdmin)] },
      { id: "adam", roles: ["lead"], keys: [windowed(keys.adam)] },
      { id: "late", roles: [], keys: [windowed(keys.late, { nbf: now + 10 })] },
      { id: "gone", roles: [], keys: [windowed(keys.gone, { exp: now })] },
      { id: "nobody", roles: [], keys: [] },
    ],
    entitlements: [entitlement()],
    ...changes,
  };
  return keysOf({ anchors: { audience, threshold: 1, roots: [publicPart(keys.root)] }, claims });
}
const trusted = trusting();
const challengeOf = (daysAgo = 1, changes: Partial<Challenge> = {}): Challenge => ({
  ...newChallenge({ aud: "production", iat: now - daysAgo * DAY, exp: now - daysAgo * DAY + 14 * DAY, by: "olga" }),
  ...changes,
});
const bookOf = (...challenges: Challenge[]): Book => ({ v: 1, challenges, proofs: [] });
/** Why it does not count; undefined where it does. */
function why(token: string, challenge: Challenge, by: Keys = trusted): string | undefined {
  const judged = judgeProof(token, [challenge], by, now);
  return "refused" in judged ? judged.refused : undefined;
}

it("counts a proof of every kind of key, roots among them", async () => {
  const challenge = challengeOf();
  for (const [key, sub] of [
    [keys.rita, "rita"],
    [keys.ritaPhone, "rita"],
    [keys.adam, "adam"],
    [keys.root, undefined],
  ] as const)
    expect(why(await signProof(challenge, sub, now, key), challenge)).toBeUndefined();
});

it("counts none that is another's, of another place, of another number, or out of its window", async () => {
  const challenge = challengeOf();
  const sign = (key: PrivateKey, sub?: string, iat = now, about = challenge): Promise<string> =>
    signProof(about, sub, iat, key);
  expect(why(await sign(keys.stranger, "rita"), challenge)).toContain("not in the trust bundle");
  expect(why(await sign(keys.stranger), challenge)).toContain("no root");
  expect(why(await sign(keys.rita), challenge)).toContain("no root");
  expect(why(await sign(keys.root, "rita"), challenge)).toContain("not in the trust bundle");
  // One person, two accounts: neither signs for the other.
  expect(why(await sign(keys.rita, "rita-admin"), challenge)).toContain("signed as rita-admin with the key of rita");
  expect(why(await sign(keys.rita, "rita", now, challengeOf(1)), challenge)).toContain(
    "no challenge that was made here",
  );
  const staging = challengeOf(1, { aud: "staging" });
  expect(why(await sign(keys.rita, "rita", now, staging), staging)).toContain("for staging");
  expect(why(await sign(keys.rita, "rita"), challenge, trusting({}, "staging"))).toContain("for production");
  // The number of one environment's challenge under the name of another.
  expect(why(await sign(keys.rita, "rita"), { ...challenge, aud: "staging" })).toContain("no challenge");
  expect(why(await sign(keys.late, "late"), challenge)).toContain("not valid yet");
  expect(why(await sign(keys.gone, "gone"), challenge)).toContain("has ended");
  for (const revoked of [{ kid: [keys.rita.kid] }, { sub: ["rita"] }])
    expect(why(await sign(keys.rita, "rita"), challenge, trusting({ revoked }))).toContain("revoked");
});

it("counts none by a clock that is wrong, and says which two to compare", async () => {
  const challenge = challengeOf(1);
  const at = async (iat: number): Promise<string | undefined> =>
    why(await signProof(challenge, "rita", iat, keys.rita), challenge);
  expect(await at(now + 5)).toBeUndefined();
  expect(await at(now + 6)).toMatch(/your clock says 2027-.*one of the two clocks is wrong/);
  expect(await at(challenge.iat - 5)).toBeUndefined();
  expect(await at(challenge.iat - 6)).toMatch(/its challenge was made at .*one of the two clocks is wrong/);
  const ended = challengeOf(20);
  expect(why(await signProof(ended, "rita", ended.exp + 6, keys.rita), ended)).toContain("had ended");
  // Signed in time, and handed on late: it says no more than that the key was there then.
  expect(why(await signProof(ended, "rita", ended.exp, keys.rita), ended)).toBeUndefined();
});

it("counts none that was changed, or that is something else", async () => {
  const challenge = challengeOf();
  const good = await signProof(challenge, "rita", now, keys.rita);
  const [head = "", payload = "", signature = ""] = good.split(".");
  const other = Buffer.from(
    JSON.stringify({ v: 1, aud: "production", nonce: challenge.nonce, sub: "rita", iat: now - 1 }),
  );
  expect(why(`${head}.${other.toString("base64url")}.${signature}`, challenge)).toContain("does not hold");
  const claims = { v: 1, aud: "production", nonce: challenge.nonce, sub: "rita", iat: now };
  for (const typ of ["bg+jwt", "bg-ask+jwt", "bg-review+jws", "bg-revocations+jwt"] as const) {
    expect(why(await signPayload(typ, payload, keys.rita), challenge)).toContain("none that");
    // Under the proof's own typ, what an ask or a grant says is no proof.
    expect(readProof(await signPayload(typ, payload, keys.rita))).toBeUndefined();
  }
  for (const bent of [
    { ...claims, jti: "x" },
    { ...claims, nonce: `${challenge.nonce}A` },
    { ...claims, nonce: `${challenge.nonce.slice(0, 21)}B` },
    { ...claims, sub: "\u001b[2J" },
    { ...claims, aud: undefined },
    { ...claims, iat: 1.5 },
    { ...claims, v: 2 },
  ])
    expect(why(await signClaims("bg-challenge+jws", bent, keys.rita), challenge)).toContain("none that");
  expect(why(`${good}~${good}`, challenge)).toContain("none that");
});

it("signs five members of its own, whatever a challenge holds", async () => {
  const hostile = { ...challengeOf(), ent: "orders-repair", jti: "x", authorization_details: [detail], exp: now + 900 };
  const proof = readProof(await signProof(hostile, "rita", now, keys.rita));
  expect(Object.keys(proof?.claims ?? {})).toEqual(["v", "aud", "nonce", "sub", "iat"]);
  await expect(
    signProof({ ...hostile, nonce: "a digest of something else, in many letters" }, "rita", now, keys.rita),
  ).rejects.toThrow();
  await expect(signProof({ ...hostile, aud: "a\nb" }, "rita", now, keys.rita)).rejects.toThrow();
});

it("opens nothing and approves nothing at the gateway", async () => {
  const start = Math.floor(Date.now() / 1000);
  const world = new World(start);
  const principals = [
    { id: "rita", roles: ["oncall"], keys: [publicPart(keys.rita)] },
    { id: "adam", roles: ["lead", "security"], keys: [publicPart(keys.adam)] },
  ];
  const host = await FilterHost.load({ clock: () => start * 1000 });
  expect(host.configure(world.configuration({ bundle: world.bundleClaims({ principals }) })).accepted).toBe(true);
  const verdict = (grant: string): number | undefined => host.request({ headers: headersOf([grant]) }).reply?.status;
  const challenge = newChallenge({ aud: "test", iat: start, exp: start + DAY, by: "a stranger" });
  const ritas = await signProof(challenge, "rita", start, keys.rita);
  const adams = await signProof(challenge, "adam", start, keys.adam);
  const payload = Buffer.from(JSON.stringify(world.claims({ ent: "leads" }))).toString("base64url");
  const request = await signPayload("bg+jwt", payload, keys.rita);
  const detached = adams.replace(/\..*\./, "..");
  for (const text of [ritas, `${ritas}~${detached}`, `${request}~${adams}`, `${request}~${detached}`])
    expect(verdict(text)).toBeGreaterThanOrEqual(400);
  expect(readReview(ritas)).toBeUndefined();
});

it("keeps the newest of a key, counts from its challenge, and takes an old one for what it is", async () => {
  const [old, recent] = [challengeOf(100), challengeOf(2)];
  const [first, second] = [
    await signProof(old, "rita", old.iat + 60, keys.rita),
    await signProof(recent, "rita", now, keys.rita),
  ];
  const row = (book: Book) => standing(book, trusted, now, WITHIN).rows.find(({ kid }) => kid === keys.rita.kid);
  const before = takeProofs(bookOf(old, recent), [first], trusted, now);
  expect(row(before.book)).toMatchObject({ state: "overdue", challenged: old.iat });
  const both = takeProofs(before.book, [second], trusted, now);
  expect(row(both.book)).toMatchObject({ state: "proven", challenged: recent.iat });
  expect(both.book.proofs).toHaveLength(1);
  // Replayed, also the old one: nothing changes, and nothing is written.
  for (const again of [first, second]) expect(takeProofs(both.book, [again], trusted, now).book).toBe(both.book);
  // A clock that dates an old challenge's answer of today makes it no newer.
  const postdated = takeProofs(
    before.book,
    [await signProof({ ...old, exp: now + DAY }, "rita", now, keys.rita)],
    trusted,
    now,
  );
  expect(row(postdated.book)).toMatchObject({ state: "overdue" });
});

it("names keys one by one, roots, keyless people and those who left", async () => {
  const challenge = challengeOf();
  const tokens = [
    await signProof(challenge, "rita", now, keys.rita),
    await signProof(challenge, "adam", now, keys.adam),
    await signProof(challenge, undefined, now, keys.root),
  ];
  const { book, refused } = takeProofs(bookOf(challenge), tokens, trusted, now);
  expect(refused).toEqual([]);
  const states = (by: Keys) => standing(book, by, now, WITHIN).rows.map(({ who, kid, state }) => [who, kid, state]);
  expect(states(trusted)).toEqual([
    ["late", undefined, "no key"],
    ["gone", undefined, "no key"],
    ["nobody", undefined, "no key"],
    ["rita", keys.rita.kid, "proven"],
    ["rita", keys.ritaPhone.kid, "never"],
    ["rita-admin", keys.ritaAdmin.kid, "never"],
    ["adam", keys.adam.kid, "proven"],
    ["late", keys.late.kid, "not yet"],
    ["gone", keys.gone.kid, "ended"],
    ["root 1", keys.root.kid, "proven"],
  ]);
  const without = trusting({ principals: trusted.claims.principals.filter(({ id }) => id !== "adam") });
  expect(standing(book, without, now, WITHIN).left).toEqual([
    { who: "adam", kid: keys.adam.kid, challenged: challenge.iat },
  ]);
  // The key that goes to somebody else was not proved by him.
  const handed = trusting({ principals: [{ id: "eve", roles: [], keys: [windowed(keys.adam)] }] });
  expect(states(handed)).toContainEqual(["eve", keys.adam.kid, "never"]);
  const revoked = trusting({ revoked: { sub: ["rita"] } });
  expect(
    standing(book, revoked, now, WITHIN)
      .rows.filter(isWanting)
      .map(({ who }) => who),
  ).not.toContain("rita");
});

it("believes no date of the book that the signer's own contradicts", async () => {
  const challenge = challengeOf(100);
  const { book } = takeProofs(
    bookOf(challenge),
    [await signProof(challenge, "rita", challenge.iat, keys.rita)],
    trusted,
    now,
  );
  const younger = { ...book, proofs: book.proofs.map((kept) => ({ ...kept, challenged: now - DAY })) };
  expect(standing(younger, trusted, now, WITHIN).rows.find(({ kid }) => kid === keys.rita.kid)?.state).toBe("never");
});

it("believes no date that is to come, whatever the signer and the book agree on", async () => {
  const challenge = challengeOf(1);
  const { book } = takeProofs(bookOf(challenge), [await signProof(challenge, "rita", now, keys.rita)], trusted, now);
  const later = now + 4000 * DAY;
  const postdated = { ...challenge, iat: later, exp: later + DAY };
  const proof = await signProof(postdated, "rita", later, keys.rita);
  const bent = { ...book, proofs: [{ challenged: later, proof }] };
  expect(standing(bent, trusted, now, WITHIN).rows.find(({ kid }) => kid === keys.rita.kid)?.state).toBe("never");
});

it("waits for no challenge of somebody who can do nothing but drills", async () => {
  const drillKeys = [newKey("Ed25519"), newKey("Ed25519"), newKey("Ed25519")] as const;
  const person = (id: string, roles: string[], key: PrivateKey) => ({ id, roles, keys: [windowed(key)] });
  const by = trusting({
    principals: [
      person("drill-rita", ["drill-oncall"], drillKeys[0]),
      person("both", ["drill-oncall", "oncall"], drillKeys[1]),
      person("neither", ["unknown"], drillKeys[2]),
      { id: "drill-adam", roles: ["drill-lead"], keys: [] },
    ],
    entitlements: [
      entitlement(),
      entitlement({
        ...{ id: "drill", drill: true, requesters: ["oncall", "drill-oncall"] },
        approvals: [{ role: "drill-lead", count: 1 }],
      }),
    ],
  });
  const states = (book: Book) =>
    Object.fromEntries(standing(book, by, now, WITHIN).rows.map(({ who, state }) => [who, state]));
  const none = { "drill-rita": "drill", both: "never", neither: "never", "drill-adam": "drill", "root 1": "never" };
  expect(states(bookOf())).toEqual(none);
  expect(
    standing(bookOf(), by, now, WITHIN)
      .rows.filter(isWanting)
      .map(({ who }) => who),
  ).toEqual([...["both", "neither", "root 1"]]);
  // Whoever signs all the same is told as anybody.
  const challenge = challengeOf();
  const { book } = takeProofs(
    bookOf(challenge),
    [await signProof(challenge, "drill-rita", now, drillKeys[0])],
    by,
    now,
  );
  expect(states(book)).toEqual({ ...none, "drill-rita": "proven" });
});

it("finds a challenge and a proof in what a chat makes of them", async () => {
  const challenge = newChallenge({ aud: "production", iat: now, exp: now + DAY, by: "Olga \u202e <b>& co" });
  const text = challengeText(challenge);
  for (const sent of [
    text,
    `Hi all, please:\n> ${text.slice(0, 60)}\n> ${text.slice(60)}\nThanks`,
    text.replaceAll(".", "&#46;"),
    text.replace("bg-", "bg\u2011"),
    `[10:42] olga: ${text} please sign`,
    `${text}\n${text}`,
  ])
    expect(findChallenges(sent)).toEqual([challenge]);
  for (const broken of [text.slice(0, -1), text.slice(0, 80), `${text.slice(0, 60)}x${text.slice(61)}`])
    expect(findChallenges(broken)).toEqual([]);
  expect(findChallenges(text + challengeText(challengeOf()))).toHaveLength(2);
  const proof = await signProof(challenge, "rita", now, keys.rita);
  const chat = `rita: ${proof.slice(0, 70)}\n  ${proof.slice(70)}\nadam: here is mine`;
  expect(findAll(chat).messages.map((message) => message.text)).toEqual([proof]);
  // Whoever approves out of the same chat is not asked which of the two he means.
  expect(findMessages(chat)).toMatchObject({ messages: [], remains: ["a roster proof"] });
});

it("reads any text without a fault", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = Buffer.from(bytes).toString("latin1");
      expect(readProof(text)).toBeUndefined();
      expect(findChallenges(`bg-challenge.${text}`)).toEqual([]);
      expect(findChallenges(`bg-challenge.${Buffer.from(text).toString("base64url")}.AAAAAAAAAAA`)).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

it("keeps the newest hundred challenges, whole, and reads no book that it did not write", async () => {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-roster-"));
  folders.push(folder);
  const path = join(folder, "drills", "roster.json");
  const made = Array.from({ length: 101 }, () => challengeOf());
  await changeBook(path, (book) => made.reduce(withChallenge, book));
  expect(readBook(path)).toEqual(bookOf(...made.slice(1)));
  const text = readFileSync(path, "utf8");
  for (const bent of [
    text.slice(0, -9),
    text.replace('"v": 1', '"v": 2'),
    text.replace('"proofs": []', '"proofs": [{"challenged": 1, "proof": "x"}]'),
  ]) {
    writeFileSync(path, bent);
    expect(() => readBook(path)).toThrow(/roster\.json/);
  }
});
