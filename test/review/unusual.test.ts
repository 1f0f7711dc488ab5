/** Each thing that a reviewer should look at, planted once in a calm use, and found by its words; and nothing is found in the calm one. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { rulesOf } from "../../control/ledger/chain/rules.js";
import { Bundles } from "../../control/review/bundles.js";
import { newFacts } from "../../control/review/facts.js";
import { hoursOf } from "../../control/review/hours.js";
import type { Review, UnusualCode } from "../../control/review/model.js";
import { unusualCodes } from "../../control/review/model.js";
import { isNear } from "../../control/review/near.js";
import { reviewPage } from "../../control/review/page/review.js";
import type { ReadOptions } from "../../control/review/read.js";
import { unusualOf } from "../../control/review/unusual.js";
import { unusualRows } from "../../control/review/words.js";
import { newSigner } from "../kit/token.js";
import type { GrantSpec, Json, World } from "../kit/world.js";
import { askOf, calmGrant, calmUse, hashOf, Scene } from "./scene.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-unusual-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let serial = 0;

const MINUTE = 60_000;

interface Played {
  readonly scene: Scene;
  /** The one that is reviewed. */
  readonly grant: string;
}

interface Plant {
  readonly code: UnusualCode;
  readonly what: string;
  readonly start?: number;
  readonly bundle?: (world: World) => Json;
  readonly spec?: (scene: Scene) => GrantSpec;
  /** In place of the calm use. */
  readonly use?: (played: Played) => Promise<void>;
  readonly more?: (played: Played) => Partial<ReadOptions>;
  readonly says: RegExp;
}

const WEDNESDAY_NOON = Date.UTC(2026, 0, 14, 12);

async function play({
  start = WEDNESDAY_NOON,
  bundle,
  spec,
  use,
  more,
}: Omit<Plant, "code" | "what" | "says">): Promise<Review> {
  // An earlier use, in the same hour, so that nothing is the first.
  const scene = await Scene.start(start - 20 * MINUTE, bundle);
  const before = calmGrant(scene);
  scene.pass(2 * MINUTE);
  await calmUse(scene, before);
  scene.clock.now = start;
  const grant = calmGrant(scene, spec?.(scene));
  const played = { scene, grant };
  scene.pass(2 * MINUTE);
  await (use ?? (() => calmUse(scene, grant)))(played);
  const folder = join(base, `log-${serial++}`);
  await scene.write(folder);
  const { reviews } = await scene.read(folder, { asks: [askOf(grant, scene.world.rita)], ...more?.(played) });
  const review = reviews.find((one) => one.grant === hashOf(grant));
  if (review === undefined) throw new Error("the grant has no review");
  return review;
}

const detail = (world: World, changes: Json = {}): Json => world.detail(changes);
const principals = (world: World, ...more: readonly Json[]): Json => {
  const claims = world.bundleClaims();
  const { principals: those } = claims;
  return { ...claims, principals: [...(Array.isArray(those) ? those : []), ...more] };
};
const entitlements = (world: World, ...more: readonly Json[]): Json => {
  const claims = world.bundleClaims();
  const { entitlements: those } = claims;
  return { ...claims, entitlements: [...(Array.isArray(those) ? those : []), ...more] };
};
/** Approved so many seconds after the ask. */
const approvedAfter =
  (seconds: number) =>
  (scene: Scene): GrantSpec => {
    const iat = Math.floor(scene.clock.now / 1000);
    return {
      approvals: [
        { by: scene.world.adam2, iat: iat + seconds },
        { by: scene.world.anna, iat: iat + 60 },
      ],
    };
  };
const patient = (world: World): Json => entitlements(world, world.entitlement("patient", { max_wait: 3000 }));

const plants: readonly Plant[] = [
  {
    code: "denied_calls",
    what: "a path that was not granted",
    use: async ({ scene, grant }) => {
      await calmUse(scene, grant);
      await scene.call({ grant, path: "/admin" });
      await scene.call({ grant, method: "DELETE" });
    },
    says: /^2 calls denied: 1 scope_path, 1 scope_method$/,
  },
  {
    code: "several_networks",
    what: "a second network",
    use: async ({ scene, grant }) => {
      await calmUse(scene, grant);
      await scene.call({ grant, source: "198.51.100.7:1234" });
    },
    says: /^calls came from 2 networks: 192\.0\.2\.0\/24 \(2\), 198\.51\.100\.0\/24 \(1\)$/,
  },
  {
    code: "several_networks",
    what: "IPv6 beside IPv4, and only the calls that were denied",
    use: async ({ scene, grant }) => {
      await calmUse(scene, grant);
      await scene.call({ grant, path: "/admin", source: "[2001:db8:1:2::3]:443" });
    },
    says: /2001:db8:1::\/56 \(1\)/,
  },
  {
    code: "outside_hours",
    what: "a night",
    start: Date.UTC(2026, 0, 14, 22),
    says: /^2 calls outside working hours \(Monday to Friday, 08:00 to 18:00, UTC\)$/,
  },
  {
    code: "outside_hours",
    what: "a Saturday",
    start: Date.UTC(2026, 0, 17, 12),
    says: /^2 calls outside working hours/,
  },
  {
    code: "outside_hours",
    what: "noon in Europe, seen from New York",
    more: () => ({ hours: hoursOf("8-18", "America/New_York") }),
    says: /08:00 to 18:00, America\/New_York\)/,
  },
  {
    code: "long_stream",
    what: "a stream of seven minutes",
    use: async ({ scene, grant }) => {
      await calmUse(scene, grant);
      await scene.call({ grant }, { durationMs: 7 * MINUTE });
    },
    says: /^1 stream open for long, up to 7 minutes$/,
  },
  {
    code: "cut_stream",
    what: "a stream that did not outlive its grant",
    use: async ({ scene, grant }) => {
      await calmUse(scene, grant);
      await scene.cut({ grant }, WEDNESDAY_NOON + 11 * MINUTE);
    },
    says: /^1 stream cut by the gateway, as the grant stood no more: 1 expired$/,
  },
  {
    code: "late_approval",
    what: "twenty minutes after the ask",
    bundle: patient,
    spec: (scene) => {
      const iat = Math.floor(scene.clock.now / 1000);
      return { claims: { ent: "patient", exp: iat + 2400 }, ...approvedAfter(1200)(scene) };
    },
    use: async ({ scene, grant }) => {
      scene.pass(20 * MINUTE);
      await calmUse(scene, grant);
    },
    says: /^adam approved late, 20 minutes after the ask$/,
  },
  {
    code: "late_approval",
    what: "after the first use",
    use: async ({ scene, grant }) => {
      await calmUse(scene, grant);
      const alex = scene.world.approve(grant.split(".", 2)[1] ?? "", {
        by: scene.world.alex,
        iat: Math.floor(scene.clock.now / 1000) + 60,
      });
      scene.pass(2 * MINUTE);
      await scene.call({ grant: `${grant}~${alex}` });
    },
    says: /^alex approved 1 minute 2 seconds after the first use$/,
  },
  {
    code: "instant_approval",
    what: "two seconds after the ask",
    spec: approvedAfter(2),
    says: /^adam approved 2 seconds after the ask: too soon to have read it$/,
  },
  {
    code: "near_miss_name",
    what: "an approver with a lookalike",
    bundle: (world) => principals(world, { id: "adan", roles: ["lead"], keys: [newSigner("Ed25519").jwk] }),
    says: /^the approver adam is nearly called like adan: was this one meant\?$/,
  },
  {
    code: "near_miss_name",
    what: "a requester with a lookalike in other letters",
    bundle: (world) => principals(world, { id: "r1ta", roles: ["oncall"], keys: [newSigner("Ed25519").jwk] }),
    says: /^the requester rita is nearly called like r1ta/,
  },
  {
    code: "near_miss_name",
    what: "a host with two letters swapped",
    use: async ({ scene, grant }) => {
      await calmUse(scene, grant);
      await scene.call({ grant, host: "api.exmaple.com" });
    },
    says: /^the host api\.exmaple\.com is nearly called like api\.example\.com: was that one meant\?$/,
  },
  {
    code: "first_time",
    what: "an entitlement that she never used",
    spec: () => ({ claims: { ent: "leads" } }),
    says: /^the first time that rita used leads, as far as this log goes back$/,
  },
  {
    code: "single_key",
    what: "an entitlement without approvals",
    spec: () => ({ claims: { ent: "alone" }, approvals: [] }),
    says: /^one key was enough/,
  },
  {
    code: "never_used",
    what: "a second host",
    spec: ({ world }) => ({
      claims: {
        authorization_details: [
          detail(world),
          detail(world, { locations: ["other.example.com"], actions: ["GET"], paths: ["/a/**"] }),
        ],
      },
    }),
    says: /^never used: GET other\.example\.com \/a\/\*\*$/,
  },
  {
    code: "partly_used",
    what: "a method and a path",
    spec: ({ world }) => ({
      claims: { authorization_details: [detail(world, { paths: ["/orders/*", "/orders/*/lines"] })] },
    }),
    use: async ({ scene, grant }) => void (await scene.call({ grant })),
    says: /^never used of GET, POST api\.example\.com .*: the method POST and the path \/orders\/\*\/lines$/,
  },
  {
    code: "no_answer",
    what: "a call whose answer never came",
    use: async ({ scene, grant }) => {
      await calmUse(scene, grant);
      await scene.call({ grant }, null);
    },
    says: /^of 1 allowed call no answer is on record: what became of it is not known$/,
  },
  {
    code: "requester_not_proven",
    what: "no ask",
    more: () => ({ asks: [] }),
    says: /^that rita asked for it is what the gateway says/,
  },
  {
    code: "requester_not_proven",
    what: "an ask that somebody else signed",
    more: ({ scene, grant }) => ({ asks: [askOf(grant, scene.world.adam2)] }),
    says: /no ask is here that proves it$/,
  },
  {
    code: "alarm",
    what: "another grant of the same name",
    use: async ({ scene, grant }) => {
      await calmUse(scene, grant);
      const { jti } = JSON.parse(Buffer.from(grant.split(".", 2)[1] ?? "", "base64url").toString());
      const twin = scene.world.grant({
        claims: {
          jti,
          iat: Math.floor(scene.clock.now / 1000) - 60,
          exp: Math.floor(scene.clock.now / 1000) + 300,
          text: "another",
        },
        approvals: [scene.world.adam, scene.world.anna].map((by) => ({ by, iat: Math.floor(scene.clock.now / 1000) })),
      });
      await scene.call({ grant: twin });
    },
    says: /^1 alarm of the ledger's: jti_reused \(/,
  },
];

/** What a reader sees. */
function pageOf(review: Review): string {
  const place = { now: review.dueAt, ledger: "ledger", key: "ledger.vkey", anchors: [], isServed: true };
  const text = reviewPage(review, place)
    .replace(/<style>[\s\S]*?<\/style>/, "")
    .replace(/<[^>]*>/g, "");
  const signs: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (whole, name: string) => signs[name] ?? whole);
}
/** Where else it stands: at the call, or in what was granted. */
const onPage: Partial<Readonly<Record<UnusualCode, RegExp>>> = {
  denied_calls: /denied (?:scope|quorum|expired|network|binding)_?\w*/,
  cut_stream: /Ended by the gateway/,
  never_used: /[Nn]ever used/,
  partly_used: /never used/,
};

describe("what is unusual", () => {
  it("is a first time by this log alone, which says from which other one it goes on", () => {
    const record = { jti: "j", sub: "rita", ent: "repair", reason: "outage", bundle: 1 };
    const facts = newFacts("a".repeat(64), record, 0, 0, false);
    facts.firstUse = { at: 0, entry: 3 };
    const proof = { bundle: undefined, approvals: [], isProven: true, isRequesterProven: true, began: 0, end: 1 };
    const looked = { facts, proof, granted: [], uses: [], hours: hoursOf("8-18", "UTC") };
    const bundles = new Bundles(rulesOf({ anchors: [] }));
    const saysWith = (predecessor: string | undefined): string[] =>
      unusualOf({ ...looked, bundles, predecessor }).flatMap(({ code, says }) => (code === "first_time" ? [says] : []));
    const says = "the first time that rita used break-glass access, as far as this log goes back";
    expect(saysWith(undefined)).toEqual([says]);
    expect(saysWith("ledger.example/old")).toEqual([
      `${says}: it goes on from ledger.example/old, which was not looked at`,
    ]);
  });

  it("is nothing in a calm use", async () => {
    const review = await play({});
    for (const { title } of Object.values(unusualRows)) expect(pageOf(review)).not.toContain(title);
    expect(review.unusual).toEqual([]);
    expect(review.isRequesterProven).toBe(true);
    expect(review.blockers).toEqual([]);
  });

  it.each(plants)("$code: $what", async ({ code, says, ...plant }) => {
    const review = await play(plant);
    const found = review.unusual.filter((one) => one.code === code);
    expect(found.map((one) => one.says)).toEqual([expect.stringMatching(says)]);
    // In a browser, too: under its title, in the same words, and with what it may mean.
    const { title, look } = unusualRows[code];
    // What stands in backticks is code there.
    expect(pageOf(review)).toContain(`${title}: ${found[0]?.says}${look}`.replaceAll("`", ""));
    expect(onPage[code]?.test(pageOf(review)) ?? true).toBe(true);
    if (!code.endsWith("_used")) expect(found[0]?.entries.length).toBeGreaterThan(0);
  });

  it("has each of its codes planted here", () => {
    expect(new Set(plants.map(({ code }) => code))).toEqual(new Set(unusualCodes));
  });
});

describe("names that are near", () => {
  it.each([
    ["adam", "adan"],
    ["adam", "adarn"],
    ["rita", "r1ta"],
    ["paul.smith", "paul-smith"],
    ["api.example.com", "api.exampel.com"],
    ["db1.example.com", "dbl.example.com"],
  ])("%s and %s", (a, b) => expect([isNear(a, b), isNear(b, a)]).toEqual([true, true]));

  it.each([
    ["adam", "adam"],
    ["adam", "anna"],
    ["bob", "rob"],
    ["node-1", "node-2"],
    ["api1.example.com", "api2.example.com"],
    ["api.example.com", "other.example.com"],
  ])("not %s and %s", (a, b) => expect([isNear(a, b), isNear(b, a)]).toEqual([false, false]));
});
