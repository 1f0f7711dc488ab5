/** The face that tests and the command use, and what only this host can show: timers by hand, calls answered by a test. */
import { describe, expect, it } from "vitest";
import { FilterHost, type Header, type HostOptions } from "../../control/host/host.js";
import { fixture } from "./compile.js";

const withScript = (script: string): Header[] => [
  [":method", "GET"],
  [":path", "/"],
  ["host", "h"],
  ["x-script", script],
];

async function scripted(options: HostOptions = {}): Promise<FilterHost> {
  return FilterHost.load({ wasm: await fixture("script"), ...options });
}

describe("configure", () => {
  it("tells what the VMs said, and on which thread", async () => {
    const host = await scripted({ workers: 2 });
    const { accepted, acknowledged, failedThreads, reason, log } = host.configure("configure: say 2 hello");
    expect({ accepted, acknowledged, failedThreads, reason }).toEqual({
      accepted: true,
      acknowledged: true,
      failedThreads: [],
      reason: undefined,
    });
    expect(log.filter((line) => line === "hello")).toHaveLength(4);
    expect([...new Set(host.process.log.map(({ thread }) => thread))]).toEqual([
      "canary",
      "main",
      "worker 0",
      "worker 1",
    ]);
  });

  it("tells the lie of the gateway from what serves", async () => {
    const host = await scripted();
    host.configure("create: time");
    const bad = "configure: return 0";
    expect(host.configure(bad)).toMatchObject({
      accepted: false,
      acknowledged: false,
      reason: "Unable to create Wasm plugin glassgate",
    });
    expect(host.configure(bad)).toMatchObject({
      accepted: false,
      acknowledged: true,
      reason: "the same configuration was refused before",
    });
    expect(host.configure("create: time")).toMatchObject({ accepted: true, acknowledged: true });
    expect(host.configure("create: time")).toMatchObject({ accepted: true, acknowledged: true, log: [] });
  });

  it("names the threads that are left without a filter", async () => {
    const host = await scripted({ workers: 2 });
    host.configure("create: time");
    host.request({ headers: withScript("time"), worker: 1 });
    expect(host.configure("configure: return 0 worker")).toMatchObject({ accepted: true, failedThreads: ["worker 1"] });
    expect(host.request({ headers: withScript("pass"), worker: 0 }).isUnjudged).toBe(false);
    expect(host.request({ headers: withScript("pass"), worker: 1 })).toMatchObject({
      kind: "continue",
      isUnjudged: true,
    });
    expect(host.process.vmCount).toBe(3);
  });

  it("counts VMs as the gateway's gauge does", async () => {
    const host = await scripted({ workers: 2 });
    host.configure("create: time", "a");
    host.configure("start: time", "b");
    expect(host.process.vmCount).toBe(4);
    host.configure("start: time", "b", { vmId: "other" });
    expect(host.process.vmCount).toBe(8);
    host.configure("log: time", "a");
    expect(host.process.vmCount).toBe(4);
  });

  it("takes bytes as they are", async () => {
    const host = await scripted();
    host.configure(Buffer.from("create: buf 7 0 99\n\xff\x00\xe9", "latin1"));
    expect(host.process.log.at(0)?.text).toBe(
      `create 1: 0=${Buffer.from("create: buf 7 0 99\n\xff\x00\xe9", "latin1").toString("hex")}`,
    );
  });
});

describe("the clock and timers", () => {
  it("moves by hand", async () => {
    const host = await scripted({ clock: () => 1_700_000_000_123.5 });
    host.configure("create: time");
    const time = (): string => host.request({ headers: withScript("prop request%00time") }).reply?.body ?? "";
    const shown = (nanoseconds: bigint): string => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(nanoseconds);
      return `0=${bytes.toString("hex")}`;
    };
    expect(time()).toBe(shown(1_700_000_000_123_500_000n));
    host.advance(1500);
    expect(time()).toBe(shown(1_700_000_001_623_500_000n));
  });

  it("ticks on every thread, for roots that asked", async () => {
    const host = await scripted();
    host.configure("configure: timer 100\ntick: time", "a");
    host.configure("create: time\ntick: time", "b");
    const before = host.process.log.length;
    host.tick();
    expect(host.process.log.slice(before).map(({ thread, text }) => [thread, text])).toEqual([
      ["main", "tick 1: 0=ns"],
      ["worker 0", "tick 1: 0=ns"],
    ]);
  });

  it("lets a root finish in a tick when on_done asked for time", async () => {
    const host = await scripted();
    host.configure("configure: timer 100\ntick: finish\ndone: return 0");
    host.tick(); // Nothing is pending yet.
    const { log } = host.configure("create: time");
    expect(log.slice(-2)).toEqual(["done 1", "done 1"]);
    const before = host.process.log.length;
    host.tick();
    host.tick();
    expect(host.process.log.slice(before).map(({ text }) => text)).toEqual([
      "tick 1: 0",
      "delete 1",
      "tick 1: 0",
      "delete 1",
    ]);
  });

  it("lets the filter end or release a stream later", async () => {
    const host = await scripted();
    host.configure(
      "configure: timer 100\ntick: effective 2; prop request%00path; close 0; effective 3; proceed 0; effective 99",
    );
    const ended = host.open({ headers: withScript("pass; return 1") });
    const released = host.open({ headers: withScript("pass; return 1") });
    expect([ended.outcome.kind, released.outcome.kind]).toEqual(["paused", "paused"]);
    host.tick();
    expect([ended.look().kind, released.look().kind]).toEqual(["reset", "continue"]);
    expect(ended.look().log.slice(-4)).toEqual(["tick 1: 0 0=2f 0 0 0 2", "log 2", "done 2", "delete 2"]);
    const before = host.process.log.length;
    ended.close(); // Once is enough.
    released.close();
    released.close();
    expect(host.process.log.slice(before).map(({ text }) => text)).toEqual(["log 3", "done 3", "delete 3"]);
  });
});

describe("an answer from outside of the stream's own callbacks", () => {
  const ending = "configure: timer 100\ntick: effective 2; reply 403 the%20end body -";

  it("ends it: by that answer where none has begun, else by a reset, and the details say why in either case", async () => {
    for (const isAnswered of [false, true]) {
      const host = await scripted();
      host.configure(ending);
      const opened = host.open({ headers: withScript("pass") });
      if (isAnswered) opened.answer();
      host.tick();
      const { kind, reply, details, log } = opened.look();
      expect([kind, reply?.status, details]).toEqual(
        isAnswered ? ["reset", undefined, "the_end"] : ["reply", 403, "the_end"],
      );
      expect(log.slice(-4)).toEqual(["tick 1: 0 0", "log 2", "done 2", "delete 2"]);
    }
  });

  it("twice, or once and a close, is what Envoy crashes at: no test may miss it", async () => {
    for (const more of ["reply 403 again - -", "close 0", "close 1"]) {
      const host = await scripted();
      host.configure(`${ending}; ${more}`);
      host.open({ headers: withScript("pass") });
      expect(() => host.tick()).toThrow("one stream was ended twice from outside its callbacks: Envoy would crash");
    }
  });
});

describe("the effective context", () => {
  it("lasts as long as the callback", async () => {
    const host = await scripted();
    host.configure("create: time");
    expect(host.request({ headers: withScript("effective 1; hget 0 :path; pass") }).headers).toContainEqual([
      "x-script",
      "effective 1; hget 0 :path; pass",
    ]);
    expect(host.request({ headers: withScript("hget 0 :path") }).reply?.body).toBe("0=2f");
  });
});

describe("metrics", () => {
  it("are the process's, by kind and name", async () => {
    const host = await scripted({ workers: 2 });
    host.configure("configure: mdef 0 c; minc c 1; mdef 1 g; mrec g 7");
    host.request({ headers: withScript("minc c 5; minc g -2"), worker: 1 });
    // A canary, the main thread and two workers counted one each.
    expect(Object.fromEntries(host.metrics())).toEqual({ c: 9, g: 5 });
  });
});

describe("answers in the gateway's place", () => {
  it("by call and thread", async () => {
    const seen = new Set<string>();
    const host = await scripted({
      intercept: ({ name, thread }) => {
        seen.add(thread);
        return name === "proxy_get_buffer_bytes" && thread === "worker 0" ? 10 : undefined;
      },
    });
    host.configure("create: time\nconfigure: buf 7 0 1");
    expect(
      host.process.log
        .filter(({ text }) => text.startsWith("configure"))
        .map(({ thread, text }) => `${thread} ${text}`),
    ).toEqual(["canary configure 1: 0=63", "main configure 1: 0=63", "worker 0 configure 1"]);
    expect([...seen]).toEqual(["canary", "main", "worker 0"]);
  });

  it("an error of the host's own code is no trap", async () => {
    const host = await scripted({
      intercept: ({ name }) => {
        if (name === "proxy_get_log_level") throw new TypeError("a fault of the test's");
        return undefined;
      },
    });
    host.configure("create: time");
    expect(() => host.request({ headers: withScript("loglevel") })).toThrow("a fault of the test's");
  });
});
