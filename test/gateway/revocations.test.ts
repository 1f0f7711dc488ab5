/** Urgent revocations on a real Envoy: a text in the ECDS file counts at once, on every worker, and is never undone by leaving it out. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { send } from "../../control/gateway/client.js";
import { domainOf } from "../../control/trust/anchors.js";
import { appliedDigest } from "../../control/trust/revocations.js";
import { anchorsOf, startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { revocations } from "../kit/revocations.js";
import { type Json, World } from "../kit/world.js";

const WORKERS = 2;
const world = new World(Math.floor(Date.now() / 1000));
const { anna, bot, roots, now } = world;
const claims = world.bundleClaims({ revokers: ["security"] });
const configuration = (texts: readonly string[] | undefined, bundle: Json = claims): string =>
  world.configuration({ bundle, configuration: { revocations: texts } });
const text = (by: typeof anna, version: number, revoked: Json = {}): string =>
  revocations(world, { by, revoked, claims: { version } });

/** The world's, with anna's entry changed, or without her. */
const principals = (change: ((entry: Json) => Json) | undefined): readonly Json[] =>
  z
    .array(z.looseObject({ id: z.string() }))
    .parse(world.bundleClaims().principals)
    .flatMap((entry) => (entry.id !== "anna" ? [entry] : change === undefined ? [] : [change(entry)]));

/** On connections of their own, so that they spread over the workers. */
async function codes(test: TestEnvoy, grant: string): Promise<string> {
  const answers = await Promise.all(
    Array.from({ length: 16 }, () => send({ port: test.port, path: "/orders/7", headers: { "x-break-glass": grant } })),
  );
  const seen = answers.map(({ status, body }) => /"code":"(\w+)"/.exec(body)?.[1] ?? String(status));
  return [...new Set(seen)].sort().join(" ");
}

const gauge = async (test: TestEnvoy, label: string): Promise<number | undefined> =>
  [...(await test.envoy.admin.stats(`${label}\\.domain=${domainOf(anchorsOf(world)).slice(0, 16)}`)).values()][0];
const stat = async (test: TestEnvoy, name: string): Promise<number> =>
  (await test.envoy.admin.stats(`${name}$`)).values().next().value ?? 0;

describe("urgent revocations on Envoy", () => {
  it("deny a cached grant at once on both workers, stay when they are left out, and are known to a new vm_id and after a restart", async () => {
    const grant = world.alone();
    const revoking = text(anna, 20, { sub: ["rita"] });
    let initial = configuration(undefined);
    const test = await startTestEnvoy(world, { concurrency: WORKERS, initial });
    try {
      const first = configuration(undefined);
      await test.configure(first);
      expect(await codes(test, grant)).toBe("200");
      expect(await codes(test, grant)).toBe("200");
      expect(await gauge(test, "revocations_applied")).toBe(appliedDigest([]));

      await test.configure(configuration([revoking]));
      expect(await codes(test, grant)).toBe("revoked");
      const applied = appliedDigest([{ signer: "anna", version: 20 }]);
      await expect.poll(() => gauge(test, "revocations_applied"), { timeout: 60_000 }).toBe(applied);
      expect(await gauge(test, "revocations_version")).toBe(20);

      await test.configure(configuration([text(bot, 5)]));
      expect(await codes(test, grant)).toBe("revoked");

      // The canary refuses an older text: Envoy says so, and what serves goes on.
      const rejected = await stat(test, "update_rejected");
      test.offer(configuration([text(anna, 10)]));
      await expect.poll(() => stat(test, "update_rejected"), { timeout: 60_000 }).toBe(rejected + 1);
      expect(await codes(test, grant)).toBe("revoked");
      expect(test.envoy.log()).toContain("a text of its signer that is newer is in force");

      // A configuration that the canary knows from before: every thread takes it and goes on with what it holds.
      const reloads = await stat(test, "config_reload");
      test.offer(first);
      await expect.poll(() => stat(test, "config_reload"), { timeout: 60_000 }).toBeGreaterThan(reloads);
      expect(await codes(test, grant)).toBe("revoked");

      // Shared data of another vm_id is empty: its file has all that is in force.
      initial = configuration([revoking, text(bot, 5)]);
      await test.configure(initial, "healed");
      expect(await codes(test, grant)).toBe("revoked");
      expect(await stat(test, "glassgate\\.refused")).toBe(0);
    } finally {
      await test.stop();
    }
    const again = await startTestEnvoy(world, { concurrency: WORKERS, initial });
    try {
      expect(await codes(again, grant)).toBe("revoked");
    } finally {
      await again.stop();
    }
  });

  it("a revoker demoted, re-keyed or removed: what he revoked stays, and old texts bring nothing back, here, to a new vm_id or after a restart", async () => {
    const grant = world.alone();
    const [old, taken] = [text(anna, 10), text(anna, 20, { sub: ["rita"] })];
    const folded = [
      principals((entry) => ({ ...entry, roles: ["lead"] })),
      principals((entry) => ({ ...entry, keys: [world.stranger.jwk] })),
      principals(undefined),
    ].map((changed) =>
      world.bundleClaims({
        ...{ revokers: ["security"], principals: changed, revoked: { sub: ["rita"] } },
        texts: { anna: 20, [anna.kid]: 20 },
      }),
    );
    const test = await startTestEnvoy(world, { concurrency: WORKERS });
    let last = "";
    try {
      await test.configure(configuration([taken]));
      expect(await codes(test, grant)).toBe("revoked");
      for (const [i, bundle] of folded.entries()) {
        for (const texts of [undefined, [old], [taken]]) {
          await test.configure(configuration(texts, bundle));
          expect(await codes(test, grant)).toBe("revoked");
        }
        last = configuration([old], bundle);
        await test.configure(last, `another-${i}`);
        expect(await codes(test, grant)).toBe("revoked");
      }
      expect(await gauge(test, "revocations_applied")).toBe(appliedDigest([]));
    } finally {
      await test.stop();
    }
    const again = await startTestEnvoy(world, { concurrency: WORKERS, initial: last });
    try {
      expect(await codes(again, grant)).toBe("revoked");
    } finally {
      await again.stop();
    }
  });

  it("a malicious revoker with the highest version: a root silences him, the roots push him out, and his text never comes back", async () => {
    const grant = world.alone();
    const highest = Number.MAX_SAFE_INTEGER;
    const evil = revocations(world, {
      by: anna,
      revoked: { issued_before: [{ at: highest }] },
      claims: { version: highest, iat: highest },
    });
    const without = world.bundleClaims({ revokers: ["security"], texts: { anna: highest, [anna.kid]: highest } });
    const last = configuration([evil], without);
    const test = await startTestEnvoy(world, { concurrency: WORKERS });
    try {
      await test.configure(configuration([evil]));
      expect(await codes(test, grant)).toBe("revoked");
      const silencing = revocations(world, { by: roots[0], revoked: { sub: ["anna"] } });
      await test.configure(configuration([evil, silencing]));
      expect(await codes(test, grant)).toBe("200");
      // Whom the root's word takes away besides: grants that he approved.
      expect(await codes(test, world.grant())).toBe("revoked");
      for (const [texts, vmId] of [
        [undefined, undefined],
        [[evil], undefined],
        [[evil], "another"],
      ] as const) {
        await test.configure(configuration(texts, without), vmId);
        expect(await codes(test, grant)).toBe("200");
      }
    } finally {
      await test.stop();
    }
    const again = await startTestEnvoy(world, { concurrency: WORKERS, initial: last });
    try {
      expect(await codes(again, grant)).toBe("200");
    } finally {
      await again.stop();
    }
  });

  it("an old text replayed to a new gateway counts for nothing under the bundle's floor, and a root's text opens nothing", async () => {
    const grant = world.alone();
    const demoted = world.bundleClaims({ revokers: ["security"], texts: { anna: now }, revoked: { sub: ["alex"] } });
    const test = await startTestEnvoy(world, { concurrency: WORKERS });
    try {
      await test.configure(configuration([text(anna, now - 60, { sub: ["rita"] })], demoted));
      expect(await codes(test, grant)).toBe("200");
      await test.configure(
        configuration(
          [revocations(world, { by: roots[0], revoked: { issued_before: [{ at: now - 60 }], kid: [world.rita.kid] } })],
          demoted,
        ),
      );
      expect(await codes(test, grant)).toBe("revoked");
    } finally {
      await test.stop();
    }
  });
});
