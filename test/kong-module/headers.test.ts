/** What a client can do with header lines, on Kong's own module: nothing that it sent twice, hidden or misspelt gets past the filter. */
import { connect as connectHttp2 } from "node:http2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { STRIPPED } from "../verdicts/checks.js";
import { forKong, newWorld } from "./gateway.js";
import { type Exchange, KEY, type KongModule, named, startKongModule } from "./nginx.js";
import { nginx } from "./process.js";
import { exchange, type Line, requestText } from "./raw.js";

const world = newWorld();
/** `host` and `connection`, which every request here has. */
const OWN_LINES = 2;
const filler = (count: number): Line[] => Array.from({ length: count }, (_, i): Line => [`x-filler-${i}`, "1"]);

const code = ({ body }: Exchange): string => /"code":"(\w+)"/.exec(body)?.[1] ?? "";
/** Values of that header at the upstream, the empty ones left out. */
const atUpstream = ({ upstream }: Exchange, wanted: string): string[] =>
  (upstream?.lines ?? []).flatMap(([name, value]) => (name === wanted && value !== "" ? [value] : []));

describe.skipIf(nginx === undefined)(named("headers on Kong's module"), () => {
  let module: KongModule;
  beforeAll(async () => {
    module = await startKongModule({ filter: "glassgate", configuration: forKong(world.configuration()) });
  });
  afterAll(() => module?.stop());
  const send = (...lines: Line[]): Promise<Exchange> => module.send({ lines });
  const grant = (): Line => ["x-break-glass", world.grant()];
  const FORGED = 'sub="admin"';

  it.each([...STRIPPED, "x-break-glass-grant", KEY.name])(
    "%s: one line is taken away or replaced, two are duplicate_header, in any case and place",
    async (name) => {
      const one = await send([name, FORGED], grant());
      expect(one.status).toBe(200);
      expect(atUpstream(one, name)).not.toContain(FORGED);
      const upper = name.toUpperCase();
      const shouted = await send(grant(), [upper, FORGED]);
      expect(shouted.status).toBe(200);
      expect(atUpstream(shouted, name)).not.toContain(FORGED);
      for (const [first, second] of [
        [name, name],
        [name, upper],
        [upper, name],
      ] as const) {
        for (const value of [FORGED, ""]) {
          const two = await send([first, value], grant(), ...filler(3), [second, FORGED]);
          expect(two.upstream).toBeUndefined();
          // Of two lines `Authorization` nginx itself says 400.
          expect([two.status, code(two)]).toEqual([400, name === "authorization" ? "" : "duplicate_header"]);
        }
      }
    },
  );

  it("the grant: two lines of it, equal or not, in any case; one in capitals is one", async () => {
    const [, value] = grant();
    for (const second of ["x-break-glass", "X-Break-Glass"]) {
      for (const other of [value, "", "x"]) {
        const seen = await send(["x-break-glass", value], [second, other]);
        expect([seen.status, code(seen)]).toEqual([400, "duplicate_header"]);
        expect(seen.upstream).toBeUndefined();
      }
    }
    const seen = await send(["X-BREAK-GLASS", value]);
    expect(seen.status).toBe(200);
    expect(atUpstream(seen, "x-break-glass")).toEqual([]);
  });

  it("a grant under a name that only looks alike is none", async () => {
    const [, value] = grant();
    for (const name of ["x_break_glass", "x-break_glass", "x-break-glass-", "x-break-glas", "\u017f-break-glass"]) {
      const seen = await send([Buffer.from(name).toString("latin1"), value]);
      expect([seen.status, code(seen)], name).toEqual([401, "no_grant"]);
      expect(seen.upstream, name).toBeUndefined();
    }
  });

  it("without a grant, the right key and an attestation of one's own open nothing", async () => {
    for (const lines of [
      [],
      [[KEY.name, KEY.value]],
      [
        [KEY.name, KEY.value],
        ["x-break-glass-grant", FORGED],
      ],
    ] as const) {
      const seen = await module.send({ lines });
      expect([seen.status, code(seen)]).toEqual([401, "no_grant"]);
      expect(seen.upstream).toBeUndefined();
    }
  });

  it("96 lines pass, and from 97 on none, wherever the grant and what is to be taken away stand", async () => {
    for (let count = 90; count <= 104; count++) {
      const fill = filler(count - OWN_LINES - 3);
      const mine: Line[] = [grant(), ["authorization", "Bearer forged"], [KEY.name, "forged"]];
      for (const lines of [
        [...mine, ...fill],
        [...fill, ...mine],
      ]) {
        const seen = await module.send({ lines });
        expect(seen.upstream !== undefined, `${count} lines: ${seen.statusLine}`).toBe(count <= 96);
        expect(atUpstream(seen, "authorization")).toEqual([]);
        if (count > 96) expect([seen.status, code(seen)]).toEqual([503, "internal"]);
      }
    }
    for (const count of [97, 98, 99, 100, 101, 200, 400]) {
      const seen = await module.send({ lines: [...filler(count - OWN_LINES), grant()] });
      expect(seen.upstream, String(count)).toBeUndefined();
      expect((await module.send({ lines: filler(count - OWN_LINES) })).upstream, String(count)).toBeUndefined();
    }
  });

  it("a line of 8 KiB is nginx's limit, whose answer is 400; one below it is judged", async () => {
    const pad = (value: string, size: number): string => value.padEnd(size, "x");
    // With its name, `: ` and line end it stands in one buffer of 8192.
    const room = 8192 - "x-filler: \r\n".length;
    for (const [size, status] of [
      [4000, 200],
      [room, 200],
      [room + 1, 400],
      [9000, 400],
      [40_000, 400],
    ] as const) {
      const seen = await send(["x-filler", pad("", size)], grant());
      expect(seen.status, String(size)).toBe(status);
      expect(seen.upstream !== undefined, String(size)).toBe(status === 200);
    }
    for (const size of [8000, 8175, 8176, 8192, 8193, 9000, 20_000]) {
      const seen = await send(["x-break-glass", pad(world.grant(), size)]);
      expect(seen.upstream, String(size)).toBeUndefined();
      expect([400, 401], String(size)).toContain(seen.status);
    }
    // Four buffers: what does not fit into them is 400 too.
    const many = Array.from({ length: 5 }, (_, i): Line => [`x-filler-${i}`, pad("", 8000)]);
    expect(await send(...many, grant())).toMatchObject({ status: 400, upstream: undefined });
  });

  it("lines that other readers could take for a header: nothing of them reaches the upstream as one", async () => {
    const [name, value] = grant();
    const text = (extra: string): string =>
      requestText({ lines: [[name, value]] }).replace("\r\n\r\n", `\r\n${extra}\r\n\r\n`);
    for (const extra of [
      "authorization : Bearer forged",
      "authorization\t: Bearer forged",
      " authorization: Bearer forged",
      "x-filler: 1\r\n authorization: Bearer forged",
      "x-filler: 1\nauthorization: Bearer forged",
      "x-filler: 1\rauthorization: Bearer forged",
      "authorization\u0000: Bearer forged",
      "authorization: Bearer forged\u0000",
      ": Bearer forged",
      "authorization",
    ]) {
      module.upstream.take();
      const { status } = await exchange(module.port, text(extra));
      const [seen] = module.upstream.take();
      const forged = (seen?.lines ?? []).filter(([n, v]) => n.includes("authorization") && v.includes("forged"));
      expect(forged, `${JSON.stringify(extra)}: ${status}`).toEqual([]);
    }
  });

  it("what Connection names does not go missing behind the filter", async () => {
    const lines: Line[] = [["Connection", `close, ${KEY.name}, x-break-glass-grant`], grant()];
    const seen = await module.send({ lines });
    expect(seen.status).toBe(200);
    expect(atUpstream(seen, "x-break-glass-grant")).toHaveLength(1);
  });

  it("two hosts, none, and a target with a host of its own", async () => {
    const twice = await send(["Host", "evil.example.com"], grant());
    expect(twice).toMatchObject({ status: 400, upstream: undefined });
    const [name, value] = grant();
    const none = await exchange(module.port, `GET /orders/7 HTTP/1.0\r\n${name}: ${value}\r\n\r\n`);
    expect(none.status).toBe(403);
    const evil = await module.send({
      target: "http://api.example.com/orders/7",
      host: "evil.example.com",
      lines: [grant()],
    });
    expect(evil).toMatchObject({ status: 403, upstream: undefined });
    // The header is what the filter judges, and what the upstream gets.
    const other = await module.send({ target: "http://evil.example.com/orders/7", lines: [grant()] });
    expect(atUpstream(other, "host").filter((host) => host !== "api.example.com")).toEqual([]);
  });

  it("HTTP/2: a host beside :authority, and a header twice", async () => {
    const ask = (headers: Record<string, string | string[]>): Promise<number> =>
      new Promise((resolve, reject) => {
        const session = connectHttp2(`http://127.0.0.1:${module.port}`);
        session.once("error", reject);
        const stream = session.request({ ":path": "/orders/7", "x-break-glass": world.grant(), ...headers });
        let status = 0;
        stream.once("response", (answer) => {
          status = Number(answer[":status"]);
        });
        stream.once("error", () => {}); // A stream that is refused has no status.
        stream.once("close", () => {
          session.close();
          resolve(status);
        });
        stream.resume();
        stream.end();
      });
    const hosts = (): (string | undefined)[] =>
      module.upstream.take().map(({ lines }) => lines.find(([name]) => name === "host")?.[1]);
    module.upstream.take();
    expect(await ask({ ":authority": "api.example.com" })).toBe(200);
    expect(hosts()).toEqual(["api.example.com"]);
    expect(await ask({ ":authority": "evil.example.com" })).toBe(403);
    for (const [authority, host] of [
      ["api.example.com", "evil.example.com"],
      ["evil.example.com", "api.example.com"],
    ] as const) {
      const status = await ask({ ":authority": authority, host });
      expect(status, `${authority} and ${host}`).not.toBe(0);
      expect(hosts().filter((seen) => seen !== "api.example.com")).toEqual([]);
    }
    expect(await ask({ ":authority": "api.example.com", "x-user": ["a", "b"] })).toBe(400);
    expect(hosts()).toEqual([]);
  });
});
