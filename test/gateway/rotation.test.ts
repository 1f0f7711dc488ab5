/** Rotation while traffic flows, on a real Envoy: nothing dropped, nothing decided by neither or by a mix of two bundles. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { keepAlive, send } from "../../control/gateway/client.js";
import { push } from "../../control/gateway/push.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import type { Signer } from "../kit/token.js";
import { type Json, World } from "../kit/world.js";
import { laterRefusals, refusals } from "../verdicts/refusals.js";

const world = new World(Math.floor(Date.now() / 1000));
let test: TestEnvoy;
beforeAll(async () => {
  // As behind a load balancer: clients come from many networks.
  const edit = (config: string): string =>
    config.replaceAll("use_remote_address: true", "use_remote_address: true\n                xff_num_trusted_hops: 1");
  test = await startTestEnvoy(world, { concurrency: 2, edit });
});
afterAll(() => test.stop());

/** A bundle in which rita has exactly this key. */
function claimsWith(key: Signer, version: number): Json {
  const claims = world.bundleClaims({ version });
  const principals = Array.isArray(claims.principals) ? claims.principals : [];
  return { ...claims, principals: [{ id: "rita", roles: ["oncall"], keys: [key.jwk] }, ...principals.slice(1)] };
}

const record = z.looseObject({
  verdict: z.string(),
  bundle: z.number().optional(),
  request_id: z.string(),
  kid: z.string().optional(),
  jti: z.string().optional(),
});

describe("rotation under load", () => {
  /** 200 in `npm run soak:tests`. */
  const PUSHES = Number(process.env.GLASSGATE_PUSHES ?? 80);
  const WARM_UP = 40;
  /** Requests from one network: fewer than denials make it busy (assembly/filter/failures.ts). */
  const PER_NETWORK = 24;
  let networks = 0;
  const nextNetwork = (): string => {
    networks += 1;
    return `10.${networks >> 8}.${networks & 255}.1`;
  };

  it(`${PUSHES} pushes: no request dropped, none decided by a mix, a removed key denied at once, memory flat`, async () => {
    const [even, odd] = [world.rita, world.rita2];
    const jtis = { even: "grant-of-the-even-key", odd: "grant-of-the-odd-key" };
    const grants = {
      even: world.alone({ by: even, claims: { jti: jtis.even } }),
      odd: world.alone({ by: odd, claims: { jti: jtis.odd } }),
    };
    const token = await test.normalToken();
    const pushBundle = (version: number) =>
      push({
        filter: test.filter,
        anchors: test.anchors,
        admin: test.envoy.admin,
        bundle: { text: world.bundle(claimsWith(version % 2 === 0 ? even : odd, version)), version },
      });
    await pushBundle(2);

    let isRunning = true;
    const counts = { normal: 0, grants: 0 };
    const wrong: string[] = [];
    const client = async (
      headers: Record<string, string>,
      allowed: readonly number[],
      kind: keyof typeof counts,
    ): Promise<void> => {
      const agent = keepAlive(1);
      let from = nextNetwork();
      for (let sent = 1; isRunning; sent++) {
        counts[kind] += 1;
        if (sent % PER_NETWORK === 0) from = nextNetwork();
        try {
          const all = { ...headers, "x-forwarded-for": from };
          const { status, body } = await send({ port: test.port, path: "/orders/7", headers: all, agent });
          // Under way when the push took its key: promise 6 ends it.
          const isEnded = kind === "grants" && status === 403 && body.includes('"ended":true');
          if (!allowed.includes(status) && !isEnded) wrong.push(`${kind}: ${status} ${body}`);
        } catch (error) {
          wrong.push(`${kind}: ${String(error)}`);
        }
        if (kind === "normal") await sleep(1);
      }
      agent.destroy();
    };
    const clients = [
      client({ authorization: `Bearer ${token}` }, [200], "normal"),
      client({ "x-break-glass": grants.even }, [200, 401], "grants"),
      client({ "x-break-glass": grants.odd }, [200, 401], "grants"),
    ];

    const fresh = keepAlive(4);
    let warm = { allocated: 0, heap: 0 };
    const times: number[] = [];
    for (let version = 3; version < 3 + PUSHES; version++) {
      const pushed = await pushBundle(version);
      times.push(pushed.milliseconds);
      expect(pushed).toMatchObject({ healed: false, servingVms: 3 });
      const [kept, removed] = version % 2 === 0 ? [grants.even, grants.odd] : [grants.odd, grants.even];
      const from = nextNetwork();
      const answers = await Promise.all(
        [kept, removed, removed].map((grant) =>
          send({
            port: test.port,
            path: "/orders/7",
            headers: { "x-break-glass": grant, "x-forwarded-for": from },
            agent: fresh,
          }),
        ),
      );
      expect(
        answers.map(({ status }) => status),
        `after push ${version}`,
      ).toEqual([200, 401, 401]);
      expect(answers[1]?.body).toContain('"code":"signature"');
      if (version === 2 + WARM_UP) warm = await test.envoy.admin.memory();
    }
    isRunning = false;
    await Promise.all(clients);
    fresh.destroy();
    const end = await test.envoy.admin.memory();
    expect(wrong.slice(0, 3)).toEqual([]);
    expect(counts.normal).toBeGreaterThan(PUSHES);

    // Each record: allow exactly when the bundle that decided holds that key.
    await test.logLines(counts.normal + counts.grants);
    const records = [...test.audits().values()].map((audit) => record.parse(JSON.parse(audit.record)));
    // Denials before the requester's signature are recorded up to 100 a second; allows always.
    expect(records.filter(({ verdict }) => verdict === "allow").length).toBeGreaterThan(PUSHES);
    for (const { verdict, bundle = 0, jti, kid } of records) {
      const isEven = bundle % 2 === 0;
      if (verdict === "allow") expect(jti).toBe(isEven ? jtis.even : jtis.odd);
      else expect({ verdict, kid }).toEqual({ verdict: "key_unknown", kid: isEven ? odd.kid : even.kid });
    }
    const perPush = (end.allocated - warm.allocated) / (PUSHES - WARM_UP);
    times.sort((a, b) => a - b);
    console.log(
      `${counts.normal + counts.grants} requests, push p50 ${times[PUSHES >> 1]} ms, max ${times.at(-1)} ms, ${Math.round(perPush)} bytes of Envoy's memory a push after warm-up`,
    );
    expect(await test.state()).toMatchObject({ vmCount: 4 });
    // What a bundle weighs is some 20 kB a VM: a leak of a configuration would show as tens of thousands.
    expect(perPush).toBeLessThan(4096);
  }, 300_000);
});

describe("a bad bundle", () => {
  it("is rejected, once and offered again, while the old one serves", async () => {
    const good = claimsWith(world.rita, 1_000);
    await test.configure(world.configuration({ bundle: good }));
    const { generation } = await test.state();
    const grant = world.alone();
    const named = [
      "a broken root signature",
      "not JSON",
      "1 MB of noise",
      "a fraction as version",
      "principals as an object",
      "one root of two",
    ];
    const bad = [...laterRefusals(world, good), ...refusals.filter(({ name }) => named.includes(name))];
    expect(bad).toHaveLength(named.length + 2);
    for (const { name, configuration } of bad) {
      const text = configuration(world);
      for (let offered = 0; offered < 2; offered++) {
        test.offer(text);
        await sleep(120);
        expect((await test.state()).generation, name).toBe(generation);
        const statuses = await Promise.all(
          Array.from({ length: 6 }, () =>
            send({ port: test.port, path: "/orders/7", headers: { "x-break-glass": grant } }),
          ),
        );
        expect(
          statuses.map(({ status }) => status),
          name,
        ).toEqual([200, 200, 200, 200, 200, 200]);
      }
    }
    expect((await test.state()).rejections).toBeGreaterThanOrEqual(bad.length);
    expect(test.envoy.log()).toContain(
      "glassgate: configuration refused: the bundle: it is older than the bundle in force",
    );
  });

  it("push of an older one is overtaken and writes nothing, and the next newer one applies", async () => {
    const target = { filter: test.filter, anchors: test.anchors, admin: test.envoy.admin };
    await push({ ...target, bundle: { text: world.bundle(claimsWith(world.rita, 2_000)), version: 2_000 } });
    const { generation } = await test.state();
    const older = push({ ...target, bundle: { text: world.bundle(claimsWith(world.rita, 1_500)), version: 1_500 } });
    await expect(older).rejects.toMatchObject({
      message: "Version 1500 was overtaken by version 2000.",
      hint: expect.stringMatching(
        /Nothing was changed at the gateway\. Version 2000 serves now; a restart would serve version 2000\.$/,
      ),
      outcome: "overtaken",
      exitCode: 1,
    });
    expect((await test.state()).generation).toBe(generation);
    const again = await push({
      ...target,
      bundle: { text: world.bundle(claimsWith(world.rita, 2_001)), version: 2_001 },
    });
    expect(again).toMatchObject({ version: 2_001, healed: false, servingVms: 3 });
  });
});
