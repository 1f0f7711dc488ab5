/** What is remembered of used proofs, and for how long: in the Node host, whose clock, workers and shared data a test holds. */
import { createPrivateKey, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { readAuditLines } from "../../control/base/audit.js";
import { FilterHost, type HostOptions, type Outcome } from "../../control/host/host.js";
import { newKey } from "../../control/signer/jwk.js";
import { headersOf } from "../kit/headers.js";
import { type ProofSpec, proofOf } from "../kit/proofs.js";
import { newSigner, type Signer } from "../kit/token.js";
import { type Json, World } from "../kit/world.js";

/** As in assembly/limits.ts and filter/failures.ts. */
const MAX_PROOFS_OF_GRANT = 4096;
const MAX_FAILED = 32;
const CAS_MISMATCH = 8;
const start = Math.floor(Date.now() / 1000);

/** Signs by OpenSSL: twenty times faster than the kit's own signer. */
function quickSigner(): Signer {
  const { d, alg: _, ...jwk } = newKey("Ed25519");
  const key = createPrivateKey({ key: { ...jwk, d }, format: "jwk" });
  return {
    alg: "Ed25519",
    kid: jwk.kid,
    jwk: { kty: "OKP", crv: "Ed25519", x: jwk.x, kid: jwk.kid },
    sign: (message) => sign(null, message, key),
  };
}

interface Way {
  readonly worker?: number;
  readonly listener?: string;
  readonly from?: string;
  readonly path?: string;
}

async function setUp(options: HostOptions = {}, configuration: Json = {}) {
  const world = new World(start);
  const clock = { seconds: start };
  const host = await FilterHost.load({ workers: 2, clock: () => clock.seconds * 1000, ...options });
  const push = (listener = "api", vmId?: string): void => {
    const answer = host.configure(world.configuration({ configuration }), listener, vmId === undefined ? {} : { vmId });
    expect(answer.reason).toBeUndefined();
  };
  push();
  clock.seconds += 100;
  const key = quickSigner();
  const bound = (claims: Json = {}, to: Signer = key): string =>
    world.alone({ claims: { iat: clock.seconds, exp: clock.seconds + 800, cnf: { jkt: to.kid }, ...claims } });
  const prove = (grant: string, spec: Omit<ProofSpec, "grant"> = {}, by: Signer = key): string =>
    proofOf(by, { grant, ...spec, claims: { iat: clock.seconds, ...spec.claims } });
  const request = (
    grant: string,
    proofs: readonly string[],
    { worker = 0, listener = "api", from = "192.0.2.1:1", path = "/orders/7" }: Way = {},
  ): Outcome =>
    host.request({
      headers: [...headersOf([grant], path), ...proofs.map((proof): [string, string] => ["dpop", proof])],
      worker,
      listener,
      sourceAddress: from,
    });
  const ask = (grant: string, proof: string | undefined, way: Way = {}): string =>
    request(grant, proof === undefined ? [] : [proof], way).filterState.get("wasm.glassgate.verdict") ?? "";
  return { world, clock, host, push, key, bound, prove, request, ask };
}

describe("a proof is used once", () => {
  it("on its worker, on another, on another listener, after a rotation", async () => {
    const { push, bound, prove, ask } = await setUp();
    push("other");
    const grant = bound();
    const proof = prove(grant);
    expect(ask(grant, proof)).toBe("allow");
    expect(ask(grant, proof)).toBe("proof");
    expect(ask(grant, proof, { worker: 1 })).toBe("proof");
    expect(ask(grant, proof, { listener: "other" })).toBe("proof");
    push();
    for (const worker of [0, 1]) expect(ask(grant, proof, { worker })).toBe("proof");
    for (const worker of [0, 1]) expect(ask(grant, prove(grant), { worker })).toBe("allow");
  });

  it("and so is its jti, for each key", async () => {
    const { bound, prove, ask } = await setUp();
    const other = newSigner("ES256");
    const [grant, second] = [bound(), bound({}, other)];
    const claims = { jti: "once" };
    expect(ask(grant, prove(grant, { claims }))).toBe("allow");
    expect(
      ask(grant, prove(grant, { claims: { ...claims, htu: "https://api.example.com/orders/8" } }), {
        path: "/orders/8",
      }),
    ).toBe("proof");
    const again = bound();
    expect(ask(again, prove(again, { claims }))).toBe("proof");
    expect(ask(second, prove(second, { claims }, other))).toBe("allow");
    expect(ask(second, prove(second, { claims }, other), { worker: 1 })).toBe("proof");
  });

  it("for as long as its iat can pass, from a minute before to a minute after", async () => {
    for (const early of [-60, 0, 60]) {
      const { clock, bound, prove, ask } = await setUp();
      const grant = bound();
      const proof = prove(grant, { claims: { iat: clock.seconds - early } });
      const end = clock.seconds - early + 60;
      expect(ask(grant, proof), `${early}`).toBe("allow");
      expect(ask(grant, proof, { worker: 1 })).toBe("proof");
      clock.seconds = end;
      expect(ask(grant, proof)).toBe("proof");
      // The minute is over: its time alone denies it.
      clock.seconds = end + 1;
      expect(ask(grant, proof)).toBe("proof");
      expect(ask(grant, prove(grant))).toBe("allow");
    }
  });

  it("and its iat may not be further away than a minute", async () => {
    const { clock, bound, prove, ask } = await setUp();
    const grant = bound();
    for (const [away, verdict] of [
      [-61, "proof"],
      [-60, "allow"],
      [60, "allow"],
      [61, "proof"],
    ] as const)
      expect(ask(grant, prove(grant, { claims: { iat: clock.seconds + away } })), `${away}`).toBe(verdict);
  });

  it("also where the clock is set ahead and back", async () => {
    const { clock, bound, prove, ask } = await setUp();
    const [grant, other] = [bound(), bound()];
    const proof = prove(grant);
    expect(ask(grant, proof)).toBe("allow");
    clock.seconds += 500;
    // A further one comes in, and what has passed is forgotten.
    expect(ask(other, prove(other))).toBe("allow");
    clock.seconds -= 490;
    expect(ask(grant, proof)).toBe("proof");
    expect(ask(grant, proof, { worker: 1 })).toBe("proof");
    expect(ask(grant, prove(grant))).toBe("allow");
  });

  it("and nothing else that denies spends it", async () => {
    const { bound, prove, ask, request } = await setUp();
    const grant = bound({ net: ["192.0.2.0/24"] });
    const proof = prove(grant);
    expect(ask(grant, proof, { from: "198.51.100.1:1" })).toBe("network");
    expect(ask(grant, proof, { path: "/elsewhere" })).toBe("scope_path");
    expect(ask(grant, proof, { path: "/orders/8" })).toBe("proof");
    expect(request(grant, [proof, proof]).filterState.get("wasm.glassgate.verdict")).toBe("proof");
    expect(ask(grant, `${proof.slice(0, -8)}AAAAAAAA`)).toBe("proof");
    expect(ask(grant, proof)).toBe("allow");
  });

  it("a new vm_id knows none, and so takes none from before its start", async () => {
    const { clock, push, bound, prove, ask } = await setUp();
    const grant = bound();
    const [used, unused] = [prove(grant), prove(grant)];
    expect(ask(grant, used)).toBe("allow");
    push("api", "another");
    for (const worker of [0, 1]) {
      expect(ask(grant, used, { worker })).toBe("proof");
      expect(ask(grant, unused, { worker })).toBe("proof");
    }
    expect(ask(grant, prove(grant, { claims: { iat: clock.seconds + 1 } }))).toBe("allow");
    clock.seconds += 1;
    expect(ask(grant, prove(grant), { worker: 1 })).toBe("allow");
    // A rotation is no start.
    const fresh = prove(grant);
    push("api", "another");
    expect(ask(grant, fresh)).toBe("allow");
  });

  it("by one of two workers that judge it at the same time", async () => {
    let race: (() => string) | undefined;
    const seen: string[] = [];
    const { bound, prove, ask } = await setUp({
      intercept: ({ name, thread }) => {
        if (name !== "proxy_set_shared_data" || thread !== "worker 0" || race === undefined) return undefined;
        const other = race;
        race = undefined;
        seen.push(other());
        return undefined;
      },
    });
    const grant = bound();
    for (const worker of [0, 1]) expect(ask(grant, prove(grant), { worker })).toBe("allow");
    const proof = prove(grant);
    race = () => ask(grant, proof, { worker: 1 });
    seen.push(ask(grant, proof));
    expect(seen).toEqual(["allow", "proof"]);
    // Another proof in between costs a further try and nothing else.
    race = () => ask(grant, prove(grant), { worker: 1 });
    seen.push(ask(grant, prove(grant)));
    expect(seen.slice(2)).toEqual(["allow", "allow"]);
  });
});

describe("where a proof cannot be remembered", () => {
  it("as others are quicker again and again, it is busy after a bounded number of tries, and may come again", async () => {
    let failures = 0;
    let tries = 0;
    const { bound, prove, ask } = await setUp({
      intercept: ({ name }) => {
        if (name !== "proxy_set_shared_data") return undefined;
        tries += 1;
        return tries <= failures ? CAS_MISMATCH : undefined;
      },
    });
    const grant = bound();
    const asked = (count: number, proof: string): readonly [string, number] => {
      failures = count;
      tries = 0;
      return [ask(grant, proof), tries];
    };
    const proof = prove(grant);
    expect(asked(1000, proof)).toEqual(["busy", 32]);
    expect(asked(31, proof)).toEqual(["allow", 32]);
    expect(asked(0, proof)).toEqual(["proof", 0]);
  });

  it("as the gateway has no shared data, or something else in it, it is internal", async () => {
    for (const [name, status] of [
      ["proxy_get_shared_data", 1],
      ["proxy_get_shared_data", 2],
      ["proxy_set_shared_data", 6],
    ] as const) {
      let isBroken = false;
      const { bound, prove, ask, world } = await setUp({
        intercept: (call) => (isBroken && call.name === name ? status : undefined),
      });
      isBroken = true;
      const grant = bound();
      expect(ask(grant, prove(grant)), name).toBe("internal");
      expect(ask(world.alone(), undefined)).toBe("allow");
    }
  });
});

describe("a grant's share", () => {
  it("is full after 4,096 proofs in a minute: busy, for this grant alone, with a gauge, until the first have passed", async () => {
    let failures = 0;
    const { clock, host, bound, prove, request, ask } = await setUp({
      intercept: ({ name }) => (name === "proxy_set_shared_data" && failures-- > 0 ? CAS_MISMATCH : undefined),
    });
    const [grant, other] = [bound(), bound()];
    for (let i = 0; i < MAX_PROOFS_OF_GRANT; i++) {
      // Also a full bucket, of 64 KiB, can be read again and again within one request.
      failures = i === MAX_PROOFS_OF_GRANT - 1 ? 31 : 0;
      if (i === MAX_PROOFS_OF_GRANT / 2) clock.seconds += 10;
      const verdict = ask(grant, prove(grant), { worker: i & 1 });
      if (verdict !== "allow") expect([i, verdict]).toEqual([]);
    }
    /** After every worker has spoken, also one that builds a table meanwhile. */
    const gauge = (): number | undefined => {
      for (let i = 0; i < 400; i++) host.tick();
      return host.metrics().get("glassgate.proofs_of_grant");
    };
    const { reply, filterState } = request(grant, [prove(grant)]);
    expect(reply?.status).toBe(429);
    expect(Object.fromEntries(reply?.headers ?? [])).toMatchObject({ "retry-after": "10" });
    expect(JSON.parse(readAuditLines(filterState.get("wasm.glassgate.audit") ?? "{}").record)).toMatchObject({
      verdict: "busy",
      sub: "rita",
    });
    expect(gauge()).toBe(MAX_PROOFS_OF_GRANT);
    expect(ask(grant, prove(grant), { worker: 1 })).toBe("busy");
    expect(ask(other, prove(other))).toBe("allow");
    clock.seconds += 50;
    expect(ask(grant, prove(grant))).toBe("busy");
    clock.seconds += 1;
    expect(ask(grant, prove(grant))).toBe("allow");
    // Seen by whoever asks once a minute, and gone two minutes later.
    for (const expected of [MAX_PROOFS_OF_GRANT, 0]) {
      clock.seconds += 60;
      gauge();
      clock.seconds += 59;
      expect(gauge()).toBe(expected);
    }
  });
});

describe("signatures that do not hold", () => {
  it("make the key busy in their network, not its holder elsewhere, and end", async () => {
    const { clock, bound, prove, ask, request } = await setUp();
    const grant = bound();
    const thief = { from: "203.0.113.9:1" };
    expect(ask(grant, prove(grant))).toBe("allow");
    const forge = (): string => prove(grant, { by: newSigner("Ed25519") });
    for (let i = 0; i < MAX_FAILED; i++) expect(ask(grant, forge(), thief)).toBe("proof");
    expect(ask(grant, forge(), thief)).toBe("busy");
    expect(request(grant, [forge()], { from: "203.0.113.77:2" }).reply?.status).toBe(429);
    expect(ask(grant, prove(grant), thief)).toBe("busy");
    expect(ask(grant, prove(grant))).toBe("allow");
    // What is told without looking at a signature is told as ever.
    expect(ask(grant, undefined, thief)).toBe("binding_missing");
    expect(ask(grant, prove(grant, { claims: { htm: "POST" } }), thief)).toBe("proof");
    clock.seconds += 10;
    expect(ask(grant, prove(grant), thief)).toBe("allow");
  });
});

describe("shadow", () => {
  it("decides on proofs as well, and remembers them", async () => {
    const { bound, prove, request } = await setUp({}, { mode: "shadow" });
    const grant = bound();
    const proof = prove(grant);
    const recorded = (proofs: readonly string[]): unknown => {
      const { reply, filterState } = request(grant, proofs);
      expect(reply).toBeUndefined();
      return JSON.parse(readAuditLines(filterState.get("wasm.glassgate.audit") ?? "{}").record).verdict;
    };
    expect([[], [proof], [proof]].map(recorded)).toEqual(["binding_missing", "allow", "proof"]);
  });
});

describe("a header DPoP of others", () => {
  it("is stripped beside any grant, bound or not, and left alone where there is none", async () => {
    const { world, host, bound, prove, request } = await setUp();
    const dpop = ({ headers }: Outcome): readonly string[] =>
      headers.filter(([name]) => name === "dpop").map(([, value]) => value);
    const grant = bound();
    const proven = request(grant, [prove(grant)]);
    expect(proven.filterState.get("wasm.glassgate.verdict")).toBe("allow");
    expect(dpop(proven)).toEqual([]);
    const unbound = request(world.alone(), ["for the upstream", "and another"]);
    expect(unbound.filterState.get("wasm.glassgate.verdict")).toBe("allow");
    expect(dpop(unbound)).toEqual([]);
    const normal = host.request({ headers: [...headersOf([]), ["dpop", "for the upstream"], ["dpop", "and another"]] });
    expect(normal.filterState.size).toBe(0);
    expect(dpop(normal)).toEqual(["for the upstream", "and another"]);
  });
});

describe("a proof key", () => {
  it("gets a table of multiples when it has proven 24 requests, and not before", async () => {
    const { host, bound, prove, ask } = await setUp();
    const use = (grant: string, times: number): void => {
      for (let i = 0; i < times; i++) expect(ask(grant, prove(grant))).toBe("allow");
    };
    const built = (): number => {
      for (let i = 0; i < 300; i++) host.tick();
      return host.metrics().get("glassgate.tables_built") ?? 0;
    };
    const grant = bound();
    use(grant, 24);
    const others = built();
    use(grant, 1);
    expect(built()).toBe(others + 1);
    use(grant, 10);
    expect(built()).toBe(others + 1);
    // With the table nothing else holds than without.
    expect(ask(grant, prove(grant, { by: newSigner("Ed25519") }))).toBe("proof");
    // Counted for each grant, and forged ones not at all.
    const other = bound({}, newSigner("Ed25519"));
    for (let i = 0; i < 30; i++) ask(other, prove(other));
    expect(built()).toBe(others + 1);
  });
});
