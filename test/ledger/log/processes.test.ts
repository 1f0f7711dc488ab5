/** Two writers, writers that were killed, and many that want to be the next. */
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openFilesLog } from "../../../control/ledger/log/files.js";
import { takeLock } from "../../../control/ledger/log/lock.js";
import { isSurelyGone, thisProcess } from "../../../control/ledger/log/process.js";
import { killAgain } from "./kills.js";
import { madeLog } from "./made.js";
import { Writer } from "./processes.js";

async function holding(root: string, holder: string): Promise<Writer> {
  const writer = new Writer({ root, mode: "hold", holder });
  writer.go();
  await writer.said(/^open$/);
  return writer;
}

describe("a writer", () => {
  it("is the only one: the second is told the first one's name", async () => {
    const made = madeLog();
    const first = await holding(made.root, "ledger serve eu-1");
    await expect(openFilesLog(made)).rejects.toThrow(
      `"ledger serve eu-1" writes to this ledger: process ${first.pid} on ${hostname()}`,
    );
    await first.end();
    const second = await openFilesLog(made);
    await expect(openFilesLog(made)).rejects.toThrow(`process ${process.pid}`);
    await second.close();
  });

  it("is the only one with its key, also in a copy of the folder", async () => {
    const made = madeLog();
    const first = await holding(made.root, "the first");
    cpSync(made.folder, `${made.folder}-copy`, { recursive: true, filter: (path) => !path.endsWith("/lock") });
    await expect(openFilesLog({ ...made, folder: `${made.folder}-copy` })).rejects.toThrow(/"the first" writes/);
    await first.end();
  });

  it("that was killed is followed by the next", async () => {
    const made = madeLog();
    const first = await holding(made.root, "the first");
    await first.kill();
    const second = await openFilesLog(made);
    expect(await second.append([Buffer.from("x")])).toEqual([0]);
    await second.close();
  });

  it("that was killed is followed by exactly one of eight that try at once", async () => {
    for (let round = 0; round < 2; round++) {
      const made = madeLog();
      const dead = await holding(made.root, "the dead");
      await dead.kill();
      const writers = Array.from(
        { length: 8 },
        (_, i) => new Writer({ root: made.root, mode: "hold", holder: `w${i}` }),
      );
      await Promise.all(writers.map((writer) => writer.said(/^ready$/)));
      for (const writer of writers) writer.go();
      const said = await Promise.all(writers.map((writer) => writer.said(/^(?:open|refused)/)));
      expect(said.filter((line) => line === "open")).toHaveLength(1);
      expect(said.filter((line) => /^refused "w[0-7]" writes/.test(line))).toHaveLength(7);
      await Promise.all(writers.map((writer) => writer.end()));
    }
  });

  it("on another machine, or one that does not say who it is, is left alone", async () => {
    const made = madeLog();
    const lock = join(made.folder, "lock");
    const gone = await holding(made.root, "far away");
    const text = readFileSync(lock, "utf8");
    await gone.kill();
    writeFileSync(lock, text.replace(hostname(), "other.example"));
    await expect(openFilesLog(made)).rejects.toMatchObject({
      message: expect.stringContaining('"far away" writes'),
      hint: expect.stringContaining(`rm ${lock}`),
    });
    writeFileSync(lock, "");
    await expect(openFilesLog(made)).rejects.toThrow(/does not say who holds it/);
  });

  it("that was killed twelve times under load has lost nothing that it acknowledged", async () => {
    const { kills, acknowledged, entries } = await killAgain(12);
    expect(kills).toBe(12);
    expect(acknowledged).toBeGreaterThan(0);
    expect(entries).toBeGreaterThanOrEqual(acknowledged);
  });
});

describe("a process", () => {
  const own = thisProcess();

  it("is surely gone only where that can be known", () => {
    expect(isSurelyGone(own)).toBe(false);
    expect(isSurelyGone({ ...own, pid: 2 ** 30 })).toBe(true);
    expect(isSurelyGone({ ...own, started: "1" })).toBe(true);
    expect(isSurelyGone({ ...own, pid: 2 ** 30, host: "other" })).toBe(false);
    // The number counts elsewhere: in another container.
    expect(isSurelyGone({ ...own, pid: 2 ** 30, space: "pid:[1]" })).toBe(false);
    // Another boot: of this machine, or of another container of this name.
    const first = { ...own, pid: 2 ** 30, boot: "another", machine: "another" };
    expect(isSurelyGone(first)).toBe(false);
    expect(
      isSurelyGone({ ...first, space: "pid:[1]", ...(own.machine === undefined ? {} : { machine: own.machine }) }),
    ).toBe(false);
  });

  // /proc with hidepid, as root can mount it in a namespace of its own: the reader is another user.
  const hidden = "mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid 65534 --regid 65534 --clear-groups";
  const canHide = process.getuid?.() === 0 && spawnSync("unshare", ["-m", "sh", "-c", `${hidden} true`]).status === 0;
  it.runIf(canHide)("is not gone because /proc hides it from its followers", () => {
    const module = new URL("../../../dist/ledger/log/process.js", import.meta.url).href;
    const script = `const { isSurelyGone, thisProcess } = await import(${JSON.stringify(module)});
      const own = thisProcess();
      const of = (pid) => isSurelyGone({ ...own, pid, started: "1" });
      console.log(JSON.stringify([of(${process.pid}), of(2 ** 30)]));`;
    const { stdout, stderr } = spawnSync(
      "unshare",
      ["-m", "sh", "-c", `${hidden} "$@"`, "sh", process.execPath, "--input-type=module", "-e", script],
      { encoding: "utf8" },
    );
    expect(stdout, stderr).toBe("[false,true]\n");
  });

  it("takes over from one that ended while it took over", async () => {
    const made = madeLog();
    const path = join(made.folder, "lock");
    const dead = { name: "dead", since: "2026", ...own, pid: 2 ** 30 };
    writeFileSync(path, JSON.stringify({ ...dead, id: "a".repeat(16) }));
    writeFileSync(`${path}.${"a".repeat(16)}`, JSON.stringify({ ...dead, id: "b".repeat(16) }));
    const lock = await takeLock(path, "the next");
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ name: "the next", pid: process.pid });
    await lock.release();
  });
});
