/** A push changes what it sets and nothing else: members that somebody deployed stay, on a real Envoy. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { z } from "zod";
import { send } from "../../control/gateway/client.js";
import { ecdsText, readEcds, writeEcds } from "../../control/gateway/ecds.js";
import { type PushOptions, push } from "../../control/gateway/push.js";
import { keptOptions } from "../../control/gateway/rendered.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { type Json, World } from "../kit/world.js";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const world = new World(Math.floor(Date.now() / 1000));
let test: TestEnvoy;
beforeAll(async () => {
  test = await startTestEnvoy(world, { render: { keep: ["x-original-url"] } });
});
afterAll(() => test.stop());

const object = z.record(z.string(), z.unknown());
const deployed = (): Json => object.parse(readEcds(readFileSync(test.filter.ecdsPath, "utf8"))?.configuration);
const pushVersion = (version: number, step: PushOptions["step"] = () => {}): Promise<unknown> =>
  push({
    step,
    filter: test.filter,
    anchors: test.anchors,
    admin: test.envoy.admin,
    bundle: { text: world.bundle(world.bundleClaims({ version })), version },
    configuration: keptOptions(test.filter, "envoy.yaml"),
  });
/** As another program of the operator's would. */
const edit = (changes: Json): void =>
  writeEcds(
    test.filter.ecdsPath,
    ecdsText(test.filter, JSON.stringify({ ...deployed(), ...changes }), undefined, "by-hand"),
  );

it("what was deployed beside stays, what the gateway's file decides comes from there", async () => {
  await pushVersion(2);
  expect(deployed()).toMatchObject({ keep: ["x-original-url"], min_version: 2 });
  edit({ table_memory_kib: 1024, mode: "shadow", strip: ["x-team"] });
  const { strip } = keptOptions(test.filter, "envoy.yaml");
  expect(await pushVersion(3)).toMatchObject({
    warnings: [
      `the gateway's own file decides, and what was deployed said otherwise: mode: "shadow" becomes not set; strip: ["x-team"] becomes ${JSON.stringify(strip) ?? "not set"}`,
    ],
  });
  expect(deployed()).toMatchObject({ table_memory_kib: 1024, keep: ["x-original-url"], min_version: 3 });
  expect(deployed().mode).toBeUndefined();
  // Also where there is nothing else to be done.
  const before = readFileSync(test.filter.ecdsPath, "utf8");
  const text = z.string().parse(deployed().bundle);
  const again = await push({
    filter: test.filter,
    anchors: test.anchors,
    admin: test.envoy.admin,
    bundle: { text, version: 3 },
    configuration: keptOptions(test.filter, "envoy.yaml"),
  });
  expect(again.unchanged).toBe(true);
  expect(readFileSync(test.filter.ecdsPath, "utf8")).toBe(before);
});

/** As a control plane in Go writes JSON, and with the configuration as a Struct. */
const spelling: Readonly<Record<string, (text: string) => string>> = {
  "in the JSON spelling": (text) =>
    ["version_info", "typed_config", "vm_config", "vm_id", "root_id", "failure_policy"].reduce(
      (all, name) =>
        all.replaceAll(`"${name}"`, `"${name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())}"`),
      text,
    ),
  "as a Struct": (text) =>
    text
      .replace("google.protobuf.StringValue", "google.protobuf.Struct")
      .replace(/"value": ("(?:[^"\\]|\\.)*")/, (_, value: string) => `"value": ${String(JSON.parse(value))}`),
};
for (const [name, spell] of Object.entries(spelling)) {
  it(`what another tool deployed ${name} stays as well`, async () => {
    const { version } = z.object({ version: z.number() }).parse({ version: Number(deployed().min_version) + 1 });
    const text = ecdsText(
      test.filter,
      JSON.stringify({ ...deployed(), table_memory_kib: 512 + version, generation: Date.now() }),
      undefined,
      `by-hand-${version}`,
    );
    const respelt = spell(text);
    expect(respelt).not.toBe(text);
    writeEcds(test.filter.ecdsPath, respelt);
    await pushVersion(version);
    expect(deployed()).toMatchObject({ table_memory_kib: 512 + version, min_version: version });
  });
}

it("a kept header reaches the upstream, the other override headers do not", async () => {
  const headers = { "x-original-url": "/orders/7", "x-rewrite-url": "/admin", "x-break-glass": world.alone() };
  expect((await send({ port: test.port, path: "/orders/7", headers })).status).toBe(200);
  const [seen] = test.upstream.take();
  expect(seen?.headers).toMatchObject({ "x-original-url": "/orders/7" });
  expect(seen?.headers["x-rewrite-url"]).toBeUndefined();
});

it("what the filter would refuse is named, and nothing is written", async () => {
  edit({ net_of_tomorrow: ["10.0.0.0/8"] });
  const before = readFileSync(test.filter.ecdsPath, "utf8");
  await expect(pushVersion(4)).rejects.toThrow(/holds what this glassgate does not know: net_of_tomorrow/);
  expect(readFileSync(test.filter.ecdsPath, "utf8")).toBe(before);
});

it("also where it comes while a push is under way", async () => {
  edit({ net_of_tomorrow: undefined });
  let text = "";
  const another = (name: string): void => {
    if (name !== "begun" || text !== "") return;
    edit({ net_of_tomorrow: ["10.0.0.0/8"] });
    text = readFileSync(test.filter.ecdsPath, "utf8");
  };
  await expect(pushVersion(9, another)).rejects.toThrow(/holds what this glassgate does not know: net_of_tomorrow/);
  expect(readFileSync(test.filter.ecdsPath, "utf8")).toBe(text);
});
