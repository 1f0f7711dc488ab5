/**
 * moto's S3: another's view of what a store is, in a process of its own. From PyPI into .cache/, once, as Envoy's wheel is; skipped,
 * with a word, where there is no Python or nothing to fetch it from.
 */
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { messageOf, systemCode } from "../../control/base/errors.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const WANTED = fileURLToPath(new URL("moto.txt", import.meta.url));

/** What pip says where PyPI is out of reach, or where it has nothing for this Python. */
const UNAVAILABLE =
  /NewConnectionError|ConnectionError|Max retries|Temporary failure|Name or service|ReadTimeout|No matching distribution|Requires-Python/i;

type Found = { readonly python: string; readonly folder: string } | { readonly missing: string };

async function findPython(): Promise<string | undefined> {
  for (const python of ["python3", "python"]) {
    try {
      await run(python, ["-m", "pip", "--version"]);
      return python;
    } catch (error) {
      if (systemCode(error) !== "ENOENT" && !messageOf(error).includes("No module named pip")) throw error;
    }
  }
  return undefined;
}

async function find(): Promise<Found> {
  const python = await findPython();
  if (python === undefined) return { missing: "there is no Python with pip" };
  const name = createHash("sha256").update(readFileSync(WANTED)).digest("hex").slice(0, 12);
  const folder = join(root, ".cache", `moto-${name}`);
  if (existsSync(folder)) return { python, folder };
  mkdirSync(join(root, ".cache"), { recursive: true });
  const making = mkdtempSync(`${folder}.`);
  try {
    const env = { ...process.env, PIP_USER: "0", PIP_REQUIRE_VIRTUALENV: "0", PIP_REQUIRE_HASHES: "0" };
    const options = [
      "--quiet",
      "--disable-pip-version-check",
      "--no-deps",
      "--target",
      making,
      "--requirement",
      WANTED,
    ];
    await run(python, ["-m", "pip", "install", ...options], { env });
    renameSync(making, folder);
  } catch (error) {
    const said = messageOf(error);
    if (UNAVAILABLE.test(said)) return { missing: "moto cannot be had from PyPI for this Python" };
    if (!["ENOTEMPTY", "EEXIST"].includes(systemCode(error) ?? "")) throw error; // Another process was first.
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return { python, folder };
}

const found = await find();
/** Why this cannot run here. */
export const motoMissing: string | undefined = "missing" in found ? found.missing : undefined;
export const withMoto = (name: string): string =>
  motoMissing === undefined ? name : `${name} (skipped: ${motoMissing})`;

export interface Moto {
  readonly endpoint: string;
  stop(): Promise<void>;
}

export async function startMoto(bucket: string): Promise<Moto> {
  if ("missing" in found) throw new Error(found.missing);
  const child = spawn(found.python, ["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], {
    env: { ...process.env, PYTHONPATH: found.folder, PYTHONUNBUFFERED: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "exit");
  let said = "";
  const endpoint = await new Promise<string>((resolve, reject) => {
    const listen = (bytes: Buffer): void => {
      said += bytes.toString();
      const url = /Running on (http:\/\/127\.0\.0\.1:[0-9]+)/.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    child.once("exit", (code) => reject(new Error(`moto ended at once (${code}):\n${said}`)));
  });
  const made = await fetch(`${endpoint}/${bucket}`, {
    method: "PUT",
    headers: { authorization: "AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/us-east-1/s3/aws4_request" },
  });
  if (!made.ok) throw new Error(`moto makes no bucket: ${made.status} ${await made.text()}`);
  return {
    endpoint,
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
