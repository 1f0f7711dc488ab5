/**
 * A bundle governs no context whose threshold is higher than the number of roots that signed it. A threshold is no part of a
 * domain, so contexts of several thresholds share what a domain remembers: in every order of configurations, a grant that only the
 * thinly signed bundle would allow is never allowed where two roots are asked for.
 */
import { describe, expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { type Json, World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
const [first, second, third] = world.roots;

/** The bundle with a principal more, whom nobody else knows. */
const withStranger = (claims: Json): Json => ({
  ...claims,
  principals: [
    ...(Array.isArray(claims.principals) ? claims.principals : []),
    { id: "stranger", roles: ["oncall"], keys: [world.stranger.jwk] },
  ],
});
const stranger = (): string => world.alone({ by: world.stranger, claims: { sub: "stranger" } });

const early = world.bundleClaims();
const later = withStranger(world.bundleClaims());
const latest = world.bundleClaims();
const configuration = (bundle: Json, threshold: number, signedBy: readonly (typeof first)[]): string =>
  world.configuration({ bundle, signedBy, configuration: { threshold } });
const texts = {
  /** Two roots, as asked. */
  two: configuration(early, 2, [first, second]),
  /** One root, and one is asked for: newer. */
  one: configuration(later, 1, [first]),
  /** The same bundle with a second signature. */
  onesWithTwo: configuration(later, 2, [first, third]),
  twoLater: configuration(latest, 2, [second, third]),
};
type Name = keyof typeof texts;

async function start() {
  const host = await FilterHost.load();
  const ask = (grant: string, listener = "api"): string | undefined =>
    host.request({ headers: headersOf([grant]), listener }).filterState.get("wasm.glassgate.verdict");
  return { host, ask };
}

it("A, B, A: the bundle that one root signed does not come to govern the context that asks for two", async () => {
  const { host, ask } = await start();
  for (const name of ["two", "one", "two"] as const) {
    expect(host.configure(texts[name])).toMatchObject({ accepted: true, failedThreads: [] });
    expect({ name, verdict: ask(stranger()) }).toEqual({
      name,
      verdict: name === "one" ? "allow" : expect.any(String),
    });
  }
  // Its own bundle is older than what the domain has seen, and B's is no bundle to it.
  expect(ask(stranger())).toBe("no_trust");
  expect(ask(world.alone())).toBe("no_trust");
  // Two roots sign what one had signed, or a newer one: in force.
  expect(host.configure(texts.onesWithTwo).accepted).toBe(true);
  expect(ask(stranger())).toBe("allow");
  expect(host.configure(texts.twoLater).accepted).toBe(true);
  expect(ask(stranger())).toBe("key_unknown");
  expect(ask(world.alone())).toBe("allow");
});

describe("in every order of three", () => {
  const names: readonly Name[] = ["two", "one", "onesWithTwo"];
  const orders = names.flatMap((a) => names.flatMap((b) => names.map((c): readonly Name[] => [a, b, c])));
  for (const order of orders) {
    it(order.join(", "), async () => {
      const { host, ask } = await start();
      let inForce: Name | undefined;
      let isSignedByTwo = false;
      for (const name of order) {
        if (host.configure(texts[name]).accepted) inForce = name;
        isSignedByTwo ||= inForce === "onesWithTwo";
        const verdict = ask(stranger());
        // What two roots have signed may be fallen back on.
        if (inForce === "two" && !isSignedByTwo) expect(verdict).not.toBe("allow");
        else expect(verdict).toBe("allow");
      }
    });
  }
});

it("the same bytes with fewer signatures stand beside those with more, and take nothing away", async () => {
  const { host, ask } = await start();
  const two = configuration(later, 2, [first, second]);
  const one = configuration(later, 1, [first]);
  expect(host.configure(texts.two, "strict").accepted).toBe(true);
  expect(host.configure(two, "strict").accepted).toBe(true);
  expect(host.configure(one, "easy").accepted).toBe(true);
  expect(host.configure(configuration(later, 2, [second, third]), "strict").accepted).toBe(true);
  // The canary knows this text, which is too old by now: the worker falls back on what two have signed.
  expect(host.configure(texts.two, "strict").accepted).toBe(true);
  for (const listener of ["strict", "easy"])
    expect({ listener, verdict: ask(stranger(), listener) }).toEqual({ listener, verdict: "allow" });
});

it("the same version with other bytes is refused, whoever signed more", async () => {
  const { host, ask } = await start();
  expect(host.configure(texts.one).accepted).toBe(true);
  const other = { ...later, exp: Number(later.exp) + 1 };
  expect(host.configure(configuration(other, 2, [first, second])).reason).toContain("other content");
  expect(ask(stranger())).toBe("allow");
});

it("signatures are counted for each bundle anew, whoever signed the one before", async () => {
  const { host, ask } = await start();
  expect(host.configure(texts.two).accepted).toBe(true);
  for (const signer of [first, third]) {
    expect(host.configure(configuration(later, 2, [signer]))).toMatchObject({
      accepted: false,
      reason: expect.stringContaining("fewer roots signed it than the threshold"),
    });
    expect(ask(stranger())).toBe("key_unknown");
  }
});

it("two listeners side by side keep what each has", async () => {
  const { host, ask } = await start();
  expect(host.configure(texts.two, "strict").accepted).toBe(true);
  expect(host.configure(texts.one, "easy").accepted).toBe(true);
  expect(ask(stranger(), "strict")).toBe("key_unknown");
  expect(ask(stranger(), "easy")).toBe("allow");
  // Another text with the old bundle for the strict one: refused, and what it has goes on.
  expect(host.configure(configuration(early, 2, [first, second]), "strict").accepted).toBe(false);
  expect(ask(world.alone(), "strict")).toBe("allow");
  expect(ask(stranger(), "strict")).toBe("key_unknown");
});
