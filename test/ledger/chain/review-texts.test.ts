/** A reviewer whom an urgent text takes back closes nothing from then on: at the door, and for whoever reads the log. */
import { beforeAll, describe, expect, it } from "vitest";
import { encodeEntry } from "../../../control/ledger/entry.js";
import type { Taken } from "../../../control/ledger/intake.js";
import { type ReviewClaims, signReview } from "../../../control/ledger/review.js";
import { revocations, type TextSpec } from "../../kit/revocations.js";
import { claimsOver, GATEWAY, type Story, silentAbout, tellStory } from "../../review/closing-kit.js";
import { line, type Opened, open, other } from "./kit.js";

const ORIGIN = "ledger.example/test";
let story: Story;
beforeAll(async () => {
  story = await tellStory();
});

async function begin(): Promise<Opened> {
  const pins = { anchors: [story.anchors], senders: { [GATEWAY]: [], "gateway-2": [] }, origin: ORIGIN };
  const opened = await open(pins, Date.now(), { grace: { gap: 1 } });
  await opened.ledger.take([other("bundle", story.bundle), ...story.lines.map((text) => line(text))]);
  return opened;
}

/** By olga. */
async function signed({ log, clock }: Opened, changes: Partial<ReviewClaims> = {}): Promise<Buffer> {
  const iat = Math.floor(clock.now / 1000);
  const { used } = story.grants;
  const claims = claimsOver(story, log.entries, ORIGIN, Buffer.alloc(32), used, { iat, ...changes });
  return Buffer.from(await signReview(claims, story.key("olga")));
}
async function knock({ ledger }: Opened, bytes: Buffer): Promise<Taken | undefined> {
  const [taken] = await ledger.take([{ kind: "review", bytes, sender: { sender: "olga", via: "signature" } }]);
  return taken;
}
/** As a ledger that lets everything in would write it. */
const entryOf = ({ clock }: Opened, body: Buffer): Buffer =>
  encodeEntry({
    head: {
      ...{ ledger: 1, type: "review", sender: "olga", via: "signature" },
      received: new Date(clock.now).toISOString(),
    },
    body,
  });

/** When olga signs, in seconds: what the texts were signed before. */
const now = (): number => Math.floor(Date.now() / 1000);
const at = (iat: number) => ({ iat, version: iat });
type Texts = (story: Story) => readonly TextSpec[];
const root = ({ world }: Story) => world.roots[0];
/** A lead, and so a revoker. */
const adam = ({ world }: Story) => world.adam;

const refusing: Readonly<Record<string, { readonly texts: Texts; readonly says: RegExp }>> = {
  "a root names her": {
    texts: (one) => [{ by: root(one), revoked: { sub: ["olga"] } }],
    says: /olga, or the key, is revoked in an urgent text of \S{43} \(version \d+, entry \d+\)/,
  },
  "a root names her key": {
    texts: (one) => [{ by: root(one), revoked: { kid: [one.key("olga").kid] } }],
    says: /olga, or the key, is revoked in an urgent text/,
  },
  "a revoker names her": {
    texts: (one) => [{ by: adam(one), revoked: { sub: ["olga"] } }],
    says: /is revoked in an urgent text of adam /,
  },
  "what she signed before is void": {
    texts: (one) => [
      { by: root(one), revoked: { issued_before: [{ at: now() + 60, sub: "olga" }] }, claims: at(now() + 60) },
    ],
    says: /What olga signed before .* counts no more, by an urgent text of .*: sign it anew/,
  },
  "what anybody signed before is void": {
    texts: (one) => [{ by: adam(one), revoked: { issued_before: [{ at: now() + 60 }] }, claims: at(now() + 60) }],
    says: /What olga signed before .* counts no more, by an urgent text of adam/,
  },
  "another signer takes his own back, and not the first one's": {
    texts: (one) => [
      { by: root(one), revoked: { sub: ["olga"] } },
      { by: adam(one), revoked: { sub: ["olga"] } },
      { by: adam(one), claims: at(now()) },
    ],
    says: /is revoked in an urgent text of \S{43} /,
  },
  "an older text comes behind the newer one": {
    texts: (one) => [
      { by: adam(one), revoked: { sub: ["olga"] }, claims: at(now() - 10) },
      { by: adam(one), claims: at(now() - 20) },
    ],
    says: /is revoked in an urgent text of adam/,
  },
  "a root that another root's text names goes on counting": {
    texts: (one) => [
      { by: root(one), revoked: { sub: ["olga"] } },
      { by: one.world.roots[1], revoked: { sub: [root(one).kid.slice(0, 40)] } },
    ],
    says: /is revoked in an urgent text/,
  },
};

const letting: Readonly<Record<string, Texts>> = {
  "a text names somebody else": (one) => [{ by: root(one), revoked: { sub: ["pat"], kid: [one.key("pat").kid] } }],
  "what she signed before that is void, or somebody else's": (one) => [
    {
      by: root(one),
      revoked: {
        issued_before: [{ at: now() - 100, sub: "olga" }, { at: now() - 100 }, { at: now() + 60, sub: "pat" }],
      },
      claims: at(now() + 60),
    },
  ],
  "somebody signs it who may not": (one) => [
    { by: one.world.rita, revoked: { sub: ["olga"] } },
    { by: one.world.stranger, revoked: { sub: ["olga"] } },
  ],
  "its signature does not hold": (one) => [
    { by: { ...root(one), sign: () => new Uint8Array(64) }, revoked: { sub: ["olga"] } },
  ],
  "it is of another environment": (one) => [{ by: root(one), revoked: { sub: ["olga"] }, claims: { aud: ["other"] } }],
  "it is of another type": (one) => [{ by: root(one), revoked: { sub: ["olga"] }, header: { typ: "bg-bundle+jwt" } }],
  "its signer takes it back": (one) => [
    { by: adam(one), revoked: { sub: ["olga"] } },
    { by: adam(one), claims: at(now()) },
  ],
  "a root silences the revoker": (one) => [
    { by: adam(one), revoked: { sub: ["olga"] } },
    { by: root(one), revoked: { sub: ["adam"] } },
  ],
};

const textsOf = (of: Texts) => of(story).map((spec) => other("text", revocations(story.world, spec)));

describe("an urgent text", () => {
  it.each(Object.entries(refusing))("bars a reviewer from then on: %s", async (_, { texts, says }) => {
    const opened = await begin();
    await opened.ledger.take(textsOf(texts));
    const bytes = await signed(opened);
    expect(await knock(opened, bytes)).toMatchObject({ index: undefined, refused: [expect.stringMatching(says)] });
    expect(silentAbout(story, [...opened.log.entries, entryOf(opened, bytes)], ORIGIN)).toEqual([
      expect.stringMatching(says),
    ]);
    // Who starts anew, or goes on in the state that was kept, knows it as well.
    expect(await knock(await opened.reopen(), bytes)).toMatchObject({ refused: [expect.stringMatching(says)] });
  });

  it.each(Object.entries(letting))("bars nobody: %s", async (_, texts) => {
    const opened = await begin();
    await opened.ledger.take(textsOf(texts));
    expect(await knock(opened, await signed(opened))).toMatchObject({ isNew: true });
    expect(silentAbout(story, opened.log.entries, ORIGIN)).toEqual([]);
  });

  it("leaves what was closed before it", async () => {
    const opened = await begin();
    expect(await knock(opened, await signed(opened))).toMatchObject({ isNew: true });
    await opened.ledger.take(textsOf((one) => [{ by: root(one), revoked: { sub: ["olga"] } }]));
    expect(silentAbout(story, opened.log.entries, ORIGIN)).toEqual([]);
    expect(opened.ledger.status().reviews.get("closed")).toBe(1);
  });

  it("counts as the newest bundle says: under its floor no more, and of a revoker who is none no more", async () => {
    const text = (one: Story): TextSpec => ({ by: adam(one), revoked: { sub: ["olga"] }, claims: at(now() - 5) });
    const bundles: readonly (readonly [changes: object, isBarred: boolean])[] = [
      [{}, true],
      [{ texts: { adam: now() } }, false],
      [{ texts: { adam: now() - 1000, pat: now() } }, true],
      [{ revokers: ["oncall"] }, false],
      [{ revoked: { sub: ["adam"] } }, false],
      [{ revoked: { issued_before: [{ at: now() + 60, sub: "olga" }] } }, true],
      [{ texts: { adam: now() }, revoked: { sub: ["olga"] } }, true],
    ];
    for (const [changes, isBarred] of bundles) {
      const opened = await begin();
      await opened.ledger.take(textsOf((one) => [text(one)]));
      await opened.ledger.take([other("bundle", story.newerBundle({ ...changes }))]);
      const taken = await knock(opened, await signed(opened));
      expect({ changes, isBarred: taken?.refused !== undefined }).toEqual({ changes, isBarred });
    }
  });

  it("is not pushed out by whoever floods the ledger with texts of his own", async () => {
    const opened = await begin();
    await opened.ledger.take(textsOf((one) => [{ by: root(one), revoked: { sub: ["olga"] } }]));
    const flood = Array.from({ length: 300 }, (_, i) =>
      other("text", revocations(story.world, { by: story.world.stranger, claims: at(now() - i) }), "gateway-2"),
    );
    await opened.ledger.take(flood);
    // Nor by its own signer's many others.
    const own = Array.from({ length: 300 }, (_, i) =>
      revocations(story.world, { by: story.world.roots[1], claims: at(now() - 500 + i) }),
    );
    await opened.ledger.take(own.map((text) => other("text", text)));
    expect((await knock(opened, await signed(opened)))?.refused).toEqual([expect.stringMatching(/is revoked in/)]);
  });

  it("that took the grant back ends it before its time, as a bundle does", async () => {
    const opened = await begin();
    const { lasting } = story.grants;
    const about = async (): Promise<readonly string[] | undefined> => {
      const claims = claimsOver(story, opened.log.entries, ORIGIN, Buffer.alloc(32), lasting, {});
      const bytes = Buffer.from(await signReview(claims, story.key("olga")));
      return (await knock(opened, bytes))?.refused;
    };
    expect(await about()).toEqual([expect.stringMatching(/The grant has not ended/)]);
    await opened.ledger.take(textsOf((one) => [{ by: adam(one), revoked: { sub: ["rita"] } }]));
    expect(await about()).toBeUndefined();
  });
});
