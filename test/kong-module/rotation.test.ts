/** A new configuration while requests flow, in running workers and by new ones; and a trap in the middle of it. On Kong's own module. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { forKong, newWorld, observed } from "./gateway.js";
import { type Exchange, type KongModule, named, startKongModule } from "./nginx.js";
import { nginx } from "./process.js";
import { exchange, type Line, requestText } from "./raw.js";

const world = newWorld();
const record = z.looseObject({
  vm: z.string(),
  seq: z.number(),
  prev: z.string(),
  bundle: z.number(),
  cached: z.boolean(),
});
const recordOf = (seen: Exchange) => record.parse(JSON.parse(observed(seen).audit ?? "{}"));

describe.skipIf(nginx === undefined)(named("rotation on Kong's module"), () => {
  const WORKERS = 2;
  let module: KongModule;
  beforeAll(async () => {
    module = await startKongModule({
      workers: WORKERS,
      filter: "glassgate",
      configuration: forKong(world.configuration()),
    });
  });
  afterAll(() => module?.stop());

  /** Sends all the time until it is told to stop. @returns each status; 0: the connection was cut */
  function flow(lines: readonly Line[]): () => Promise<readonly number[]> {
    let isOver = false;
    const statuses: number[] = [];
    const senders = Array.from({ length: 4 }, async () => {
      while (!isOver) statuses.push(await statusOf(lines));
    });
    return async () => {
      isOver = true;
      await Promise.all(senders);
      return statuses;
    };
  }
  const statusOf = (lines: readonly Line[]): Promise<number> =>
    exchange(module.port, requestText({ lines })).then(
      ({ status }) => status,
      () => 0,
    );
  /** In a running worker the host frees what requests under way still need, once Lua collects the chain of before: it may die of it. */
  const CUT = [0, 500, 502];

  it.each([
    ["reload", []],
    ["apply", CUT],
  ] as const)(
    "by %s: none is allowed once all workers have it, and no request is dropped but by a worker's end",
    async (way, cut) => {
      const kept: Line[] = [["x-break-glass", world.grant()]];
      const jti = `taken-back-by-${way}-1`;
      const revoked: Line[] = [["x-break-glass", world.grant({ claims: { jti } })]];
      const stopKept = flow(kept);
      const stopRevoked = flow(revoked);
      const built = Array.from({ length: WORKERS }, () => "built");
      for (let round = 0; round < 3; round++)
        expect(await module[way]("glassgate", forKong(world.configuration()))).toEqual(built);
      const bundle = world.bundleClaims({ revoked: { jti: [jti] } });
      expect(await module[way]("glassgate", forKong(world.configuration({ bundle })))).toEqual(built);
      for (let i = 0; i < 20; i++) expect([401, ...cut]).toContain(await statusOf(revoked));
      const seen = await stopRevoked();
      expect(new Set(seen)).toEqual(new Set([200, 401, ...cut.filter((status) => seen.includes(status))]));
      const all = await stopKept();
      expect(new Set(all)).toEqual(new Set([200, ...cut.filter((status) => all.includes(status))]));
      expect(all.length).toBeGreaterThan(20);
    },
  );

  it("a grant that was open goes on under the new bundle, verified anew", async () => {
    const lines: Line[] = [["x-break-glass", world.grant()]];
    const version = Number(world.bundleClaims().version) + 10;
    expect(
      await module.apply("glassgate", forKong(world.configuration({ bundle: world.bundleClaims({ version }) }))),
    ).toEqual(["built", "built"]);
    for (let i = 0; i < 2 * WORKERS; i++) expect(recordOf(await module.send({ lines })).bundle).toBe(version);
  });

  it("Lua collects the chain of before, and with it goes the worker's VM: a new one judges on", async () => {
    const lines: Line[] = [["x-break-glass", world.grant()]];
    const alone = await startKongModule({ filter: "glassgate", configuration: forKong(world.configuration()) });
    try {
      const before = recordOf(await alone.send({ lines }));
      const bundle = world.bundleClaims();
      expect(await alone.apply("glassgate", forKong(world.configuration({ bundle })))).toEqual(["built"]);
      const after = recordOf(await alone.send({ lines }));
      expect(after).toMatchObject({ seq: 1, cached: false, bundle: bundle.version });
      expect(after.vm).not.toBe(before.vm);
      expect(await alone.send({})).toMatchObject({ status: 401, upstream: undefined });
    } finally {
      await alone.stop();
    }
  });

  it("an older bundle is not taken back, as long as the worker's VM remembers the newer one", async () => {
    const old = forKong(world.configuration());
    const jti = "taken-back-then-rolled-back";
    const bundle = world.bundleClaims({ version: Number(world.bundleClaims().version) + 100, revoked: { jti: [jti] } });
    expect(await module.apply("glassgate", forKong(world.configuration({ bundle })))).toEqual(["built", "built"]);
    const lines: Line[] = [["x-break-glass", world.grant({ claims: { jti } })]];
    expect((await module.send({ lines })).status).toBe(401);
    expect(await module.apply("glassgate", old)).toEqual(["built", "built"]);
    for (let i = 0; i < 2 * WORKERS; i++) expect((await module.send({ lines })).status).toBe(401);
  });
});

describe.skipIf(nginx === undefined)(named("a trap on Kong's module"), () => {
  let module: KongModule;
  beforeAll(async () => {
    module = await startKongModule({ filter: "glassgate", configuration: forKong(world.configuration()) });
  });
  afterAll(() => module?.stop());
  const grant = (): Line => ["x-break-glass", world.grant()];
  const trap = (): Promise<Exchange> => module.send({ target: "/orders/7?trap=1", lines: [grant()] });

  it("is a 500 for that request, and a new VM for the next, under the same configuration", async () => {
    const before = recordOf(await module.send({ lines: [grant()] }));
    expect(await trap()).toMatchObject({ status: 500, upstream: undefined });
    const seen = await module.send({ lines: [grant()] });
    expect(seen).toMatchObject({ status: 200, upstream: { target: "/orders/7" } });
    const after = recordOf(seen);
    expect(after.vm).not.toBe(before.vm);
    expect(after).toMatchObject({ seq: 1, prev: "0".repeat(64), cached: false, bundle: before.bundle });
    expect(await module.send({})).toMatchObject({ status: 401, upstream: undefined });
  });

  it("fifty of them: each VM has a name of its own, denials stay denials", async () => {
    const vms = new Set<string>();
    const foreign: Line = ["x-break-glass", world.alone({ by: world.stranger })];
    for (let i = 0; i < 50; i++) {
      expect(await trap()).toMatchObject({ status: 500, upstream: undefined });
      expect(await module.send({ lines: [foreign] })).toMatchObject({ status: 401, upstream: undefined });
      const seen = await module.send({ lines: [grant()] });
      expect(seen.status).toBe(200);
      vms.add(recordOf(seen).vm);
    }
    expect(vms.size).toBe(50);
  });

  it("while others wait for the upstream: what was judged goes on, and nothing else gets there", async () => {
    module.upstream.take();
    const slow = Array.from({ length: 5 }, () =>
      exchange(module.port, requestText({ lines: [grant(), ["x-delay-ms", "300"]] })),
    );
    let waiting = 0;
    for (;;) {
      waiting += module.upstream.take().length;
      if (waiting >= slow.length) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect((await trap()).status).toBe(500);
    const answers = await Promise.all(slow);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect((await module.send({ lines: [grant()] })).status).toBe(200);
  });
  it("in the middle of rotations", async () => {
    for (let round = 0; round < 10; round++) {
      expect((await trap()).status).toBe(500);
      const bundle = world.bundleClaims();
      expect(await module.apply("glassgate", forKong(world.configuration({ bundle })))).toEqual(["built"]);
      expect((await trap()).status).toBe(500);
      const seen = await module.send({ lines: [grant()] });
      expect(seen.status).toBe(200);
      expect(recordOf(seen).bundle).toBe(bundle.version);
    }
  });
});
