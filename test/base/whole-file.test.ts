/** A file that is written as it comes: whole or not at all, and never in the place of what is no file. */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { WholeFile } from "../../control/base/whole-file.js";

const folder = mkdtempSync(join(tmpdir(), "glassgate-whole-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

function write(path: string, isCommitted: boolean): void {
  const file = new WholeFile(path);
  try {
    file.write("one\n");
    file.write("two\n");
    if (isCommitted) file.commit();
  } finally {
    file.close();
  }
}

it("is there once it is whole, and leaves nothing where it is not", () => {
  writeFileSync(at("file"), "before");
  write(at("file"), false);
  expect([readFileSync(at("file"), "utf8"), readdirSync(folder)]).toEqual(["before", ["file"]]);
  write(at("file"), true);
  expect(readFileSync(at("file"), "utf8")).toBe("one\ntwo\n");
});

it("is written behind a link", () => {
  symlinkSync("file", at("link"));
  writeFileSync(at("file"), "before");
  write(at("link"), true);
  expect(lstatSync(at("link")).isSymbolicLink()).toBe(true);
  expect(readFileSync(at("file"), "utf8")).toBe("one\ntwo\n");
});

it("goes into a pipe, as into a device, and does not replace it", () => {
  execFileSync("mkfifo", [at("pipe")]);
  const reader = openSync(at("pipe"), constants.O_RDWR);
  write(at("pipe"), true);
  const buffer = Buffer.alloc(100);
  expect(buffer.toString("utf8", 0, readSync(reader, buffer))).toBe("one\ntwo\n");
  closeSync(reader);
  expect(lstatSync(at("pipe")).isFIFO()).toBe(true);
});
