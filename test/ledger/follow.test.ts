/** Following files: whatever a rotation, a crash or a container runtime does, each line is handed in, and none is made up. */
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LogFile } from "../../control/ledger/config.js";
import { LineSplitter, MAX_LINE_BYTES, splitLines } from "../../control/ledger/follow/lines.js";
import { unglued } from "../../control/ledger/follow/logical.js";
import { Tail } from "../../control/ledger/follow/tail.js";

let folder: string;
let file: string;
let told: string[];
/** Of one test: those that it leaves as a crash does are closed behind it. */
const tails: Tail[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "glassgate-follow-"));
  mkdirSync(join(folder, "logs"));
  file = join(folder, "logs", "audit.log");
  told = [];
});
afterEach(async () => {
  for (const tail of tails.splice(0)) await tail.close();
  rmSync(folder, { recursive: true, force: true });
});

/** As long as it is outside of tests. */
const USUAL = -1;
/** A line as the filter writes it, so far as following looks at it. */
const record = (seq: number, more = ""): string =>
  `{"v":1,"vm":"gateway-1/1767225000123456789/3","seq":${seq},"verdict":"allow","path":"/${more}"}`;
const records = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => record(from + i));
const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

const tailOf = (log: Partial<LogFile> = {}, lingerMs = 0, absentMs?: number): Tail => {
  const tail = new Tail({
    log: { path: file, format: "plain", mixed: false, ...log },
    positionFile: join(folder, "state", "audit.json"),
    say: (sentence) => told.push(sentence),
    ...(lingerMs < 0 ? {} : { lingerMs }),
    ...(absentMs === undefined ? {} : { absentMs }),
  });
  tails.push(tail);
  return tail;
};

/** All that comes until nothing more does. */
async function drain(tail: Tail, into: string[] = []): Promise<string[]> {
  for (let quiet = 0; quiet < 3; ) {
    const lines = await tail.next();
    tail.taken();
    quiet = lines.length === 0 ? quiet + 1 : 0;
    into.push(...lines.map((line) => line.toString("latin1")));
  }
  return into;
}

describe("lines of any bytes", () => {
  it("are the same however they are cut into chunks", () => {
    const bytes = Buffer.concat([
      Buffer.from("one\r\ntwo\n\n\r\n"),
      Buffer.from([0xff, 0xfe, 0x0a, 0, 0, 0x41, 0, 0x42, 0x0a]),
      Buffer.alloc(5000, "x"),
      Buffer.from("\nlast"),
    ]);
    const whole = splitLines(bytes);
    expect(whole.map((line) => line.toString("latin1"))).toEqual([
      "one",
      "two",
      "\xff\xfe",
      '\0\n{"nul_bytes":2}',
      "A\0B",
      "x".repeat(5000),
      "last",
    ]);
    for (const size of [1, 3, 4096]) {
      const splitter = new LineSplitter();
      const found: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size)
        found.push(...splitter.push(bytes.subarray(at, at + size)).map((line) => line.bytes));
      found.push(...splitter.flush().map((line) => line.bytes));
      expect(Buffer.concat(found).equals(Buffer.concat(whole)) && found.length).toBe(whole.length);
    }
  });

  it("that are too long are kept in part, with length and hash of the whole, in bounded memory", () => {
    const splitter = new LineSplitter();
    const hash = createHash("sha256");
    let bytes = 0;
    for (let i = 0; i < 300; i++) {
      const chunk = Buffer.alloc(64 * 1024, `line ${i} `);
      hash.update(chunk);
      bytes += chunk.length;
      expect(splitter.push(chunk).length).toBe(0);
    }
    const [line] = splitter.push(Buffer.from("\n"));
    const kept = line?.bytes.subarray(0, MAX_LINE_BYTES);
    const label = JSON.parse(line?.bytes.toString("latin1", MAX_LINE_BYTES + 1) ?? "");
    expect(kept?.includes(10)).toBe(false);
    expect(label).toEqual({ cut: true, bytes, sha256: hash.digest("hex") });
    const exact = Buffer.alloc(MAX_LINE_BYTES, "y");
    expect(splitLines(exact).map((one) => one.equals(exact))).toEqual([true]);
  });

  it("a hole of NUL bytes is said, and what stands behind it is whole", () => {
    const splitter = new LineSplitter();
    for (let i = 0; i < 64; i++) splitter.push(Buffer.alloc(256 * 1024));
    const found = splitter.push(Buffer.from(`${record(7)}\n`)).map((line) => line.bytes.toString());
    expect(found).toEqual([`\0\n{"nul_bytes":${64 * 256 * 1024}}`, record(7)]);
  });

  it("a record behind a torn one is a record, and nothing inside a record is", () => {
    const torn = record(1).slice(0, 40);
    expect(unglued(Buffer.from(torn + record(2))).map(String)).toEqual([torn, record(2)]);
    expect(unglued(Buffer.from(torn + torn + record(2))).map(String)).toEqual([torn + torn, record(2)]);
    const evidence = '{"evidence":"abc~def"}';
    expect(unglued(Buffer.from(torn + evidence)).map(String)).toEqual([torn, evidence]);
    const hostile = record(3, JSON.stringify(record(4)).slice(1, -1));
    expect(unglued(Buffer.from(hostile)).map(String)).toEqual([hostile]);
    const tornHostile = hostile.slice(0, -3);
    expect(unglued(Buffer.from(tornHostile)).map(String)).toEqual([tornHostile]);
    expect(unglued(Buffer.from(torn)).map(String)).toEqual([torn]);
  });
});

describe("a line that is made to be taken apart", () => {
  it("costs no more than any other, and is handed in whole", () => {
    const pieces = Array.from({ length: 40_000 }, () => '{"evidence":"x"}');
    const found = unglued(Buffer.from(pieces.join("")));
    expect(found.length).toBeLessThan(100);
    expect(Buffer.concat(found).toString()).toBe(pieces.join(""));
    expect(found.at(-1)?.toString()).toBe(pieces[0]);
  });

  it("a runtime's stream of another name is none", async () => {
    const lines = Array.from({ length: 3 }, (_, i) => JSON.stringify({ log: "no end", stream: `s${i}` }));
    writeFileSync(file, text(lines));
    const tail = tailOf({ format: "docker" });
    expect(await drain(tail)).toEqual(lines);
    await tail.close();
  });
});

describe("a file", () => {
  it("that is not there yet, then grows, its last line in pieces", async () => {
    const tail = tailOf();
    expect(await drain(tail)).toEqual([]);
    writeFileSync(file, record(1).slice(0, 10));
    expect(await drain(tail)).toEqual([]);
    appendFileSync(file, `${record(1).slice(10)}\r\n${record(2)}\n${record(3)}`);
    expect(await drain(tail)).toEqual([record(1), record(2)]);
    appendFileSync(file, "\n");
    expect(await drain(tail)).toEqual([record(3)]);
    await tail.close();
  });

  it("that does not come, or goes and does not come again, is said once each time, and so is that it came", async () => {
    const tail = tailOf({}, 0, 0);
    expect(await drain(tail)).toEqual([]);
    expect(told).toEqual([
      expect.stringMatching(/^\S+\/logs\/audit\.log has not been there for .*nothing comes from it/),
    ]);
    writeFileSync(file, text(records(1, 2)));
    expect(await drain(tail)).toEqual(records(1, 2));
    expect(told.slice(1)).toEqual([expect.stringMatching(/audit\.log is there now, and is read\.$/)]);
    unlinkSync(file);
    await drain(tail);
    expect(told.slice(2)).toEqual([expect.stringMatching(/has not been there/)]);
    await tail.close();
  });

  it("that is away for the moment of a rotation is not worth a word", async () => {
    const tail = tailOf({}, 60_000, 60_000);
    await drain(tail);
    writeFileSync(file, text(records(1, 1)));
    await drain(tail);
    renameSync(file, `${file}.1`);
    await drain(tail);
    writeFileSync(file, text(records(2, 2)));
    expect(await drain(tail)).toEqual(records(2, 2));
    expect(told).toEqual([]);
    await tail.close();
  });

  it("goes on from its position, which moves with what was taken only", async () => {
    writeFileSync(file, text(records(1, 3000)));
    let tail = tailOf();
    const first = await tail.next();
    expect(first.length).toBe(1024);
    tail.taken();
    expect((await tail.next()).length).toBe(1024); // Never taken: as by a crash.
    tail = tailOf();
    expect(await drain(tail)).toEqual(records(1025, 3000));
    await tail.close();
    expect(await drain(tailOf())).toEqual([]);
  });

  it("is bounded in what is in flight", async () => {
    writeFileSync(file, Buffer.alloc(12 * 1024 * 1024, `${"z".repeat(999_999)}\n`));
    const tail = tailOf();
    let total = 0;
    for (let lines = await tail.next(); lines.length > 0; lines = await tail.next()) {
      const bytes = lines.reduce((sum, line) => sum + line.length, 0);
      expect(bytes).toBeLessThanOrEqual(4 * 1024 * 1024);
      total += bytes;
      tail.taken();
    }
    expect(total).toBeGreaterThan(11_900_000);
    await tail.close();
  });

  it.skipIf(process.getuid?.() === 0)("that may not be read is said once, and read when it may", async () => {
    writeFileSync(file, text(records(1, 2)), { mode: 0o000 });
    const tail = tailOf();
    expect(await drain(tail)).toEqual([]);
    expect(told.length).toBe(1);
    chmodSync(file, 0o600);
    expect(await drain(tail)).toEqual(records(1, 2));
    await tail.close();
  });

  it("that is a folder or a pipe is said, and waited for", async () => {
    mkdirSync(file);
    const tail = tailOf();
    expect(await drain(tail)).toEqual([]);
    expect(told.join()).toMatch(/Cannot read .*it is no regular file/);
    rmSync(file, { recursive: true });
    writeFileSync(file, text(records(1, 1)));
    expect(await drain(tail)).toEqual(records(1, 1));
    await tail.close();
  });
});

describe("rotation", () => {
  it("by rename: the writer goes on with the old file for a while", async () => {
    writeFileSync(file, text(records(1, 5)));
    const tail = tailOf({}, 60_000);
    const found = await drain(tail);
    renameSync(file, `${file}.1`);
    appendFileSync(`${file}.1`, text(records(6, 7)));
    await drain(tail, found);
    writeFileSync(file, text(records(8, 9)));
    appendFileSync(`${file}.1`, text(records(10, 11)));
    await drain(tail, found);
    appendFileSync(`${file}.1`, text(records(12, 12)));
    appendFileSync(file, text(records(13, 13)));
    await drain(tail, found);
    expect(new Set(found)).toEqual(new Set(records(1, 13)));
    expect(found.length).toBe(13);
    await tail.close();
    // Both are remembered.
    appendFileSync(`${file}.1`, text(records(14, 14)));
    appendFileSync(file, text(records(15, 15)));
    const next = tailOf({}, 60_000);
    expect(new Set(await drain(next))).toEqual(new Set(records(14, 15)));
    await next.close();
    expect(told).toEqual([]);
  });

  it("is found again where the position is damaged: all is read anew, and it is said", async () => {
    writeFileSync(`${file}.1`, text(records(1, 3)));
    writeFileSync(file, text(records(4, 6)));
    const state = join(folder, "state", "audit.json");
    const first = tailOf();
    await drain(first);
    await first.close();
    for (const damaged of ["", "\0".repeat(300), readFileSync(state, "utf8").slice(0, 40), "null", '{"version":2}']) {
      writeFileSync(state, damaged);
      const tail = tailOf();
      expect(new Set(await drain(tail))).toEqual(new Set(records(1, 6)));
      await tail.close();
      expect(told.splice(0)).toEqual([expect.stringMatching(/^How far .* was read is not known/)]);
    }
  });

  it("by rename, and the writer is never told: it goes on with the old file, however seldom", async () => {
    writeFileSync(file, text(records(1, 3)));
    const tail = tailOf();
    const found = await drain(tail);
    renameSync(file, `${file}.1`);
    writeFileSync(file, "");
    for (let seq = 4; seq < 7; seq++) {
      await drain(tail, found);
      appendFileSync(`${file}.1`, text(records(seq, seq)));
    }
    // Once more, as the day after.
    renameSync(`${file}.1`, `${file}.2`);
    renameSync(file, `${file}.1`);
    writeFileSync(file, "");
    await drain(tail, found);
    appendFileSync(`${file}.2`, text(records(7, 7)));
    await drain(tail, found);
    expect(found).toEqual(records(1, 7));
    // Told at last: the old ones are left.
    appendFileSync(file, text(records(8, 8)));
    expect(await drain(tail, found)).toEqual(records(1, 8));
    await tail.close();
    const { files } = JSON.parse(readFileSync(join(folder, "state", "audit.json"), "utf8"));
    expect([files.length, told]).toEqual([1, []]);
  });

  it("by copytruncate under a writer that does not append: each file begins with a hole, and is another one all the same", async () => {
    const end = openSync(file, "w");
    let at = 0;
    const write = (from: number, to: number): void => {
      at += writeSync(end, Buffer.from(text(records(from, to))), 0, undefined, at);
    };
    let copies = 0;
    const rotate = (): void => {
      for (let n = copies; n > 0; n--) renameSync(`${file}.${n}`, `${file}.${n + 1}`);
      copyFileSync(file, `${file}.1`);
      truncateSync(file, 0);
      copies += 1;
    };
    write(1, 20);
    const tail = tailOf();
    const found = await drain(tail);
    for (const from of [21, 31, 41]) {
      write(from, from + 4);
      rotate();
      write(from + 5, from + 9);
      await drain(tail, found);
    }
    await tail.close();
    // And while nobody looks.
    for (const from of [51, 61]) {
      write(from, from + 4);
      rotate();
      write(from + 5, from + 9);
    }
    const next = tailOf();
    await drain(next, found);
    await next.close();
    closeSync(end);
    expect(new Set(found.filter((line) => line.startsWith("{")))).toEqual(new Set(records(1, 70)));
    expect(told).toEqual([]);
  });

  it("by a further start of a Kubernetes container, whose log has the next number", async () => {
    const pod = join(folder, "pod");
    mkdirSync(pod);
    const cri = (from: number, to: number): string =>
      text(records(from, to).map((line) => `2026-11-26T17:20:00.123456789Z stdout F ${line}`));
    writeFileSync(join(pod, "0.log"), cri(1, 3));
    symlinkSync(join(pod, "0.log"), file);
    const tail = tailOf({ format: "cri" });
    const found = await drain(tail);
    await tail.close();
    // Two starts while nobody looks, and one rotation.
    appendFileSync(join(pod, "0.log"), cri(4, 5));
    writeFileSync(join(pod, "1.log.20261126-172000"), cri(6, 7));
    writeFileSync(join(pod, "1.log"), cri(8, 8));
    writeFileSync(join(pod, "2.log"), cri(9, 10));
    unlinkSync(file);
    symlinkSync(join(pod, "2.log"), file);
    const next = tailOf({ format: "cri" });
    expect(new Set(await drain(next, found))).toEqual(new Set(records(1, 10)));
    expect([found.length, told]).toEqual([10, []]);
    await next.close();
  });

  it("a torn end of the old file is handed in when it is left", async () => {
    writeFileSync(file, `${text(records(1, 2))}${record(3).slice(0, 20)}`);
    const tail = tailOf();
    await drain(tail);
    renameSync(file, `${file}.1`);
    writeFileSync(file, text(records(4, 4)));
    expect(new Set(await drain(tail))).toEqual(new Set([record(3).slice(0, 20), record(4)]));
    await tail.close();
  });

  it("several times while away, under the names that rotations give", async () => {
    for (const names of [
      ["audit.log.3", "audit.log.2", "audit.log.1"],
      ["audit.log-20261124", "audit.log-20261125", "audit.log-20261126"],
      ["audit-1.log", "audit-2.log", "audit-3.log"],
    ]) {
      const logs = join(folder, "logs");
      rmSync(logs, { recursive: true });
      rmSync(join(folder, "state"), { recursive: true, force: true });
      mkdirSync(logs);
      writeFileSync(join(logs, "audit.log.bz2"), "other");
      writeFileSync(join(logs, "access.log"), "other\n");
      writeFileSync(file, text(records(1, 5)));
      const tail = tailOf();
      const found = await drain(tail);
      await tail.close();
      let seq = 6;
      for (const name of names) {
        appendFileSync(file, text(records(seq, seq + 2)));
        renameSync(file, join(logs, name));
        writeFileSync(file, "");
        seq += 3;
      }
      appendFileSync(file, text(records(seq, seq)));
      const next = tailOf();
      await drain(next, found);
      await next.close();
      expect(new Set(found)).toEqual(new Set(records(1, seq)));
      expect(found.length).toBe(seq);
    }
    expect(told).toEqual([]);
  });

  it("before the first line was taken, or before there was a file", async () => {
    for (const isThere of [true, false]) {
      rmSync(join(folder, "logs"), { recursive: true });
      rmSync(join(folder, "state"), { recursive: true, force: true });
      mkdirSync(join(folder, "logs"));
      if (isThere) writeFileSync(file, text(records(1, 2)));
      const killed = tailOf();
      await killed.next(); // As by a crash: what it found is never taken.
      if (!isThere) writeFileSync(file, text(records(1, 2)));
      renameSync(file, `${file}.2`);
      writeFileSync(file, text(records(3, 4)));
      renameSync(file, `${file}.1`);
      writeFileSync(file, text(records(5, 6)));
      const next = tailOf();
      expect(new Set(await drain(next))).toEqual(new Set(records(1, 6)));
      await next.close();
    }
  });

  it("twice between two looks", async () => {
    writeFileSync(file, text(records(1, 2)));
    const tail = tailOf();
    const found = await drain(tail);
    renameSync(file, `${file}.2`);
    writeFileSync(file, text(records(3, 4)));
    renameSync(file, `${file}.1`);
    writeFileSync(file, text(records(5, 6)));
    await drain(tail, found);
    expect(new Set(found)).toEqual(new Set(records(1, 6)));
    await tail.close();
  });

  it("by copy and truncation, also where the file has grown again beyond the position", async () => {
    for (const refill of [0, 1, 20]) {
      rmSync(join(folder, "state"), { recursive: true, force: true });
      rmSync(`${file}.1`, { force: true });
      writeFileSync(file, text(records(1, 5)));
      const tail = tailOf();
      const found = await drain(tail);
      appendFileSync(file, text(records(6, 8)));
      copyFileSync(file, `${file}.1`);
      truncateSync(file, 0);
      if (refill > 0) appendFileSync(file, text(records(9, 8 + refill)));
      await drain(tail, found);
      appendFileSync(file, text(records(9 + refill, 9 + refill)));
      await drain(tail, found);
      expect(new Set(found)).toEqual(new Set(records(1, 9 + refill)));
      expect(found.length).toBe(9 + refill);
      await tail.close();
    }
    expect(told).toEqual([]);
  });

  it("by copy and truncation while away", async () => {
    writeFileSync(file, text(records(1, 5)));
    const tail = tailOf();
    const found = await drain(tail);
    await tail.close();
    appendFileSync(file, text(records(6, 8)));
    copyFileSync(file, `${file}.1`);
    truncateSync(file, 0);
    appendFileSync(file, text(records(9, 30)));
    const next = tailOf();
    await drain(next, found);
    expect(new Set(found)).toEqual(new Set(records(1, 30)));
    await next.close();
  });

  it("without a copy, or with the file deleted: the loss is named", async () => {
    writeFileSync(file, text(records(1, 5)));
    const tail = tailOf();
    await drain(tail);
    truncateSync(file, 0);
    appendFileSync(file, text(records(6, 6)));
    expect(await drain(tail)).toEqual(records(6, 6));
    expect(told.join()).toMatch(/cut off at byte \d+/);
    await tail.close();
    unlinkSync(file);
    writeFileSync(file, text(records(8, 9)));
    const next = tailOf();
    expect(await drain(next)).toEqual(records(8, 9));
    expect(told.join()).toContain("is gone");
    await next.close();
  });

  it("a look after a long while, or after the clock was set, still finds what came to the old file", async () => {
    for (const isClockSet of [false, true]) {
      rmSync(join(folder, "logs"), { recursive: true });
      rmSync(join(folder, "state"), { recursive: true, force: true });
      mkdirSync(join(folder, "logs"));
      vi.useFakeTimers({ toFake: ["Date", "performance"] });
      try {
        const pass = (ms: number) => (isClockSet ? vi.setSystemTime(Date.now() + ms) : vi.advanceTimersByTime(ms));
        writeFileSync(file, text(records(1, 2)));
        const tail = tailOf({}, 30_000);
        const found = await drain(tail);
        renameSync(file, `${file}.1`);
        writeFileSync(file, text(records(4, 4)));
        await drain(tail, found);
        pass(3_600_000); // Stopped, or its ledger was away: the writer was not told of the rotation before its end.
        appendFileSync(`${file}.1`, text(records(3, 3)));
        await drain(tail, found);
        expect(new Set(found)).toEqual(new Set(records(1, 4)));
        // And where the machine stood still, the writer has not flushed yet.
        pass(3_600_000);
        await drain(tail, found);
        appendFileSync(`${file}.1`, text(records(5, 5)));
        await drain(tail, found);
        expect(new Set(found)).toEqual(new Set(records(1, 5)));
        for (let i = 0; i < 40; i++) {
          vi.advanceTimersByTime(1000);
          await drain(tail, found);
        }
        expect(JSON.parse(readFileSync(join(folder, "state", "audit.json"), "utf8")).files.length).toBe(1);
        await tail.close();
      } finally {
        vi.useRealTimers();
      }
    }
    expect(told).toEqual([]);
  });

  it("the old file is read for a quarter of an hour where it has a name, and half a minute where it has none", async () => {
    vi.useFakeTimers({ toFake: ["Date", "performance"] });
    try {
      const left = (): number => JSON.parse(readFileSync(join(folder, "state", "audit.json"), "utf8")).files.length;
      writeFileSync(file, text(records(1, 2)));
      const tail = tailOf({}, USUAL);
      const found = await drain(tail);
      const watch = async (seconds: number): Promise<void> => {
        for (let i = 0; i < seconds; i++) {
          vi.advanceTimersByTime(1000);
          await tail.next();
          tail.taken();
        }
      };
      renameSync(file, `${file}.1`);
      writeFileSync(file, text(records(4, 4)));
      await drain(tail, found);
      await watch(900);
      appendFileSync(`${file}.1`, text(records(3, 3)));
      await drain(tail, found);
      expect(new Set(found)).toEqual(new Set(records(1, 4)));
      unlinkSync(`${file}.1`);
      await watch(20);
      expect(left()).toBe(2);
      await watch(20);
      expect(left()).toBe(1);
      await tail.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it("links beside the log, in a circle or to others' files, hold nothing up and bring nothing in", async () => {
    const secret = join(folder, "secret");
    writeFileSync(file, text(records(1, 2)));
    const tail = tailOf();
    const found = await drain(tail);
    writeFileSync(secret, "others' words\n");
    symlinkSync("loop", join(folder, "logs", "loop"));
    symlinkSync("audit.log.loop", `${file}.loop`);
    symlinkSync(secret, `${file}.2`);
    renameSync(file, `${file}.1`);
    writeFileSync(file, text(records(3, 4)));
    await drain(tail, found);
    expect(found).toEqual(records(1, 4));
    // In place of the log itself a link in a circle is waited out.
    rmSync(file);
    symlinkSync("audit.log", file);
    await drain(tail, found);
    expect(told.join()).toContain("Cannot read");
    rmSync(file);
    writeFileSync(file, text(records(5, 5)));
    await drain(tail, found);
    expect(found).toEqual(records(1, 5));
    await tail.close();
  });

  it("behind a link, as a container's log is one, is found by the name that it has there", async () => {
    mkdirSync(join(folder, "pods"));
    const real = join(folder, "pods", "0.log");
    symlinkSync(real, file);
    writeFileSync(real, text(records(1, 2)));
    const tail = tailOf();
    const found = await drain(tail);
    await tail.close();
    let seq = 3;
    for (const name of ["0.log.20261126-100000", "0.log.20261126-110000"]) {
      renameSync(real, join(folder, "pods", name));
      writeFileSync(real, text(records(seq, seq)));
      seq += 1;
    }
    const next = tailOf();
    await drain(next, found);
    expect(new Set(found)).toEqual(new Set(records(1, 4)));
    await next.close();
  });

  it.skipIf(process.getuid?.() === 0)(
    "an older file that may not be read is named, and the newer one is followed",
    async () => {
      writeFileSync(file, text(records(1, 1)));
      const tail = tailOf();
      const found = await drain(tail);
      renameSync(file, `${file}.2`);
      writeFileSync(`${file}.1`, text(records(2, 2)), { mode: 0 });
      writeFileSync(file, text(records(3, 3)));
      await drain(tail, found);
      expect(found).toEqual([record(1), record(3)]);
      expect(told.join()).toContain("audit.log.1 cannot be read");
      await tail.close();
    },
  );

  it("an inode that is used again is another file", async () => {
    writeFileSync(file, text(records(1, 2)));
    const tail = tailOf();
    await drain(tail);
    await tail.close();
    const position = join(folder, "state", "audit.json");
    // The same inode with another beginning, and longer.
    writeFileSync(file, text(records(100, 120)));
    const next = tailOf();
    expect(await drain(next)).toEqual(records(100, 120));
    await next.close();
    expect(JSON.parse(readFileSync(position, "utf8")).files.length).toBe(1);
  });
});

describe("container runtimes", () => {
  const long = record(1, "p".repeat(40_000));
  const parts = (line: string): string[] => line.match(/.{1,16384}/g) ?? [];
  const cri = (stream: string, tag: string, content: string): string =>
    `2026-11-26T17:20:00.123456789Z ${stream} ${tag} ${content}\n`;
  const dockerLine = (stream: string, log: string): string =>
    `${JSON.stringify({ log, stream, time: "2026-11-26T17:20:00.123456789Z" })}\n`;

  it("CRI: lines split at 16 KiB are put together, of each stream by itself", async () => {
    const [a = "", b = "", c = ""] = parts(long);
    writeFileSync(
      file,
      cri("stdout", "P", a) +
        cri("stderr", "F", "[info] starting") +
        cri("stdout", "P", b) +
        cri("stdout", "F", c) +
        cri("stdout", "F", record(2)),
    );
    const tail = tailOf({ format: "cri", mixed: true });
    expect(await drain(tail)).toEqual([long, record(2)]);
    await tail.close();
  });

  it("Docker: the same, with the line end inside", async () => {
    const [a = "", b = "", c = ""] = parts(long);
    writeFileSync(
      file,
      dockerLine("stdout", a) +
        dockerLine("stderr", "[info] starting\n") +
        dockerLine("stdout", b) +
        dockerLine("stdout", `${c}\n`) +
        dockerLine("stdout", `${record(2)}\n`),
    );
    const tail = tailOf({ format: "docker", mixed: true });
    expect(await drain(tail)).toEqual([long, record(2)]);
    await tail.close();
  });

  it("a crash between the parts reads them again from the first", async () => {
    const [a = "", b = "", c = ""] = parts(long);
    writeFileSync(file, cri("stdout", "F", record(9)) + cri("stdout", "P", a) + cri("stderr", "F", record(8)));
    const tail = tailOf({ format: "cri" });
    expect(await drain(tail)).toEqual([record(9), record(8)]);
    await tail.close();
    appendFileSync(file, cri("stdout", "P", b) + cri("stdout", "F", c) + cri("stdout", "F", record(2)));
    const next = tailOf({ format: "cri" });
    // What came between is handed in twice, which is harmless.
    expect(await drain(next)).toEqual([record(8), long, record(2)]);
    await next.close();
    expect(await drain(tailOf({ format: "cri" }))).toEqual([]);
  });

  it("a container that died within a line leaves a piece, and the next record is one", async () => {
    writeFileSync(file, dockerLine("stdout", record(1).slice(0, 50)) + dockerLine("stdout", `${record(2)}\n`));
    const tail = tailOf({ format: "docker" });
    expect(await drain(tail)).toEqual([record(1).slice(0, 50), record(2)]);
    await tail.close();
  });

  it("other lines of a mixed file are left, and nothing of ours is", async () => {
    const answer =
      '{"bytes_received":0,"bytes_sent":12,"details":"via_upstream","duration_ms":3,"request_id":"r","status":200,"time":"t","verdict":"allow"}';
    const access =
      '{"code":200,"details":"via_upstream","host":"h","method":"GET","path":"/","peer":"p","request_id":"r","time":"t","verdict":null}';
    const ours = [record(1), '{"evidence":"a~b"}', answer, '{"receipt":"a.b.c"}'];
    writeFileSync(
      file,
      text([
        "[2026-11-26] starting",
        ours[0] ?? "",
        ours[1] ?? "",
        access,
        "",
        ours[2] ?? "",
        "\xff\xfe",
        ours[3] ?? "",
      ]),
      "latin1",
    );
    const tail = tailOf({ mixed: true });
    expect(await drain(tail)).toEqual(ours);
    await tail.close();
  });
});
