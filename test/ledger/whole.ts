/** A whole ledger in a folder, run by the real command; records as a VM chains them; and what the log holds in the end. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeNewTexts } from "../../control/base/files.js";
import { newLedgerConfig } from "../../control/ledger/config.js";
import { decodeEntry, type Entry } from "../../control/ledger/entry.js";
import { newLogFiles } from "../../control/ledger/log/files.js";
import { openLogSigner } from "../../control/ledger/log/key.js";
import { openCheckpoint } from "../../control/ledger/tlog/checkpoint.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { fileSource, readEntries, rootAt } from "../../control/ledger/tlog/read.js";
import { newKey, type PublicKey, publicPart } from "../../control/signer/jwk.js";
import { writeKeyFile } from "../../control/signer/keyfile.js";

/** As in test/cli/run.ts, which only the test runner can load; the soaks use this as well. */
const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
export const PASSPHRASE = "correct horse battery staple";
const ORIGIN = "ledger.example/test";
/** The file's own bound is for people; here it would only take time. */
const ITERATIONS = 1000;

export interface LedgerFolder {
  readonly folder: string;
  readonly vkey: string;
}

/** @param yaml the rest of ledger.yaml @returns with the public key, as a bundle's `ledgers` names it */
export async function newLedgerFolder(
  parent: string,
  yaml: string,
): Promise<LedgerFolder & { readonly jwk: PublicKey }> {
  const folder = join(parent, "ledger");
  const keyPath = join(parent, "keys", "ledger.key.json");
  mkdirSync(folder);
  const key = newKey("Ed25519");
  await writeKeyFile(keyPath, "ledger", key, PASSPHRASE, ITERATIONS);
  const signer = openLogSigner(key, ORIGIN);
  writeNewTexts(newLogFiles({ folder, signer, signedPath: `${keyPath}.signed` }));
  const [head = ""] = newLedgerConfig(ORIGIN, "../keys/ledger.key.json").split("\n# The gateways");
  writeFileSync(join(folder, "ledger.yaml"), `${head}\n${yaml}`);
  return { folder, vkey: signer.vkey, jwk: publicPart(key) };
}

/** Every entry, after the tree that the checkpoint signs was computed from them. */
export async function entriesOf({ folder, vkey }: LedgerFolder): Promise<Entry[]> {
  const source = fileSource(folder);
  const { size, root } = openCheckpoint(readFileSync(join(folder, "checkpoint"), "utf8"), parseVkey(vkey));
  if (!(await rootAt(source, size)).equals(root)) throw new Error("the checkpoint is of another tree");
  const entries: Entry[] = [];
  for await (const { bytes } of readEntries(source, size)) {
    const entry = decodeEntry(bytes);
    if (entry === undefined) throw new Error("an entry that the ledger did not write");
    entries.push(entry);
  }
  return entries;
}

export const bodiesOf = (entries: readonly Entry[], type: string): string[] =>
  entries.filter(({ head }) => head.type === type).map(({ body }) => body.toString("latin1"));

export interface Running {
  readonly child: ChildProcess;
  /** All that it has said so far. */
  told(): string;
  /** Waits until it has said that. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<number | null>;
}

export function command(...args: readonly string[]): Running {
  const child = spawn(process.execPath, [main, "ledger", ...args], {
    env: { ...process.env, NO_COLOR: "1", GLASSGATE_PASSPHRASE: PASSPHRASE },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let text = "";
  const watchers = new Set<() => void>();
  const take = (chunk: Buffer): void => {
    text += chunk.toString();
    for (const watcher of watchers) watcher();
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const ended = new Promise<number | null>((resolve) => child.on("close", (code) => resolve(code)));
  return {
    child,
    told: () => text,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(text);
          if (match === null) return;
          watchers.delete(look);
          resolve(match);
        };
        watchers.add(look);
        void ended.then(() => reject(new Error(`it ended without saying ${pattern}: ${text}`)));
        look();
      }),
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

/** Starts `ledger serve` and gives its URL. */
export async function serve({ folder }: LedgerFolder): Promise<Running & { readonly url: string }> {
  const running = command("serve", folder);
  const [, url = ""] = await running.says(/listens on (http:\/\/127\.0\.0\.1:\d+)/);
  await running.says(/Ctrl-C stops it/);
  return { ...running, url };
}

/** Records of denials, chained as a VM chains them. */
export class ChainedVm {
  private prev = "0".repeat(64);
  private seq = 0;

  constructor(readonly vm: string) {}

  next(): string {
    this.seq += 1;
    const line = JSON.stringify({
      v: 1,
      vm: this.vm,
      seq: this.seq,
      prev: this.prev,
      ts: new Date().toISOString(),
      mode: "enforce",
      verdict: "malformed",
      source: "192.0.2.1:52100",
      request_id: `${this.vm}-${this.seq}`,
    });
    this.prev = createHash("sha256").update(line).digest("hex");
    return line;
  }
}
