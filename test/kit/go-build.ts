/**
 * Builds the Go programs that hold the ledger to what others think of it: once into .cache/, from the sources and sums that are in
 * the repository. They are skipped, with a word, where there is no Go or where its modules cannot be fetched; all else is an error.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { messageOf, systemCode } from "../../control/base/errors.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));

export interface GoProgram {
  /** What it is called in the cache. */
  readonly name: string;
  /** The folder of its module, below the repository. */
  readonly module: string;
  /** Of the module, or of one that it names as a tool. */
  readonly package: string;
}

export type Built = { readonly folder: string } | { readonly missing: string };

/** What the modules say that they need. Another toolchain is never fetched for them. */
function leastOf(modules: ReadonlySet<string>): readonly [number, number] {
  const lines = [...modules].map((module) => readFileSync(join(root, module, "go.mod"), "utf8"));
  const minors = lines.map((text) => Number(/^go 1\.(\d+)/m.exec(text)?.[1] ?? Number.NaN));
  return [1, Math.max(...minors)];
}

async function findGo(modules: ReadonlySet<string>): Promise<{ go: string; version: string } | { missing: string }> {
  const places = (process.env.PATH ?? "").split(delimiter).filter((place) => place !== "");
  const go = [...places, "/usr/local/go/bin"].map((place) => join(place, "go")).find((path) => existsSync(path));
  if (go === undefined) return { missing: "there is no Go on this machine" };
  const { stdout } = await run(go, ["env", "GOVERSION"], { env: { ...process.env, GOTOOLCHAIN: "local" } });
  const version = stdout.trim();
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(version) ?? [];
  const least = leastOf(modules);
  const isOld = Number(major) === least[0] && Number(minor) < least[1];
  return isOld ? { missing: `Go ${least.join(".")} is needed, and here is ${version}` } : { go, version };
}

function* sources(module: string): Generator<string> {
  for (const name of readdirSync(join(root, module)).sort())
    if (/\.go$|^go\.(?:mod|sum)$/.test(name)) yield join(root, module, name);
}

function keyOf(programs: readonly GoProgram[], modules: ReadonlySet<string>, version: string): string {
  const hash = createHash("sha256").update(JSON.stringify([version, programs]));
  for (const module of modules)
    for (const path of sources(module)) hash.update(`${path.slice(root.length)}\n`).update(readFileSync(path));
  return hash.digest("hex").slice(0, 16);
}

/** What Go says where the module proxy is out of reach; a module that the proxy refuses is something else. */
const OFFLINE =
  /dial tcp|no such host|connection refused|network is unreachable|no route to host|TLS handshake timeout|i\/o timeout|GOPROXY=off|proxyconnect/;

const stderrOf = (error: unknown): string =>
  error instanceof Error && "stderr" in error && typeof error.stderr === "string" ? error.stderr : messageOf(error);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== "ESRCH";
  }
}

/** Takes the lock, or waits for who has it. A holder that is gone holds nothing. @returns whether it is held now */
async function lockOrWait(lock: string): Promise<boolean> {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
  }
  const holder = existsSync(lock) ? Number(readFileSync(lock, "utf8")) : 0;
  // 0: it has just made the file, or just removed it.
  if (holder !== 0 && !isAlive(holder)) rmSync(lock, { force: true });
  await sleep(100);
  return false;
}

async function build(go: string, programs: readonly GoProgram[], folder: string): Promise<Built> {
  const making = `${folder}.new`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  try {
    for (const { name, module, package: what } of programs)
      await run(go, ["build", "-p=2", "-buildvcs=false", "-mod=readonly", "-o", join(making, name), what], {
        cwd: join(root, module),
        env: { ...process.env, GOTOOLCHAIN: "local", GOFLAGS: "", GOWORK: "off" },
        maxBuffer: 16 * 1024 * 1024,
      });
  } catch (error) {
    const said = stderrOf(error);
    if (OFFLINE.test(said)) return { missing: "Go's modules are not here, and their proxy cannot be reached" };
    throw new Error(`Go does not build:\n${said}`, { cause: error });
  }
  renameSync(making, folder);
  return { folder };
}

/** The folder with the programs in it. Two test files that want them at once wait for one build. */
export async function buildGo(programs: readonly GoProgram[]): Promise<Built> {
  const modules = new Set(programs.map(({ module }) => module));
  const found = await findGo(modules);
  if ("missing" in found) return found;
  const cache = join(root, ".cache");
  const folder = join(cache, `go-${keyOf(programs, modules, found.version)}`);
  const lock = `${folder}.lock`;
  mkdirSync(cache, { recursive: true });
  for (;;) {
    if (existsSync(folder)) return { folder };
    if (!(await lockOrWait(lock))) continue;
    try {
      return existsSync(folder) ? { folder } : await build(found.go, programs, folder);
    } finally {
      rmSync(lock, { force: true });
    }
  }
}
