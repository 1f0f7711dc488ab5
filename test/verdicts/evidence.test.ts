/**
 * Every grant that was let in has its evidence on record: a failing gateway can delay it, never lose it. And one grant has no
 * more of it than it shows approvers, however it is spelt.
 */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readAuditLines } from "../../control/base/audit.js";
import { FilterHost } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { respelt, shuffled } from "../kit/spellings.js";
import { payloadSegmentOf } from "../kit/token.js";
import { World } from "../kit/world.js";

const INTERNAL_FAILURE = 10;
const start = Math.floor(Date.now() / 1000);
const recordSchema = z.looseObject({
  vm: z.string(),
  seq: z.number(),
  prev: z.string(),
  verdict: z.string(),
  cached: z.boolean().optional(),
  evidence: z.string().optional(),
});
const sha256 = (text: string): string => createHash("sha256").update(text, "latin1").digest("hex");

/** What a grant proves: itself, without the requester's header and signature. */
const evidenceOf = (grant: string): string => [payloadSegmentOf(grant), ...grant.split("~").slice(1)].join("~");

/** A host whose host calls of that name fail as `failing` says: it is told how many there were in this request before. */
async function setUp(configuration: Readonly<Record<string, unknown>> = {}) {
  let isFailing = (_name: string, _earlier: number): boolean => false;
  const calls = new Map<string, number>();
  const host = await FilterHost.load({
    clock: () => start * 1000,
    intercept: ({ name, thread }) => {
      if (thread !== "worker 0") return undefined;
      const earlier = calls.get(name) ?? 0;
      calls.set(name, earlier + 1);
      return isFailing(name, earlier) ? INTERNAL_FAILURE : undefined;
    },
  });
  const world = new World(start);
  expect(host.configure(world.configuration({ configuration })).accepted).toBe(true);
  /** The request's outcome and its audit lines, if the gateway has any. */
  const ask = (grant: string, failing: typeof isFailing = () => false) => {
    calls.clear();
    isFailing = failing;
    const outcome = host.request({ headers: headersOf([grant]) });
    const audit = outcome.filterState.get("wasm.glassgate.audit");
    if (audit === undefined) return { outcome, record: undefined, evidence: undefined };
    const lines = readAuditLines(audit);
    const record = recordSchema.parse(JSON.parse(lines.record));
    // The record names the evidence that stands behind it, and no other.
    expect(record.evidence).toBe(lines.evidence === undefined ? undefined : sha256(lines.evidence));
    return { outcome, record, evidence: lines.evidence, line: lines.record };
  };
  return { world, host, ask };
}

const setting =
  (which: number) =>
  (name: string, earlier: number): boolean =>
    name === "proxy_set_property" && earlier === which;
const of =
  (wanted: string) =>
  (name: string): boolean =>
    name === wanted;

describe("where the gateway fails once, the evidence comes with the next acceptance", () => {
  const faults = [
    ["the record is not taken", "audit_unavailable", setting(0)],
    ["the verdict is not taken", "internal", setting(1)],
    ["neither is taken", "audit_unavailable", of("proxy_set_property")],
    ["the grant's header cannot be removed", "internal", of("proxy_remove_header_map_value")],
    ["the attestation cannot be set", "internal", of("proxy_replace_header_map_value")],
  ] as const;
  for (const [what, code, failing] of faults) {
    it(what, async () => {
      const { world, ask } = await setUp();
      for (const grant of [world.alone(), world.grant()]) {
        for (let i = 0; i < 2; i++) {
          const { reply } = ask(grant, failing).outcome;
          expect(reply?.status).toBe(503);
          expect(JSON.parse(reply?.body ?? "{}").code).toBe(code);
        }
        const first = ask(grant);
        expect(first.outcome.kind).toBe("continue");
        expect(first.record).toMatchObject({ verdict: "allow", cached: false });
        expect(first.evidence).toBe(evidenceOf(grant));
        const second = ask(grant);
        expect(second.record).toMatchObject({ verdict: "allow", cached: true });
        expect(second.evidence).toBeUndefined();
      }
    });
  }

  it("in shadow as well, where only the record is told", async () => {
    const { world, ask } = await setUp({ mode: "shadow" });
    const grant = world.grant();
    const lost = ask(grant, setting(0));
    expect(lost.outcome.kind).toBe("continue");
    expect(lost.record).toBeUndefined();
    expect(ask(grant).evidence).toBe(evidenceOf(grant));
    expect(ask(grant).record).toMatchObject({ verdict: "allow", cached: true });
  });

  it("and anew under another bundle", async () => {
    const { world, host, ask } = await setUp();
    const grant = world.grant();
    expect(ask(grant).evidence).toBe(evidenceOf(grant));
    expect(ask(grant).evidence).toBeUndefined();
    host.configure(world.configuration());
    expect(ask(grant, setting(0)).evidence).toBeUndefined();
    expect(ask(grant).evidence).toBe(evidenceOf(grant));
  });
});

it("a record that was not taken uses up no number: the chain has no gap", async () => {
  const { world, ask } = await setUp();
  let previous = { seq: 0, line: "" };
  for (let i = 0; i < 3; i++) {
    expect(ask(world.alone(), setting(0)).record).toBeUndefined();
    expect(ask("garbage", setting(0)).record).toBeUndefined();
    for (const grant of [world.alone(), "garbage"]) {
      const { record, line = "" } = ask(grant);
      expect(record?.seq).toBe(previous.seq + 1);
      expect(record?.prev).toBe(previous.line === "" ? "0".repeat(64) : sha256(previous.line));
      previous = { seq: record?.seq ?? 0, line };
    }
  }
});

describe("a grant is its payload, however its approvals are spelt", () => {
  /** Two leads are enough; four have approved, two of them with ES256. */
  const leads = (world: World): { grant: string; by: (...names: Name[]) => string } => {
    const { adam, anna, alex, temp } = world;
    const grant = world.grant({
      claims: { ent: "leads" },
      approvals: [adam, anna, alex, temp].map((by) => ({ by })),
    });
    const [request = "", ...approvals] = grant.split("~");
    const names: readonly Name[] = ["adam", "anna", "alex", "temp"];
    return { grant, by: (...chosen) => [request, ...chosen.map((name) => approvals[names.indexOf(name)])].join("~") };
  };
  type Name = "adam" | "anna" | "alex" | "temp";

  it("in any order it has one evidence and one entry, and everybody else stays cached", async () => {
    const { world, ask } = await setUp();
    const others = Array.from({ length: 63 }, () => world.alone());
    for (const other of others) expect(ask(other).record).toMatchObject({ verdict: "allow", cached: false });
    const grant = world.grant({
      claims: { ent: "everyone" },
      approvals: world.crowd.slice(0, 8).map((by) => ({ by })),
    });
    const asked = [...shuffled(grant, 60)].map((spelling) => ask(spelling));
    expect(asked.map(({ record }) => record?.verdict)).toEqual(asked.map(() => "allow"));
    // Each is other bytes, so all its signatures are checked.
    expect(asked.filter(({ record }) => record?.cached === true)).toHaveLength(0);
    expect(asked.filter(({ evidence }) => evidence !== undefined)).toHaveLength(1);
    expect(asked[0]?.evidence).toBeDefined();
    expect(new Set(asked.map(({ record }) => record?.grant_sha256)).size).toBe(1);
    for (const other of others) expect(ask(other).record).toMatchObject({ verdict: "allow", cached: true });
  });

  it("the last spelling is the one that is cached", async () => {
    const { world, ask } = await setUp();
    const { by } = leads(world);
    ask(by("adam", "anna"));
    ask(by("anna", "adam"));
    expect(ask(by("anna", "adam")).record?.cached).toBe(true);
    expect(ask(by("adam", "anna"))).toMatchObject({ record: { cached: false }, evidence: undefined });
    expect(ask(by("adam", "anna")).record?.cached).toBe(true);
  });

  it("evidence comes again where it shows a further approver, and only there", async () => {
    const { world, ask } = await setUp();
    const { by } = leads(world);
    const steps = [
      [by("adam", "anna"), true],
      [by("anna", "adam"), false],
      [by("adam", "alex"), true],
      [by("anna", "alex"), false],
      [by("alex", "anna", "adam"), false],
      [by("temp", "adam"), true],
      [by("temp", "alex", "adam", "anna"), false],
      [by("anna", "temp"), false],
    ] as const;
    for (const [spelling, isNew] of steps) {
      const { record, evidence } = ask(spelling);
      expect(record).toMatchObject({ verdict: "allow", cached: false });
      expect(evidence).toBe(isNew ? evidenceOf(spelling) : undefined);
      expect(record?.approvers).toHaveLength(spelling.split("~").length - 1);
    }
  });

  it("evidence comes again where somebody approved at another time, which the record says", async () => {
    const { world, ask } = await setUp();
    const { by } = leads(world);
    const [request = "", adam = "", anna = ""] = by("adam", "anna").split("~");
    const payload = payloadSegmentOf(request);
    const at = (iat: number): string => [request, world.approve(payload, { by: world.adam, iat }), anna].join("~");
    const [earlier, earliest] = [at(world.now - 1), at(world.now - 2)];
    const steps = [
      [[request, adam, anna].join("~"), true],
      [earlier, true],
      [[request, anna, adam].join("~"), false],
      [earliest, true],
      [earlier, false],
    ] as const;
    for (const [spelling, isNew] of steps) {
      const { record, evidence } = ask(spelling);
      expect(record).toMatchObject({ verdict: "allow", cached: false });
      expect(evidence).toBe(isNew ? evidenceOf(spelling) : undefined);
    }
  });

  it("all approvers at first leave nothing to show", async () => {
    const { world, ask } = await setUp();
    const { grant, by } = leads(world);
    expect(ask(grant).evidence).toBe(evidenceOf(grant));
    for (const part of [by("adam", "anna"), by("temp", "alex"), by("alex", "anna", "temp")]) {
      expect(ask(part)).toMatchObject({ record: { verdict: "allow", cached: false }, evidence: undefined });
    }
  });

  it("an ES256 signature of the other sign is no further evidence, and is checked all the same", async () => {
    const { world, ask } = await setUp();
    const { by } = leads(world);
    const grant = by("adam", "alex");
    expect(ask(grant).evidence).toBe(evidenceOf(grant));
    const spellings = [respelt(grant, 1), respelt(grant, 2), respelt(respelt(grant, 1), 2)];
    expect(new Set([grant, ...spellings]).size).toBe(4);
    for (const spelling of spellings) {
      expect(ask(spelling)).toMatchObject({ record: { verdict: "allow", cached: false }, evidence: undefined });
    }
    const byRita2 = world.alone({ by: world.rita2 });
    expect(ask(byRita2).evidence).toBe(evidenceOf(byRita2));
    expect(ask(respelt(byRita2, 0))).toMatchObject({
      record: { verdict: "allow", cached: false },
      evidence: undefined,
    });
  });

  it("a spelling that does not hold is denied, and takes nobody's place", async () => {
    const { world, ask } = await setUp();
    const { by } = leads(world);
    const grant = by("adam", "anna");
    const [request = "", ...approvals] = grant.split("~");
    ask(grant);
    const bent = `${grant.slice(0, -10)}${grant.at(-10) === "A" ? "B" : "A"}${grant.slice(-9)}`;
    const wrong = [
      [bent, "approval_signature"],
      [[request, approvals[0]].join("~"), "quorum"],
      [[request, approvals[0], ...approvals].join("~"), "duplicate_approval"],
      [request, "quorum"],
    ] as const;
    for (const [spelling, verdict] of wrong) {
      expect(ask(spelling)).toMatchObject({ record: { verdict, cached: false }, evidence: undefined });
    }
    expect(ask(grant).record).toMatchObject({ verdict: "allow", cached: true });
  });

  it("another payload of the same people is another grant", async () => {
    const { world, ask } = await setUp();
    const jti = "the-same-name-twice";
    for (const text of ["once", "again"]) {
      const grant = world.grant({ claims: { jti, text } });
      expect(ask(grant).evidence).toBe(evidenceOf(grant));
      expect(ask(grant).record?.cached).toBe(true);
    }
  });

  it("evidence of a further approver is not lost either", async () => {
    const { world, ask } = await setUp();
    const { by } = leads(world);
    ask(by("adam", "anna"));
    const spelling = by("alex", "anna");
    for (const failing of [setting(0), setting(1)]) expect(ask(spelling, failing).outcome.kind).toBe("reply");
    expect(ask(by("adam", "anna")).record?.cached).toBe(true);
    expect(ask(spelling).evidence).toBe(evidenceOf(spelling));
    expect(ask(by("anna", "alex")).evidence).toBeUndefined();
  });

  /** The rule itself, over any order of spellings and faults, two grants mixed. */
  it("whoever is let in has all his approvers in evidence on record, which comes only for that", async () => {
    const { world, ask } = await setUp();
    const names: readonly Name[] = ["adam", "anna", "alex", "temp"];
    const spelled = [leads(world), leads(world)];
    const faults = [
      setting(0),
      setting(1),
      of("proxy_remove_header_map_value"),
      of("proxy_replace_header_map_value"),
    ] as const;
    /** Of those that were let in: what is on record for sure. */
    const shown = spelled.map(() => new Set<Name>());
    let state = 20260101;
    const below = (bound: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 16) % bound;
    };
    for (let step = 0; step < 300; step++) {
      const which = below(spelled.length);
      const chosen = names.map((name) => ({ name, rank: below(1000) })).sort((a, b) => a.rank - b.rank);
      const approvers = chosen.slice(0, 2 + below(3)).map(({ name }) => name);
      const fault = below(4) === 0 ? faults[below(faults.length)] : undefined;
      const { outcome, record, evidence } = ask(spelled[which]?.by(...approvers) ?? "", fault);
      const known = shown[which] ?? new Set();
      const isNew = approvers.some((name) => !known.has(name));
      if (record !== undefined) expect(evidence !== undefined, `step ${step}`).toBe(isNew);
      expect(outcome.kind, `step ${step}`).toBe(fault === undefined ? "continue" : "reply");
      if (outcome.kind === "continue") for (const name of approvers) known.add(name);
    }
    expect(shown.map(({ size }) => size)).toEqual([4, 4]);
  });
});
