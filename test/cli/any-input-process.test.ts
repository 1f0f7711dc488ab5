/** Arguments, environments, streams and admin addresses of any kind: none ends in exit 70, in a stack, or in something half-written. */
import { execFileSync } from "node:child_process";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, it } from "vitest";
import { buildProgram } from "../../control/cli/program.js";
import { dice, WORDS } from "./hostile.js";
import { ask, env, faults, judge, key, listing, project, restore, tryInside } from "./ordeal.js";
import { glassgate } from "./run.js";

const program = await buildProgram();

/** Commands that do not start a gateway. */
function leaves(
  command: Command = program,
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
