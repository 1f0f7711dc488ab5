// Fails when the same sources do not give the same filters: builds them once more, from a copy in a folder of another name, by the
// very script that built those in build/, and compares every byte.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const FILTERS = ["build/glassgate.wasm", "build/glassgate-kong.wasm"];
const SOURCES = ["assembly", "asconfig.json"];
/** In the temporary folder: of another length and depth than this one. */
const FOLDER = join("another", "deeper");

const script = resolve("scripts/build-filter.mjs");

/** The filters built from a copy of the sources in that folder; undefined when they do not compile, and says why. */
async function buildIn(folder) {
  mkdirSync(folder, { recursive: true });
  for (const source of SOURCES) cpSync(source, join(folder, source), { recursive: true });
  const child = spawn(process.execPath, [script], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise((done, failed) => child.once("error", failed).once("exit", done));
  return code === 0 ? FILTERS.map((filter) => readFileSync(join(folder, filter))) : undefined;
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** One line for each difference. */
function differences(filter, built, folder, copy) {
  if (built.equals(copy)) return [];
  const at = built.findIndex((byte, i) => byte !== copy[i]);
  const offset = at < 0 ? built.length : at;
  return [
    `${filter} differs from byte ${offset} on (0x${offset.toString(16)}):`,
    `  ${sha256(built)}  ${built.length} bytes, ${filter}`,
    `  ${sha256(copy)}  ${copy.length} bytes, built from a copy in ${folder}`,
  ];
}

const temporary = mkdtempSync(join(tmpdir(), "glassgate-reproducible-"));
try {
  const folder = join(temporary, FOLDER);
  const copies = await buildIn(folder);
  const built = FILTERS.map((filter) => readFileSync(filter));
  const lines =
    copies === undefined
      ? [`The filters do not compile from a copy in ${folder}.`]
      : FILTERS.flatMap((filter, i) => differences(filter, built[i], folder, copies[i]));
  for (const line of lines) console.error(line);
  for (const [i, filter] of lines.length === 0 ? FILTERS.entries() : [])
    console.log(`reproducible: ${filter}, ${built[i].length} bytes, SHA-256 ${sha256(built[i])}`);
  process.exitCode = lines.length === 0 ? 0 : 1;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
