/** Bodies, and several requests on one connection, on Kong's own module: each request is judged for itself, and its body is left alone. */
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { forKong, newWorld } from "./gateway.js";
import { type KongModule, named, startKongModule } from "./nginx.js";
import { nginx } from "./process.js";
import { exchange } from "./raw.js";

const world = newWorld();
const text = (method: string, lines: readonly string[], body = ""): string =>
  [`${method} /orders/7 HTTP/1.1`, "Host: api.example.com", ...lines, "", body].join("\r\n");
const grant = (): string => `x-break-glass: ${world.grant()}`;
const CLOSE = "Connection: close";
const chunked = (body: string): string => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

describe.skipIf(nginx === undefined)(named("bodies on Kong's module"), () => {
  let module: KongModule;
  beforeAll(async () => {
    module = await startKongModule({ filter: "glassgate", configuration: forKong(world.configuration()) });
  });
  afterAll(() => module?.stop());

  it.each([0, 1, 5000, 900_000])("%d bytes, with their length and in chunks", async (size) => {
    const body = "b".repeat(size);
    for (const request of [
      text("POST", [CLOSE, grant(), `Content-Length: ${size}`], body),
      text("POST", [CLOSE, grant(), "Transfer-Encoding: chunked"], size === 0 ? "0\r\n\r\n" : chunked(body)),
    ]) {
      module.upstream.take();
      expect((await exchange(module.port, request)).status).toBe(200);
      expect(module.upstream.take()).toMatchObject([{ method: "POST", body }]);
    }
  });

  it("of a denied request nothing reaches the upstream", async () => {
    for (const lines of [[], ["x-break-glass: garbage"]]) {
      module.upstream.take();
      const request = text("POST", [CLOSE, ...lines, "Content-Length: 5000"], "b".repeat(5000));
      expect((await exchange(module.port, request)).status).toBe(401);
      expect(module.upstream.take()).toEqual([]);
    }
  });

  it("two lengths: refused, or one request", async () => {
    const inner = text("GET", [CLOSE]);
    for (const lines of [
      ["Content-Length: 4", "Transfer-Encoding: chunked"],
      ["Content-Length: 4", "Content-Length: 5"],
      ["Transfer-Encoding: chunked, chunked"],
      ["Transfer-Encoding:\u000bchunked"],
    ]) {
      module.upstream.take();
      const { status } = await exchange(module.port, text("POST", [grant(), ...lines], `0\r\n\r\n${inner}`));
      expect([400, 401, 501], lines.join()).toContain(status);
      expect(module.upstream.take(), lines.join()).toEqual([]);
    }
  });

  it("requests behind each other on one connection are judged each", async () => {
    const wanted = [200, 401, 200, 401, 400, 200, 401];
    const requests = [
      text("GET", [grant()]),
      text("GET", []),
      text("POST", [grant(), "Content-Length: 3"], "abc"),
      text("GET", ["x-break-glass: garbage"]),
      text("GET", [grant(), "x-user: a", "x-user: b"]),
      text("GET", [grant()]),
      text("GET", [CLOSE]),
    ];
    module.upstream.take();
    const statuses = await new Promise<number[]>((resolve, reject) => {
      const socket = connect(module.port, "127.0.0.1");
      let answers = "";
      socket.on("data", (chunk) => {
        answers += chunk.toString("latin1");
      });
      socket.once("error", reject);
      socket.once("close", () =>
        resolve([...answers.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status))),
      );
      socket.write(requests.join(""));
    });
    expect(statuses).toEqual(wanted);
    expect(module.upstream.take().map(({ method, body }) => [method, body])).toEqual([
      ["GET", ""],
      ["POST", "abc"],
      ["GET", ""],
    ]);
  });
});
