/** Faults that are another than they say: the drill finds each, and names the gateway. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, vi } from "vitest";
import { LIES, tryCommands } from "../drill/faults-commands.js";
import { type FaultsFleet, startFaultsFleet } from "../drill/faults-fleet.js";

let whole: FaultsFleet;
let good: string;
beforeAll(async () => {
  whole = await startFaultsFleet();
  expect(await whole.glassgate("drill", "init")).toMatchObject({ code: 0 });
  good = whole.withLedger(readFileSync(join(whole.fleet.folder, "drill.yaml"), "utf8"));
  await vi.waitFor(() => expect(existsSync(join(whole.services, "receipts.sock"))).toBe(true), { timeout: 60_000 });
});
afterAll(() => whole?.stop());

tryCommands(
  () => whole,
  () => good,
  { isPage: false, lies: LIES.map(([name]) => name) },
);
