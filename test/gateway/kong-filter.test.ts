/** What is rendered and pushed, in the build for Kong: the key that it sends is the one that the second route asks for. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parse } from "yaml";
import { KongAdmin } from "../../control/gateway/kong/admin.js";
import { pushKong } from "../../control/gateway/kong/push.js";
import { renderKong } from "../../control/gateway/kong/render.js";
import { anchorsOf } from "../kit/envoy.js";
import { FakeKong } from "../kit/fake-kong.js";
import { HOST, World } from "../kit/world.js";
import { kongFilter, type Line, Ngx, type Seen } from "../kong/ngx.js";

const wasm = kongFilter();
let folder: string;
let world: World;
let kong: FakeKong;
let ngx: Ngx;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "glassgate-kong-"));
  world = new World(Math.floor(Date.now() / 1000));
  kong = new FakeKong("off");
  await kong.listen();
  const { text } = renderKong({
    anchors: anchorsOf(world),
    host: HOST,
    upstream: { host: "api.internal", port: 8080 },
    port: kong.proxyPort,
  });
  writeFileSync(join(folder, "kong.yaml"), text);
  kong.boot(text);
  ngx = new Ngx(wasm);
});
afterEach(() => {
  kong.close();
  rmSync(folder, { recursive: true, force: true });
});

const push = () =>
  pushKong({
    file: join(folder, "kong.yaml"),
    admins: [new KongAdmin(kong.url)],
    anchors: anchorsOf(world),
    bundle: { version: 7, text: world.bundle(world.bundleClaims({ version: 7 })) },
  });
const send = (...more: readonly Line[]): Seen => ngx.send({ lines: [["Host", HOST], ...more], path: "/orders/7" });
const upstream = (seen: Seen, name: string): string[] =>
  seen.upstream.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
const code = ({ reply }: Seen): string => (reply === undefined ? "allow" : String(JSON.parse(reply.body).code));

it("opens nothing as rendered, and what was approved once pushed, with a key of the second route's", async () => {
  const config = JSON.stringify(
    parse(readFileSync(join(folder, "kong.yaml"), "utf8")).filter_chains[0].filters[0].config,
  );
  expect(ngx.configure(config)).toBe(1);
  expect(code(send(["x-break-glass", "probe"]))).toBe("no_trust");
  expect(code(send(["x-break-glass", world.grant()]))).toBe("no_trust");
  expect((await push()).nodes).toMatchObject([{ outcome: { kind: "stored" } }]);
  ngx = new Ngx(wasm);
  // Kong encodes what it has stored anew, its members in any order.
  const stored = JSON.stringify(Object.fromEntries(Object.entries(kong.configuration).reverse()));
  expect(ngx.configure(stored)).toBe(1);
  expect(code(send(["x-break-glass", "probe"]))).toBe("malformed");
  expect(code(send())).toBe("no_grant");
  const seen = send(["X-Break-Glass", world.grant()], ["X-Consumer-Username", "root"], ["X-Break-Glass-Key", "mine"]);
  expect(code(seen)).toBe("allow");
  const [key] = upstream(seen, "x-break-glass-key");
  expect(kong.keys).toContain(key);
  expect(upstream(seen, "x-consumer-username")).toEqual([""]);
  expect(JSON.stringify([...seen.shared, ngx.log])).not.toContain(key);
  for (const denied of [send(), send(["x-break-glass", "probe"])])
    expect(upstream(denied, "x-break-glass-key").filter((value) => kong.keys.includes(value))).toEqual([]);
});
