// A copy of the sources with probes, built by the script and the options that build the release.
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, posix, resolve } from "node:path";
import { probeSource } from "./probe.mjs";
import { Source } from "./source.mjs";

/** The file beside all rooms that the probes call. */
const PROBE = "probe";
const SCRIPT = resolve("scripts/build-filter.mjs");

/** The AssemblyScript files of those rooms, sorted. */
export const filesOf = (rooms) =>
  rooms.flatMap((room) =>
    readdirSync(`assembly/${room}`)
      .filter((name) => name.endsWith(".ts"))
      .map((name) => `assembly/${room}/${name}`)
      .sort(),
  );

/**
 * Copies `assembly/` and its specs to `folder`. `place(source)` puts probes into each of `files`, numbered on from
 * `probes.length + 1` and pushed there.
 */
export function copyWithProbes(folder, files, probes, place) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const path of ["assembly", "asconfig.json", "as-pect.asconfig.json"])
    cpSync(path, join(folder, path), { recursive: true });
  cpSync("test/assembly", join(folder, "test/assembly"), { recursive: true });
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  for (const file of files) {
    const source = new Source(file, readFileSync(file, "utf8"));
    place(source, probes);
    const probe = posix.relative(posix.dirname(file), posix.join("assembly", PROBE));
    // On the first line, so that every line keeps its number.
    writeFileSync(join(folder, file), `import { isBroken, reach } from "${probe}"; ${source.written()}`);
  }
  writeFileSync(join(folder, "assembly", `${PROBE}.ts`), probeSource(probes.length));
}

/** Runs a command in a folder. @returns its exit code and what it printed */
export async function run(command, args, { cwd = ".", env = {}, timeoutMs } = {}) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // So that what it starts itself ends with it.
    detached: true,
  });
  const chunks = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => chunks.push(chunk));
  let isTimedOut = false;
  const kill = () => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
    }
  };
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          isTimedOut = true;
          kill();
        }, timeoutMs);
  process.once("exit", kill);
  try {
    const code = await new Promise((done, failed) => child.once("error", failed).once("close", done));
    return { code, isTimedOut, output: Buffer.concat(chunks).toString("utf8") };
  } finally {
    clearTimeout(timer);
    process.off("exit", kill);
  }
}

/** The release's options, but for the time that the optimiser takes. */
export function buildFast(folder) {
  const path = join(folder, "asconfig.json");
  const config = JSON.parse(readFileSync(path, "utf8"));
  Object.assign(config.targets.release, { optimizeLevel: 1, converge: false });
  writeFileSync(path, JSON.stringify(config));
  return buildFilter(folder);
}

/** @returns the path of the built filter */
export async function buildFilter(folder) {
  const { code, output } = await run(process.execPath, [SCRIPT, "envoy"], { cwd: folder });
  if (code !== 0) throw new Error(`the instrumented filter does not compile:\n${output}`);
  return join(folder, "build/glassgate.wasm");
}
