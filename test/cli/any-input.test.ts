/** Files of any content and kind: none ends in exit 70, in a stack, or in something half-written. */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { parse } from "yaml";
import { signClaims } from "../../control/signer/sign.js";
import { signFirst, signFurther } from "../../control/trust/bundle.js";
import { changedBytes, changedValue, dice } from "./hostile.js";
import { ask, key, originals, project, restore, tryInside } from "./ordeal.js";

/** What loads the filter or walks a whole gateway each time. */
const SLOW: readonly string[] = ["explain", "gateway", "push"];

/** What reads a file. */
const READERS: readonly (readonly [file: string, ...args: string[]])[] = [
  ["roster.yaml", "bundle", "build"],
  ["anchors.json", "bundle", "verify"],
  ["anchors.json", "bundle", "build"],
  ["anchors.json", "gateway", "render", "--require"],
  ["bundle.jws", "bundle", "show"],
  ["bundle.jws", "bundle", "verify"],
  ["bundle.jws", "explain", "ask.txt", "POST", "https://api.example.com/orders/42"],
  ["bundle.next", "bundle", "sign", "--key", "root-3"],
  ["ask.txt", "approve", "ask.txt", "--key", "adam"],
  ["ask.txt", "grant", "ask.txt", ...key],
  ["ask.txt", "grant", "ask.txt", "ask.txt", ...key],
  ["ask.txt", "explain", "ask.txt", "POST", "https://api.example.com/orders/42"],
  ["gateway.yaml", "gateway", "verify", "gateway.yaml"],
  ["gateway.yaml", "push", "--admin", "127.0.0.1:1"],
];

describe("files", () => {
  for (const [file, ...args] of READERS) {
    it(`${file} after an accident: ${args.slice(0, 2).join(" ")}`, async () => {
      const chance = dice(args.join(" ").length * 7919);
      const good = originals.get(file) ?? Buffer.alloc(0);
      for (let i = 0; i < (SLOW.includes(args[0] ?? "") ? 12 : 40); i++) {
        const bytes = changedBytes(i % 4 === 3 ? changedBytes(good, chance) : good, chance);
        writeFileSync(join(project.folder, file), bytes);
        await tryInside(args, bytes.toString("latin1"));
      }
    });

    it(`${file} of the wrong kind: ${args.slice(0, 2).join(" ")}`, async () => {
      const path = join(project.folder, file);
      const kinds: (() => void)[] = [
        () => mkdirSync(path),
        () => symlinkSync(path, path),
        () => symlinkSync("/dev/null", path),
        () => symlinkSync("/proc/self/mem", path),
        () => writeFileSync(path, ""),
        () => writeFileSync(path, Buffer.alloc(300_000)),
        () => writeFileSync(path, "a: &a [x]\nb: *a\n"),
        () => writeFileSync(path, `${"[".repeat(20_000)}`),
        () => writeFileSync(path, `{"a":`.repeat(5000)),
        () => writeFileSync(path, "null"),
        () => writeFileSync(path, "[]"),
      ];
      for (const make of kinds) {
        rmSync(path, { recursive: true, force: true });
        make();
        await tryInside(args, `${file}: ${make}`);
      }
      rmSync(path, { recursive: true, force: true });
      await tryInside(args, `${file}: none`);
    });
  }

  it("rosters and anchors with one value changed", async () => {
    for (const [file, args] of [
      ["roster.yaml", ["bundle", "build"]],
      ["anchors.json", ["bundle", "build"]],
    ] as const) {
      const chance = dice(11);
      const good: unknown = parse(originals.get(file)?.toString() ?? "");
      for (let i = 0; i < 100; i++) {
        const text = JSON.stringify(changedValue(good, chance));
        writeFileSync(join(project.folder, file), text);
        await tryInside([...args], text);
      }
      restore();
    }
  });

  it("bundles with one value changed, signed by the roots", async () => {
    const chance = dice(12);
    for (let i = 0; i < 60; i++) {
      const changed = Object(changedValue(project.claims, chance));
      const first = await signFirst(changed, project.key("root-1"));
      writeFileSync(join(project.folder, "bundle.jws"), await signFurther(first, project.key("root-2")));
      writeFileSync(join(project.folder, "bundle.next"), chance.pick([JSON.stringify(changed), first]));
      const text = JSON.stringify(changed);
      await tryInside(
        chance.pick([
          ["bundle", "show"],
          ["bundle", "verify"],
          ["bundle", "build"],
          ["bundle", "sign", "--key", "root-3"],
          ["approve", "ask.txt", "--key", "adam"],
        ]),
        text,
      );
    }
  });

  it("asks with one value changed, signed by the requester", async () => {
    const chance = dice(13);
    const good: unknown = JSON.parse(Buffer.from(ask.split(".")[1] ?? "", "base64url").toString());
    for (let i = 0; i < 100; i++) {
      const changed = Object(changedValue(good, chance));
      writeFileSync(join(project.folder, "ask.txt"), await signClaims("bg-ask+jwt", changed, project.key("rita")));
      await tryInside(
        chance.pick([
          ["approve", "ask.txt", "--key", "adam"],
          ["grant", "ask.txt", ...key],
        ]),
        JSON.stringify(changed),
      );
    }
  });

  it("key files with one value changed", async () => {
    const chance = dice(14);
    const path = join(project.keys, "rita.key.json");
    const good = readFileSync(path);
    for (let i = 0; i < 60; i++) {
      const bytes =
        i % 2 === 0
          ? Buffer.from(JSON.stringify(changedValue(JSON.parse(good.toString()), chance)))
          : changedBytes(good, chance);
      writeFileSync(path, bytes);
      await tryInside(
        chance.pick([
          ["key", "show", "rita"],
          ["key", "list"],
          ["grant", "ask.txt", ...key],
        ]),
        bytes.toString("latin1"),
      );
    }
    writeFileSync(path, good);
  });

  it("a folder of keys that is none, or full of rubbish", async () => {
    const rubbish = join(project.folder, "rubbish");
    mkdirSync(join(rubbish, "folder.key.json"), { recursive: true });
    symlinkSync("nowhere", join(rubbish, "link.key.json"));
    writeFileSync(join(rubbish, "\u001b[2J.key.json"), "{}", { mode: 0o600 });
    for (const keys of [rubbish, "ask.txt", "/dev/null", "/proc/self/fd", "x".repeat(300), "", "ask.txt/x"]) {
      for (const args of [
        ["key", "list"],
        ["key", "list", "--json"],
        ["key", "show", "folder"],
        ["key", "show", "link"],
        ["key", "show", "\u001b[2J"],
        ["grant", "ask.txt", ...key],
      ])
        await tryInside([...args, "--keys", keys]);
    }
    for (const keys of ["ask.txt", "ask.txt/x", "/proc/x"]) await tryInside(["key", "new", "zoe", "--keys", keys]);
  });
});
