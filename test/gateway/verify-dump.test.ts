/** What a running gateway says of itself: its own /config_dump is clean, and shows what was changed since it started. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyGateway } from "../../control/gateway/verify/index.js";
import { load } from "../../control/gateway/verify/load.js";
import type { Value } from "../../control/gateway/verify/value.js";
import { glassgate } from "../cli/run.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
let test: TestEnvoy;
let written = "";

/** Every way to write a value that YAML 1.1, YAML 1.2 and Envoy's own loader read differently. */
const SCALARS = `{ a: yes, b: "yes", c: on, d: Off, e: y, f: N, g: 0x10, h: 010, i: 0o10, j: 1.5, k: 1e3, l: +5, m: -5, n: 1_000,
  o: 1:30, p: ~, q: null, r: , s: True, t: tRUE, u: '1', v: 123456789012345678901, w: 9007199254740993, x: !!str true, y: !!int "5",
  z: !!binary aGVsbG8=, aa: &x [ 1, two ], ab: *x, ac: 1, ac: 2, !ignore ad: 3, ae: 08, af: .inf, ag: "\\x41\\u0042", ah: -0, ai: 00, aj: 0X1F, ak: -0x1 }`;
beforeAll(async () => {
  test = await startTestEnvoy(world, {
    concurrency: 1,
    edit: (config) => {
      written = config.replace("cluster: api }", `cluster: api, metadata: ${SCALARS} }`);
      return written;
    },
  });
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

  it("was read as Envoy reads it", async () => {
    expect(written).toContain("!ignore");
    const metadata = (root: Value | undefined) => root?.map?.get("node")?.map?.get("metadata")?.toJson();
    const dumped = load(await dump(), "dump.json")
      .root.map?.get("configs")
      ?.list?.[0]?.map?.get("bootstrap");
    expect(metadata(load(written, "envoy.yaml").root)).toEqual(metadata(dumped));
  });

  it("says what a part of a dump lacks", () => {
    const part = JSON.stringify({
      configs: [{ "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump", static_listeners: [] }],
    });
    expect(bad(part).map(({ message }) => message)).toContainEqual(expect.stringMatching(/no bootstrap/));
  });
});
