/** When chains are made and lost on the other host, and that it fails open: who is judged, and by what. */
import { describe, expect, it } from "vitest";
import { bare, logged, type NgxHost, run, scripted, withScript } from "./host.js";

const pass = (host: NgxHost, listener?: string) =>
  host.request({ headers: withScript("pass"), ...(listener === undefined ? {} : { listener }) });
const shown = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/\d{5,}/, "ROOT"));

describe("a chain", () => {
  it("is created, started with size 0 and configured; no canary, no main thread", async () => {
    const host = await bare({}, { workers: 2 });
    const { accepted, log } = host.configure("start: time\nconfigure: time");
    expect(accepted).toBe(true);
    const once = ["create ROOT", "start ROOT: 0=ns", "configure ROOT: 0=ns"];
    expect(shown(log)).toEqual([...once, ...once]);
    expect([...new Set(host.process.log.map(({ thread }) => thread))]).toEqual(["worker 0", "worker 1"]);
  });

  it("that is replaced is told nothing: no done, no delete, and both roots live side by side in one instance", async () => {
    const host = await scripted("create: mdef 0 c");
    const { log } = host.configure("create: mdef 0 c; minc c 1");
    expect(shown(log)).toEqual(["create ROOT: 0=0 0", "start ROOT", "configure ROOT"]);
    host.configure("create: mdef 0 c; minc c 1"); // As before: nothing happens.
    expect(host.metrics().get("c")).toBe(1);
  });

  it("that is offered again as it is, is not made again; after another one it is, under another id", async () => {
    const host = await bare();
    const first = host.configure("configure: time").log;
    expect(host.configure("configure: time").log).toEqual([]);
    host.configure("create: time");
    const again = host.configure("configure: time").log;
    expect(shown(again)).toEqual(shown(first));
    expect(again).not.toEqual(first);
  });

  it("tells a stream's end in its own order: the response, done, log, delete", async () => {
    const host = await scripted("create: say 2 made");
    expect(logged(host, () => pass(host))).toEqual([
      "made",
      "create 1: 0",
      "respond 1",
      "body 1",
      "done 1",
      "log 1",
      "delete 1",
    ]);
  });

  it("does not hear of the end of a request that hangs", async () => {
    const host = await scripted();
    expect(logged(host, () => run(host, "return 1; pass"))).toEqual(["create 1: 0=ns"]);
  });
});

describe("it fails open", () => {
  const BAD = ["create: time\nconfigure: return 0", "create: time\nconfigure: trap", "create: time\nstart: return 0"];

  it("without a chain: never configured, withdrawn, disabled", async () => {
    const host = await bare();
    expect(pass(host)).toMatchObject({ kind: "continue", isUnjudged: true });
    host.configure("create: time");
    expect(pass(host)).toMatchObject({ kind: "continue", isUnjudged: false });
    host.process.withdraw("api");
    expect(pass(host)).toMatchObject({ kind: "continue", isUnjudged: true });
  });

  for (const configuration of BAD) {
    it(`when a worker starts with ${JSON.stringify(configuration)}: no chain, and requests pass`, async () => {
      const host = await bare();
      expect(host.configure(configuration)).toMatchObject({ accepted: false, failedThreads: ["worker 0"] });
      expect(pass(host)).toMatchObject({ kind: "continue", isUnjudged: true });
    });

    it(`while it runs the old chain serves on, until a worker restarts: ${JSON.stringify(configuration)}`, async () => {
      const host = await scripted("request: say 2 old");
      expect(host.configure(configuration)).toMatchObject({ accepted: false, acknowledged: false });
      expect(pass(host)).toMatchObject({ isUnjudged: false });
      expect(pass(host).log).toContain("old");
      host.process.restart(0);
      expect(pass(host)).toMatchObject({ kind: "continue", isUnjudged: true });
      // And so until the configuration is a good one.
      host.configure("request: say 2 new");
      expect(pass(host).log).toContain("new");
    });
  }

  it("one bad chain keeps the others of that worker from being made", async () => {
    const host = await bare();
    host.configure("request: say 2 a", "a");
    host.configure("configure: return 0", "b");
    host.process.restart(0);
    expect(pass(host, "a")).toMatchObject({ kind: "continue", isUnjudged: true });
    host.process.withdraw("b");
    expect(pass(host, "a").log).toContain("a");
  });

  it("a filter that cannot be configured anew after a trap: 500, not a pass", async () => {
    const host = await scripted("create: time\nconfigure: return 0 worker");
    // `worker` is an instance that has served; the new one has not, so this one is configured.
    expect(run(host, "trap").reply?.status).toBe(500);
    expect(pass(host).kind).toBe("continue");
  });
});

describe("after a trap", () => {
  it("all chains of the worker have lost their state; streams in flight get their end from the new instance", async () => {
    const host = await bare();
    host.configure("create: time", "a");
    host.configure("request: say 2 b", "b");
    const open = host.open({ headers: withScript("pass"), listener: "a" });
    expect(host.request({ headers: withScript("trap"), listener: "b" }).reply?.status).toBe(500);
    expect(logged(host, open.close)).toEqual([
      "create ROOT: 0=ns",
      "configure ROOT",
      "create 1: 0=ns",
      "respond 1",
      "body 1",
      "done 1",
      "log 1",
      "delete 1",
    ]);
    expect(pass(host, "b").log).toContain("b");
  });

  it("so when Lua collects an old plan, without any trap", async () => {
    const host = await scripted();
    pass(host);
    host.process.collect();
    expect(shown(pass(host).log).slice(0, 3)).toEqual(["create ROOT: 0=ns", "configure ROOT", "create 2: 0=ns"]);
  });

  it("ticks multiply: each new instance asks for its own, and the old timers go on", async () => {
    const host = await scripted("configure: timer 100\ntick: time");
    const ticks = (): number => logged(host, () => host.tick()).filter((line) => line.startsWith("tick")).length;
    expect(ticks()).toBe(1);
    for (let i = 0; i < 3; i++) run(host, "trap");
    run(host, "time");
    expect(ticks()).toBeGreaterThan(2);
  });
});
