import { describe, expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { fixture } from "./compile.js";
import { CASES, CONFIGURATION, METHOD_AND_PATH } from "./scripts.js";

async function scripted(): Promise<FilterHost> {
  const host = await FilterHost.load({ wasm: await fixture("script") });
  expect(host.configure(CONFIGURATION, "a", { vmConfiguration: "vmconf" }).accepted).toBe(true);
  return host;
}

describe("host calls answer as Envoy's", () => {
  for (const { name, script, headers = [], expected, status = 200, answers = [], lacks = [] } of CASES) {
    it(name, async () => {
      const host = await scripted();
      const outcome = host.request({ listener: "a", headers: [...METHOD_AND_PATH, ...headers, ["x-script", script]] });
      const reply = new Map(outcome.reply?.headers);
      expect(outcome.reply?.body ?? (outcome.kind === "continue" ? "upstream" : outcome.kind)).toBe(expected);
      expect(outcome.reply?.status ?? 200).toBe(status);
      for (const [key, value] of answers) expect(reply.get(key), key).toBe(value);
      for (const key of lacks) expect(reply.has(key), key).toBe(false);
    });
  }
});

describe("one request", () => {
  const run = async (script: string, headers: [string, string][] = []) =>
    (await scripted()).request({ listener: "a", headers: [...METHOD_AND_PATH, ...headers, ["x-script", script]] });

  it("goes on with the headers as the filter left them", async () => {
    const { kind, headers, routeCacheClears } = await run("hdel 0 a; hset 0 b 2; pass", [
      ["a", "1"],
      ["b", "1"],
    ]);
    expect(kind).toBe("continue");
    expect(new Map(headers).get("b")).toBe("2");
    expect(new Map(headers).has("a")).toBe(false);
    // Two changes of the script, and the one that hands over its results.
    expect(routeCacheClears).toBe(3);
  });

  it("shows filter state of one segment only", async () => {
    const { filterState } = await run("setprop k v; setprop k w; setprop a%00b c; pass");
    expect([...filterState]).toEqual([["wasm.k", "w"]]);
  });

  it("writes white space in the details of a reply as _", async () => {
    expect((await run("reply 403 a%20b%09c%0ad%0be body -")).reply?.details).toBe("a_b_c_d_e");
  });

  it("has no body for HEAD, but its length", async () => {
    const host = await scripted();
    const { reply } = host.request({
      listener: "a",
      headers: [
        [":method", "HEAD"],
        [":path", "/"],
        ["x-script", "reply 403 - body -"],
      ],
    });
    expect(reply?.body).toBe("");
    expect(new Map(reply?.headers).get("content-length")).toBe("4");
  });

  it("is held back by an action other than 0 and 2", async () => {
    expect((await run("pass; return 1")).kind).toBe("paused");
    expect((await run("pass; return 2")).kind).toBe("continue");
    expect((await run("pass; return 3")).kind).toBe("paused");
    expect((await run("pass; return 99")).kind).toBe("paused");
  });

  it("is held back for ever when the reply went to another context", async () => {
    expect((await run("effective 1; reply 403 - - -")).kind).toBe("paused");
  });

  it("refuses headers that are no byte strings", async () => {
    const host = await scripted();
    expect(() => host.request({ listener: "a", headers: [["a", "\u20ac"]] })).toThrow(/no byte string/);
  });

  it("gets 500 where no configuration was ever accepted", async () => {
    const host = await scripted();
    const { kind, reply, isUnjudged } = host.request({ listener: "other", headers: METHOD_AND_PATH });
    expect([kind, reply?.status, isUnjudged]).toEqual(["reply", 500, true]);
  });

  it("reads properties that the test gives", async () => {
    const host = await scripted();
    const script =
      "prop connection%00sha256_peer_certificate_digest; prop connection%00mtls; prop source%00address; prop source%00port; prop connection_id";
    const { reply } = host.request({
      listener: "a",
      headers: [...METHOD_AND_PATH, ["x-script", script]],
      sourceAddress: "203.0.113.9:4711",
      properties: { "connection.sha256_peer_certificate_digest": "ab", "connection.mtls": true },
    });
    const address = Buffer.from("203.0.113.9:4711").toString("hex");
    expect(reply?.body).toBe(`0=6162 0=01 0=${address} 0=6712000000000000 0=0100000000000000`);
  });
});
