/** The whole decision suite on Kong's own module, by requests that a client sends and an upstream receives. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { referenceAnswer } from "../reference/decide.js";
import type { Case, Profile } from "../verdicts/case.js";
import {
  expectDenial,
  expectEvidence,
  expectNoLeak,
  expectRecord,
  recordOf,
  STRIPPED,
  sha256,
} from "../verdicts/checks.js";
import { DEFAULTS, type Observed, type Sent } from "../verdicts/driver.js";
import { enforceProfiles } from "../verdicts/profiles.js";
import { rawPaths } from "../verdicts/scopes.js";
import { forKong, newWorld, observed, sendCase } from "./gateway.js";
import { type Exchange, KEY, type KongModule, named, startKongModule } from "./nginx.js";
import { nginx } from "./process.js";

/** Nginx takes a header line of 8 KiB by default, and no grant as long as a grant may be. */
const ROOM_FOR_GRANTS = "8 32k";

const FORGED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(STRIPPED.map((name) => [name, "forged"])),
  authorization: "Bearer forged",
  "x-break-glass-grant": 'sub="admin"',
  [KEY.name]: "forged",
};

/** What Kong does not tell: the client's certificate, and whether another worker has seen a proof. */
const UNKNOWN_ON_KONG = new Set(["binding_mismatch", "proof"]);
const onKong = (verdict: string): string => (UNKNOWN_ON_KONG.has(verdict) ? "binding_missing" : verdict);

const world = newWorld();
const chains = new Map<string, { seq: number; hash: string }>();
const reached = new Set<string>();

interface Played {
  readonly sent: Sent;
  readonly raw: Exchange;
  readonly seen: Observed;
  readonly again: Observed | undefined;
  readonly verdict: string;
  readonly told: string;
}

/** One chain of records for each VM, whichever configuration it was under. */
function follow({ audit }: Observed): void {
  if (audit === undefined) return;
  const { vm, seq, prev } = z
    .looseObject({ vm: z.string(), seq: z.number(), prev: z.string() })
    .parse(JSON.parse(audit));
  const before = chains.get(vm);
  if (before !== undefined) expect({ seq, prev }).toEqual({ seq: before.seq + 1, prev: before.hash });
  chains.set(vm, { seq, hash: sha256(audit) });
}

async function play(module: KongModule, configuration: string, item: Case): Promise<Played> {
  const made = item.grant(world);
  const grants = typeof made === "string" ? [made] : made;
  const { dpop: _, ...others } = FORGED;
  const headers = { ...(item.proof === undefined ? FORGED : others), ...item.request?.headers };
  const proofs = item.proof === undefined ? [] : [item.proof(grants[0] ?? "")];
  const sent: Sent = { ...item.request, headers, grants, proofs };
  const raw = await sendCase(module, sent);
  const seen = observed(raw);
  follow(seen);
  const { method = DEFAULTS.method, host = DEFAULTS.host, path = DEFAULTS.path } = sent;
  const reference = await referenceAnswer({
    configuration,
    grants,
    request: { method, host, path, isUpgrade: false, source: "127.0.0.1", proofs: [] },
    now: Math.floor(Date.now() / 1000),
  });
  const again = seen.verdict === "allow" ? observed(await sendCase(module, sent)) : undefined;
  if (again !== undefined) follow(again);
  return { sent, raw, seen, again, verdict: onKong(reference.verdict), told: onKong(reference.told) };
}

/** Nginx answers a path whose escapes are none itself, before any filter. */
const isNginxOwn = ({ raw }: Played): boolean => raw.shared.size === 0;

function expectAllowedByKong({ sent, raw, seen, verdict }: Played): void {
  expect(seen.verdict).toBe(verdict);
  expect(seen.status).toBe(200);
  expect(raw.upstream?.target).toBe(sent.path ?? DEFAULTS.path);
  expect(raw.upstream?.method).toBe(sent.method ?? DEFAULTS.method);
  for (const name of [...STRIPPED, "x-break-glass"]) expect(seen.upstream?.[name], name).toBeUndefined();
  // It opened the second route, which keeps it.
  expect(seen.upstream?.[KEY.name]).toBeUndefined();
  expect(seen.logged).not.toContain(KEY.value);
  const attested = raw.upstream?.lines.filter(([name]) => name === "x-break-glass-grant") ?? [];
  const { jti, sub, ent } = recordOf(seen);
  expect(attested).toHaveLength(1);
  expect(attested[0]?.[1]).toMatch(
    new RegExp(`^jti="${String(jti)}", sub="${String(sub)}", ent="${String(ent)}", exp=`),
  );
}

describe.skipIf(nginx === undefined)(named("the decision suite on Kong's module"), () => {
  let module: KongModule;
  beforeAll(async () => {
    module = await startKongModule({ headerBuffers: ROOM_FOR_GRANTS });
  });
  afterAll(() => module?.stop());

  const suite = (profile: Profile): void => {
    describe(profile.name, () => {
      let configuration = "";
      const played = new Map<Case, Played>();
      beforeAll(async () => {
        configuration = profile.configuration(world);
        expect(await module.apply("glassgate", forKong(configuration))).toEqual(["built"]);
        for (const [i, item] of profile.cases.entries()) {
          // Denials before the requester's signature are recorded up to 100 a second.
          if (i % 90 === 89) await new Promise((resolve) => setTimeout(resolve, 1100));
          played.set(item, await play(module, configuration, item));
        }
      });
      for (const item of profile.cases) {
        it(`${item.name}: ${onKong(item.verdict)}`, () => {
          const one = played.get(item);
          if (one === undefined) throw new Error("the case was not played");
          const { sent, seen, again, verdict, told } = one;
          expect(verdict).toBe(onKong(item.verdict));
          if (verdict === "path_ambiguous" && isNginxOwn(one)) {
            expect(one.raw).toMatchObject({ status: 400, upstream: undefined });
            return;
          }
          expectNoLeak(sent, seen);
          expectRecord(verdict, "enforce", sent, seen);
          reached.add(verdict);
          if (verdict !== "allow") {
            expectDenial(verdict, sent, seen, told);
            return;
          }
          expectAllowedByKong(one);
          expectEvidence(sent, seen);
          expect(recordOf(seen).cached).toBe(false);
          if (again === undefined) throw new Error("the second request is missing");
          // Whenever Lua collects a chain of before, the worker's VM begins anew.
          const isSameVm = recordOf(again).vm === recordOf(seen).vm;
          expect(recordOf(again)).toMatchObject({ verdict: "allow", cached: isSameVm });
          expect(again.evidence === undefined).toBe(isSameVm);
        });
      }
    });
  };
  for (const profile of enforceProfiles) suite(profile);

  describe("paths that an nginx in front may read otherwise", () => {
    beforeAll(async () => {
      expect(await module.apply("glassgate", forKong(world.configuration()))).toEqual(["built"]);
    });
    for (const path of rawPaths) {
      it(`${JSON.stringify(path)} does not get through`, async () => {
        const claims = { ent: "wide", authorization_details: [world.detail({ paths: ["/**"] })] };
        const seen = await sendCase(module, {
          grants: [world.alone({ claims })],
          path: Buffer.from(path).toString("latin1"),
        });
        expect(seen.upstream).toBeUndefined();
        expect(seen.status).toBe(400);
      });
    }
  });

  it("no grant is no_grant, without a record", async () => {
    const sent: Sent = { grants: [] };
    const seen = observed(await sendCase(module, sent));
    expectDenial("no_grant", sent, seen);
    expect(seen.audit).toBeUndefined();
    reached.add("no_grant");
  });

  it("a network from which too many forged ones came is busy", async () => {
    const forged = world.alone({ by: world.stranger, header: { kid: world.rita.kid } });
    const verdicts = [];
    for (let i = 0; i < 40; i++) verdicts.push(observed(await sendCase(module, { grants: [forged] })).verdict);
    expect(new Set(verdicts)).toEqual(new Set(["signature", "busy"]));
    reached.add("busy");
  });

  it("no other verdict than these was reached", () => {
    expect([...reached].sort()).toMatchInlineSnapshot(`
      [
        "algorithm",
        "allow",
        "approval_signature",
        "audience",
        "binding_missing",
        "bundle_expired",
        "busy",
        "claim_required",
        "duplicate_approval",
        "duplicate_header",
        "entitlement_scope",
        "entitlement_unknown",
        "expired",
        "key_not_valid",
        "key_owner",
        "key_unknown",
        "malformed",
        "network",
        "no_grant",
        "no_trust",
        "not_yet_valid",
        "path_ambiguous",
        "quorum",
        "reason",
        "requester",
        "revoked",
        "scope_host",
        "scope_method",
        "scope_path",
        "self_approval",
        "signature",
        "too_large",
        "ttl",
      ]
    `);
  });
});
