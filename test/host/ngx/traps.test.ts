/** Calls that Envoy answers with a status and this host with a trap: 500, and the instance is gone with all that was in it. */
import { describe, expect, it } from "vitest";
import { logged, run, scripted } from "./host.js";
import { TRAPS } from "./scripts.js";

describe("a trap", () => {
  for (const [name, script, reason] of TRAPS) {
    it(`${name}: 500, and the next request gets a new instance, without vm_start`, async () => {
      const host = await scripted();
      const outcome = run(host, script);
      expect([outcome.kind, outcome.reply?.status]).toEqual(["reply", 500]);
      expect(outcome.log.join("\n")).toMatch(reason);
      const lines = logged(host, () => expect(run(host, "time").reply?.body).toBe("0=ns\n"));
      expect(lines).toEqual([
        "create ROOT: 0=ns",
        "configure ROOT",
        "create 2: 0=ns",
        "respond 2",
        "body 2",
        "done 2",
        "log 2",
        "delete 2",
      ]);
    });
  }

  it("an address outside of memory, or at an odd place", async () => {
    const host = await scripted();
    expect(run(host, "say 2 x").reply?.body).toBe("0\n");
    for (const script of ["allocator 2; hget 0 :path; pass", "allocator 2; hpairs 0; pass"]) {
      // The allocator alone trapped: this request goes on with what the callback answered.
      expect(run(host, script).kind).toBe("continue");
    }
  });

  it("headers that are changed when the response is there", async () => {
    for (const [event, script] of [
      ["respond", "hset 0 a b"],
      ["body", "hdel 0 a"],
      ["log", "hadd 0 a b"],
      ["respond", "reply 403 - no -"],
      ["log", "timer 5"],
    ]) {
      const host = await scripted(`create: time\n${event}: ${script}`);
      const open = host.open({
        headers: [
          [":path", "/"],
          ["host", "h"],
          ["x-script", "pass"],
        ],
      });
      expect(logged(host, open.close).join("\n"), event).toMatch(/host trap/);
    }
  });

  it("behind a reply takes the instance, not the reply: a second reply, or its own", async () => {
    for (const script of ["reply 403 - one -; reply 404 - two -", "reply 403 - one -; trap"]) {
      const host = await scripted();
      const outcome = run(host, script);
      expect([outcome.reply?.status, outcome.reply?.body]).toEqual([403, "one\n"]);
      expect(logged(host, () => run(host, "time"))).toContain("create 2: 0=ns");
      expect(host.process.log.filter(({ text }) => text.startsWith("configure"))).toHaveLength(2);
    }
  });

  it("is told of no more: neither done, log nor delete", async () => {
    const host = await scripted();
    expect(logged(host, () => run(host, "trap")).filter((line) => /^(done|log|delete)/.test(line))).toEqual([]);
  });
});

describe("with shm_kv", () => {
  it("cas 0 creates and nothing else; each key has its own versions; all filters share it", async () => {
    const host = await scripted("create: time", { hasSharedData: true });
    const script = "sget s; sset s a; sset s b; sget s; sset s b last; sset s c last; sget s; sset t x wrong; sget t";
    expect(run(host, script).reply?.body).toBe("1 0 8 0=61+cas 0 8 0=62+cas 8 1\n");
  });
});

describe("a worker dies", () => {
  it("of pairs that do not fit, and every request in it breaks off", async () => {
    const host = await scripted();
    const open = host.open({
      headers: [
        [":path", "/"],
        ["host", "h"],
        ["x-script", "pass"],
      ],
    });
    const { kind } = run(host, "reply 403 - body %01%00%00%00%ff%00%00%00%01%00%00%00a%00b");
    expect([kind, open.look().kind]).toEqual(["reset", "reset"]);
    open.close();
    expect(run(host, "time").reply?.body).toBe("0=ns\n");
  });

  it("of header calls outside of a request: at each start anew, so nobody is answered", async () => {
    for (const script of ["hget 0 host", "hpairs 0", "hset 0 a b", "reply 403 - - -"]) {
      const host = await scripted();
      expect(host.configure(`create: time\nconfigure: ${script}`).accepted).toBe(false);
      expect(run(host, "pass").kind).toBe("reset");
      expect(host.process.log.some(({ text }) => /outside of a request: the worker dies/.test(text))).toBe(true);
    }
  });
});
