/** What a running gateway says of itself: its own /config_dump is clean, and shows what was changed since it started. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyGateway } from "../../control/gateway/verify/index.js";
import { glassgate } from "../cli/run.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
let test: TestEnvoy;
beforeAll(async () => {
  test = await startTestEnvoy(world, { concurrency: 1 });
  await test.configure(world.configuration({ configuration: { strip: ["x-jwt-payload"] } }));
});
afterAll(() => test.stop());

const dump = async (): Promise<string> =>
  (await fetch(`http://${test.envoy.admin.address}/config_dump?include_eds`)).text();
const bad = (text: string) => verifyGateway(text, "dump.json").filter(({ level }) => level !== "warning");

describe("the config_dump of a rendered gateway", () => {
  it("is clean, by the command as well", async () => {
    const text = await dump();
    expect(bad(text)).toEqual([]);
    const folder = mkdtempSync(join(tmpdir(), "glassgate-dump-"));
    writeFileSync(join(folder, "dump.json"), text);
    const { code } = await glassgate(["gateway", "verify", "dump.json"], { cwd: folder });
    rmSync(folder, { recursive: true });
    expect(code).toBe(0);
  });

  it("shows what came by ECDS", async () => {
    const text = await dump();
    expect(text).toContain("EcdsConfigDump");
    const open = text.replaceAll('"failure_policy": "FAIL_RELOAD"', '"failure_policy": "FAIL_OPEN"');
    expect(open).not.toBe(text);
    expect(bad(open).map(({ message }) => message)).toContainEqual(expect.stringMatching(/fails open/));
    // The one that serves alone.
    const at = text.indexOf("EcdsConfigDump");
    const served = text.slice(0, at) + text.slice(at).replace('"failure_policy": "FAIL_RELOAD"', '"failure_policy": 3');
    expect(bad(served).map(({ message }) => message)).toContainEqual(expect.stringMatching(/fails open/));
    const stripped = text.slice(0, at) + text.slice(at).replace('\\"x-jwt-payload\\"', '\\"x-other\\"');
    expect(bad(stripped).map(({ message }) => message)).toContainEqual(expect.stringMatching(/x-jwt-payload/));
  });

  it("says what a part of a dump lacks", () => {
    const part = JSON.stringify({
      configs: [{ "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump", static_listeners: [] }],
    });
    expect(bad(part).map(({ message }) => message)).toContainEqual(expect.stringMatching(/no bootstrap/));
  });
});
