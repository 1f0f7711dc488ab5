/** Others' programs for transparency logs, as functions: Go's own verifier, Tessera's fsck and migration, and our Tessera personality. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { bundleOf } from "./bundle-of.js";
import { buildGo } from "./go-build.js";
import type { NoteKey } from "./note-key.js";

const TESSERA = "github.com/transparency-dev/tessera";
const built = await buildGo([
  { name: "ledger-go", module: "test/ledger-go", package: "." },
  { name: "fsck", module: "test/ledger-go", package: `${TESSERA}/cmd/fsck` },
  { name: "migrate", module: "test/ledger-go", package: `${TESSERA}/cmd/experimental/migrate/posix` },
  { name: "tessera", module: "config/ledger/tessera", package: "." },
]);

/** Why none of this can run here. */
export const goMissing: string | undefined = "missing" in built ? built.missing : undefined;

/** What a suite is called that may not run. */
export const withGo = (name: string): string => (goMissing === undefined ? name : `${name} (skipped: ${goMissing})`);

function program(name: string): string {
  if ("missing" in built) throw new Error(built.missing);
  return join(built.folder, name);
}

export interface Said {
  readonly verified: boolean;
  /** All that it printed. */
  readonly text: string;
}

/** A program that never ends has not verified anything. */
const PATIENCE_MS = 120_000;

async function said(name: string, args: readonly string[], yes: RegExp): Promise<Said> {
  return await new Promise((resolve) => {
    execFile(
      program(name),
      args,
      { timeout: PATIENCE_MS, killSignal: "SIGKILL", maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const text = stdout + stderr;
        resolve({ verified: error === null && yes.test(text), text });
      },
    );
  });
}

export interface VerifyOptions {
  /** A file with a kept checkpoint. */
  readonly since?: string;
  /** Entries whose inclusion is proved. */
  readonly index?: readonly number[];
}

/** Go's sumdb over a log's folder: the checkpoint's signature, every entry and tile, inclusion, consistency. */
export function goVerify(folder: string, vkey: string, { since, index = [] }: VerifyOptions = {}): Promise<Said> {
  const options = [...(since === undefined ? [] : ["--since", since]), "--index", index.join(",")];
  return said("ledger-go", ["verify", ...options, folder, vkey], /^VERIFIED$/m);
}

/** A C2SP tlog-proof against an entry's bytes. */
export function goProof(vkey: string, proof: string | Buffer, entry: Buffer): Promise<Said> {
  return inFolder(async (folder) => {
    const [proofFile, entryFile] = [join(folder, "entry.tlog-proof"), join(folder, "entry")];
    writeFileSync(proofFile, proof);
    writeFileSync(entryFile, entry);
    return await said("ledger-go", ["proof", vkey, proofFile, entryFile], /^VERIFIED$/m);
  });
}

/**
 * Tessera's fsck. It ends with 0 also where it found something, so its word counts. With one worker it waits for ever behind the first
 * wrong tile (1.0.4); more of them only make that rarer, hence the patience above.
 * @param from a folder, or the URL of a log
 */
export function fsck(from: string, vkey: string, token?: string): Promise<Said> {
  return inFolder(async (folder) => {
    const key = join(folder, "vkey");
    writeFileSync(key, vkey);
    const url = /^https?:/.test(from) ? from : `file://${from}`;
    const bearer = token === undefined ? [] : ["--bearer_token", token];
    return await said(
      "fsck",
      ["--ui=false", "--N", "8", "--storage_url", url, "--public_key", key, ...bearer],
      /Successfully fsck'd log with size \d+/,
    );
  });
}

/** Tessera takes over a log: from a URL, into a new folder. Who goes on there does it with the log's key. */
export async function migrate(source: string, folder: string): Promise<void> {
  const { verified, text } = await said("migrate", ["--storage_dir", folder, "--source_url", source], /^/);
  if (!verified) throw new Error(`The log was not taken over:\n${text}`);
}

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-go-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const added = z.strictObject({ indices: z.array(z.int().nonnegative()) });

export interface Tessera {
  readonly url: string;
  readonly token: string;
  /** What it prints as its verifier key. */
  readonly vkey: string;
  /** Waits until they are durable. */
  add(entries: readonly Buffer[]): Promise<readonly number[]>;
  /** Any body, any token. */
  post(body: Buffer, token?: string): Promise<Response>;
  /** SIGTERM: a checkpoint over all that was answered, then the end. @returns its exit code */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

export interface TesseraOptions {
  readonly options?: readonly string[];
}

/** The personality's program, for a run that does not get as far as listening. */
export const tesseraSays = (args: readonly string[]): Promise<Said> => said("tessera", args, /^/);

/** Our personality on a folder, at a free port of this machine. */
export async function startTessera(
  folder: string,
  key: NoteKey,
  { options = [] }: TesseraOptions = {},
): Promise<Tessera> {
  const secrets = mkdtempSync(join(tmpdir(), "glassgate-tessera-"));
  const token = "a-token-of-the-tests-that-is-long-enough";
  writeFileSync(join(secrets, "key"), `${key.signerKey}\n`, { mode: 0o600 });
  writeFileSync(join(secrets, "token"), `${token}\n`, { mode: 0o600 });
  const child = spawn(
    program("tessera"),
    [
      ...["--folder", folder, "--listen", "127.0.0.1:0", "--checkpoint-interval", "100ms", "--batch-age", "5ms"],
      ...["--key-file", join(secrets, "key"), "--token-file", join(secrets, "token"), ...options],
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const ended = once(child, "exit");
  let out = "";
  let err = "";
  child.stderr.on("data", (bytes: Buffer) => {
    err += bytes.toString();
  });
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (bytes: Buffer) => {
      out += bytes.toString();
      const found = /^listening on (\S+)$/m.exec(out)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", (code) => reject(new Error(`Tessera ended at once (${code}):\n${err}`)));
  });
  rmSync(secrets, { recursive: true }); // It has read them.
  const url = `http://${address}`;
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    await ended;
    return child.exitCode;
  };
  const post = (body: Buffer, other = token): Promise<Response> =>
    fetch(`${url}/add`, { method: "POST", body: new Uint8Array(body), headers: { authorization: `Bearer ${other}` } });
  return {
    url,
    token,
    vkey: /^key (\S+)$/m.exec(out)?.[1] ?? "",
    post,
    add: async (entries) => {
      const answer = await post(bundleOf(entries));
      if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
      return added.parse(await answer.json()).indices;
    },
    stop: () => end("SIGTERM"),
    kill: async () => {
      await end("SIGKILL");
    },
  };
}

export interface Served {
  readonly url: string;
  stop(): Promise<void>;
}

/** A log's folder as a web server would publish it. */
export async function serveFolder(folder: string): Promise<Served> {
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    if (!/^\/(?:checkpoint|tile\/[a-z0-9/.]+)$/.test(path) || path.includes("..")) return response.writeHead(404).end();
    try {
      response.end(readFileSync(join(folder, path)));
    } catch {
      response.writeHead(404).end(); // There is none, or it is a folder.
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return {
    url: `http://127.0.0.1:${address.port}/`,
    stop: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
