/**
 * Asks the module itself, an nginx that GLASSGATE_NGINX names, what scripts.ts expects of it (test/host/ngx): the Node host is held against those
 * answers. Skipped where there is none.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Header } from "../../control/host/host.js";
import { fixture } from "../host/compile.js";
import { hex } from "../host/ngx/host.js";
import { CASES, PATHS, TRAPS } from "../host/ngx/scripts.js";
import { KEY, type KongModule, named, startKongModule } from "./nginx.js";
import { nginx, until } from "./process.js";
import { exchange, requestText } from "./raw.js";

const CONFIGURATION = "create: time";
/** The second route wants it. */
const OPEN = `hset 0 ${KEY.name} ${KEY.value}; pass`;

describe.skipIf(nginx === undefined)(named("the module"), () => {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-script-"));
  let module: KongModule;
  beforeAll(async () => {
    const path = join(folder, "script.wasm");
    writeFileSync(path, await fixture("ngx-script"));
    module = await startKongModule({ modules: { script: path }, filter: "script", configuration: CONFIGURATION });
  }, 120_000);
  afterAll(async () => {
    await module.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const send = (script: string, headers: readonly Header[] = [], target = "/p?q=1") =>
    module.send({ host: "h.example", target, lines: [...headers, ["x-script", script]] });
  const sent = async (script: string, headers: readonly Header[], name: string): Promise<string[] | undefined> =>
    (await send(script, headers)).upstream?.lines
      .filter(([key]) => key.toLowerCase() === name)
      .map(([, value]) => value);

  for (const { name, script, headers, expected, isKongs } of CASES) {
    it.skipIf(isKongs === true || /ngx\.glass/.test(script))(name, async () => {
      const { body } = await send(script, headers);
      const pattern = expected
        .replaceAll(/[.*+?()[\]]/g, "\\$&")
        .replace("<authority>", hex(`kong:${module.port}`))
        .replace("<machine>", hex(hostname()))
        .replace("<filter>", hex("script"))
        .replace("<address>", hex("127.0.0.1"))
        .replaceAll(/<(?:port|connection)>/g, "(?:3\\d)+");
      expect(body).toMatch(new RegExp(`^${pattern}\\n$`));
    });
  }

  for (const [raw, seen] of PATHS.filter(([path]) => !path.includes("://")))
    it(`the path ${JSON.stringify(raw)}`, async () => {
      const { status, body } = await send("hget 0 :path; prop request%00path", [], raw);
      if (seen === "") expect(status).toBe(400);
      else expect(body).toBe(`0=${hex(seen)} 0=${hex(raw)}\n`);
    });

  const LINES: readonly (readonly [script: string, headers: readonly Header[], name: string, expected: string[]])[] = [
    ["hdel 0 a", [["a", "1"]], "a", ["1"]],
    [
      "hset 0 a -",
      [
        ["a", "1"],
        ["A", "2"],
      ],
      "a",
      ["", "2"],
    ],
    [
      "hset 0 referer -; hadd 0 referer new",
      [
        ["referer", "1"],
        ["referer", "2"],
      ],
      "referer",
      ["", "2"],
    ],
    ["hdel 0 a; hset 0 a z", [["a", "1"]], "a", ["1", "z"]],
    ["hset 0 b x%0ay%09z", [], "b", ["x%0Ay\tz"]],
  ];
  for (const [script, headers, name, expected] of LINES)
    it(`what the upstream gets after ${script}`, async () => {
      expect(await sent(`${script}; ${OPEN}`, headers, name)).toEqual(expected);
    });

  it("what is hidden of lines", async () => {
    const twice: readonly Header[] = [
      ["a", "1"],
      ["A", "2"],
    ];
    expect((await send("hdel 0 a; hget 0 a; hpairs 0", [["a", "1"]])).body).not.toContain(hex("a\x001\0"));
    expect((await send("hset 0 a z; hpairs 0", twice)).body).not.toMatch(/61007a00|41003200/);
  });

  it("pairs end at 100", async () => {
    for (const [count, hasLast] of [
      [96, true],
      [97, false],
      [98, false],
      [120, false],
    ] as const) {
      // Host, Connection and x-script come on top.
      const more = Array.from({ length: count - 3 }, (_, i): Header => [`h${i}`, "v"]);
      const bytes = Buffer.from((await send("hpairs 0", more)).body.slice(2), "hex");
      expect([bytes.readUInt32LE(0), bytes.includes("x-script")], String(count)).toEqual([100, hasLast]);
    }
  });

  it("what an action does: the worker lives, but of one below 0", async () => {
    const before = module.pids();
    for (const action of [0, 3])
      expect((await send(`${OPEN}; return ${action}`)).upstream, String(action)).toBeDefined();
    for (const action of [2, 4, 5, 6, 7])
      await expect(send(`${OPEN}; return ${action}`), String(action)).rejects.toThrow(/^no answer/);
    expect(module.pids()).toEqual(before);
    // Its log line is never written: nobody waits for it.
    await exchange(module.port, requestText({ lines: [["x-script", `${OPEN}; return -1`]] })).catch(() => undefined);
    await until("another worker", module.log, async () =>
      module.pids().some((pid) => before.includes(pid)) ? undefined : true,
    );
  });

  it("a reply", async () => {
    const { statusLine, body, headers } = await send(
      "reply 403 a%20b body %01%00%00%00%01%00%00%00%01%00%00%00a%00b%00",
    );
    expect([statusLine, body]).toEqual(["HTTP/1.1 403 a b", "body\n"]);
    expect(new Map(headers).get("a")).toBe("b");
    expect(new Map(headers).get("content-length")).toBe("5");
  });

  it("a trap behind a reply: the reply is sent, and the instance is gone", async () => {
    for (const script of ["reply 403 - one -; reply 404 - two -", "reply 403 - one -; trap"]) {
      const { status, body } = await send(script);
      expect([status, body]).toEqual([403, "one\n"]);
      const between = module.log().length;
      await send("time");
      expect(module.log().slice(between)).toMatch(/(?:create|respond) \d+/);
    }
  });

  for (const [name, script, reason] of TRAPS)
    it(`a trap: ${name}`, async () => {
      const before = module.log().length;
      expect((await send(script)).status).toBe(500);
      expect(module.log().slice(before)).toMatch(reason);
      const between = module.log().length;
      expect((await send("time")).body).toBe("0=ns\n");
      const said = [
        ...module
          .log()
          .slice(between)
          .matchAll(/(create|start|configure|respond|body|done|log|delete) (\d+)/g),
      ];
      expect(said.map(([, event, id]) => `${event} ${Number(id) > 99_999 ? "ROOT" : "n"}`)).toEqual([
        "create ROOT",
        "configure ROOT",
        "create n",
        "respond n",
        "body n",
        "done n",
        "log n",
        "delete n",
      ]);
    });
});
