/**
 * Where this host lets requests pass unjudged, as a chain is missing or cannot be built, the second route does not: nobody but the
 * filter has its key.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { forKong, newWorld } from "./gateway.js";
import { writeModules } from "./modules.js";
import { type Exchange, KEY, type KongModule, named, startKongModule } from "./nginx.js";
import { nginx } from "./process.js";
import { exchange, type Line, requestText } from "./raw.js";

const world = newWorld();
const good = forKong(world.configuration());
const code = ({ body }: Exchange): string => /"code":"(\w+)"/.exec(body)?.[1] ?? "";
const grant = (): Line => ["x-break-glass", world.grant()];

/** What a client may try when nobody judges it. */
const tries = (): readonly (readonly Line[])[] => [
  [],
  [grant()],
  [["x-break-glass-grant", 'sub="admin"'], grant()],
  [[KEY.name, "guessed"]],
  [[KEY.name, ""], grant()],
  [["Authorization", `Basic ${Buffer.from(KEY.value).toString("base64")}`]],
];

/** The second route's own answer, where nobody judges. */
const UNGUARDED = [401, ""] as const;

/** @param withGrant what a request with a grant gets; one without is then `no_grant` */
async function expectClosed(module: KongModule, withGrant?: readonly [status: number, verdict: string]): Promise<void> {
  for (const lines of tries()) {
    const seen = await module.send({ lines, target: `/orders/7?${KEY.name}=${KEY.value}` });
    expect(seen.upstream).toBeUndefined();
    const hasGrant = lines.some(([name]) => name === "x-break-glass");
    expect([seen.status, code(seen)]).toEqual(
      withGrant === undefined ? UNGUARDED : hasGrant ? withGrant : [401, "no_grant"],
    );
  }
}

describe.skipIf(nginx === undefined)(named("a route whose filter is not there, on Kong's module"), () => {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-test-"));
  let module: KongModule;
  beforeAll(async () => {
    module = await startKongModule({
      filter: "glassgate",
      configuration: good,
      modules: writeModules(folder, ["empty", "refusing", "trapping", "misfit"]),
    });
  });
  afterAll(async () => {
    await module?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const works = async (): Promise<void> => {
    expect(await module.send({ lines: [grant()] })).toMatchObject({ status: 200, upstream: { target: "/orders/7" } });
    expect(await module.send({})).toMatchObject({ status: 401, upstream: undefined });
  };
  /** `kong reload` with that chain, then with a good one. */
  const restartedWith = async (filter: string, configuration: string, built: string): Promise<() => Promise<void>> => {
    expect(await module.reload(filter, configuration)).toEqual([built]);
    return async () => {
      expect(await module.reload("glassgate", good)).toEqual(["built"]);
      await works();
    };
  };

  it("with its chain it serves", works);

  it("the chain removed, or disabled, while it serves", async () => {
    expect(await module.apply("")).toEqual(["none"]);
    await expectClosed(module);
    expect(await module.apply("glassgate", good)).toEqual(["built"]);
    await works();
  });

  it.each([
    ["no chain when the worker starts", "", "none"],
    ["the .wasm is missing", "missing", "failed"],
    ["on_configure says no", "refusing", "failed"],
    ["on_configure traps", "trapping", "failed"],
    ["an import that does not fit", "misfit", "failed"],
    ["another filter in its place", "empty", "built"],
  ])("a worker that starts: %s", async (_, filter, built) => {
    const mend = await restartedWith(filter, good, built);
    await expectClosed(module);
    await mend();
  });

  it.each([
    ["nothing", ""],
    ["no JSON", "nonsense"],
    ["half a configuration", good.slice(0, -40)],
    ["no key for the second route", JSON.stringify({ ...JSON.parse(good), upstream_header: { name: KEY.name } })],
    ["not require", JSON.stringify({ ...JSON.parse(good), require: false })],
    ["shadow", JSON.stringify({ ...JSON.parse(good), mode: "shadow" })],
    [
      "a bundle that does not verify",
      JSON.stringify({ ...JSON.parse(good), roots: JSON.parse(good).roots.slice(2), threshold: 1 }),
    ],
    ["more than 768 KiB", `${good}${" ".repeat(768 * 1024)}`],
  ])("a worker that starts with a bad configuration is built, and denies all: %s", async (_, configuration) => {
    const mend = await restartedWith("glassgate", configuration, "built");
    await expectClosed(module, [503, "no_trust"]);
    await mend();
  });

  it("a bad configuration while it serves: what was built before goes on, or denies all", async () => {
    for (const filter of ["refusing", "trapping", "misfit", "missing"]) {
      expect(await module.apply(filter, good)).toEqual(["failed"]);
      await works();
    }
    expect(await module.apply("glassgate", "nonsense")).toEqual(["built"]);
    await expectClosed(module, [503, "no_trust"]);
    expect(await module.apply("glassgate", good)).toEqual(["built"]);
    await works();
  });

  it("without a bundle it is built, and every grant gets no_trust", async () => {
    expect(await module.apply("glassgate", forKong(world.configuration({ bundle: null })))).toEqual(["built"]);
    await expectClosed(module, [503, "no_trust"]);
    expect(await module.apply("glassgate", good)).toEqual(["built"]);
  });

  it("a worker that is killed comes back with its chain", async () => {
    const [worker = 0] = module.pids();
    process.kill(worker, "SIGKILL");
    for (;;) {
      const [now] = module.pids();
      if (now !== undefined && now !== worker && now !== 0) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await works();
  });

  it("the second route itself: not without the key, not twice, not from another address", async () => {
    const ask = async (lines: readonly Line[], from = "127.0.0.1", target = "/orders/7"): Promise<number> =>
      (await exchange(module.guardPort, requestText({ lines, target }), { from })).status;
    module.upstream.take();
    expect(await ask([])).toBe(401);
    expect(await ask([], "127.0.0.1", `/?${KEY.name}=${KEY.value}`)).toBe(401);
    expect(await ask([[KEY.name, "guessed"]])).toBe(401);
    expect(
      await ask([
        [KEY.name, KEY.value],
        [KEY.name, KEY.value],
      ]),
    ).toBe(401);
    expect(await ask([[KEY.name, KEY.value]], "127.0.0.2")).toBe(403);
    expect(module.upstream.take()).toEqual([]);
    expect(await ask([[KEY.name, KEY.value]])).toBe(200);
  });
});
