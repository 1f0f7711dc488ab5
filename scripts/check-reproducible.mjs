// Fails when the same sources do not give the same filter: builds it twice more, from copies in folders of other names, by the
// very script that built build/glassgate.wasm, and compares every byte.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const FILTER = "build/glassgate.wasm";
const SOURCES = ["assembly", "asconfig.json"];
/** In the temporary folder: of different lengths and depths. */
const FOLDERS = ["one", join("another", "deeper")];

const script = resolve("scripts/build-filter.mjs");

/** The filter built from a copy of the sources in that folder; undefined when it does not compile, and says why. */
async function buildIn(folder) {
  mkdirSync(folder, { recursive: true });
  for (const source of SOURCES) cpSync(source, join(folder, source), { recursive: true });
  const child = spawn(process.execPath, [script], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise((done, failed) => child.once("error", failed).once("exit", done));
  return code === 0 ? readFileSync(join(folder, FILTER)) : undefined;
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** One line for each difference. */
function differences(built, folder, copy) {
  if (copy === undefined) return [`The filter does not compile from a copy in ${folder}.`];
  if (built.equals(copy)) return [];
  const at = built.findIndex((byte, i) => byte !== copy[i]);
  const offset = at < 0 ? built.length : at;
  return [
    `The filter differs from byte ${offset} on (0x${offset.toString(16)}):`,
    `  ${sha256(built)}  ${built.length} bytes, ${FILTER}`,
    `  ${sha256(copy)}  ${copy.length} bytes, built from a copy in ${folder}`,
  ];
}

const temporary = mkdtempSync(join(tmpdir(), "glassgate-reproducible-"));
try {
  const folders = FOLDERS.map((name) => join(temporary, name));
  const copies = await Promise.all(folders.map(buildIn));
  const built = readFileSync(FILTER);
  const lines = copies.flatMap((copy, i) => differences(built, folders[i], copy));
  for (const line of lines) console.error(line);
  if (lines.length === 0) console.log(`reproducible: ${FILTER}, ${built.length} bytes, SHA-256 ${sha256(built)}`);
  process.exitCode = lines.length === 0 ? 0 : 1;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
