/** What is rendered and pushed, in the build for Kong: the key that it sends is the one that the second route asks for. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parse } from "yaml";
import { KongAdmin } from "../../control/gateway/kong/admin.js";
import { pushKong } from "../../control/gateway/kong/push.js";
import { renderKong } from "../../control/gateway/kong/render.js";
import type { Header } from "../../control/host/host.js";
import { anchorsOf } from "../kit/envoy.js";
import { FakeKong } from "../kit/fake-kong.js";
import { linesOf } from "../kit/headers.js";
import { HOST, World } from "../kit/world.js";
import { codeOf, Kong, type Seen } from "../kong/kong.js";

let folder: string;
let world: World;
let admin: FakeKong;
let kong: Kong;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "glassgate-kong-"));
  world = new World(Math.floor(Date.now() / 1000));
  admin = new FakeKong("off");
  await admin.listen();
  const { text } = renderKong({
    anchors: anchorsOf(world),
    host: HOST,
    upstream: { host: "api.internal", port: 8080 },
    port: admin.proxyPort,
  });
  writeFileSync(join(folder, "kong.yaml"), text);
  admin.boot(text);
  kong = await Kong.start({}, world);
});
afterEach(() => {
  admin.close();
  rmSync(folder, { recursive: true, force: true });
});

const push = () =>
  pushKong({
    file: join(folder, "kong.yaml"),
    admins: [new KongAdmin(admin.url)],
    anchors: anchorsOf(world),
    bundle: { version: 7, text: world.bundle(world.bundleClaims({ version: 7 })) },
  });
const send = (...more: readonly Header[]): Seen => kong.send({ lines: [["Host", HOST], ...more] });

it("opens nothing as rendered, and what was approved once pushed, with a key of the second route's", async () => {
  const config = JSON.stringify(
    parse(readFileSync(join(folder, "kong.yaml"), "utf8")).filter_chains[0].filters[0].config,
  );
  expect(kong.configure(config)).toBe(true);
  expect(codeOf(send(["x-break-glass", "probe"]))).toBe("no_trust");
  expect(codeOf(send(["x-break-glass", world.grant()]))).toBe("no_trust");
  expect((await push()).nodes).toMatchObject([{ outcome: { kind: "stored" } }]);
  kong = await Kong.start({}, world);
  // Kong encodes what it has stored anew, its members in any order.
  const stored = JSON.stringify(Object.fromEntries(Object.entries(admin.configuration).reverse()));
  expect(kong.configure(stored)).toBe(true);
  expect(codeOf(send(["x-break-glass", "probe"]))).toBe("malformed");
  expect(codeOf(send())).toBe("no_grant");
  const seen = send(["X-Break-Glass", world.grant()], ["X-Consumer-Username", "root"], ["X-Break-Glass-Key", "mine"]);
  expect(codeOf(seen)).toBe("allow");
  const [key] = linesOf(seen.headers, "x-break-glass-key");
  expect(admin.keys).toContain(key);
  expect(linesOf(seen.headers, "x-consumer-username")).toEqual([""]);
  expect(JSON.stringify([[...seen.filterState], kong.log])).not.toContain(key);
  for (const denied of [send(), send(["x-break-glass", "probe"])])
    expect(linesOf(denied.headers, "x-break-glass-key").filter((value) => admin.keys.includes(value))).toEqual([]);
});
