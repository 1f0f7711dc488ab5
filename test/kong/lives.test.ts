/** Rotation, and instances that come and go: what a worker of Kong's holds on to, and what it forgets. */
import { beforeEach, describe, expect, it } from "vitest";
import { KEY, Kong, recordOf, type Seen, verdictOf } from "./kong.js";

/** Above what the world counts up to. */
const NEWER = 2 ** 50;
let kong: Kong;
beforeEach(async () => {
  kong = await Kong.start();
});

describe("rotation and new instances", () => {
  it("chains stand side by side, each with its own bundle's rules; the newest bundle of a domain takes over", () => {
    expect(kong.configure(kong.configuration(), "a")).toBe(true);
    const grant = kong.world.grant();
    expect(verdictOf(kong.ask(grant, [], { listener: "a" }))).toBe("allow");
    const revoked = kong.world.bundleClaims({ version: NEWER, revoked: { sub: ["rita"] } });
    expect(kong.configure(kong.configuration({}, revoked), "b")).toBe(true);
    expect(verdictOf(kong.ask(grant, [], { listener: "b" }))).toBe("revoked");
    expect(verdictOf(kong.ask(grant, [], { listener: "a" }))).toBe("revoked");
  });

  it("an older bundle is not gone back to while the instance lives, and min_version holds afterwards", () => {
    const newer = kong.world.bundleClaims({ version: NEWER, revoked: { sub: ["rita"] } });
    const older = kong.configuration({}, kong.world.bundleClaims({ version: NEWER - 1 }));
    expect(kong.configure(kong.configuration({}, newer), "a")).toBe(true);
    expect(kong.configure(older, "b")).toBe(true);
    expect(kong.log.join("\n")).toContain("older than the bundle in force");
    expect(verdictOf(kong.ask(undefined, [], { listener: "b" }))).toBe("revoked");
    const held = kong.configuration({ min_version: NEWER }, kong.world.bundleClaims({ version: NEWER - 1 }));
    expect(kong.configure(held, "a")).toBe(true);
    kong.host.process.collect();
    expect(verdictOf(kong.ask(undefined, [], { listener: "a" }))).toBe("no_trust");
  });

  it("an instance in a trapped one's place works without on_vm_start, under a name of its own", () => {
    expect(kong.configure(kong.configuration())).toBe(true);
    const vmOf = (seen: Seen): unknown => recordOf(seen).vm;
    const before = vmOf(kong.ask());
    kong.host.process.collect();
    const seen = kong.ask();
    expect(verdictOf(seen)).toBe("allow");
    expect(vmOf(seen)).not.toBe(before);
    expect(String(vmOf(seen))).not.toMatch(/\/0\b/);
  });

  it("workers that start in the same millisecond have different names", async () => {
    const WORKERS = 8;
    const many = await Kong.start({ workers: WORKERS, clock: () => 1_700_000_000_000 });
    expect(many.configure(many.configuration())).toBe(true);
    const names = Array.from({ length: WORKERS }, (_, worker) => recordOf(many.ask(undefined, [], { worker })).vm);
    expect(new Set(names).size).toBe(WORKERS);
  });

  it("a worker whose chains are loaded anew again and again holds two bundles of a domain, not all of them", () => {
    for (let i = 0; i < 300; i++) {
      expect(kong.configure(kong.configuration(), String(i))).toBe(true);
      if (i === 0) expect(verdictOf(kong.ask(undefined, [], { listener: "0" }))).toBe("allow");
    }
    expect(verdictOf(kong.ask(undefined, [], { listener: "299" }))).toBe("allow");
    expect(verdictOf(kong.ask(undefined, [], { listener: "0" }))).toBe("allow");
    // Settings of 16 KiB each, and room for the bundles.
    expect(kong.memoryBytes).toBeLessThan(16 * 1024 * 1024);
  });

  it("tells in the log what is served, and neither the key nor a grant", () => {
    const grant = kong.world.grant();
    kong.configure(kong.configuration());
    kong.ask(grant);
    expect(kong.log.join("\n")).toMatch(/generation \d+ is served here, with bundle \d+/);
    expect(kong.log.join("\n")).not.toContain(KEY);
    expect(kong.log.join("\n")).not.toContain(grant);
  });
});

describe("tables of multiples", () => {
  const play = (kib: number): number => {
    expect(kong.configure(kong.configuration({ table_memory_kib: kib }))).toBe(true);
    const before = kong.memoryBytes;
    for (let i = 0; i < 200; i++) {
      const seen = kong.ask(kong.world.grant({ claims: { jti: `grant-number-${1000 + i}` } }));
      expect(verdictOf(seen)).toBe("allow");
      expect(seen.later).toEqual([]);
    }
    return kong.memoryBytes - before;
  };

  it("are built behind the answers, without a host call, and decide alike", () => {
    // Both base points' and those of the three keys that signed, one of which fits into what was free.
    expect(play(4096)).toBeGreaterThan((952 + 2 * 256) * 1024);
  });

  it("are not built where there is no memory for them", () => {
    expect(play(0)).toBe(0);
  });
});
