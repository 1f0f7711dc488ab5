/** Starts Envoy and stops it: the one way to do so, for `gateway run`, the demonstration, tests and the benchmark. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../base/errors.js";
import { Admin } from "./admin.js";
import { type EnvoyBinary, findEnvoy } from "./find.js";

export interface StartOptions {
  /** The configuration's text. */
  readonly config: string;
  readonly concurrency?: number;
  readonly binary?: EnvoyBinary;
  /** Milliseconds between flushes of the access log; Envoy's own default is 10,000. */
  readonly flushMs?: number;
  readonly logLevel?: "critical" | "error" | "warning" | "info" | "debug";
  /** Receives Envoy's own log as it comes. */
  readonly onLog?: (text: string) => void;
}

export interface RunningEnvoy {
  readonly admin: Admin;
  readonly pid: number;
  /** Listener name -> port. */
  readonly ports: Readonly<Record<string, number>>;
  /** Envoy's own log so far. */
  log(): string;
  /** Resolves when the process has ended. */
  readonly exited: Promise<number | null>;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 30_000;

/** The sentence of Envoy's log that says why it did not start. */
export function reasonFrom(log: string): { message: string; hint: string } {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  const bind = lines.map((line) => /cannot bind '([^']+)': (.+?)(?:'|$)/.exec(line)).find((match) => match !== null);
  if (bind !== undefined) {
    return {
      message: `Envoy cannot listen on ${bind[1]}: ${bind[2]}.`,
      hint: "Another process has this port: choose another with --port, or stop it.",
    };
  }
  const telling = lines
    .filter((line) => /\[(?:critical|error)\]/.test(line))
    .map((line) => line.replace(/^\[[^\]]*\](?:\[[^\]]*\])+ *(?:\[[^\]]*\] *)?/, ""));
  const line = telling.find((candidate) => !candidate.startsWith("exiting")) ?? lines.at(-1) ?? "it said nothing";
  const message = /error `([^`]+)`/.exec(line)?.[1] ?? line;
  return {
    message: `Envoy refused the configuration: ${message.slice(0, 400)}`,
    hint: "`glassgate gateway verify FILE` reads a configuration and names what is wrong with it.",
  };
}

function killWithParent(child: ChildProcess): void {
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
}

async function waitUntilReady(
  admin: () => Admin | undefined,
  hasExited: () => boolean,
  log: () => string,
): Promise<Admin> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (hasExited()) {
      const { message, hint } = reasonFrom(log());
      throw new UserError(message, { hint, exitCode: 1 });
    }
    const found = admin();
    if (found !== undefined && (await found.isReady())) return found;
    await sleep(20);
  }
  throw new UserError("Envoy did not become ready within 30 seconds.", {
    hint: "See its log: an ECDS file that it cannot read, or an upstream name that does not resolve?",
    exitCode: 1,
  });
}

export async function startEnvoy(options: StartOptions): Promise<RunningEnvoy> {
  const { command } = options.binary ?? (await findEnvoy());
  const folder = mkdtempSync(join(tmpdir(), "glassgate-envoy-"));
  mkdirSync(folder, { recursive: true });
  const configPath = join(folder, "envoy.yaml");
  const addressPath = join(folder, "admin-address");
  writeFileSync(configPath, options.config, { mode: 0o600 });
  const inContainer = command[0] === "docker" ? "/host" : "";
  const [program, ...before] = command;
  const args = [
    ...before,
    ...["-c", `${inContainer}${configPath}`, "--admin-address-path", `${inContainer}${addressPath}`],
    ...["--concurrency", String(options.concurrency ?? 2), "--disable-hot-restart"],
    ...["--file-flush-interval-msec", String(options.flushMs ?? 1000), "-l", options.logLevel ?? "warning"],
  ];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  killWithParent(child);
  let log = "";
  const collect = (chunk: Buffer): void => {
    log = `${log}${chunk.toString("utf8")}`.slice(-1_000_000);
    options.onLog?.(chunk.toString("utf8"));
  };
  child.stderr.on("data", collect);
  child.stdout.on("data", (chunk: Buffer) => options.onLog?.(chunk.toString("utf8")));
  let ended = false;
  const exited = new Promise<number | null>((resolve) => {
    child.once("error", (error) => {
      log += `[critical] ${error.message}\n`;
      ended = true;
      resolve(null);
    });
    child.once("exit", (code) => {
      ended = true;
      resolve(code);
    });
  });
  const stop = async (): Promise<void> => {
    if (!ended) {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
      await exited;
      clearTimeout(timer);
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const readAddress = (): Admin | undefined => {
      const address = existsSync(addressPath) ? readFileSync(addressPath, "utf8").trim() : "";
      return address === "" ? undefined : new Admin(address);
    };
    const admin = await waitUntilReady(
      readAddress,
      () => ended,
      () => log,
    );
    const ports = await admin.listenerPorts();
    return { admin, pid: child.pid ?? 0, ports, log: () => log, exited, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
