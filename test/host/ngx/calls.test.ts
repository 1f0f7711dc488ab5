/**
 * What host calls answer on the other host, nginx with ngx_wasm_module: where it differs from Envoy (test/host/scripts.ts), and the
 * filter would have to know. The commands are those of test/assembly/host/ngx-script.ts.
 */
import { describe, expect, it } from "vitest";
import type { Header } from "../../../control/host/host.js";
import { hex, run, scripted, upstream, withScript } from "./host.js";

interface Case {
  readonly name: string;
  readonly script: string;
  readonly headers?: readonly Header[];
  readonly expected: string;
}

const CASES: readonly Case[] = [
  {
    name: "the server's name and port as :authority, the machine's name as request.host, the client's in host",
    script: "hget 0 :authority; prop request%00host; hget 0 host; prop ngx.host",
    expected: `0=${hex("kong:8000")} 0=${hex("gateway-1")} 0=${hex("h.example")} 0=${hex("h.example")}`,
  },
  {
    name: "pseudo-headers by their exact names, others by any spelling",
    script: "hget 0 :PATH; hget 0 HOST; hget 0 :path; hget 0 :method; hget 0 :scheme",
    expected: `1 0=${hex("h.example")} 0=${hex("/p?q=1")} 0=${hex("GET")} 0=${hex("http")}`,
  },
  {
    name: "missing and empty are two",
    script: "hget 0 e; hget 0 nope; hget 0 -",
    headers: [["e", ""]],
    expected: "0= 1 1",
  },
  {
    name: "of several equal headers, get and property show the first",
    script: "hget 0 x-break-glass; prop request%00headers%00x-break-glass; prop request.headers.X-Break-Glass",
    headers: [
      ["x-break-glass", "p"],
      ["X-Break-Glass", "q"],
    ],
    expected: "0=70 0=70 0=70",
  },
  {
    name: "maps that are not there",
    script: "hget 2 x; hget 8 x; hpairs 2; hpairs 8; hadd 8 a b; hset 2 a b; hdel 8 a",
    expected: "1 1 2 2 10 10 10",
  },
  {
    name: "every property is text, and source.address has no port",
    script:
      "prop source%00address; prop source%00port; prop connection%00id; prop request%00protocol; prop connection%00mtls; prop connection%00sha256_peer_certificate_digest",
    expected: `0=${hex("192.0.2.1")} 0=${hex("50000")} 0=${hex("1")} 0=${hex("HTTP/1.1")} 1 1`,
  },
  {
    name: "what Envoy says of itself is not found",
    script: "prop xds%00node%00id; prop node; prop plugin_vm_id; prop filter_state%00wasm.k; prop plugin_name",
    expected: `1 1 1 1 0=${hex("glassgate")}`,
  },
  {
    name: "Kong's own words",
    script: "prop kong.node.id; prop kong.version; prop kong.nope; prop kong.ctx.shared.k",
    expected: `0=${hex("node-host")} 0=${hex("3.9.0")} 1 1`,
  },
  {
    name: "kong.ctx.shared can be set, by dots or NULs, and read back; set twice it is the last",
    script:
      "setprop kong.ctx.shared.k v; prop kong.ctx.shared.k; setprop kong%00ctx%00shared%00k w; prop kong%00ctx.shared.k",
    expected: `0 0=${hex("v")} 0 0=${hex("w")}`,
  },
  {
    name: "a variable that nginx's configuration declares can be set; other names are not found, what is read-only fails",
    script:
      "setprop ngx.glass v; prop ngx.glass; setprop ngx.other v; setprop glassgate.audit v; setprop ngx.uri v; setprop request%00path v",
    expected: `0 0=${hex("v")} 1 1 10 10`,
  },
  {
    name: "the configuration from its first byte, whatever `start`; the VM's is empty, and writes nothing",
    script: "buf 7 0 99; buf 7 3 4; buf 7 99 4; buf 7 0 0; buf 0 0 1; buf 9 0 1; buf 2 0 1",
    expected: `0=${hex("create: time")} 0=${hex("crea")} 0=${hex("crea")} 0=${hex("crea")} 1 2 2`,
  },
  {
    name: "the effective context: always Ok, never another",
    script: "effective 0; effective 99999; hget 0 :path",
    expected: `0 0 0=${hex("/p?q=1")}`,
  },
  {
    name: "an allocator that refuses is an internal failure, for pairs an invalid memory access; nonsense is one as well",
    script:
      "allocator 1; hget 0 :path; hget 0 :path; allocator 1; hpairs 0; allocator 3; hget 0 :path; allocator 1; prop source%00address",
    expected: `10 0=${hex("/p?q=1")} 6 6 10`,
  },
  { name: "an allocator may make host calls", script: "allocator 5; hget 0 :path", expected: `0=${hex("/p?q=1")}` },
  {
    name: "metrics: ids are checksums of names, and a name keeps the kind that it was defined with",
    script:
      "mdef 0 c; minc c 2; mget c; mdef 0 c; minc c 3; mget c; mdef 1 g; mrec g 9; mget g; mrec g -1; mdef 2 h; mrec h 1; mdef 1 c; mget c",
    expected: "0=0 0 0=2 0=0 0 0=5 0=1 0 0=9 0 0=0 0 0=0 0=5",
  },
  {
    name: "log, time, a callout, a stream that does not wait",
    script: "say 0 a; say 6 a; time; proceed 0; proceed 2",
    expected: "0 2 0=ns 0 10",
  },
];

describe("host calls answer as nginx's", () => {
  for (const { name, script, headers, expected } of CASES) {
    it(name, async () => {
      const host = await scripted("create: time", { variables: ["glass"] });
      expect(run(host, script, headers).reply?.body).toBe(`${expected}\n`);
    });
  }
});

describe("paths", () => {
  const PATHS: readonly (readonly [raw: string, seen: string])[] = [
    ["/a%2fb", "/a/b"],
    ["/a%3fq", "/a?q"],
    ["/%0a", "/\n"],
    ["/a//b/../c/./", "/a/c/"],
    ["/a/..", "/"],
    ["/%2e%2e/a", ""],
    ["/a%2525", "/a%25"],
    ["/a%23b?c=%2f", "/a#b?c=%2f"],
    ["/a#b?c", "/a"],
    ["http://other/a%41", "/aA"],
    ["/\xe9", "/\xe9"],
  ];
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
  it("0 and 3 let pass, 1 without a reply hangs, 2 and 4 to 6 are errors", async () => {
    const host = await scripted();
    const kinds = [0, 1, 3].map((action) => run(host, `pass; return ${action}`).kind);
    expect(kinds).toEqual(["continue", "paused", "continue"]);
    for (const action of [2, 4, 5, 6]) expect(run(host, `pass; return ${action}`).reply?.status).toBe(500);
  });

  it("-1 and 7 kill the worker, and the next one has forgotten everything", async () => {
    const host = await scripted();
    for (const action of [-1, 7]) {
      expect(run(host, `pass; return ${action}`)).toMatchObject({ kind: "reset", reply: undefined });
      expect(run(host, "time").reply?.body).toBe("0=ns\n");
    }
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
