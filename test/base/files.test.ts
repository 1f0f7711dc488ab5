/** Files are written whole or not at all, whatever stands in the way. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readText, writeNewTexts, writeText } from "../../control/base/files.js";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "glassgate-files-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe("writing", () => {
  it("replaces the file that a link leads to, and keeps the link", () => {
    const [target, link] = [join(base, "target"), join(base, "link")];
    writeFileSync(target, "old");
    symlinkSync(target, link);
    writeText(link, "new");
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, "utf8")).toBe("new");
    expect(readdirSync(base).sort()).toEqual(["link", "target"]);
  });

  it("leaves a file that it replaces its mode, and a secret is never wider than that", () => {
    const path = join(base, "file");
    const modeOf = (): number => statSync(path).mode & 0o777;
    for (const mode of [0o600, 0o640, 0o664, 0o400]) {
      writeFileSync(path, "old");
      chmodSync(path, mode);
      writeText(path, "new");
      expect(modeOf()).toBe(mode);
      rmSync(path);
    }
    writeFileSync(path, "old", { mode: 0o644 });
    writeText(path, "secret", { mode: 0o600 });
    expect(modeOf()).toBe(0o600);
  });

  it("writes into a device or a pipe instead of replacing it", () => {
    const pipe = join(base, "pipe");
    execFileSync("mkfifo", [pipe]);
    const reader = spawnSync(
      "bash",
      [
        "-c",
        `cat "$0" & node -e 'import(process.argv[1]).then(({writeText}) => writeText(process.argv[2], "through"))' "$1" "$0"; wait`,
        pipe,
        new URL("../../dist/base/files.js", import.meta.url).pathname,
      ],
      { encoding: "utf8" },
    );
    expect(reader.stdout).toBe("through");
    expect(statSync(pipe).isFIFO()).toBe(true);
    writeText("/dev/null", "away");
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  it("says what stands in the way, and the next step", () => {
    mkdirSync(join(base, "folder"));
    writeFileSync(join(base, "file"), "");
    symlinkSync("loop", join(base, "loop"));
    for (const [path, sentence] of [
      ["folder", "it is a directory"],
      ["file/below", "a part of the path is a file|it exists already"],
      ["loop", "links lead in a circle"],
      ["x".repeat(300), "the name is too long"],
      ["a\u001b[31mb\n".repeat(60), "the name is too long"],
    ] as const) {
      expect(() => writeText(join(base, path), "new")).toThrow(
        expect.objectContaining({
          message: expect.stringMatching(new RegExp(`^[^\\u0000-\\u001f]*(?:${sentence}).* Nothing was changed\\.$`)),
          hint: expect.stringMatching(/\w/),
        }),
      );
    }
    expect(readdirSync(base).sort()).toEqual(["file", "folder", "loop"]);
  });

  it("leaves all or nothing of several new files", () => {
    writeFileSync(join(base, "third"), "was here");
    const files = ["new/deep/first", "second", "third"].map((name) => ({ path: join(base, name), text: name }));
    expect(() => writeNewTexts(files)).toThrow(/third: it exists already\. Nothing was written\./);
    expect(readdirSync(base)).toEqual(["third"]);
    expect(readFileSync(join(base, "third"), "utf8")).toBe("was here");
    rmSync(join(base, "third"));
    writeNewTexts(files);
    expect(readdirSync(base).sort()).toEqual(["new", "second", "third"]);
  });
});

/** A file system of 64 KiB, where this system lets one be made. */
function withSmallDisk(run: (folder: string) => void): boolean {
  const folder = join(base, "disk");
  mkdirSync(folder);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]).status !== 0) return false;
  try {
    run(folder);
  } finally {
    execFileSync("umount", [folder]);
  }
  return true;
}

describe.runIf(process.platform === "linux" && process.getuid?.() === 0)("a full disk", () => {
  it("leaves the old file and nothing beside it", ({ skip }) => {
    const done = withSmallDisk((folder) => {
      const path = join(folder, "file");
      writeText(path, "old");
      // The first pages fit: the system writes them and reports no error for a short write.
      for (const size of [70_000, 200_000, 1_000_000]) {
        expect(() => writeText(path, "x".repeat(size))).toThrow(
          expect.objectContaining({
            message: expect.stringContaining("the disk is full"),
            hint: expect.stringContaining("Make room"),
          }),
        );
        expect(readdirSync(folder)).toEqual(["file"]);
        expect(readFileSync(path, "utf8")).toBe("old");
      }
      const files = [1, 2, 3].map((i) => ({ path: join(folder, "keys", `${i}`), text: "x".repeat(25_000) }));
      expect(() => writeNewTexts(files)).toThrow(/the disk is full\. Nothing was written\./);
      expect(readdirSync(folder)).toEqual(["file"]);
    });
    skip(!done, "no file system may be mounted here");
  });
});

describe("reading", () => {
  it("takes UTF-8 and UTF-16 with their marks", () => {
    const text = "lifetime: 90d # \u00e9\n";
    const path = join(base, "roster");
    const little = Buffer.from(`\ufeff${text}`, "utf16le");
    for (const bytes of [Buffer.from(text), Buffer.from(`\ufeff${text}`), little, Buffer.from(little).swap16()]) {
      writeFileSync(path, bytes);
      expect(readText(path, "the roster")).toBe(text);
    }
  });

  it("ends for what never ends, and says what is no file", () => {
    expect(() => readText("/dev/zero", "the roster")).toThrow(/larger than 64 MiB/);
    expect(() => readText(base, "the roster")).toThrow(/it is a directory/);
    expect(() => readText(join(base, "nope"), "the roster")).toThrow(/it does not exist/);
    expect(readText("/dev/null", "the roster")).toBe("");
    expect(existsSync(join(base, "nope"))).toBe(false);
    chmodSync(base, 0o700);
  });
});
