/**
 * A revocation, and what comes while it is signed and written: another of the same signer, a bundle, a root's word. "Applied" is
 * said only of a text that counts, and none undoes another that its signer had not seen.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Admin } from "../../control/gateway/admin.js";
import { readEcds } from "../../control/gateway/ecds.js";
import { type Held, readHeld } from "../../control/gateway/held.js";
import type { PushResult } from "../../control/gateway/push.js";
import { isApplied, textsIn } from "../../control/gateway/push-texts.js";
import { bringText, type RevokeOutcome } from "../../control/gateway/revoke.js";
import type { Revoked } from "../../control/trust/claims.js";
import { appliedDigest, signRevocations } from "../../control/trust/revocations.js";
import { freePort, type Typed } from "../cli/run.js";
import type { TestEnvoy } from "../kit/envoy.js";
import { type Name, outcomes, Revoking, verdict } from "../kit/revoking.js";
import type { Json } from "../kit/world.js";

let party: Revoking;
let test: TestEnvoy;
let version = 100;
let serial = Math.floor(Date.now() / 1000) - 100_000;

beforeAll(async () => {
  party = await Revoking.make();
  test = await party.gateway("gateway");
});
afterAll(() => party.end());

const texts = (): string[] => textsIn(readEcds(readFileSync(test.filter.ecdsPath, "utf8"))?.configuration);
const asked = (incident: string): Promise<string> => verdict(test.port, party.world.alone({ claims: { incident } }));
const tickets = (...incident: string[]): Revoked => ({ incident });
const sign = (by: Name, at: number, revoked: Revoked): Promise<string> =>
  signRevocations({ version: at, iat: at, aud: "test", revoked }, party.keys[by]);
async function held(): Promise<Held> {
  const found = await readHeld(test.filter);
  if (found === undefined) throw new Error("no configuration");
  return found;
}
const bring = (text: string, seen: Held): Promise<RevokeOutcome> =>
  bringText({ filter: test.filter, admin: test.envoy.admin, held: seen }, text);
async function pushBundle(changes: Json = {}): Promise<PushResult> {
  version += 1;
  return party.push(test, await party.bundle(version, changes), version);
}

beforeEach(async () => {
  serial += 10;
  const signers = ["guard", "warden", ...party.anchors.roots.map(({ kid }) => kid)];
  await pushBundle({ texts: Object.fromEntries(signers.map((name) => [name, serial])) });
  expect(texts()).toEqual([]);
});

describe("two texts of one signer at the same moment", () => {
  it.each([
    ["a newer one is there", 2, 1],
    ["one of the same version is there", 2, 2],
    ["an older one is there that it does not hold", 1, 2],
  ])("%s: the second is refused, and the first stays in force", async (_, first, second) => {
    const before = await held();
    const one = await sign("guard", serial + first, tickets("INC-1"));
    const two = await sign("guard", serial + second, tickets("INC-2"));
    expect(await bring(one, before)).toMatchObject({ kind: "applied" });
    expect(await bring(two, before)).toMatchObject({
      kind: "refused",
      why: expect.stringContaining("Another text of guard has come meanwhile"),
      next: expect.stringContaining("Run the same command again: it joins them."),
    });
    expect([await asked("INC-1"), await asked("INC-2"), texts()]).toEqual(["revoked", "allow", [one]]);
    // Nor does the record bring in later what was refused.
    await pushBundle();
    expect([await asked("INC-1"), texts()]).toEqual(["revoked", [one]]);
  });

  it("what holds all that the other said takes its place", async () => {
    const before = await held();
    expect(await bring(await sign("guard", serial + 1, tickets("INC-1")), before)).toMatchObject({ kind: "applied" });
    const both = await sign("guard", serial + 2, tickets("INC-1", "INC-2"));
    expect(await bring(both, before)).toMatchObject({ kind: "applied" });
    expect([await asked("INC-1"), await asked("INC-2")]).toEqual(["revoked", "revoked"]);
  });

  it("what a later one of his has taken back already stands in nobody's way", async () => {
    const down = new Admin(`127.0.0.1:${await freePort()}`);
    const one = await sign("guard", serial + 1, tickets("INC-1"));
    expect(await bring(one, await held())).toMatchObject({ kind: "applied" });
    // Taken back while the gateway was down: the copy of what last served still holds the first.
    const back = await sign("guard", serial + 2, {});
    await bringText({ filter: test.filter, admin: down, held: await held() }, back);
    const next = await sign("guard", serial + 3, tickets("INC-2"));
    expect(await bring(next, await held())).toMatchObject({ kind: "applied" });
    expect([await asked("INC-1"), await asked("INC-2")]).toEqual(["allow", "revoked"]);
  });

  it("by the command: run until each says applied, and all of it is in force", async () => {
    const names = ["INC-A", "INC-B"];
    const run = (name: string) =>
      party.run("revoke", "--incident", name, "--key", "guard", "--json", "--gateway", "gateway.yaml");
    const first = await Promise.all(names.map(run));
    for (const [i, ran] of first.entries()) {
      const said = outcomes.parse(JSON.parse(ran.stdout)).gateways[0]?.outcome;
      expect({ code: ran.code, said }).toEqual(
        said === "applied" ? { code: 0, said: "applied" } : { code: 1, said: "refused" },
      );
      if (said === "applied") expect(await asked(names[i] ?? "")).toBe("revoked");
      else expect((await run(names[i] ?? "")).code).toBe(0);
    }
    for (const name of names) expect(await asked(name)).toBe("revoked");
    serial = Math.floor(Date.now() / 1000) + 60;
  });
});

/** Another push comes between the look at the files and the look at the gauges: with the second of these, the first is of the pre-flight. */
class Meanwhile extends Admin {
  private looks = 0;
  constructor(
    address: string,
    private readonly act: () => Promise<unknown>,
  ) {
    super(address);
  }

  override async stats(filter: string): Promise<Map<string, number>> {
    this.looks += 1;
    if (this.looks === 2) await this.act();
    return super.stats(filter);
  }
}

it("a bundle that comes between the two looks is in the files by then: the revocation is brought in beside it", async () => {
  const admin = new Meanwhile(test.envoy.admin.address, () => pushBundle());
  const text = await sign("guard", serial + 1, tickets("INC-1"));
  const outcome = await bringText({ filter: test.filter, admin, held: await held() }, text);
  expect(outcome).toMatchObject({ kind: "applied" });
  expect([await asked("INC-1"), texts()]).toEqual(["revoked", [text]]);
});

describe("a text that counts no more when it comes", () => {
  it("a bundle has come that pushes its signer out", async () => {
    const before = await held();
    await pushBundle({ texts: { guard: Number.MAX_SAFE_INTEGER } });
    const outcome = await bring(await sign("guard", serial + 1, tickets("INC-1")), before);
    expect(outcome).toMatchObject({ kind: "refused", why: expect.stringContaining("has this signer's text ignored") });
    expect([await asked("INC-1"), texts()]).toEqual(["allow", []]);
  });

  it("a bundle has come that holds what it says: that is in force", async () => {
    const before = await held();
    await pushBundle({ texts: { guard: serial + 1 }, revoked: tickets("INC-1") });
    expect(await bring(await sign("guard", serial + 1, tickets("INC-1")), before)).toMatchObject({ kind: "applied" });
    expect(await asked("INC-1")).toBe("revoked");
  });

  it("a root has silenced its signer", async () => {
    const before = await held();
    const silencing = await sign("root-1", serial + 1, { sub: ["guard"] });
    expect(await bring(silencing, before)).toMatchObject({ kind: "applied" });
    expect(await bring(await sign("guard", serial + 1, tickets("INC-1")), before)).toMatchObject({
      kind: "refused",
      why: expect.stringContaining("silenced"),
    });
    expect([await asked("INC-1"), texts()]).toEqual(["allow", [silencing]]);
  });
});

it("a revoker who has filled all the room keeps no root out, and the others have room when he is silenced", async () => {
  const many = Array.from({ length: 2190 }, (_, i) => String(i).padStart(64, "x"));
  const full = await sign("guard", serial + 1, { jti: many, incident: ["INC-1"] });
  expect(await bring(full, await held())).toMatchObject({ kind: "applied" });
  const wish = await sign("warden", serial + 1, { incident: many.slice(0, 30), sub: ["adam"] });
  expect(await bring(wish, await held())).toMatchObject({
    kind: "refused",
    why: expect.stringContaining("192 KiB"),
    next: expect.stringContaining("A root that silences a signer"),
  });
  const silencing = await sign("root-1", serial + 1, { sub: ["guard"], kid: many.slice(0, 30) });
  expect(await bring(silencing, await held())).toMatchObject({ kind: "applied" });
  expect([await asked("INC-1"), texts()]).toEqual(["allow", [silencing]]);
  expect(await bring(wish, await held())).toMatchObject({ kind: "applied", warnings: [] });
  expect(await verdict(test.port, party.world.grant())).toBe("revoked");
  expect(texts()).toEqual([silencing, wish]);
  // What has made room is still told, and can be adopted; the gateway remembers it too, which is no fault of its file.
  expect((await held()).texts.map(({ signer, silencedBy }) => [signer, silencedBy !== undefined])).toEqual(
    expect.arrayContaining([
      ["guard", true],
      ["warden", false],
    ]),
  );
  const list = async () =>
    JSON.parse((await party.run("revoke", "--list", "--gateway", "gateway.yaml", "--json")).stdout);
  expect(await list()).toMatchObject([{ in_force: true, standing: "yes" }]);
  // A pushed bundle does not wait for it either, nor warn.
  expect(await pushBundle()).toMatchObject({ warnings: [] });
  expect(texts()).toEqual([silencing, wish]);
  // A new VM has never seen it.
  const { anchors, claims, texts: known } = await held();
  const shows = (...signers: string[]): boolean => {
    const shown = known.filter(({ signer }) => signers.includes(signer));
    const digest = appliedDigest(shown.map(({ signer, claims: { version: of } }) => ({ signer, version: of })));
    return isApplied(
      digest,
      known.map(({ text }) => text),
      anchors,
      claims,
    );
  };
  const root = anchors.roots[0]?.kid ?? "";
  expect([shows(root, "warden"), shows(root, "warden", "guard")]).toEqual([true, true]);
  expect([shows(root), shows("warden", "guard"), shows()]).toEqual([false, false, false]);
});

describe("stop, from a machine whose clock is wrong", () => {
  /** The command, with its clock so far from the gateway's. */
  const stop = (seconds: number, typed: readonly Typed[]) => {
    const shift = `const now = Date.now; Date.now = () => now() + ${seconds} * 1000;`;
    const options = `--import data:text/javascript,${encodeURIComponent(shift)}`;
    return party.atTerminal(
      `NODE_OPTIONS="${options}" npx glassgate revoke stop --key guard --gateway gateway.yaml`,
      typed,
    );
  };
  const YES: readonly Typed[] = [[/leave it: $/, "yes"]];

  it("behind: what was asked for meanwhile is stopped too", async () => {
    const iat = Math.floor(Date.now() / 1000);
    const grant = party.world.alone({ claims: { iat, exp: iat + 60 } });
    expect(await verdict(test.port, grant)).toBe("allow");
    const { code, stdout } = await stop(-200, YES);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("applied at") });
    expect(await verdict(test.port, grant)).toBe("revoked");
    serial = Math.floor(Date.now() / 1000) + 300;
  });

  it("far behind: nothing is signed, and it says what to do; ahead: it says until when", async () => {
    const far = await stop(-4000, []);
    expect({ code: far.code, stdout: far.stdout }).toEqual({
      code: 2,
      stdout: expect.stringContaining("ahead of this machine's"),
    });
    expect(texts()).toEqual([]);
    const ahead = await stop(300, [[/leave it: $/, "no"]]);
    expect(ahead.stdout.replace(/\s+/g, " ")).toContain("what is asked for there until then is stopped too");
  });
});

it("a newer bundle that came while the key was opened is what stands in the file of a gateway that is down", async () => {
  const before = await held();
  await pushBundle();
  const text = await sign("guard", serial + 1, tickets("INC-1"));
  const down = new Admin(`127.0.0.1:${await freePort()}`);
  expect(await bringText({ filter: test.filter, admin: down, held: before }, text)).toMatchObject({ kind: "unseen" });
  const { bundle, configuration } = readEcds(readFileSync(test.filter.ecdsPath, "utf8")) ?? {};
  expect([bundle?.version, configuration?.min_version, texts()]).toEqual([version, version, [text]]);
});
