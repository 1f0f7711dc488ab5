// Fails when the same sources do not give the same filters: builds them once more, from a copy in a folder of another name, by the
// very script that built those in build/, and compares every byte. And when that script says a line that one must wonder about.
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

/** All that a build says: the two files and their sizes. */
const SAYS = /^(?:build\/glassgate(?:-kong)?\.wasm: \d+ bytes\n){2}$/;

/** The filters built from a copy of the sources in that folder; none when they do not compile. `lines` say what is wrong. */
async function buildIn(folder) {
  mkdirSync(folder, { recursive: true });
  for (const source of SOURCES) cpSync(source, join(folder, source), { recursive: true });
  const child = spawn(process.execPath, [script], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  for (const name of Object.keys(said)) child[name].setEncoding("utf8").on("data", (text) => (said[name] += text));
  const code = await new Promise((done, failed) => child.once("error", failed).once("close", done));
  process.stderr.write(said.stderr);
  if (code !== 0) return { lines: [`The filters do not compile from a copy in ${folder}.`] };
  const lines =
    SAYS.test(said.stdout) && said.stderr === ""
      ? []
      : [`A build says more than two files and their sizes:\n${said.stdout}`];
  return { lines, filters: FILTERS.map((filter) => readFileSync(join(folder, filter))) };
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
  const { lines, filters: copies = [] } = await buildIn(folder);
  const built = FILTERS.map((filter) => readFileSync(filter));
  lines.push(...copies.flatMap((copy, i) => differences(FILTERS[i], built[i], folder, copy)));
  for (const line of lines) console.error(line);
  for (const [i, filter] of lines.length === 0 ? FILTERS.entries() : [])
    console.log(`reproducible: ${filter}, ${built[i].length} bytes, SHA-256 ${sha256(built[i])}`);
  process.exitCode = lines.length === 0 ? 0 : 1;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
