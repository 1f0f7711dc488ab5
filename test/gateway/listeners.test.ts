/** Two listeners with different audiences and roots in one VM: nothing of one decides for the other. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { isMap, isSeq, parseDocument } from "yaml";
import type { Admin } from "../../control/gateway/admin.js";
import { readFilterState } from "../../control/gateway/admin-state.js";
import { keepAlive, send } from "../../control/gateway/client.js";
import { defaultConfiguration, ecdsText, writeEcds } from "../../control/gateway/ecds.js";
import { renderGateway } from "../../control/gateway/render.js";
import { type RenderedFilter, readRenderedFilter } from "../../control/gateway/rendered.js";
import { wasmPath } from "../../control/host/wasm.js";
import { domainOf } from "../../control/trust/anchors.js";
import { anchorsOf, startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { World } from "../kit/world.js";

const now = Math.floor(Date.now() / 1000);
const first = new World(now);
const second = new World(now);
let test: TestEnvoy;
let other: RenderedFilter;
const anchors = { ...anchorsOf(second), audience: "staging" };

/** The second listener: rendered for the other anchors, in the same VM, with an ECDS file of its own. */
function addListener(config: string): string {
  const ecdsPath = join(/path: (.*)\/ecds\/glassgate\.json/.exec(config)?.[1] ?? "", "ecds2", "glassgate.json");
  mkdirSync(join(ecdsPath, ".."));
  const rendered = renderGateway({
    anchors,
    wasmPath,
    ecdsPath,
    listen: { host: "127.0.0.1", port: 0 },
    accessLogPath: "/dev/null",
    jwks: { inline: /inline_string: '?(\{.*\})'?/.exec(config)?.[1] ?? "" },
  });
  other = readRenderedFilter(rendered, "the second listener");
  writeEcds(other.ecdsPath, ecdsText(other, defaultConfiguration(other), undefined, "0"));
  const document = parseDocument(config);
  const listener = parseDocument(rendered).getIn(["static_resources", "listeners", 0]);
  const listeners = document.getIn(["static_resources", "listeners"]);
  if (!isMap(listener) || !isSeq(listeners)) throw new Error("no listener");
  listeners.add(document.createNode({ ...Object(listener.toJS(parseDocument(rendered))), name: "second" }));
  return document.toString();
}

beforeAll(async () => {
  test = await startTestEnvoy(first, { concurrency: 1, edit: addListener });
});
afterAll(() => test.stop());

const serves = (admin: Admin, generation: number) =>
  expect
    .poll(async () => (await readFilterState(admin, domainOf(anchors))).generation, { timeout: 60_000 })
    .toBe(generation);

it("nothing of one decides for the other, cached or not", async () => {
  await test.configure(first.configuration());
  const configuration = second.configuration({ configuration: { audience: "staging" } });
  writeEcds(other.ecdsPath, ecdsText(other, configuration, undefined, "1"));
  await serves(test.envoy.admin, Number(/"generation":(\d+)/.exec(configuration)?.[1]));
  expect((await test.state()).vmCount).toBe(3);

  const agent = keepAlive(1);
  const verdict = async (listener: "api" | "second", grant: string): Promise<string> => {
    const { status, body } = await send({
      port: test.envoy.ports[listener] ?? 0,
      path: "/orders/7",
      headers: { "x-break-glass": grant },
      agent,
    });
    return status === 200 ? "allow" : (/"code":"(\w+)"/.exec(body)?.[1] ?? body);
  };
  // For both environments: else it would be refused before its key is looked for.
  const claims = { aud: ["test", "staging"] };
  const mine = first.alone({ claims });
  const theirs = second.alone({ claims });
  for (let round = 0; round < 3; round++) {
    expect(await verdict("api", mine)).toBe("allow");
    expect(await verdict("second", mine)).toBe("signature");
    expect(await verdict("second", theirs)).toBe("allow");
    expect(await verdict("api", theirs)).toBe("signature");
  }
  // Right people, other environment.
  expect(await verdict("second", second.alone({ claims: { aud: "test" } }))).toBe("audience");
  // A rotation of one leaves the other's bundle and cache alone.
  await test.configure(first.configuration({ bundle: first.bundleClaims({ revoked: { sub: ["rita"] } }) }));
  expect(await verdict("api", mine)).toBe("revoked");
  expect(await verdict("second", theirs)).toBe("allow");
  agent.destroy();
});
