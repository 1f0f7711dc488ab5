/** One suite for every road to a decision: every row of the verdict table, from outside. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { verdictCodes } from "../../control/base/verdicts.gen.js";
import { FAILING } from "../kit/failing-host.js";
import { World } from "../kit/world.js";
import { type ReferenceAnswer, referenceAnswer } from "../reference/decide.js";
import type { Case, Profile } from "./case.js";
import {
  expectAllowed,
  expectChain,
  expectDenial,
  expectEvidence,
  expectNoLeak,
  expectRecord,
  recordOf,
  STRIPPED,
} from "./checks.js";
import { CLIENT, DEFAULTS, type Gateway, type Observed, type Sent } from "./driver.js";
import { enforceProfiles, shadowProfile } from "./profiles.js";

/** Sent along with every request: none of it may reach the upstream beside a grant. */
const FORGED = {
  ...Object.fromEntries(STRIPPED.map((name) => [name, "forged"])),
  authorization: "Bearer forged",
  "x-break-glass-grant": 'sub="admin"',
};

interface Played {
  readonly sent: Sent;
  readonly seen: Observed;
  readonly again: Observed | undefined;
  readonly reference: ReferenceAnswer;
}

const problem = z.object({ code: z.string() });
const nowSeconds = (): number => Math.floor(Date.now() / 1000);

async function play(road: Road, gateway: Gateway, world: World, profile: Profile): Promise<Map<Case, Played>> {
  const configuration = road.configured(profile.configuration(world));
  await gateway.configure(configuration);
  const sent = profile.cases.map((item): Sent => {
    const made = item.grant(world);
    const grants = typeof made === "string" ? [made] : made;
    const headers: Readonly<Record<string, string>> = { ...FORGED, ...item.request?.headers };
    if (item.proof === undefined) return { ...item.request, headers, grants };
    const { dpop: _, ...others } = headers;
    return { ...item.request, headers: others, grants, proofs: [item.proof(grants[0] ?? "")] };
  });
  const played = new Map<Case, Played>();
  // 90 at a time and a pause, as denials before the requester's signature are recorded up to 100 a second.
  const seen: Observed[] = [];
  for (let from = 0; from < sent.length; from += 90) {
    seen.push(...(await gateway.send(sent.slice(from, from + 90))));
    if (from + 90 < sent.length) await new Promise((resolve) => setTimeout(resolve, 1100));
  }
  const again = await gateway.send(sent.filter((_, i) => seen[i]?.verdict === "allow"));
  expectChain(
    [...seen, ...again].flatMap(({ audit }) => audit ?? []),
    chainBefore(seen),
  );
  let next = 0;
  for (const [i, item] of profile.cases.entries()) {
    const [one, request] = [seen[i], sent[i]];
    if (one === undefined || request === undefined) throw new Error("an answer is missing");
    const { method = DEFAULTS.method, host = DEFAULTS.host, path = DEFAULTS.path } = request;
    const reference = await referenceAnswer({
      configuration,
      grants: request.grants,
      request: { method, host, path, isUpgrade: false, source: CLIENT, proofs: request.proofs ?? [] },
      now: nowSeconds(),
    });
    played.set(item, {
      sent: request,
      seen: one,
      again: one.verdict === "allow" ? again[next++] : undefined,
      reference,
    });
  }
  return played;
}

/** The chain goes on from earlier profiles: begin at what the first record says. */
function chainBefore(seen: readonly Observed[]): Map<string, { seq: number; hash: string }> {
  const first = seen.find(({ audit }) => audit !== undefined);
  if (first === undefined) return new Map();
  const { vm, seq, prev } = recordOf(first);
  return new Map([[String(vm), { seq: Number(seq) - 1, hash: String(prev) }]]);
}

/** The gateway answered by itself: the request came neither to the filter nor further. */
function checkRefused(status: number, { sent, seen }: Played): void {
  expect(seen).toMatchObject({ status, verdict: undefined, audit: undefined, upstream: undefined });
  expectNoLeak(sent, seen);
}

/** @param verdict the case's own, or what this road's host makes of it */
function checkEnforced(item: Case, verdict: string, { sent, seen, again }: Played): void {
  expect(seen.verdict).toBe(verdict);
  expectNoLeak(sent, seen);
  expectRecord(verdict, "enforce", sent, seen);
  if (verdict !== "allow") {
    expectDenial(verdict, sent, seen, verdict === item.verdict ? item.told : verdict);
    return;
  }
  expectAllowed(seen, recordOf(seen));
  expectEvidence(sent, seen);
  expect(recordOf(seen).cached).toBe(false);
  if (again === undefined) throw new Error("the second request is missing");
  expectAllowed(again, recordOf(again));
  expect(recordOf(again)).toMatchObject({ cached: true, grant_sha256: recordOf(seen).grant_sha256 });
  expect(again.evidence).toBeUndefined();
}

export interface GatewayOptions {
  /** No grant is a deny, which may be another configuration altogether. */
  readonly require?: boolean;
  /** On a host one of whose calls fails each time: the verdict that this leads to. */
  readonly failing?: keyof typeof FAILING;
}

/** A build of the filter on a gateway, and what that gateway cannot do otherwise: docs/gateways/kong-differences.md. */
export interface Road {
  readonly name: string;
  readonly start: (world: World, options: GatewayOptions) => Promise<Gateway>;
  /** The configuration as this gateway takes it. */
  readonly configured: (text: string) => string;
  /** Another end than the reference's, which the host forces: a verdict, or the status of its own answer before the filter. */
  readonly forced: (item: Case, sent: Sent) => string | number | undefined;
  /** Verdicts that only what the host lacks would lead to. */
  readonly unreachable: readonly string[];
  /** Behind the filter stands the normal authentication: a request without a grant goes on to it, and shadow means something. */
  readonly isGuarded: boolean;
}

/** Nothing is otherwise: rendered Envoys, and the Node host as one. */
export const AS_ENVOY = {
  configured: (text: string) => text,
  forced: () => undefined,
  unreachable: [],
  isGuarded: true,
} satisfies Partial<Road>;

/** As in assembly/limits.ts: so many failures from one network. */
const MAX_FAILED = 32;

export function runSuite(road: Road): void {
  const { name, start, configured } = road;
  const reached = new Set<string>();
  const world = new World(nowSeconds());
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await start(world, {});
  });
  afterAll(() => gateway.stop());

  for (const profile of enforceProfiles) {
    describe(`${name}, ${profile.name}`, () => {
      let played: Map<Case, Played>;
      beforeAll(async () => {
        played = await play(road, gateway, world, profile);
      });
      for (const item of profile.cases) {
        it(`${item.name}: ${item.verdict}`, () => {
          const one = played.get(item);
          if (one === undefined) throw new Error("the case was not played");
          expect(one.reference).toEqual({ verdict: item.verdict, told: item.told ?? item.verdict });
          const end = road.forced(item, one.sent) ?? item.verdict;
          if (typeof end === "number") {
            checkRefused(end, one);
            return;
          }
          checkEnforced(item, end, one);
          reached.add(end);
        });
      }
    });
  }

  describe(`${name}, shadow`, () => {
    it("decides and records, never denies, attests or sets the verdict; where nothing stands behind, nobody is let in", async () => {
      const played = await play(road, gateway, world, shadowProfile);
      for (const [item, { sent, seen, reference }] of played) {
        expect(reference.verdict, item.name).toBe(item.verdict);
        expectNoLeak(sent, seen);
        expect(seen.upstream).toBeUndefined();
        if (!road.isGuarded) {
          expectDenial("no_trust", sent, seen);
          continue;
        }
        expectRecord(item.verdict, "shadow", sent, seen);
        expect(seen.verdict).toBeUndefined();
        expect({ status: seen.status, body: seen.body }, item.name).toMatchObject({
          status: 401,
          body: expect.stringMatching(/^Jwt /),
        });
      }
    });
  });

  describe(`${name}, require`, () => {
    let required: Gateway;
    beforeAll(async () => {
      required = await start(world, { require: true });
    });
    afterAll(() => required.stop());

    it("no grant is no_grant, without a record; a grant opens as ever", async () => {
      await required.configure(configured(world.configuration({ configuration: { require: true } })));
      const sent: Sent[] = [{ grants: [] }, { grants: [world.grant()] }];
      const [none, granted] = await required.send(sent);
      if (none === undefined || granted === undefined) throw new Error("an answer is missing");
      expectDenial("no_grant", { grants: [] }, none);
      expect(none.audit).toBeUndefined();
      expectAllowed(granted, recordOf(granted));
      reached.add("no_grant");
    });

    it("a network from which too many forged ones came is busy, and has a record", async () => {
      await required.configure(configured(world.configuration({ configuration: { require: true } })));
      const forged = world.alone({ by: world.stranger, header: { kid: world.rita.kid } });
      const last: Sent = { grants: [world.alone()] };
      const seen = await required.send([
        ...Array.from({ length: MAX_FAILED }, (): Sent => ({ grants: [forged] })),
        last,
      ]);
      expect(new Set(seen.slice(0, MAX_FAILED).map(({ verdict }) => verdict))).toEqual(new Set(["signature"]));
      const busy = seen[MAX_FAILED];
      if (busy === undefined) throw new Error("an answer is missing");
      expectDenial("busy", last, busy);
      expect(recordOf(busy)).toMatchObject({ verdict: "busy", mode: "enforce" });
      expect(recordOf(busy)).not.toHaveProperty("sub");
      reached.add("busy");
    });
  });

  describe(`${name}, with a host whose call fails`, () => {
    for (const verdict of ["audit_unavailable", "internal"] as const)
      it(`${FAILING[verdict][1]}: ${verdict}`, async () => {
        const failing = await start(world, { failing: verdict });
        try {
          await failing.configure(configured(world.configuration()));
          const [seen] = await failing.send([{ grants: [world.grant()] }]);
          expect(seen).toMatchObject({ status: 503, details: `glassgate_${verdict}`, upstream: undefined });
          expect(problem.parse(JSON.parse(seen?.body ?? "{}"))).toEqual({ code: verdict });
          expect(seen?.verdict).not.toBe("allow");
          reached.add(verdict);
        } finally {
          await failing.stop();
        }
      });
  });

  describe(`${name}, no grant`, () => {
    it("goes on to the normal authentication where the road has one, without record and filter state", async () => {
      await gateway.configure(configured(world.configuration()));
      const [seen] = await gateway.send([{ grants: [], headers: { "x-break-glass-grant": 'sub="admin"' } }]);
      expect(seen).toMatchObject({
        status: 401,
        verdict: road.isGuarded ? undefined : "no_grant",
        audit: undefined,
        evidence: undefined,
        upstream: undefined,
      });
    });
  });

  // In this order: the cases above say what they have seen.
  it(`${name}: each verdict of the table was reached`, () => {
    expect([...reached].sort()).toEqual(verdictCodes.filter((code) => !road.unreachable.includes(code)).sort());
  });
}
