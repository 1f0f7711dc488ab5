// Builds the filters and the command, and says so before each, as it takes a while: node scripts/build.mjs [--needed]
// With --needed, filters that are newer than their sources stay as they are. The command is compiled each time: the compiler knows what
// has changed, and says what is wrong.
import { spawn } from "node:child_process";
import { isBuilt } from "./built.mjs";

const NEEDED = "--needed";
const flags = process.argv.slice(2);
if (flags.some((flag) => flag !== NEEDED)) {
  console.error(`error: Unknown flag ${flags.filter((flag) => flag !== NEEDED).join(" ")}. There is only ${NEEDED}.`);
  process.exit(2);
}

/** On standard error: standard output is what is asked for. @returns its exit code */
function play(says, script) {
  console.error(says);
  const child = spawn("npm", ["run", "--silent", script], { stdio: "inherit" });
  return new Promise((done, failed) => child.once("error", failed).once("exit", (code) => done(code ?? 1)));
}

const filters =
  flags.includes(NEEDED) && isBuilt()
    ? 0
    : await play("Building the filters from assembly/: a minute, and some on a slow machine ...", "build:filter");
process.exitCode = filters === 0 ? await play("Compiling the command from control/ ...", "build:control") : filters;
