/** Grants, headers and paths that are bent at random, on Kong's own module: no trap, no worker's end, and nothing that gets through. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { forKong, newWorld } from "./gateway.js";
import { KEY, type KongModule, named, startKongModule } from "./nginx.js";
import { nginx } from "./process.js";
import { exchange, type Line, requestText } from "./raw.js";

const world = newWorld();
const good = world.grant();

const printable = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((c) => String.fromCharCode(c)) });
const anyByte = fc.string({ unit: fc.integer({ min: 0x80, max: 0xff }).map((c) => String.fromCharCode(c)) });
const position = fc.nat({ max: good.length - 1 });
/** Each differs from the good one in what is signed, or in a signature. */
const bent = fc.oneof(
  fc
    .tuple(position, fc.constantFrom(..."AZaz09-_.~{\u0080\u00ff"))
    .map(([at, c]) => good.slice(0, at) + c + good.slice(at + 1)),
  fc.tuple(position, position).map(([a, b]) => good.slice(Math.min(a, b), Math.max(a, b))),
  position.map((at) => good.slice(0, at)),
  printable,
  anyByte,
  fc
    .array(fc.constantFrom(...good.split(/[.~]/), ".", "~", "..", ""), { maxLength: 12 })
    .map((parts) => parts.join("")),
);
const header = fc.tuple(
  fc.constantFrom(
    "x-break-glass",
    "X-Break-Glass-Grant",
    KEY.name,
    "authorization",
    "upgrade",
    "dpop",
    "x-user",
    "cookie",
    "x_user",
  ),
  fc.oneof(printable, anyByte),
);
const target = fc.oneof(
  fc.constant("/orders/7"),
  fc
    .array(fc.constantFrom("/", "orders", "7", "..", ".", "%2f", "%", "%41", ";", "\\", "?", "#", "\u00e9", "%00"), {
      maxLength: 8,
    })
    .map((parts) => `/${parts.join("")}`),
);

describe.skipIf(nginx === undefined)(named("nonsense on Kong's module"), () => {
  let module: KongModule;
  beforeAll(async () => {
    module = await startKongModule({ filter: "glassgate", configuration: forKong(world.configuration()) });
  });
  afterAll(() => module?.stop());

  it("2,000 times", async () => {
    const [worker] = module.pids();
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(bent, fc.array(header, { maxLength: 6 }), target, async (grant, headers, path) => {
        fc.pre(grant !== good);
        module.upstream.take();
        const lines: Line[] = [["x-break-glass", grant], ...headers];
        // From another network each time: after 32 failures of one it is only told to wait.
        sent += 1;
        const from = `127.${1 + (sent >> 8)}.${sent & 255}.1`;
        const { status } = await exchange(module.port, requestText({ target: path, lines }), { from });
        expect(module.upstream.take()).toEqual([]);
        expect([400, 401, 403]).toContain(status);
      }),
      { numRuns: 2000 },
    );
    expect(module.pids()).toEqual([worker]);
    const bad = /host trap|wasm trap|exited on signal|wasm backtrace/;
    expect(
      module
        .log()
        .split("\n")
        .filter((line) => bad.test(line)),
    ).toEqual([]);
    expect(await module.send({ lines: [["x-break-glass", good]] })).toMatchObject({
      upstream: { target: "/orders/7" },
    });
  });
});
