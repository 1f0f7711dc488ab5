/** Paths and upgrades on Kong's own module: what the filter judges is what the upstream gets. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { forKong, newWorld } from "./gateway.js";
import { type Exchange, type KongModule, named, startKongModule } from "./nginx.js";
import { nginx } from "./process.js";
import type { Line } from "./raw.js";

const world = newWorld();
const wide = (): Line => {
  const details = [world.detail({ actions: ["GET", "OPTIONS", "CONNECT"], paths: ["/**"] })];
  return ["x-break-glass", world.alone({ claims: { ent: "wide", authorization_details: details } })];
};
const code = ({ body }: Exchange): string => /"code":"(\w+)"/.exec(body)?.[1] ?? "";

describe.skipIf(nginx === undefined)(named("paths on Kong's module"), () => {
  let module: KongModule;
  beforeAll(async () => {
    module = await startKongModule({ filter: "glassgate", configuration: forKong(world.configuration()) });
  });
  afterAll(() => module?.stop());
  const ask = (target: string, lines: readonly Line[] = [wide()]): Promise<Exchange> => module.send({ target, lines });

  it.each([
    "/a%2fb",
    "/a%2Fb",
    "/a%0ab",
    "/a%0d%0ax-user:%20admin",
    "/a%3fq",
    "/a%23q",
    "/a%25 2fb".replace(" ", ""),
    "/a//b",
    "//a",
    "/a/./b",
    "/a/../b",
    "/a/..",
    "/a/%2e%2e/b",
    "/a/.%2e/b",
    "/a;x=1/b",
    "/a%3bx",
    "/a\\b",
    "/a%5cb",
    "/a%41",
    "/a%7eb",
    "/a%c0%af",
    "/a%ff",
    "/a\u00ff",
  ])("%s is ambiguous", async (target) => {
    const seen = await ask(target);
    expect([seen.status, code(seen)]).toEqual([400, "path_ambiguous"]);
    expect(seen.upstream).toBeUndefined();
  });

  it.each(["/a%00b", "/a%zz", "/a%", "/a%4", "a/b", "*", "/../../etc", "/a\tb", "/a b", "/a\u0001b", "/a#b", "?x", ""])(
    "%j gets nowhere",
    async (target) => {
      const seen = await ask(target);
      expect(seen.upstream).toBeUndefined();
      expect(seen.status).toBeGreaterThanOrEqual(400);
    },
  );

  it.each([
    "/",
    "/a%20b/c",
    "/a%c3%a4",
    "/a%C3%A4?x=%2f..%0a//;\\y",
    "/a?",
    "/a?b?c",
    `/${"a".repeat(4000)}`,
    "/a'(b)*,c!$&+=:@",
    "/a%7Cb%22",
  ])("%s reaches the upstream as it was sent", async (target) => {
    const seen = await ask(target);
    expect([seen.status, seen.upstream?.target]).toEqual([200, target]);
    expect(JSON.parse(seen.shared.get("glassgate_audit")?.split("\n")[0] ?? "{}")).toMatchObject({
      verdict: "allow",
      host: "api.example.com",
    });
  });

  it("the path is that of the target, not its decoded form, also for a narrow grant", async () => {
    const narrow = (): Line => ["x-break-glass", world.grant()];
    for (const target of ["/orders/7", "/orders/a%20b"]) expect((await ask(target, [narrow()])).status).toBe(200);
    for (const target of [
      "/orders/7%2f8",
      "/%6frders/7",
      "/orders%2f7",
      "/ORDERS/7",
      "/orders/7/",
      "/customers/../orders/7",
    ]) {
      const seen = await ask(target, [narrow()]);
      expect(seen.upstream, target).toBeUndefined();
      expect([400, 403], target).toContain(seen.status);
    }
  });

  it.each<[string, readonly Line[]]>([
    [
      "a WebSocket",
      [
        ["Connection", "upgrade"],
        ["Upgrade", "websocket"],
        ["Sec-WebSocket-Version", "13"],
      ],
    ],
    [
      "in capitals",
      [
        ["CONNECTION", "Upgrade"],
        ["UPGRADE", "WebSocket"],
      ],
    ],
    [
      "h2c",
      [
        ["Connection", "Upgrade, HTTP2-Settings"],
        ["Upgrade", "h2c"],
        ["HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"],
      ],
    ],
    ["without Connection", [["Upgrade", "websocket"]]],
    ["an empty one", [["Upgrade", ""]]],
    [
      "two of them",
      [
        ["Upgrade", ""],
        ["Upgrade", "websocket"],
      ],
    ],
  ])("no upgrade, whatever the grant says of CONNECT: %s", async (_, lines) => {
    const seen = await ask("/chat", [...lines, wide()]);
    expect(seen.upstream).toBeUndefined();
    expect([seen.status, code(seen)]).toEqual([403, "scope_method"]);
  });

  it("CONNECT and TRACE are nginx's to refuse", async () => {
    for (const method of ["CONNECT", "TRACE"]) {
      const seen = await module.send({
        method,
        target: method === "CONNECT" ? "api.example.com:443" : "/",
        lines: [wide()],
      });
      expect(seen.upstream).toBeUndefined();
      expect([400, 405]).toContain(seen.status);
    }
  });
});
