/** What the operator guide tells people to watch is there, under that very name, and moves when it should. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { send } from "../../control/gateway/client.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
let test: TestEnvoy;
beforeAll(async () => {
  test = await startTestEnvoy(world, {
    concurrency: 1,
    // A disk that is full.
    render: { auditLogPath: "/dev/full" },
    initial: world.configuration(),
  });
});
afterAll(() => test.stop());

const prometheus = async (): Promise<string> =>
  (await fetch(`http://${test.envoy.admin.address}/stats/prometheus`)).text();
const ask = async (grant: string): Promise<number> =>
  (await send({ port: test.port, path: "/orders/7", headers: { "x-break-glass": grant } })).status;

it("every metric of the guide's table is published", async () => {
  expect(await ask(world.alone())).toBe(200);
  const guide = readFileSync(new URL("../../docs/operator-guide.md", import.meta.url), "utf8");
  const [table = ""] = guide.slice(guide.indexOf("| metric | alarm when |")).split("\n\n", 1);
  const rows = table.split("\n").filter((line) => line.startsWith("| `"));
  const names = rows.flatMap((row) =>
    [...(row.split("|")[1] ?? "").matchAll(/\b((?:glassgate|envoy)_[a-z_0-9]+)/g)].map(([, name = ""]) => name),
  );
  expect(names.length).toBeGreaterThan(6);
  // Some are published by a tick, and the first tick comes when it comes.
  const missing = async (): Promise<string[]> => {
    const shown = await prometheus();
    return names.filter((name) => !new RegExp(`^${name}(?:\\{[^}]*\\})? \\d`, "m").test(shown));
  };
  await expect.poll(missing, { timeout: 20_000 }).toEqual([]);
});

it("a disk that is full is counted, and requests go on", async () => {
  expect(await ask(world.alone())).toBe(200);
  const failed = async (): Promise<number> =>
    Number(/^envoy_filesystem_write_failed\{\} (\d+)/m.exec(await prometheus())?.[1] ?? 0);
  await expect.poll(failed, { timeout: 20_000 }).toBeGreaterThan(0);
  expect((await test.envoy.admin.stats("filesystem")).get("filesystem.write_failed")).toBeGreaterThan(0);
  expect(await ask(world.alone())).toBe(200);
});

it("records that are left out are counted", async () => {
  const flood = async (): Promise<void> => {
    await Promise.all(Array.from({ length: 150 }, () => ask("x")));
  };
  const dropped = async (): Promise<number> =>
    Number(/^glassgate_records_dropped\{\} (\d+)/m.exec(await prometheus())?.[1] ?? 0);
  await expect
    .poll(
      async () => {
        await flood();
        return dropped();
      },
      { timeout: 60_000, interval: 600 },
    )
    .toBeGreaterThan(0);
});
