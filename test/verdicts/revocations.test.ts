/**
 * Urgent revocations on the Node host (docs/trust-bundle.md, "Urgent revocations"): who may sign them, what they take away, and that
 * nothing which one took away comes back but by a newer text of its signer, or by the roots.
 */
import { describe, expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { domainOf } from "../../control/trust/anchors.js";
import { appliedDigest } from "../../control/trust/revocations.js";
import { anchorsOf } from "../kit/envoy.js";
import { headersOf } from "../kit/headers.js";
import { QuickWorld } from "../kit/quick-world.js";
import { revocations, type TextSpec } from "../kit/revocations.js";
import type { Signer } from "../kit/token.js";
import { compact, newSigner } from "../kit/token.js";
import type { Json } from "../kit/world.js";

const world = new QuickWorld(Math.floor(Date.now() / 1000));
const { now, roots, anna, adam, alex, rita, bot } = world;
const [root1, root2] = roots;
const GRANT_IAT = now;

/** A bundle in which security revokes. */
const bundle = (changes: Json = {}): Json => world.bundleClaims({ revokers: ["security"], ...changes });
const text = (by: Signer, revoked: Json = {}, more: Omit<TextSpec, "by" | "revoked"> = {}): string =>
  revocations(world, { by, revoked, ...more });
const versioned = (by: Signer, version: number, revoked: Json = {}): string =>
  text(by, revoked, { claims: { version, iat: now - 60 } });
const configuration = (
  texts: readonly string[] | string | undefined,
  claims: Json = bundle(),
  more: Json = {},
): string => world.configuration({ bundle: claims, configuration: { revocations: texts, ...more } });
/** A principal of the world, bent. */
const principals = (id: string, change: ((entry: Json) => Json) | undefined): readonly Json[] => {
  const all = world.bundleClaims().principals;
  const entries = Array.isArray(all) ? all.map((entry: Json) => entry) : [];
  return entries.flatMap((entry) => (entry.id !== id ? [entry] : change === undefined ? [] : [change(entry)]));
};

async function start(options: Parameters<typeof FilterHost.load>[0] = {}) {
  const host = await FilterHost.load({ workers: 2, ...options });
  const ask = (grant: string, listener = "api"): string | undefined => {
    const verdicts = [0, 1].map((worker) =>
      host.request({ headers: headersOf([grant]), listener, worker }).filterState.get("wasm.glassgate.verdict"),
    );
    return verdicts[0] === verdicts[1] ? verdicts[0] : verdicts.join(" | ");
  };
  const take = (config: string, listener = "api"): void => {
    expect(host.configure(config, listener)).toMatchObject({ accepted: true, failedThreads: [] });
  };
  const refuse = (config: string, reason: RegExp, listener = "api"): void => {
    const outcome = host.configure(config, listener);
    expect({ accepted: outcome.accepted, reason: outcome.reason }).toEqual({
      accepted: false,
      reason: expect.stringMatching(reason),
    });
  };
  const gauge = (label: string, anchors = anchorsOf(world)): number | undefined =>
    host.metrics().get(`glassgate.${label}.domain=${domainOf(anchors).slice(0, 16)}`);
  return { host, ask, take, refuse, gauge };
}

describe("what a text takes away", () => {
  const jti = "a-grant-that-is-known";
  const grants = {
    own: () => world.grant({ claims: { jti } }),
    other: () => world.grant(),
    ticket: () => world.alone({ claims: { incident: "INC-1" } }),
    alone: () => world.alone(),
  };
  for (const [name, revoked, expected] of [
    ["nothing", {}, { own: "allow", other: "allow", ticket: "allow", alone: "allow" }],
    ["one grant", { jti: [jti] }, { own: "revoked", other: "allow", ticket: "allow", alone: "allow" }],
    ["a ticket", { incident: ["INC-1"] }, { own: "allow", other: "allow", ticket: "revoked", alone: "allow" }],
    ["a requester", { sub: ["rita"] }, { own: "revoked", other: "revoked", ticket: "revoked", alone: "revoked" }],
    ["an approver", { sub: ["adam"] }, { own: "revoked", other: "revoked", ticket: "allow", alone: "allow" }],
    [
      "the revoker as approver",
      { sub: ["anna"] },
      { own: "revoked", other: "revoked", ticket: "allow", alone: "allow" },
    ],
    [
      "a requester's key",
      { kid: [rita.kid] },
      { own: "revoked", other: "revoked", ticket: "revoked", alone: "revoked" },
    ],
    ["an approver's key", { kid: [adam.kid] }, { own: "revoked", other: "revoked", ticket: "allow", alone: "allow" }],
    [
      "another key of theirs",
      { kid: [world.rita2.kid, world.adam2.kid] },
      { own: "allow", other: "allow", ticket: "allow", alone: "allow" },
    ],
    [
      "strangers",
      { sub: ["nobody"], kid: [world.stranger.kid], jti: ["another-grant-than-it"] },
      { own: "allow", other: "allow", ticket: "allow", alone: "allow" },
    ],
  ] as const)
    it(`${name}`, async () => {
      const { ask, take } = await start();
      take(configuration(text(anna, revoked)));
      for (const [key, verdict] of Object.entries(expected))
        expect({ key, verdict: ask(grants[key as keyof typeof grants]()) }).toEqual({ key, verdict });
    });

  const askedBefore = (at: number, sub?: string): Json => ({
    issued_before: [sub === undefined ? { at } : { at, sub }],
  });
  const late = { claims: { iat: now + 4, version: now } };
  for (const [name, revoked, grant, verdict] of [
    ["everybody's, asked for before", askedBefore(GRANT_IAT + 1), () => world.alone(), "revoked"],
    ["everybody's, asked for at that moment", askedBefore(GRANT_IAT), () => world.alone(), "allow"],
    ["a requester's", askedBefore(GRANT_IAT + 1, "rita"), () => world.alone(), "revoked"],
    ["a requester's, at that moment", askedBefore(GRANT_IAT, "rita"), () => world.alone(), "allow"],
    ["an approver's", askedBefore(GRANT_IAT + 1, "anna"), () => world.grant(), "revoked"],
    ["somebody else's", askedBefore(GRANT_IAT + 1, "alex"), () => world.grant(), "allow"],
    [
      "the latest of several",
      {
        issued_before: [{ at: 5, sub: "rita" }, { at: GRANT_IAT + 1, sub: "rita" }, { at: 7, sub: "rita" }, { at: 3 }],
      },
      () => world.alone(),
      "revoked",
    ],
    [
      "the latest of several for all",
      { issued_before: [{ at: GRANT_IAT + 1 }, { at: 3 }] },
      () => world.alone(),
      "revoked",
    ],
  ] as const) {
    it(`issued_before in a text: ${name}: ${verdict}`, async () => {
      const { ask, take } = await start();
      take(configuration(text(anna, revoked, late)));
      expect(ask(grant())).toBe(verdict);
    });
    it(`issued_before in a bundle: ${name}: ${verdict}`, async () => {
      const { ask, take } = await start();
      take(configuration(undefined, bundle({ revoked })));
      expect(ask(grant())).toBe(verdict);
    });
  }

  it("is told before anything about the roster's rules, and whatever else is wrong with the grant", async () => {
    const { ask, take } = await start();
    take(configuration(text(anna, { sub: ["rita"] })));
    expect(ask(world.alone({ claims: { ent: "unknown" } }))).toBe("revoked");
    expect(ask(world.grant({ claims: { sub: "adam" } }))).toBe("revoked");
    expect(ask(world.grant({ approvals: [] }))).toBe("revoked");
    expect(ask(world.alone({ claims: { exp: now - 1, iat: now - 9 } }))).toBe("expired");
  });
});

describe("at once", () => {
  it("a cached grant is denied with the next request, on each worker and under each listener of the domain", async () => {
    const { ask, take } = await start();
    const grant = world.alone();
    const claims = bundle();
    take(configuration(undefined, claims), "early");
    take(configuration(undefined, claims));
    for (let i = 0; i < 2; i++) for (const listener of ["early", "api"]) expect(ask(grant, listener)).toBe("allow");
    take(configuration(text(anna, { sub: ["rita"] }), claims));
    for (const listener of ["early", "api"]) expect(ask(grant, listener)).toBe("revoked");
  });

  it("another audience, and other roots, are other domains", async () => {
    const { ask, take } = await start();
    const claims = bundle();
    take(configuration(undefined, claims, { audience: "staging" }), "staging");
    take(configuration(undefined, claims, { roots: [root1.jwk, root2.jwk] }), "roots");
    take(configuration(text(anna, { sub: ["rita"] }), claims));
    expect(ask(world.alone())).toBe("revoked");
    expect(ask(world.alone({ claims: { aud: "staging" } }), "staging")).toBe("allow");
    expect(ask(world.alone(), "roots")).toBe("allow");
  });

  it("a newer text of the signer takes the place of the older one, by whichever of his keys", async () => {
    const { ask, take } = await start();
    const twoKeys = bundle({
      principals: principals("anna", (entry) => ({ ...entry, keys: [anna.jwk, world.stranger.jwk] })),
    });
    take(configuration(versioned(anna, 10, { sub: ["rita"] }), twoKeys));
    expect(ask(world.alone())).toBe("revoked");
    take(configuration(versioned(world.stranger, 11), twoKeys));
    expect(ask(world.alone())).toBe("allow");
  });

  it("several texts add up, with the bundle's list", async () => {
    const { ask, take } = await start();
    const texts = [
      text(anna, { sub: ["alex"] }),
      text(bot, { incident: ["INC-1"] }),
      text(root1, { jti: ["grant-of-the-root"] }),
    ];
    take(configuration(texts, bundle({ revoked: { kid: [adam.kid] } })));
    expect(ask(world.grant())).toBe("revoked");
    expect(ask(world.grant({ approvals: [{ by: alex }, { by: anna }] }))).toBe("revoked");
    expect(ask(world.alone({ claims: { incident: "INC-1" } }))).toBe("revoked");
    expect(ask(world.alone({ claims: { jti: "grant-of-the-root" } }))).toBe("revoked");
    expect(ask(world.alone({ claims: { incident: "INC-2" } }))).toBe("allow");
  });
});

describe("what is remembered", () => {
  it("a text that the next configurations leave out stays in force, on every thread and listener", async () => {
    const { ask, take, host } = await start();
    take(configuration(text(anna, { sub: ["rita"] })));
    for (const texts of [undefined, [], [text(bot, { sub: ["alex"] })]]) {
      take(configuration(texts));
      expect(ask(world.alone())).toBe("revoked");
    }
    take(configuration(undefined), "later");
    expect(ask(world.alone(), "later")).toBe("revoked");
    expect(host.metrics().get("glassgate.refused")).toBe(0);
  });

  it("an older text, or another of the same version, is refused on the canary and ignored on a worker", async () => {
    const { ask, take, refuse } = await start();
    const claims = bundle();
    const old = configuration(versioned(anna, 10), claims);
    take(old);
    take(configuration(versioned(anna, 20, { sub: ["rita"] }), claims));
    refuse(
      configuration(versioned(anna, 10), claims),
      /revocations: a text of its signer that is newer is in force: .*anna/,
    );
    refuse(configuration(versioned(anna, 20), claims), /same version and other content/);
    // The very text that the canary knows is taken, and its old text ignored.
    take(old);
    expect(ask(world.alone())).toBe("revoked");
  });

  it("the same text again is no other one", async () => {
    const { ask, take } = await start();
    const same = text(alex, { sub: ["rita"] }); // ES256: signed anew it has other bytes.
    const claims = bundle({ revokers: ["lead"] });
    take(configuration(same, claims));
    take(configuration(text(alex, { sub: ["rita"] }), claims));
    expect(ask(world.alone())).toBe("revoked");
  });

  it("a VM of another vm_id knows what its configuration holds, and nothing else", async () => {
    const { ask, host } = await start();
    expect(host.configure(configuration(text(anna, { sub: ["rita"] }))).accepted).toBe(true);
    expect(host.configure(configuration(text(anna, { sub: ["rita"] })), "api", { vmId: "healed" }).accepted).toBe(true);
    expect(ask(world.alone())).toBe("revoked");
  });

  it("a VM that takes a trapped one's place denies until it has been given what the others hold", async () => {
    const { host, take } = await start({ failurePolicy: "reload", workers: 1 });
    const ask = (): string | undefined =>
      host.request({ headers: headersOf([world.alone()]) }).filterState.get("wasm.glassgate.verdict");
    const revoking = text(anna, { sub: ["rita"] });
    take(configuration(revoking));
    take(configuration(undefined));
    const [vm] = host.process.workers[0]?.allVms ?? [];
    vm?.guest.invoke("tool_verify", 0, -64, -64, -64, 64);
    expect(vm?.failure).toBe("trap");
    host.advance(2000);
    expect(ask()).toBe("no_trust");
    take(configuration(text(bot)));
    expect(ask()).toBe("no_trust");
    take(configuration(revoking));
    expect(ask()).toBe("revoked");
    take(configuration(undefined));
    expect(ask()).toBe("revoked");
  });

  const people = Array.from({ length: 17 }, (_, i) => ({ id: `revoker-${i}`, signer: newSigner("Ed25519") }));
  const crowd = (changes: Json = {}): Json =>
    bundle({
      principals: [
        ...principals("", undefined),
        ...people.map(({ id, signer }) => ({ id, roles: ["security"], keys: [signer.jwk] })),
      ],
      ...changes,
    });
  const crowdTexts = people.map(({ signer }, i) => text(signer, { incident: [`INC-${i}`] }));

  it("a VM that cannot keep a text denies under each listener of the domain, until it can", async () => {
    const { ask, take, host, gauge } = await start();
    const old = crowd();
    take(configuration(crowdTexts.slice(0, 8), old), "strict");
    take(configuration(crowdTexts.slice(8, 16), old), "strict");
    // One root says that it took the first one in: that is no bundle for the strict listener, which needs the text still.
    const claims = crowd({ texts: { "revoker-0": now } });
    const thin = (by: readonly Signer[], threshold: number): string =>
      world.configuration({ bundle: claims, signedBy: by, configuration: { threshold, revocations: crowdTexts[16] } });
    expect(host.configure(thin([root1], 1), "easy")).toMatchObject({ accepted: true, failedThreads: [] });
    for (const listener of ["strict", "easy"]) expect(ask(world.alone(), listener)).toBe("no_trust");
    expect(gauge("revocations_applied")).toBe(0);
    take(thin([root1, root2], 2), "strict");
    for (const listener of ["strict", "easy"]) {
      expect(ask(world.alone(), listener)).toBe("allow");
      expect(ask(world.alone({ claims: { incident: "INC-16" } }), listener)).toBe("revoked");
    }
  });

  it("16 signers and no more, until a bundle takes them in", async () => {
    const { ask, take, refuse, gauge } = await start();
    const [claims, texts] = [crowd, crowdTexts];
    take(configuration(texts.slice(0, 8), claims()));
    take(configuration(texts.slice(8, 16), claims()));
    expect(gauge("revocations_filled_percent")).toBe(100);
    refuse(configuration(texts[16], claims()), /more than 16 signers/);
    for (const i of [0, 7, 8, 15]) expect(ask(world.alone({ claims: { incident: `INC-${i}` } }))).toBe("revoked");
    const floors = { "revoker-0": now };
    take(configuration(texts[16], claims({ texts: floors, revoked: { incident: ["INC-0"] } })));
    for (const i of [0, 7, 8, 15, 16]) expect(ask(world.alone({ claims: { incident: `INC-${i}` } }))).toBe("revoked");
  });
});

describe("who may sign", () => {
  const window = (entry: Json, change: Json): Json => ({ ...entry, ...change });
  for (const [name, texts, claims, reason] of [
    ["a root", () => text(root1), () => bundle(), undefined],
    ["a root of ES256", () => text(root2), () => bundle(), undefined],
    ["a revoker", () => text(anna), () => bundle(), undefined],
    ["a root, where nobody else may", () => text(root1), () => world.bundleClaims(), undefined],
    [
      "nobody else, where the bundle names no revokers",
      () => text(anna),
      () => world.bundleClaims(),
      /no role of a revoker/,
    ],
    ["no principal without the role", () => text(rita), () => bundle(), /no role of a revoker/],
    ["no stranger", () => text(world.stranger), () => bundle(), /nobody's/],
    [
      "a revoker whose role held when he signed, and ended since",
      () => text(anna),
      () =>
        bundle({ principals: principals("anna", (e) => window(e, { roles: [{ role: "security", exp: now - 30 }] })) }),
      undefined,
    ],
    [
      "no revoker whose role had ended",
      () => text(anna),
      () =>
        bundle({ principals: principals("anna", (e) => window(e, { roles: [{ role: "security", exp: now - 60 }] })) }),
      /no role of a revoker/,
    ],
    [
      "no revoker whose role had not begun",
      () => text(anna),
      () =>
        bundle({ principals: principals("anna", (e) => window(e, { roles: [{ role: "security", nbf: now - 59 }] })) }),
      /no role of a revoker/,
    ],
    [
      "a revoker whose key held when he signed, and ended since",
      () => text(anna),
      () => bundle({ principals: principals("anna", (e) => window(e, { keys: [{ ...anna.jwk, exp: now - 59 }] })) }),
      undefined,
    ],
    [
      "no revoker whose key had ended",
      () => text(anna),
      () => bundle({ principals: principals("anna", (e) => window(e, { keys: [{ ...anna.jwk, exp: now - 60 }] })) }),
      /key did not hold/,
    ],
    [
      "no revoker whose key had not begun",
      () => text(anna),
      () => bundle({ principals: principals("anna", (e) => window(e, { keys: [{ ...anna.jwk, nbf: now - 59 }] })) }),
      /key did not hold/,
    ],
    ["nobody for another audience", () => text(anna, {}, { claims: { aud: ["production"] } }), () => bundle(), /aud/],
    [
      "somebody for one audience, as a name",
      () => text(anna, {}, { claims: { aud: "test" } }),
      () => bundle(),
      undefined,
    ],
    [
      "nobody for a version beyond iat",
      () => text(anna, {}, { claims: { version: now - 59 } }),
      () => bundle(),
      /version is larger/,
    ],
    [
      "somebody for a version that is iat",
      () => text(anna, {}, { claims: { version: now - 60 } }),
      () => bundle(),
      undefined,
    ],
    [
      "nobody for a time beyond iat",
      () => text(anna, { issued_before: [{ at: now - 59, sub: "x" }] }),
      () => bundle(),
      /after its iat/,
    ],
    [
      "somebody for a time that is iat",
      () => text(anna, { issued_before: [{ at: now - 60 }] }),
      () => bundle(),
      undefined,
    ],
    ["no two signers in one text", () => `${text(anna)}~${text(bot)}`, () => bundle(), /not a compact JWS/],
    [
      "nobody under another typ",
      () => text(anna, {}, { header: { typ: "bg-bundle+jwt" } }),
      () => bundle(),
      /not a compact JWS/,
    ],
    [
      "nobody under an algorithm that is not his key's",
      () => text(anna, {}, { header: { alg: "ES256" } }),
      () => bundle(),
      /does not verify/,
    ],
    ["nobody under none", () => text(anna, {}, { header: { alg: "none" } }), () => bundle(), /does not verify/],
    [
      "nobody under his own name by another's key",
      () => text(rita, {}, { header: { kid: anna.kid } }),
      () => bundle(),
      /does not verify/,
    ],
    [
      "nobody with an unknown claim",
      () => text(anna, {}, { claims: { sub: "anna" } }),
      () => bundle(),
      /unknown member/,
    ],
    ["nobody with an unknown list", () => text(anna, { aud: ["x"] }), () => bundle(), /cannot enforce/],
    [
      "nobody without a version",
      () => text(anna, {}, { claims: { version: undefined } }),
      () => bundle(),
      /lacks one of/,
    ],
    [
      "nobody without revoked",
      () => text(anna, {}, { claims: { revoked: undefined } }),
      () => bundle(),
      /lacks one of/,
    ],
    ["nobody twice", () => [versioned(anna, 1), versioned(anna, 2)], () => bundle(), /two texts are of one signer/],
    [
      "nobody twice by two keys",
      () => [versioned(anna, 1), versioned(world.stranger, 2)],
      () => bundle({ principals: principals("anna", (e) => window(e, { keys: [anna.jwk, world.stranger.jwk] })) }),
      /two texts are of one signer/,
    ],
  ] as const satisfies readonly (readonly [string, () => string | string[], () => Json, RegExp | undefined])[])
    it(name, async () => {
      const { take, refuse, ask } = await start();
      const config = configuration(texts(), claims());
      if (reason === undefined) take(config);
      else {
        refuse(config, reason);
        expect(ask(world.alone())).not.toBe("allow");
      }
    });

  it("a text whose signature is bent by a bit is refused", async () => {
    const { refuse } = await start();
    const good = text(anna);
    const at = good.length - 40;
    refuse(
      configuration(`${good.slice(0, at)}${good[at] === "A" ? "B" : "A"}${good.slice(at + 1)}`),
      /does not verify/,
    );
  });

  it("revocations need a bundle", async () => {
    const { refuse, take } = await start();
    const without = world.configuration({ bundle: null, configuration: { revocations: text(root1) } });
    refuse(without, /no bundle/);
    take(world.configuration({ bundle: null, configuration: { revocations: [] } }));
  });

  it("a configuration that is refused for its texts changes nothing: neither its bundle nor another text counts", async () => {
    const { ask, take, refuse, gauge } = await start();
    const first = bundle();
    take(configuration(undefined, first));
    refuse(
      configuration([text(bot, { sub: ["rita"] }), text(rita)], bundle({ revoked: { sub: ["rita"] } })),
      /revoker/,
    );
    expect(gauge("bundle_version")).toBe(first.version);
    expect(ask(world.alone())).toBe("allow");
    take(configuration(undefined, first));
    expect(ask(world.alone())).toBe("allow");
  });
});

describe("nothing is resurrected", () => {
  const taken = text(anna, { sub: ["rita"] });
  const version = now - 60;
  const folded = { revoked: { sub: ["rita"] } };
  const demoted = principals("anna", (entry) => ({ ...entry, roles: ["lead"] }));
  const rekeyed = principals("anna", (entry) => ({ ...entry, keys: [world.stranger.jwk] }));
  const removed = principals("anna", undefined);
  for (const [name, changed] of [
    ["demoted", demoted],
    ["re-keyed", rekeyed],
    ["removed", removed],
  ] as const) {
    it(`a revoker who is ${name} without a floor: his text makes the configuration unusable, and stays where it is remembered`, async () => {
      const { ask, take, refuse } = await start();
      take(configuration(taken));
      refuse(configuration(taken, bundle({ principals: changed })), /revoker|nobody's/);
      expect(ask(world.alone())).toBe("revoked");
      take(configuration(undefined, bundle({ principals: changed })));
      expect(ask(world.alone())).toBe("revoked");
    });

    it(`a revoker who is ${name} with a floor: the bundle holds what he revoked, and his text is gone`, async () => {
      const { ask, take, gauge } = await start();
      take(configuration(taken));
      take(configuration(undefined, bundle({ principals: changed, texts: { anna: version }, ...folded })));
      expect(ask(world.alone())).toBe("revoked");
      expect(gauge("revocations_applied")).toBe(appliedDigest([]));
      // What the roots take out of their list comes back: by them alone.
      take(configuration(undefined, bundle({ principals: changed, texts: { anna: version } })));
      expect(ask(world.alone())).toBe("allow");
    });
  }

  it("an old text is replayed to a new gateway: ignored under the floor, also where its signer is no revoker any more", async () => {
    for (const changed of [principals("", undefined), demoted]) {
      const { ask, take } = await start();
      take(
        configuration(
          text(anna, { sub: ["alex"] }),
          bundle({ principals: changed, texts: { anna: version }, ...folded }),
        ),
      );
      expect(ask(world.alone())).toBe("revoked");
      expect(ask(world.grant({ by: world.rita }))).toBe("revoked");
    }
  });

  it("a text of a key that nobody has any more is ignored where the bundle names a floor for the key", async () => {
    const { take, refuse } = await start();
    refuse(configuration(taken, bundle({ principals: rekeyed, texts: { anna: version } })), /nobody's/);
    take(
      configuration(taken, bundle({ principals: rekeyed, texts: { anna: version, [anna.kid]: version }, ...folded })),
    );
  });

  it("a text above the floor counts, one at it and below it does not", async () => {
    for (const [floor, verdict] of [
      [version - 1, "revoked"],
      [version, "allow"],
      [version + 1, "allow"],
    ] as const) {
      const { ask, take } = await start();
      take(configuration(taken, bundle({ texts: { anna: floor } })));
      expect(ask(world.alone())).toBe(verdict);
    }
  });

  it("a malicious revoker with the highest version that he can sign is pushed out by a floor", async () => {
    const { ask, take, refuse } = await start();
    const highest = Number.MAX_SAFE_INTEGER;
    const evil = text(anna, { issued_before: [{ at: highest }] }, { claims: { version: highest, iat: highest } });
    take(configuration(evil));
    expect(ask(world.alone())).toBe("revoked");
    // He cannot take it back himself, nor can anybody by an older one.
    refuse(configuration(text(anna)), /newer is in force/);
    take(configuration(undefined, bundle({ principals: demoted, texts: { anna: highest } })));
    expect(ask(world.alone())).toBe("allow");
    take(configuration(evil, bundle({ principals: demoted, texts: { anna: highest } })));
    expect(ask(world.alone())).toBe("allow");
  });

  it("a text that a floor takes out takes no other one with it, under any listener", async () => {
    const { ask, take } = await start();
    const byBot = text(bot, { sub: ["rita"] });
    const claims = bundle();
    for (const listener of ["api", "other"])
      take(configuration([text(anna, { incident: ["INC-9"] }), byBot], claims), listener);
    take(configuration(byBot, bundle({ texts: { anna: version } })));
    for (const listener of ["api", "other"]) expect(ask(world.alone(), listener)).toBe("revoked");
  });

  it("a floor of a bundle that may not govern a listener takes nothing away from that listener", async () => {
    const { ask, take } = await start();
    const claims = bundle();
    take(configuration(taken, claims), "strict");
    const thin = world.configuration({
      bundle: bundle({ texts: { anna: version } }),
      signedBy: [root1],
      configuration: { threshold: 1 },
    });
    take(thin, "easy");
    expect(ask(world.alone(), "easy")).toBe("allow");
    expect(ask(world.alone(), "strict")).toBe("revoked");
  });

  it("a stolen key that the bundle has revoked cannot push out what its owner revoked with another", async () => {
    const { ask, take, gauge } = await start();
    const stolen = world.stranger;
    const twoKeys = principals("anna", (entry) => ({ ...entry, keys: [anna.jwk, stolen.jwk] }));
    take(configuration(versioned(anna, 10, { sub: ["rita"] }), bundle({ principals: twoKeys })));
    take(configuration(versioned(stolen, 99), bundle({ principals: twoKeys, revoked: { kid: [stolen.kid] } })));
    expect(ask(world.alone())).toBe("revoked");
    expect(gauge("revocations_applied")).toBe(appliedDigest([{ signer: "anna", version: 10 }]));
  });

  it("a stolen key, once the bundle has revoked it, has used up none of its owner's numbers", async () => {
    const stolen = world.stranger;
    const twoKeys = principals("anna", (entry) => ({ ...entry, keys: [anna.jwk, stolen.jwk] }));
    const highest = Number.MAX_SAFE_INTEGER;
    const evil = text(stolen, {}, { claims: { version: highest, iat: highest } });
    const before = bundle({ principals: twoKeys });
    const revoking = bundle({ principals: twoKeys, revoked: { kid: [stolen.kid] } });
    const own = versioned(anna, 10, { sub: ["rita"] });
    for (const between of [[], [configuration(undefined, revoking)]]) {
      const { host, ask, take, gauge } = await start();
      take(configuration(evil, before));
      for (const one of between) take(one);
      take(configuration(own, revoking));
      expect(ask(world.alone())).toBe("revoked");
      expect(gauge("revocations_applied")).toBe(appliedDigest([{ signer: "anna", version: 10 }]));
      // Nor does it come back by being left out, or on another listener.
      take(configuration(undefined, revoking));
      take(configuration([evil], revoking), "later");
      expect([ask(world.alone()), ask(world.alone(), "later")]).toEqual(["revoked", "revoked"]);
      expect(host.metrics().get("glassgate.refused")).toBe(0);
    }
  });

  it("a key that only a listener with fewer roots takes away leaves its text in force for the others", async () => {
    const { ask, take } = await start();
    const twoKeys = principals("anna", (entry) => ({ ...entry, keys: [anna.jwk, world.stranger.jwk] }));
    take(configuration(versioned(anna, 10, { sub: ["rita"] }), bundle({ principals: twoKeys })), "strict");
    const thin = world.configuration({
      bundle: bundle({ principals: twoKeys, revoked: { kid: [anna.kid] } }),
      signedBy: [root1],
      configuration: { threshold: 1, revocations: versioned(world.stranger, 5) },
    });
    take(thin, "easy");
    expect([ask(world.alone(), "easy"), ask(world.alone(), "strict")]).toEqual(["allow", "revoked"]);
  });

  it("a VM that begins anew misses no text of a key that the bundle has revoked", async () => {
    const { host, take } = await start({ failurePolicy: "reload", workers: 1 });
    const ask = (): string | undefined =>
      host.request({ headers: headersOf([world.alone()]) }).filterState.get("wasm.glassgate.verdict");
    take(configuration(taken));
    take(configuration(undefined, bundle({ revoked: { kid: [anna.kid] } })));
    expect(ask()).toBe("allow");
    const [vm] = host.process.workers[0]?.allVms ?? [];
    vm?.guest.invoke("tool_verify", 0, -64, -64, -64, 64);
    host.advance(2000);
    expect(ask()).toBe("allow");
  });

  it("nor one that only a bundle of fewer roots has ignored, which another listener does not follow", async () => {
    const { host, take } = await start({ failurePolicy: "reload", workers: 1 });
    const ask = (listener: string): string | undefined =>
      host.request({ headers: headersOf([world.alone()]), listener }).filterState.get("wasm.glassgate.verdict");
    const easy = (claims: Json, signedBy: readonly Signer[]): string =>
      world.configuration({
        bundle: claims,
        signedBy: [...signedBy],
        configuration: { threshold: 1, revocations: versioned(bot, 10, { sub: ["temp"] }) },
      });
    const first = bundle();
    take(configuration(taken, first), "strict");
    take(configuration(undefined, first), "strict");
    take(easy(bundle({ texts: { anna: version } }), [root1]), "easy");
    const both = bundle();
    take(configuration(undefined, both), "strict");
    take(easy(both, [root1, root2]), "easy");
    expect([ask("strict"), ask("easy")]).toEqual(["revoked", "revoked"]);
    const [vm] = host.process.workers[0]?.allVms ?? [];
    vm?.guest.invoke("tool_verify", 0, -64, -64, -64, 64);
    host.advance(2000);
    expect([ask("strict"), ask("easy")]).toEqual(["no_trust", "no_trust"]);
    // And comes back with it.
    take(configuration(taken, both), "strict");
    expect([ask("strict"), ask("easy")]).toEqual(["revoked", "revoked"]);
  });

  it("a text that is forgotten everywhere is missed by no VM that begins anew, when the bundle names it no more", async () => {
    const { host, take } = await start({ failurePolicy: "reload", workers: 1 });
    const ask = (): string | undefined =>
      host.request({ headers: headersOf([world.alone()]) }).filterState.get("wasm.glassgate.verdict");
    take(configuration(taken));
    take(configuration(undefined, bundle({ revoked: { kid: [anna.kid] } })));
    take(configuration(undefined, bundle()));
    expect(ask()).toBe("allow");
    const [vm] = host.process.workers[0]?.allVms ?? [];
    vm?.guest.invoke("tool_verify", 0, -64, -64, -64, 64);
    host.advance(2000);
    expect(ask()).toBe("allow");
  });

  it("a listener without a bundle keeps no text from being remembered", async () => {
    const { ask, take, host } = await start();
    take(world.configuration({ bundle: null }), "bare");
    take(configuration(taken));
    take(world.configuration({ bundle: null }));
    take(configuration(undefined));
    expect(ask(world.alone())).toBe("revoked");
    expect(host.metrics().get("glassgate.refused")).toBe(0);
  });
});

describe("memory", () => {
  it("is given back: many texts of one signer after each other, and what a floor covers", async () => {
    const { host, take, gauge } = await start({ workers: 1 });
    const claims = bundle();
    const names = Array.from({ length: 1500 }, (_, i) => `a-grant-${String(i).padStart(20, "0")}`);
    const bytes = (): number => {
      host.advance(2000);
      for (let i = 0; i < 4; i++) host.tick();
      return host.metrics().get("glassgate.configuration_bytes") ?? 0;
    };
    const round = (version: number): void => take(configuration(versioned(anna, version, { jti: names }), claims));
    round(1);
    round(2);
    const before = bytes();
    expect(before).toBeGreaterThan(64 * 1024);
    for (let version = 3; version < 20; version++) round(version);
    // A VM says how full it is now and then.
    for (let i = 0; i < 8 && bytes() !== before; i++);
    expect(bytes()).toBe(before);
    expect(gauge("revocations_version")).toBe(19);
    take(configuration(undefined, bundle({ texts: { anna: 19 } })));
    expect(bytes()).toBeLessThan(before - 64 * 1024);
    expect(host.process.workers.flatMap(({ allVms }) => allVms.map(({ failure }) => failure))).toEqual([undefined]);
  });
});

describe("who is silenced", () => {
  const byAnna = text(anna, { sub: ["rita"] });
  it("a revoker, by a root's text that names him, in whichever order they come", async () => {
    for (const texts of [
      [byAnna, text(root1, { sub: ["anna"] })],
      [text(root1, { sub: ["anna"] }), byAnna],
    ]) {
      const { ask, take } = await start();
      take(configuration(texts));
      expect(ask(world.alone())).toBe("allow");
      expect(ask(world.grant())).toBe("revoked");
    }
  });

  it("and is heard again when that root takes it back", async () => {
    const { ask, take } = await start();
    const claims = bundle();
    take(configuration([byAnna, versioned(root1, 1, { sub: ["anna"] })], claims));
    expect(ask(world.alone())).toBe("allow");
    take(configuration(versioned(root1, 2), claims));
    expect(ask(world.alone())).toBe("revoked");
  });

  it("no revoker by another, and no root by a text", async () => {
    for (const texts of [
      [byAnna, text(bot, { sub: ["anna"], kid: [anna.kid] })],
      [text(root1, { sub: ["rita"] }), text(root2, { kid: [root1.kid], sub: [root1.kid] })],
      [text(root1, { sub: ["rita"] }), text(anna, { kid: [root1.kid], sub: [root1.kid] })],
      [byAnna, text(root1, { kid: [anna.kid] })],
    ]) {
      const { ask, take } = await start();
      take(configuration(texts));
      expect(ask(world.alone())).toBe("revoked");
    }
  });

  it("a revoker and a root by the bundle's list, also a root that had silenced somebody", async () => {
    for (const [texts, revoked, verdict] of [
      [[byAnna], { sub: ["anna"] }, "allow"],
      [[byAnna], { kid: [anna.kid] }, "allow"],
      [[text(root1, { sub: ["rita"] })], { kid: [root1.kid] }, "allow"],
      [[byAnna, text(root1, { sub: ["anna"] })], { kid: [root1.kid] }, "revoked"],
    ] as const) {
      const { ask, take } = await start();
      take(configuration(texts, bundle({ revoked })));
      expect(ask(world.alone())).toBe(verdict);
      // Also where the list comes later.
      const later = await start();
      later.take(configuration(texts));
      later.take(configuration(undefined, bundle({ revoked })));
      expect(later.ask(world.alone())).toBe(verdict);
    }
  });
});

describe("limits", () => {
  const names = (count: number, length = 8): string[] =>
    Array.from({ length: count }, (_, i) => String(i).padStart(length, "x"));
  it("8 texts of different signers, and 9", async () => {
    const people = Array.from({ length: 9 }, (_, i) => ({ id: `r${i}`, signer: newSigner("Ed25519") }));
    const claims = bundle({
      principals: [
        ...principals("", undefined),
        ...people.map(({ id, signer }) => ({ id, roles: ["security"], keys: [signer.jwk] })),
      ],
    });
    const texts = people.map(({ signer }) => text(signer));
    const { take, refuse } = await start();
    refuse(configuration(texts, claims), /more than 8 texts/);
    take(configuration(texts.slice(0, 8), claims));
  });

  it("4096 names of each kind, and one more", async () => {
    const { take, refuse, ask, gauge } = await start();
    for (const kind of ["jti", "sub", "kid", "incident"] as const)
      refuse(configuration(text(anna, { [kind]: names(4097) })), /more than 4096/);
    refuse(
      configuration(text(anna, { issued_before: names(4097).map((sub) => ({ at: 1, sub })) })),
      /more than 4096|larger than 192 KiB/,
    );
    const full = text(anna, { jti: names(4096), sub: [...names(4095), "rita"], incident: names(4096) });
    take(configuration(full));
    expect(ask(world.alone())).toBe("revoked");
    expect(gauge("revocations_filled_percent")).toBe(100);
  });

  it("192 KiB together, and one byte more", async () => {
    const { take, refuse } = await start();
    const own = text(bot);
    /** Of about that many bytes: three bytes of names are four characters. */
    const filled = (bytes: number, last: number): string => {
      const room = Math.floor(((bytes - text(anna, { jti: ["y"] }).length) * 3) / 4);
      return text(anna, { jti: [...names(Math.floor(room / 67), 64), "y".repeat(last)] });
    };
    const most = 192 * 1024 - own.length;
    const made = Array.from({ length: 64 }, (_, i) => filled(most, i + 1));
    const lengths = made.map(({ length }) => length);
    const fitting = Math.max(...lengths.filter((length) => length <= most));
    const over = Math.min(...lengths.filter((length) => length > most));
    expect(over - fitting).toBeLessThanOrEqual(2); // Of four base64url lengths in a row one is none.
    refuse(configuration([own, made[lengths.indexOf(over)] ?? ""]), /192 KiB/);
    take(configuration([own, made[lengths.indexOf(fitting)] ?? ""]));
  });

  it("a text is closed and typed, like a bundle", async () => {
    const { ask, take, refuse } = await start();
    const claims = bundle();
    const header = { alg: anna.alg, kid: anna.kid, typ: "bg-revocations+jwt" };
    const good = JSON.stringify({ version: now - 60, iat: now - 60, aud: ["test"], revoked: { sub: ["rita"] } });
    const bent = (from: string, to: string): string => compact(header, good.replace(from, to), anna);
    const list = (entry: string): string => `{"issued_before":[${entry}]}`;
    for (const [offered, reason] of [
      [bent('"version"', '"version":1,"version"'), /it has a member twice/],
      [bent('"iat"', '"exp":1,"iat"'), /unknown member/],
      [bent('"aud":["test"]', '"aud":7'), /not JSON, or a member is of the wrong type/],
      [bent('["rita"]', '"rita"'), /not JSON, or a member is of the wrong type/],
      [bent("}}", "}"), /not JSON, or a member is of the wrong type/],
      [bent('{"sub":["rita"]}', list("7")), /not JSON, or a member is of the wrong type/],
      [bent('{"sub":["rita"]}', list('{"at":1,"at":1}')), /an issued_before has a member twice/],
      [compact(header, good, anna).replace(/\.[^.]+/, "$&="), /canonical base64url/],
    ] as const)
      refuse(configuration(offered, claims), reason);
    take(configuration(compact(header, good, anna), claims));
    expect(ask(world.alone())).toBe("revoked");
  });

  it("no number, no array in an array, no empty text", async () => {
    const { refuse } = await start();
    for (const texts of [7, null, {}, [[text(anna)]], [7], "", [""], "not a text"]) {
      refuse(
        world.configuration({ bundle: bundle(), configuration: { revocations: texts } }),
        /refused|JWS|wrong type/,
      );
    }
  });
});

describe("what shows it", () => {
  it("a digest over signers and versions, which the command computes alike, the highest version, and an empty list", async () => {
    const { take, gauge } = await start();
    take(configuration(undefined));
    expect(gauge("revocations_applied")).toBe(appliedDigest([]));
    expect(gauge("revocations_version")).toBe(0);
    take(configuration([versioned(root1, 5), versioned(anna, 7)]));
    const inForce = [
      { signer: "anna", version: 7 },
      { signer: root1.kid, version: 5 },
    ];
    expect(gauge("revocations_applied")).toBe(appliedDigest(inForce));
    expect(gauge("revocations_version")).toBe(7);
    take(configuration(versioned(bot, 3)));
    expect(gauge("revocations_applied")).toBe(appliedDigest([...inForce, { signer: "bot", version: 3 }]));
  });

  it("nothing while a thread has not taken the text", async () => {
    const seen: (number | undefined)[] = [];
    const { host, take, gauge } = await start({
      intercept: ({ name, thread }) => {
        if (name === "proxy_record_metric" && thread === "main") seen.push(gauge("revocations_applied"));
        return undefined;
      },
    });
    take(configuration(undefined));
    seen.length = 0;
    take(configuration(versioned(anna, 7)));
    const all = appliedDigest([{ signer: "anna", version: 7 }]);
    expect(gauge("revocations_applied")).toBe(all);
    expect(host.metrics().get("glassgate.refused")).toBe(0);
  });
});
