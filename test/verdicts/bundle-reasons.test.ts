/**
 * Why a bundle is refused, word for word: whoever has to mend it in an emergency is told the first fault, by its own name and the
 * name of what has it; and what is just within the bounds is taken.
 */
import { describe, expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { QuickWorld } from "../kit/quick-world.js";
import { compact, detached, payloadSegmentOf } from "../kit/token.js";
import type { Json } from "../kit/world.js";

const world = new QuickWorld(Math.floor(Date.now() / 1000));
const [one, two] = world.roots;
const { rita, adam } = world;
const list = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const name = (i: number): string => `n${i}`;

/** Signed as it stands, by two roots. `blanks`: in the JSON of the first header, so that a text may have any length. */
function signed(payload: string, blanks = ""): string {
  const head = JSON.stringify({ alg: one.alg, kid: one.kid, typ: "bg-bundle+jwt" });
  const first = compact(`${head}${blanks}`, payload, one);
  const further = { alg: two.alg, kid: two.kid, typ: "bg-bundle-approval+jws" };
  return `${first}~${detached(further, payloadSegmentOf(first), two)}`;
}

/** @returns `taken`, or why not. The canary is new each time: what came before does not count. */
async function offer(payload: string, blanks = ""): Promise<string> {
  return offerTo(await FilterHost.load(), payload, blanks);
}
function offerTo(host: FilterHost, payload: string, blanks = ""): string {
  const text = world.configuration({ bundle: null, configuration: { bundle: signed(payload, blanks) } });
  const { accepted, reason = "" } = host.configure(text);
  return accepted ? "taken" : reason.replace("the bundle: ", "");
}
const filledPercent = (host: FilterHost): number | undefined =>
  [...host.metrics()].find(([gauge]) => gauge.startsWith("glassgate.bundle_filled_percent."))?.[1];
const claims = (changes: Json = {}): Json => world.bundleClaims(changes);
const offerClaims = (changes: Json): Promise<string> => offer(JSON.stringify(claims(changes)));

const principal = (changes: Json): Json => ({ principals: [{ id: "p", roles: [], keys: [], ...changes }] });
const role = (value: Json): Json => principal({ roles: [value] });
const key = (changes: Json): Json => principal({ keys: [{ ...rita.jwk, ...changes }] });
const ecKey = (changes: Json): Json => principal({ keys: [{ ...adam.jwk, ...changes }] });
const entitlement = (changes: Json): Json => ({ entitlements: [world.entitlement("repair", changes)] });
const small = (i: number): Json => ({
  ...{ id: name(i), requesters: ["r"], reasons: ["x"], approvals: [], max_ttl: 1 },
  authorization_details: [{ type: "break_glass_http", locations: ["*"], actions: ["*"], paths: ["/"] }],
});

const wrongIn = (member: string): string =>
  `it is not JSON, or a member is of the wrong type or out of its bounds: "${member}"`;
const wrongInEntitlement = (member: string): string =>
  `an entitlement has a member of the wrong type or out of its bounds: "${member}"`;
const NEITHER = "a key is neither Ed25519 nor P-256";
const NO_AUDIENCE = "its aud does not hold this gateway's audience";

describe("why a bundle is refused", () => {
  for (const [what, changes, reason] of [
    ["a role, its first member of another type", role({ nbf: "x", role: "r" }), wrongIn("principals")],
    ["a principal, its first member of another type", { principals: [{ id: 7 }] }, wrongIn("principals")],
    [
      "an approval, its first member of another type",
      entitlement({ approvals: [{ role: 7, count: 1 }] }),
      wrongInEntitlement("approvals"),
    ],
    [
      "a quorum that a malformed approval would exceed",
      entitlement({
        approvals: [
          { role: "a", count: 8 },
          { count: 5, role: 7 },
        ],
      }),
      wrongInEntitlement("approvals"),
    ],
    [
      "a time, its first member of another type",
      { revoked: { issued_before: [{ sub: 7, at: 1 }] } },
      wrongIn("revoked"),
    ],
    [
      "an unknown member of a role, a number",
      role({ role: "r", extra: 9_000_000_000 }),
      'a role has an unknown member: "extra"',
    ],
    ["an unknown member of a role, a name", role({ extra: "r" }), 'a role has an unknown member: "extra"'],
    [
      "an unknown member of a principal, an array",
      { principals: [{ id: "p", roles: [], extra: [] }] },
      'a principal has an unknown member: "extra"',
    ],
    [
      "an unknown member of an approval, a number",
      entitlement({ approvals: [{ role: "a", extra: 1 }] }),
      'an approval has an unknown member: "extra"',
    ],
    [
      "an unknown member of an entitlement, a boolean",
      entitlement({ extra: true }),
      'an entitlement has an unknown member: "extra"',
    ],
    [
      "an unknown member of a time, a name",
      { revoked: { issued_before: [{ at: 1, extra: "p" }] } },
      'an issued_before has an unknown member: "extra"',
    ],
    [
      "an unknown member of a key, a string",
      key({ extra: "EdDSA" }),
      'a key has an unknown or private member: "extra"',
    ],
    [
      "nine approvals of one role",
      entitlement({ approvals: [{ role: "a", count: 9 }] }),
      "count is not a whole number from 1 to 8",
    ],
    [
      "a second to wait for nobody",
      entitlement({ approvals: [], max_wait: 1 }),
      'an entitlement has max_wait and no approvals to wait for: "repair"',
    ],
    [
      "a name that occurs twice",
      { principals: list(2, () => ({ id: "rita", roles: [], keys: [] })) },
      'a principal occurs twice: "rita"',
    ],
    ["a curve of the same kind of key", key({ crv: "X25519" }), `${NEITHER}: "${rita.kid}"`],
    ["a kind of another curve", key({ kty: "EC" }), `${NEITHER}: "${rita.kid}"`],
    ["a curve under another name", ecKey({ crv: "P-384" }), `${NEITHER}: "${adam.kid}"`],
    ["another kind under the curve", ecKey({ kty: "OKP" }), `${NEITHER}: "${adam.kid}"`],
    ["an audience as long as the gateway's", { aud: ["tent"] }, NO_AUDIENCE],
    ["the beginning of the gateway's audience", { aud: ["tes"] }, NO_AUDIENCE],
    ["an audience that begins with the gateway's", { aud: ["test2"] }, NO_AUDIENCE],
    [
      "a principal, and no audience, of the gateway's name",
      { aud: ["other"], principals: [{ id: "test", roles: [], keys: [] }] },
      NO_AUDIENCE,
    ],
  ] as const satisfies readonly (readonly [string, Json, string])[])
    it(what, async () => expect(await offerClaims(changes)).toBe(reason));

  it("a comma that is missing, in a key: no sentence about the key", async () => {
    const text = JSON.stringify(claims());
    expect(await offer(text.replace('"kty":"OKP",', '"kty":"OKP" '))).toBe(wrongIn("principals"));
  });

  it("a payload that is no object: no member is named, as there is none", async () => {
    expect(await offer("7")).toBe("it is not JSON, or a member is of the wrong type or out of its bounds");
  });

  it("of two faults in one place the first: a bad one beyond the limit is bad", async () => {
    const people: unknown[] = list(4096, (i) => ({ id: name(i), roles: [], keys: [] }));
    expect(await offerClaims({ principals: [...people, 7] })).toBe(wrongIn("principals"));
    expect(await offerClaims({ entitlements: [...list(1024, small), 7] })).toContain("of the wrong type");
    const floors = Object.fromEntries([...list(1024, name), "a b"].map((signer) => [signer, 7]));
    expect(await offerClaims({ texts: floors })).toBe('texts names what is neither a name nor a kid: "a b"');
    expect(await offerClaims({ revoked: { jti: [...list(4096, name), "x".repeat(65)] } })).toContain(
      "of 1 to 64 bytes",
    );
  });
});

describe("what is within the bounds", () => {
  it("an entitlement for a second, and a bundle of version 0", async () => {
    expect(await offerClaims(entitlement({ max_ttl: 1 }))).toBe("taken");
    expect(await offerClaims({ version: 0 })).toBe("taken");
  });

  it("4096 times of issued_before", async () => {
    expect(await offerClaims({ revoked: { issued_before: list(4096, () => ({ at: 1 })) } })).toBe("taken");
  });

  it("nobody and nothing: the smallest bundle, which fills no hundredth of what one may hold", async () => {
    const host = await FilterHost.load();
    const bundle = {
      ...{ schema: 1, version: 1, iat: 1, exp: 2, aud: ["test"] },
      ...{ principals: [], entitlements: [] },
    };
    const text = world.configuration({ bundle, signedBy: [one], configuration: { threshold: 1 } });
    expect(host.configure(text)).toMatchObject({ accepted: true, reason: undefined });
    expect(filledPercent(host)).toBe(0);
  });

  it("512 KiB to the byte, which is all of it", async () => {
    const most = 512 * 1024;
    const text = JSON.stringify(claims());
    const lengthWith = (blanks: number, head: number): number =>
      signed(`${text}${" ".repeat(blanks)}`, " ".repeat(head)).length;
    const about = Math.floor((most - lengthWith(0, 0)) * 0.75);
    const fitting = list(4, (head) => list(16, (i) => [about - i, head] as const))
      .flat()
      .find(([blanks, head]) => lengthWith(blanks, head) === most);
    if (fitting === undefined) return expect.unreachable("no text has that length");
    const [blanks, head] = fitting;
    const host = await FilterHost.load();
    expect(offerTo(host, `${text}${" ".repeat(blanks)}`, " ".repeat(head))).toBe("taken");
    expect(filledPercent(host)).toBe(100);
    expect(await offer(`${text}${" ".repeat(blanks + 2)}`, " ".repeat(head))).toBe("it is larger than 512 KiB");
  });
});
