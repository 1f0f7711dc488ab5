/** `net` against the address that Envoy itself gives a client: a header of his changes nothing, and a unix socket has none. */
import { request } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { send } from "../../control/gateway/client.js";
import { startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
const LOOPBACK = ["127.0.0.0/29"];
const ELSEWHERE = ["10.0.0.0/8"];
let test: TestEnvoy;
let socket = "";

beforeAll(async () => {
  test = await startTestEnvoy(world, {
    edit: (text) => {
      const config = parse(text);
      const [listener] = config.static_resources.listeners;
      const ecds = /path: "?([^"\n]*)\/ecds\//.exec(text)?.[1] ?? "";
      socket = join(ecds, "api.sock");
      config.static_resources.listeners.push({ ...listener, name: "local", address: { pipe: { path: socket } } });
      return stringify(config);
    },
  });
  await test.configure(world.configuration());
});
afterAll(() => test.stop());

const grantFrom = (net: readonly string[]): string => world.alone({ claims: { net } });
const statusFrom = async (net: readonly string[], from: string, headers: Readonly<Record<string, string>> = {}) =>
  (await send({ port: test.port, path: "/orders/7", from, headers: { "x-break-glass": grantFrom(net), ...headers } }))
    .status;

/** Over the unix socket. */
function statusOfLocal(net: readonly string[], headers: Readonly<Record<string, string>> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath: socket,
        path: "/orders/7",
        headers: { host: "api.example.com", "x-break-glass": grantFrom(net), ...headers },
      },
      (incoming) => {
        incoming.resume();
        incoming.on("end", () => resolve(incoming.statusCode ?? 0));
      },
    );
    outgoing.on("error", reject);
    outgoing.end();
  });
}

it("is the connection's address, to the last bit", async () => {
  expect(await statusFrom(LOOPBACK, "127.0.0.7")).toBe(200);
  expect(await statusFrom(LOOPBACK, "127.0.0.8")).toBe(403);
  expect(await statusFrom(ELSEWHERE, "127.0.0.1")).toBe(403);
});

it("is no address that the client tells", async () => {
  for (const name of ["x-forwarded-for", "x-real-ip", "forwarded", "x-envoy-external-address", "true-client-ip"]) {
    const value = name === "forwarded" ? "for=10.0.0.1" : "10.0.0.1";
    expect(await statusFrom(ELSEWHERE, "127.0.0.1", { [name]: value }), name).toBe(403);
  }
});

it("is none for a client of a unix socket, whatever the socket is called and whatever the client says", async () => {
  for (const net of [LOOPBACK, ELSEWHERE, ["0.0.0.0/0", "::/0"]]) {
    expect(await statusOfLocal(net)).toBe(403);
    expect(await statusOfLocal(net, { "x-forwarded-for": "10.0.0.1" })).toBe(403);
  }
  const records = [...test.audits().values()].map(({ record }) => JSON.parse(record));
  expect(new Set(records.filter(({ verdict }) => verdict !== "allow").map(({ verdict }) => verdict))).toEqual(
    new Set(["network"]),
  );
});
