/** One Envoy, two listeners under the same anchors: what one push reaches, and what it says of a filter that it does not reach. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { isSeq, parseDocument } from "yaml";
import { send } from "../../control/gateway/client.js";
import { defaultConfiguration, ecdsText, writeEcds } from "../../control/gateway/ecds.js";
import { type PushResult, push } from "../../control/gateway/push.js";
import { renderGateway } from "../../control/gateway/render.js";
import { type RenderedFilter, readRenderedFilter } from "../../control/gateway/rendered.js";
import { verifyGateway } from "../../control/gateway/verify/index.js";
import { wasmPath } from "../../control/host/wasm.js";
import { anchorsOf, startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { World } from "../kit/world.js";
import { ACTION, DISCOVERY, type Edit, edited, set } from "./verify/files.js";

const world = new World(Math.floor(Date.now() / 1000));
const anchors = anchorsOf(world);
let test: TestEnvoy;
let second: RenderedFilter;
let whole = "";
afterEach(() => test.stop());

/** Puts a second listener beside the first. @param folder of its ECDS file, beside the first one's */
const start = async (folder: string, edit: Edit): Promise<void> => {
  test = await startTestEnvoy(world, {
    edit: (config) => {
      const top = /path: (.*)\/ecds\/glassgate\.json/.exec(config)?.[1] ?? "";
      mkdirSync(join(top, folder), { recursive: true });
      const rendered = renderGateway({
        anchors,
        wasmPath,
        ecdsPath: join(top, folder, "glassgate.json"),
        listen: { host: "127.0.0.1", port: 0 },
        accessLogPath: "/dev/null",
        nodeId: "test-gateway",
        vmId: "glassgate-2",
        jwks: { inline: /inline_string: '?(\{.*\})'?/.exec(config)?.[1] ?? "" },
      });
      second = readRenderedFilter(rendered, "the second listener");
      writeEcds(second.ecdsPath, ecdsText(second, defaultConfiguration(second), undefined, "0"));
      const document = parseDocument(config);
      const listener = parseDocument(edited(rendered, edit)).toJS().static_resources.listeners[0];
      const listeners = document.getIn(["static_resources", "listeners"]);
      if (!isSeq(listeners)) throw new Error("no listeners");
      listeners.add(document.createNode({ ...listener, name: "second" }, { aliasDuplicateObjects: false }));
      whole = document.toString();
      return whole;
    },
  });
};

const revoked = { revoked: { sub: ["rita"] } };
const pushTo = (filter: RenderedFilter, version: number, claims = {}): Promise<PushResult> => {
  const text = world.bundle(world.bundleClaims({ version, ...claims }));
  return push({ filter, anchors, admin: test.envoy.admin, bundle: { text, version } });
};
const verdict = async (listener: "api" | "second", grant: string): Promise<string> => {
  const { status, body } = await send({
    port: test.envoy.ports[listener] ?? 0,
    path: "/orders/7",
    headers: { "x-break-glass": grant },
  });
  return status === 200 ? "allow" : (/"code":"(\w+)"/.exec(body)?.[1] ?? body);
};
const beside = (place: string): unknown =>
  expect.stringMatching(
    new RegExp(
      `another glassgate filter of these anchors ${place}.* may allow what is revoked here.*/ecds/glassgate.json`,
    ),
  );

/** What verify says of the file, and of the running gateway. */
const twoFiles = async (): Promise<boolean[]> => {
  const dump = await fetch(`http://${test.envoy.admin.address}/config_dump`);
  return [whole, await dump.text()].map((text) =>
    verifyGateway(text, "gateway").some(({ level, name }) => level === "warning" && name === "two-files@second"),
  );
};

it("with an ECDS file of its own: it is named, as it may allow what is revoked", async () => {
  await start("ecds2", () => {});
  await pushTo(second, 5);
  expect((await pushTo(test.filter, 6, revoked)).warnings).toContainEqual(beside("reads .*/ecds2/glassgate.json"));
  const grant = world.alone();
  expect([await verdict("api", grant), await verdict("second", grant)]).toEqual(["revoked", "allow"]);
  const again = await pushTo(test.filter, 6, revoked);
  expect(again).toMatchObject({ unchanged: true, warnings: [beside("reads .*/ecds2/glassgate.json")] });
  expect(await twoFiles()).toEqual([true, true]);
});

it("with its configuration in the file: it is named", async () => {
  await start("ecds2", (document) => {
    const wasm: unknown = document.getIn([...DISCOVERY, "default_config"], true);
    document.deleteIn([...ACTION, "dynamic_config"]);
    set([...ACTION, "typed_config"], { name: "glassgate" })(document);
    document.setIn([...ACTION, "typed_config", "typed_config"], wasm);
  });
  expect((await pushTo(test.filter, 6)).warnings).toContainEqual(
    beside("has its configuration in the gateway's own file"),
  );
});

it("with the same ECDS file: one push reaches both, and nothing is said", async () => {
  await start("ecds", () => {});
  await pushTo(test.filter, 5);
  const grant = world.alone();
  expect([await verdict("api", grant), await verdict("second", grant)]).toEqual(["allow", "allow"]);
  const { warnings } = await pushTo(test.filter, 6, revoked);
  expect(warnings).toEqual([]);
  expect([await verdict("api", grant), await verdict("second", grant)]).toEqual(["revoked", "revoked"]);
  expect(await twoFiles()).toEqual([false, false]);
});
