/** Records that a drill reads from the gateways' own files: whatever rotates them meanwhile, none is missed, and none counts twice. */
import { appendFileSync, copyFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { followFiles, type RecordSource } from "../../control/drill/record-source.js";

const NEVER = "0".repeat(64);
let folder: string;
let log: string;
let told: string[];
let source: RecordSource;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "glassgate-records-"));
  log = join(folder, "audit.log");
  told = [];
  writeFileSync(log, line(1));
  source = await followFiles([log], (sentence) => told.push(sentence));
});
afterEach(async () => {
  await source.close();
  rmSync(folder, { recursive: true, force: true });
});

function line(seq: number): string {
  const about = { v: 1, vm: "gateway-1/1767225000123456789/3", seq, prev: NEVER, ts: "2026-11-27T00:00:00.000Z" };
  return `${JSON.stringify({ ...about, mode: "enforce", verdict: "signature", request_id: `request-${seq}` })}\n`;
}
const write = (seq: number, file = log): void => appendFileSync(file, line(seq));
const seen = { status: 401, code: "signature", reached: false, upstream: undefined, endedAfterMs: undefined };
const isThere = (seq: number): boolean =>
  source.records.find({
    ...{ gateway: "gateway-1", method: "GET", host: "api.example.com", path: "/", isPresented: true, jti: undefined },
    ...{ at: 0, seen: { ...seen, requestId: `request-${seq}`, error: undefined, ms: 0 } },
  }) !== undefined;

describe("the records of a gateway's own log", () => {
  it("are those from the drill's begin on", async () => {
    write(2);
    await source.poll();
    expect([1, 2].map(isThere)).toEqual([false, true]);
  });

  it("are all there where the file is renamed and a new one made", async () => {
    write(2);
    await source.poll();
    write(3);
    renameSync(log, `${log}.1`);
    write(4, `${log}.1`); // The gateway writes on until it is told.
    for (const seq of [5, 6, 7, 8]) write(seq);
    await source.poll();
    expect([2, 3, 4, 5, 6, 7, 8].filter((seq) => !isThere(seq))).toEqual([]);
  });

  it("are all there where it is renamed twice between two looks", async () => {
    write(2);
    renameSync(log, `${log}.2`);
    write(3);
    renameSync(log, `${log}.1`);
    write(4);
    await source.poll();
    expect([2, 3, 4].filter((seq) => !isThere(seq))).toEqual([]);
  });

  it("are all there where it is copied and cut off, and what no copy has is told", async () => {
    write(2);
    await source.poll();
    write(3);
    copyFileSync(log, `${log}.1`);
    truncateSync(log);
    write(4);
    await source.poll();
    expect([2, 3, 4].filter((seq) => !isThere(seq))).toEqual([]);
    expect(told).toEqual([]);
    truncateSync(log);
    await source.poll();
    expect(told.join()).toMatch(/was cut off at byte \d+ or later, and no copy of it is there/);
  });

  it("are read behind a piece that a gateway which was killed has left", async () => {
    appendFileSync(log, line(2).slice(0, 60));
    write(3);
    await source.poll();
    expect([2, 3].map(isThere)).toEqual([false, true]);
  });

  it("are read from its begin where a file comes later", async () => {
    const late = join(folder, "late.log");
    await source.close();
    source = await followFiles([late], (sentence) => told.push(sentence));
    write(9, late);
    await source.poll();
    expect(isThere(9)).toBe(true);
  });
});
