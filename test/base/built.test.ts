/** `npm start` builds the filters only where one of their sources is newer, and says what it does. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { run } from "../cli/run.js";

const at = (path: string): string => fileURLToPath(new URL(`../../scripts/${path}`, import.meta.url));
const root = mkdtempSync(join(tmpdir(), "glassgate-built-"));
afterAll(() => rmSync(root, { recursive: true }));

const FILTERS = ["glassgate", "glassgate-kong"].flatMap((name) => [`build/${name}.wasm`, `build/${name}.wat`]);
const SOURCES = [
  "assembly/index.ts",
  "assembly/text/json.ts",
  "asconfig.json",
  "scripts/build-filter.mjs",
  "package-lock.json",
];

function put(path: string, seconds: number): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), "");
  utimesSync(join(root, path), seconds, seconds);
}
/** As a fresh build leaves them. */
function reset(): void {
  for (const path of SOURCES) put(path, 1000);
  for (const folder of ["assembly", "assembly/text"]) utimesSync(join(root, folder), 1000, 1000);
  for (const path of FILTERS) put(path, 2000);
}
async function isBuilt(): Promise<boolean> {
  const module: { isBuilt(root: string): boolean } = await import(at("built.mjs"));
  return module.isBuilt(root);
}

it("filters newer than all their sources are built", async () => {
  reset();
  expect(await isBuilt()).toBe(true);
});

it.each(SOURCES)("a newer %s is to be built", async (path) => {
  reset();
  put(path, 3000);
  expect(await isBuilt()).toBe(false);
});

it("a source that was taken away is to be built without", async () => {
  reset();
  rmSync(join(root, "assembly/text/json.ts"));
  expect(await isBuilt()).toBe(false);
});

it.each(FILTERS)("without %s there is something to build", async (path) => {
  reset();
  rmSync(join(root, path));
  expect(await isBuilt()).toBe(false);
});

/** npm in its place: what it was asked for, after what was said of it. */
it("says on standard error what it does before it does it, and does no more than is needed", async () => {
  put("bin/npm", 1000);
  writeFileSync(join(root, "bin/npm"), '#!/bin/sh\necho "$3" >&2\n', { mode: 0o755 });
  const build = (...flags: string[]) =>
    run(
      "sh",
      ["-c", 'chmod +x bin/npm; PATH="$PWD/bin:$PATH"; exec "$@"', "sh", process.execPath, at("build.mjs"), ...flags],
      {
        cwd: root,
      },
    );
  const filters = "Building the filters from assembly/: a minute, and some on a slow machine ...\nbuild:filter\n";
  const command = "Compiling the command from control/ ...\nbuild:control\n";
  reset();
  expect(await build("--needed")).toMatchObject({ code: 0, stdout: "", stderr: command });
  expect(await build()).toMatchObject({ code: 0, stdout: "", stderr: filters + command });
  put(SOURCES[0] ?? "", 3000);
  expect(await build("--needed")).toMatchObject({ code: 0, stdout: "", stderr: filters + command });
  expect(await build("--nedeed")).toMatchObject({ code: 2, stderr: expect.stringContaining("--needed") });
});
