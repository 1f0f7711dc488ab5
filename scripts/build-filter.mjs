// Builds the filter from assembly/ with the settings in asconfig.json, once for each host: node scripts/build-filter.mjs [host...]
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import asc from "assemblyscript/asc";

/** Host, by its file in assembly/host/ -> the built filter, and what it exports besides what all do. */
const HOSTS = {
  envoy: { built: "build/glassgate", entries: [] },
  kong: { built: "build/glassgate-kong", entries: ["assembly/kong.ts"] },
};
/** Says which host a build is for: as it stands, Envoy. */
const CHOICE = "assembly/host/gateway.ts";
const STANDING = '"./envoy"';
/** Binaryen's note that one more round would still have shrunk the code a little: nothing to act on, the output is the same each time. */
const NOTE = /^Last converge was suboptimal\.\n?/m;

/** The sources as the build for that host reads them. */
const sourcesFor = (host) => async (name, folder) => {
  const path = join(folder, name);
  let text;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    // The compiler asks for files where a module might be.
    if (error.code === "ENOENT" || error.code === "EISDIR" || error.code === "ENOTDIR") return null;
    throw error;
  }
  return relative(".", path) === CHOICE ? text.replace(STANDING, `"./${host}"`) : text;
};

async function build(host) {
  const { built, entries } = HOSTS[host];
  /** Renamed when whole: a gateway or a test may be reading the one before. */
  const made = { wasm: `build/.${process.pid}.wasm`, wat: `build/.${process.pid}.wat` };
  const files = ["--outFile", made.wasm, "--textFile", made.wat];
  const { error } = await asc.main([...entries, "--config", "asconfig.json", "--target", "release", ...files], {
    readFile: sourcesFor(host),
    stdout: process.stdout,
    stderr: { write: (text) => process.stderr.write(String(text).replace(NOTE, "")) },
  });
  if (error) {
    console.error(`The filter for ${host} did not compile: ${error.message}`);
    process.exit(1);
  }
  for (const [kind, path] of Object.entries(made)) renameSync(path, `${built}.${kind}`);
  console.log(`${built}.wasm: ${statSync(`${built}.wasm`).size} bytes`);
}

/** In a process of its own. @returns its exit code */
function buildElsewhere(host) {
  const child = spawn(process.execPath, [process.argv[1], host], { stdio: "inherit" });
  return new Promise((done, failed) => child.once("error", failed).once("exit", done));
}

const hosts = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(HOSTS);
const unknown = hosts.filter((host) => !Object.hasOwn(HOSTS, host));
if (unknown.length > 0) {
  console.error(`error: No host: ${unknown.join(", ")}. There are: ${Object.keys(HOSTS).join(", ")}.`);
  process.exit(2);
}
if (!readFileSync(CHOICE, "utf8").includes(STANDING)) throw new Error(`${CHOICE} names another host than ${STANDING}`);
mkdirSync("build", { recursive: true });
if (hosts.length === 1) await build(hosts[0]);
// Side by side: the compiler keeps one core busy.
else for (const child of hosts.map(buildElsewhere)) if ((await child) !== 0) process.exitCode = 1;
