/** A witness that others wrote (github.com/transparency-dev/witness), on loopback, for one log. It asks nobody for anything. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildGo } from "./go-build.js";
import type { NoteKey } from "./note-key.js";

const built = await buildGo([
  {
    name: "omniwitness",
    module: "test/ledger-go/witness",
    package: "github.com/transparency-dev/witness/cmd/omniwitness",
  },
]);

/** Why it cannot run here. */
export const witnessMissing: string | undefined = "missing" in built ? built.missing : undefined;

export interface Witness {
  /** Its submission prefix. */
  readonly url: string;
  /** Ends it; its memory of the log stays in the folder. */
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const closed = once(server, "close");
  server.close();
  await closed;
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return address.port;
}

/**
 * @param folder where it keeps what it saw
 * @param log the verifier key of the log
 * @param key what it signs with
 */
export async function startWitness(folder: string, log: string, key: NoteKey): Promise<Witness> {
  if ("missing" in built) throw new Error(built.missing);
  const secrets = mkdtempSync(join(tmpdir(), "glassgate-witness-"));
  const [logs, keyFile] = [join(secrets, "logs.yaml"), join(secrets, "key")];
  writeFileSync(logs, JSON.stringify({ Logs: [{ Origin: log.split("+", 1)[0], PublicKey: log, URL: "" }] }));
  writeFileSync(keyFile, key.signerKey, { mode: 0o600 });
  const url = `http://127.0.0.1:${await freePort()}`;
  const child = spawn(
    join(built.folder, "omniwitness"),
    [
      ...["--listen", new URL(url).host, "--metrics_listen", "", "--db_file", join(folder, "witness.db")],
      ...["--additional_logs", logs, "--private_key_path", keyFile],
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr.on("data", (bytes: Buffer) => {
    said += bytes.toString();
  });
  const ended = once(child, "exit");
  for (;;) {
    if (child.exitCode !== null) throw new Error(`The witness ended at once:\n${said}`);
    const answer = await fetch(url).catch(() => undefined); // Not there yet.
    await answer?.body?.cancel();
    if (answer !== undefined) break;
    await sleep(20);
  }
  rmSync(secrets, { recursive: true });
  return {
    url,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
