/** No input of any kind ends in exit 70, in a stack, or in something half-written. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import type { Command } from "commander";
import { afterAll, afterEach, beforeAll, describe, it } from "vitest";
import { parse } from "yaml";
import { buildProgram } from "../../control/cli/program.js";
import { renderGateway } from "../../control/gateway/render.js";
import { wasmPath } from "../../control/host/wasm.js";
import { signClaims } from "../../control/signer/sign.js";
import { readAnchors } from "../../control/trust/anchors.js";
import { signFirst, signFurther } from "../../control/trust/bundle.js";
import { changedBytes, changedValue, dice, WORDS } from "./hostile.js";
import { inside } from "./inside.js";
import { makeProject, type Project } from "./project.js";
import { glassgate, type Ran } from "./run.js";

let project: Project;
let ask: string;
let env: Record<string, string>;
/** Files of the project as they were made. */
const originals = new Map<string, Buffer>();

/** Everything that is in the folder and in the folder of keys: names, kinds and contents. */
function listing(): string {
  return [project.folder, project.keys]
    .flatMap((root) =>
      readdirSync(root, { recursive: true, encoding: "utf8" })
        .sort()
        .map((name) => {
          if (!lstatSync(join(root, name)).isFile()) return name;
          return `${name} ${createHash("sha256")
            .update(readFileSync(join(root, name)))
            .digest("hex")}`;
        }),
    )
    .join("\n");
}

function restore(): void {
  for (const name of readdirSync(project.folder)) rmSync(join(project.folder, name), { recursive: true, force: true });
  for (const [name, bytes] of originals) writeFileSync(join(project.folder, name), bytes);
  for (const name of readdirSync(project.keys)) {
    if (!/^(?:root-[123]|rita|adam|anna)\.key\.json$/.test(name)) rmSync(join(project.keys, name), { recursive: true });
  }
}

/** Inputs that ended in another way than they may, one of each kind. */
const faults = new Map<string, string>();

function judge(ran: Ran, input: string, before: string): void {
  const shown = `${input.slice(0, 1500)}\n=> ${ran.code}\n${ran.stderr.slice(0, 2500)}`;
  const note = (kind: string): void =>
    void faults.set(`${kind}: ${ran.stderr.split("\n", 1)[0]?.slice(0, 120)}`, shown);
  if (![0, 1, 2, 130].includes(ran.code ?? -1)) note(`exit ${ran.code}`);
  if (/went wrong|^\s+at .*[:(]\d+|unsettled|ExperimentalWarning/m.test(ran.stderr)) note("stack or defect");
  if (ran.code === 0 || ran.code === 1) return;
  if (!/^error: \S/m.test(ran.stderr)) note("no sentence");
  if (listing() !== before) note("something was written");
}

async function tryInside(args: readonly string[], input = JSON.stringify(args)): Promise<void> {
  const before = listing();
  const ran = await inside(args, { cwd: project.folder, env });
  judge(ran, `glassgate ${args.join(" ").slice(0, 300)}\n${input}`, before);
  if (ran.code === 0) restore();
}

afterEach(() => {
  restore();
  const found = [...faults].map(([kind, shown]) => `${kind}\n${shown}`).join("\n\n");
  faults.clear();
  if (found !== "") throw new Error(found);
});

beforeAll(async () => {
  project = await makeProject();
  env = {
    GLASSGATE_KEYS: project.keys,
    GLASSGATE_PASSPHRASE: project.passphrase,
    PATH: "/nowhere",
    ENVOY_BIN: "/nowhere/envoy",
  };
  ask = await project.ask();
  writeFileSync(join(project.folder, "ask.txt"), ask);
  writeFileSync(join(project.folder, "bundle.next"), JSON.stringify({ ...project.claims, version: 2 }));
  mkdirSync(join(project.folder, "ecds"));
  const gateway = renderGateway({
    anchors: readAnchors(join(project.folder, "anchors.json")),
    wasmPath,
    ecdsPath: join(project.folder, "ecds", "glassgate.json"),
    listen: { port: 0 },
    adminPort: 0,
    upstream: { host: "127.0.0.1", port: 1 },
    accessLogPath: "/dev/null",
    require: true,
  });
  writeFileSync(join(project.folder, "gateway.yaml"), gateway);
  rmSync(join(project.folder, "ecds"), { recursive: true });
  for (const name of readdirSync(project.folder)) originals.set(name, readFileSync(join(project.folder, name)));
});
afterAll(() => project.remove());

const key = ["--key", "rita"];
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

/** Commands that do not start a gateway. */
function leaves(
  command: Command = buildProgram(),
  path: readonly string[] = [],
): { path: readonly string[]; command: Command }[] {
  if (command.commands.length > 0) return command.commands.flatMap((child) => leaves(child, [...path, child.name()]));
  return path.join(" ") === "gateway run" ? [] : [{ path, command }];
}

describe("arguments", () => {
  it("of every command, at random", async () => {
    const chance = dice(15);
    const files = [
      "roster.yaml",
      "anchors.json",
      "bundle.jws",
      "bundle.next",
      "ask.txt",
      "gateway.yaml",
      ".",
      "nope",
      "/dev/null",
    ];
    const word = (): string => chance.pick(chance.below(2) === 0 ? files : WORDS);
    for (const { path, command } of leaves()) {
      for (let i = 0; i < 25; i++) {
        const args = [...path];
        for (const { required } of command.registeredArguments)
          if (required ? chance.below(12) > 0 : chance.below(2) > 0) args.push(word());
        for (const { long, mandatory, required } of command.options) {
          if (long === undefined || long === null || chance.below(5) > (mandatory ? 3 : 0)) continue;
          // One real descriptor would be the test runner's own.
          args.push(
            long,
            ...(required ? [long === "--passphrase-fd" ? "99" : long === "--admin" ? "127.0.0.1:1" : word()] : []),
          );
        }
        // Keys that are really made take a second each.
        if (path.join(" ") === "key new" || path[0] === "init") args.push("--passphrase-fd", "99");
        await tryInside(args);
      }
    }
  });
});

describe("as a process of its own", () => {
  const answers = [
    "",
    "HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
    "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n<html>",
    "not http at all\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\nx: 1e999\nglassgate: -5\n: :\n",
  ];
  let server: Server;
  let port = 0;
  let answer = "";
  beforeAll(async () => {
    server = createServer((socket) => {
      socket.on("error", () => {}); // The client may leave early.
      socket.once("data", () => socket.end(answer));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    port = typeof address === "object" && address !== null ? address.port : 0;
  });
  afterAll(() => void server.close());

  it("whatever stands at the admin address", async () => {
    for (answer of answers) {
      const ran = await glassgate(["push", "--admin", `127.0.0.1:${port}`], { cwd: project.folder, env });
      if (ran.code === 0) faults.set("applied", answer);
      judge({ ...ran, code: ran.code === 2 ? 1 : ran.code }, JSON.stringify(answer), ""); // What push wrote is push's own test.
      restore();
    }
  });

  it("whatever the environment says", async () => {
    for (const more of [
      { GLASSGATE_KEYS: join(project.folder, "ask.txt") },
      { GLASSGATE_KEYS: "" },
      { GLASSGATE_KEY: "\u001b[2J" },
      { HOME: "/dev/null", GLASSGATE_KEYS: "keys" },
      { TERM: "\u001b" },
      { GLASSGATE_PASSPHRASE: "" },
      { GLASSGATE_PASSPHRASE: "x".repeat(100_000) },
      { LANG: "xx_XX" },
      { COLUMNS: "-1" },
      { NODE_OPTIONS: "" },
    ]) {
      const before = listing();
      judge(
        await glassgate(["grant", "ask.txt", ...key], { cwd: project.folder, env: { ...env, ...more } }),
        JSON.stringify(more),
        before,
      );
    }
  });

  it("whatever comes on standard input, and from pipes", async () => {
    execFileSync("mkfifo", [join(project.folder, "pipe")]);
    const before = listing();
    for (const input of [
      "",
      "\n",
      ask,
      Buffer.from(`\ufeff${ask}`, "utf16le"),
      Buffer.from([0xff, 0xfe, 0xff]),
      Buffer.alloc(70_000_000, "x"),
    ])
      judge(
        await glassgate(["approve", "-", "--key", "adam"], { cwd: project.folder, env, input }),
        String(input).slice(0, 50),
        before,
      );
    judge(
      await glassgate(["approve", "/dev/zero", "--key", "adam"], { cwd: project.folder, env }),
      "/dev/zero",
      before,
    );
  });
});
