/**
 * What host calls answer on the other host, nginx with ngx_wasm_module: where it differs from Envoy (test/host/scripts.ts), and the
 * filter would have to know. The commands are those of test/assembly/host/ngx-script.ts.
 */
import { describe, expect, it } from "vitest";
import type { Header } from "../../../control/host/host.js";
import { hex, logged, run, scripted, upstream, withScript } from "./host.js";
import { CASES, PATHS } from "./scripts.js";

/** As the test's host says it. */
const by = (expected: string): string =>
  expected
    .replace("<authority>", hex("kong:8000"))
    .replace("<machine>", hex("gateway-1"))
    .replace("<filter>", hex("glassgate"))
    .replace("<address>", hex("192.0.2.1"))
    .replace("<port>", hex("50000"))
    .replace("<connection>", hex("1"));

describe("host calls answer as nginx's", () => {
  for (const { name, script, headers, expected } of CASES) {
    it(name, async () => {
      const host = await scripted("create: time", { variables: ["glass"] });
      const seen = run(host, script, headers).reply?.body;
      expect(seen).toBe(`${by(expected)}\n`);
    });
  }
});

describe("paths", () => {
  for (const [raw, seen] of PATHS) {
    it(`${JSON.stringify(raw)}: the filter sees ${JSON.stringify(seen)}, the property and the upstream what was sent`, async () => {
      const host = await scripted();
      const headers: Header[] = [
        [":method", "GET"],
        [":path", raw],
        ["host", "h"],
      ];
      const read = host.request({ headers: [...headers, ["x-script", "hget 0 :path; prop request%00path"]] });
      if (seen === "") expect(read.reply?.status).toBe(400);
      else {
        expect(read.reply?.body).toBe(`0=${hex(seen)} 0=${hex(raw)}\n`);
        const sent = host.request({ headers: [...headers, ["x-script", "pass"]] });
        expect(new Map(sent.headers).get(":path")).toBe(raw);
      }
    });
  }
});

describe("headers that go on", () => {
  const twice: readonly Header[] = [
    ["a", "1"],
    ["A", "2"],
  ];

  it("a removed one reaches the upstream: Ok is answered, a get still sees it, the pairs do not", async () => {
    const host = await scripted();
    const { kind, headers } = run(host, "hdel 0 a; hget 0 a; pass", [["a", "1"]]);
    expect(kind).toBe("continue");
    expect(headers).toContainEqual(["a", "1"]);
    expect(headers).toContainEqual(["x-out", "0 0=31"]);
    expect(run(host, "hdel 0 a; hpairs 0", [["a", "1"]]).reply?.body).not.toContain("6100" + "3100");
    expect(run(host, "hpairs 0", [["a", "1"]]).reply?.body).toContain("6100" + "3100");
  });

  it("replace changes the first line, and the further ones keep theirs", async () => {
    const host = await scripted();
    const outcome = run(host, "hset 0 a -; hget 0 a; pass", twice);
    expect(upstream(outcome, "a")).toEqual(["", "2"]);
    expect(upstream(outcome, "x-out")).toEqual(["0 0="]);
    // Neither of them is among the pairs then.
    expect(run(host, "hset 0 a z; hpairs 0", twice).reply?.body).not.toMatch(/61007a00|41003200/);
  });

  it("of those that nginx knows the first line alone is changed, and a second is not added", async () => {
    const host = await scripted();
    const outcome = run(host, "hset 0 referer -; hadd 0 referer new; pass", [
      ["referer", "1"],
      ["referer", "2"],
    ]);
    expect(upstream(outcome, "referer")).toEqual(["", "2"]);
  });

  it("one that was removed is not replaced, but comes again behind it", async () => {
    const host = await scripted();
    expect(upstream(run(host, "hdel 0 a; hset 0 a z; pass", [["a", "1"]]), "a")).toEqual(["1", "z"]);
  });

  it("control bytes in a value are escaped", async () => {
    const host = await scripted();
    expect(upstream(run(host, "hset 0 b x%0ay%09z; pass"), "b")).toEqual(["x%0Ay\tz"]);
  });

  it("names keep the client's spelling, and the pseudo-headers come first", async () => {
    const host = await scripted();
    const { reply } = host.request({ headers: withScript("hpairs 0", [["X-Mixed", "1"]]) });
    expect(reply?.body).toContain(hex("X-Mixed\0"));
    expect(reply?.body.indexOf(hex(":path\0"))).toBeLessThan(reply?.body.indexOf(hex("host\0")) ?? 0);
  });

  it("pairs end at 100, four pseudo-headers among them, and nobody says so", async () => {
    const host = await scripted();
    const many = (count: number): Header[] => Array.from({ length: count }, (_, i) => [`h${i}`, "v"]);
    const shown = (count: number): { readonly count: number; readonly hasLast: boolean } => {
      // `host` and `x-script` come on top: the last line is x-script.
      const { reply } = host.request({ headers: withScript("hpairs 0", many(count - 2)) });
      const bytes = Buffer.from((reply?.body ?? "").slice(2), "hex");
      return { count: bytes.readUInt32LE(0), hasLast: bytes.includes("x-script") };
    };
    expect(shown(96)).toEqual({ count: 100, hasLast: true });
    expect(shown(97)).toEqual({ count: 100, hasLast: false });
    expect(shown(120)).toEqual({ count: 100, hasLast: false });
  });
});

describe("a reply", () => {
  it("has a newline behind its body, and its details are the reason phrase", async () => {
    const host = await scripted();
    const { reply, details } = run(host, "reply 403 a%20b body %01%00%00%00%01%00%00%00%01%00%00%00a%00b%00");
    expect([reply?.status, reply?.details, details, reply?.body]).toEqual([403, "a b", "a b", "body\n"]);
    expect(reply?.headers).toEqual([
      ["a", "b"],
      ["content-type", "text/plain"],
      ["content-length", "5"],
    ]);
  });

  it("with an impossible status is a bad argument", async () => {
    const host = await scripted();
    // The fixture counts it as its reply; none is given, and the request goes on.
    expect(run(host, "reply 99 - no -").kind).toBe("continue");
  });

  it("counts whatever the callback returns", async () => {
    const host = await scripted();
    for (const action of [0, 1, 3]) expect(run(host, `reply 403 - no -; return ${action}`).reply?.status).toBe(403);
  });
});

describe("what the filter returns", () => {
  it("0 and 3 let pass, 1 without a reply hangs, at any other the connection is closed", async () => {
    const host = await scripted();
    const kinds = [0, 1, 3].map((action) => run(host, `pass; return ${action}`).kind);
    expect(kinds).toEqual(["continue", "paused", "continue"]);
    for (const action of [2, 4, 5, 6, 7]) expect(run(host, `pass; return ${action}`).kind).toBe("reset");
    expect(logged(host, () => run(host, "time")).filter((line) => line.startsWith("configure"))).toEqual([]);
  });

  it("-1 kills the worker, and the next one has forgotten everything", async () => {
    const host = await scripted();
    expect(run(host, "pass; return -1")).toMatchObject({ kind: "reset", reply: undefined });
    expect(host.process.log.some(({ text }) => /the return action -1: the worker dies/.test(text))).toBe(true);
    expect(run(host, "time").reply?.body).toBe("0=ns\n");
  });
});

describe("what nginx refuses before the filter", () => {
  const REFUSED: readonly (readonly [name: string, headers: readonly Header[]])[] = [
    ["a line over 8 KiB", [["a", "x".repeat(8190)]]],
    ["two hosts", [["host", "other"]]],
  ];
  for (const [name, headers] of REFUSED) {
    it(name, async () => {
      const outcome = run(await scripted(), "time", headers);
      expect([outcome.reply?.status, outcome.isUnjudged]).toEqual([400, true]);
    });
  }
});
