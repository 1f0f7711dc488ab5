/** A load for as long as one likes, over keep-alive connections: by our own client, or by wrk where that is installed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../control/base/errors.js";
import { Client } from "./client.js";

const SCRIPT = fileURLToPath(new URL("wrk.lua", import.meta.url));

export interface Burst {
  readonly requests: number;
  readonly seconds: number;
}

/** Sends one list of requests, again from its start when it ends, and goes on each time where it was. */
export interface Sender {
  /** Fails when an answer has another status than 200. */
  burst(seconds: number): Promise<Burst>;
  close(): void;
}

export const SENDERS = ["node", "wrk"] as const;
export type SenderName = (typeof SENDERS)[number];

export interface Sending {
  readonly port: number;
  /** One request in flight on each. */
  readonly connections: number;
  /** Whole requests, each once before the first comes again. */
  readonly texts: readonly string[];
  /** For files of its own, by that name. */
  readonly folder: string;
  readonly name: string;
}

async function nodeSender({ port, connections, texts }: Sending): Promise<Sender> {
  const client = await Client.open(port, connections);
  let sent = 0;
  return {
    burst: async (seconds) => {
      const end = performance.now() + seconds * 1000;
      const result = await client.load(() => (performance.now() < end ? texts[sent++ % texts.length] : undefined));
      const [status, ...others] = result.statuses.keys();
      if (status !== 200 || others.length > 0)
        throw new Error(`answers were ${[...result.statuses].map(([code, count]) => `${count} times ${code}`)}`);
      return { requests: result.statuses.get(200) ?? 0, seconds: result.seconds };
    },
    close: () => client.close(),
  };
}

/** What the script tells: requests, microseconds, and what failed. */
const TOLD = /^told requests=(\d+) microseconds=(\d+) statuses=(\d+) broken=(\d+)$/m;

async function runWrk(args: readonly string[]): Promise<string> {
  const child = spawn("wrk", args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString("utf8");
  });
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", kill);
  try {
    await once(child, "close");
  } catch (error) {
    throw new UserError("wrk cannot be started.", {
      cause: error,
      hint: "It is Debian's package wrk; `--client node` needs nothing.",
    });
  } finally {
    process.off("exit", kill);
  }
  return output;
}

function wrkSender({ port, connections, texts, folder, name }: Sending): Sender {
  const path = join(folder, `${name}.requests`);
  writeFileSync(path, texts.join("\x1e"));
  let sent = 0;
  return {
    burst: async (seconds) => {
      const load = ["-t", "1", "-c", String(connections), "-d", `${Math.max(1, Math.round(seconds))}s`];
      const url = `http://127.0.0.1:${port}/`;
      const output = await runWrk([...load, "-s", SCRIPT, url, "--", path, String(sent % texts.length)]);
      const [, requests, microseconds, statuses, broken] = (TOLD.exec(output) ?? []).map(Number);
      if (requests === undefined || microseconds === undefined) throw new Error(`wrk said: ${output}`);
      if (statuses !== 0 || broken !== 0) throw new Error(`${statuses} answers were no 200, ${broken} were none`);
      sent += requests;
      return { requests, seconds: microseconds / 1e6 };
    },
    close: () => {},
  };
}

export const makeSender = (which: SenderName, sending: Sending): Promise<Sender> =>
  which === "node" ? nodeSender(sending) : Promise.resolve(wrkSender(sending));
