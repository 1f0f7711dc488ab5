/** Starts Envoy and stops it: the one way to do so, for `gateway run`, the demonstration, tests and the benchmark. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { Admin } from "./admin.js";
import { startWithUs } from "./ends-with-us.js";
import { type EnvoyBinary, findEnvoy, TESTED_VERSIONS } from "./find.js";

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
  /** Where a log to /dev/stdout goes: to ours as well, or (default) nowhere that can be opened. */
  readonly stdout?: "inherit";
}

export interface RunningEnvoy {
  readonly admin: Admin;
  readonly pid: number;
  /** Listener name -> port. */
  readonly ports: Readonly<Record<string, number>>;
  /** Envoy's own log so far. */
  log(): string;
  /** Resolves when the process has ended, with how: its exit code, or the signal that killed it. */
  readonly exited: Promise<number | string>;
  /** As for Envoy itself: SIGUSR1 has it open its logs anew. */
  signal(name: "SIGUSR1"): void;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 120_000;

/** Envoy says where first and what last, and the way to a filter inside a matcher's action is long. */
const shortened = (text: string): string =>
  text.length <= 400 ? text : `${text.slice(0, 150)} ... ${text.slice(-245)}`;

/** The sentence of Envoy's log that says why it did not start. */
export function reasonFrom(log: string): { message: string; hint: string } {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  const bind = lines.map((line) => /cannot bind '([^']+)': (.+?)(?:'|$)/.exec(line)).find((match) => match !== null);
  if (bind !== undefined) {
    return {
      message: visible(`Envoy cannot listen on ${bind[1]}: ${bind[2]}.`),
      hint: "Another process has this port: stop it, or render with another --port (the listener) or --admin-port (the admin interface).",
    };
  }
  if (lines.some((line) => line.includes("Envoy was compiled without support for it"))) {
    return {
      message: "This Envoy was built without Wasm support (V8): it cannot run the filter.",
      hint: `Use another build; tested are ${TESTED_VERSIONS.join(", ")}. Without ENVOY_BIN and GLASSGATE_ENVOY_VERSION Glassgate fetches the newest of them.`,
    };
  }
  const closed = lines
    .map((line) => /unable to open file '([^']+)': ([^`'"]+)/.exec(line))
    .find((match) => match !== null);
  if (closed !== undefined) {
    return {
      message: visible(`Envoy cannot write its log ${closed[1]}: ${closed[2]}.`),
      hint: "Render with --log, --audit-log and --answers-log naming files that can be written here.",
    };
  }
  const telling = lines
    .filter((line) => /\[(?:critical|error)\]/.test(line))
    .map((line) => line.replace(/^\[[^\]]*\](?:\[[^\]]*\])+ *(?:\[[^\]]*\] *)?/, ""));
  const line = telling.find((candidate) => !candidate.startsWith("exiting")) ?? lines.at(-1) ?? "it said nothing";
  const message = /error `([^`]+)`/.exec(line)?.[1] ?? line;
  return {
    message: visible(`Envoy refused the configuration: ${shortened(message)}`),
    hint: "`glassgate gateway verify FILE` reads a configuration and names what is wrong with it.",
  };
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
  throw new UserError("Envoy did not become ready within two minutes.", {
    hint: "See its log: an ECDS file that it cannot read, or an upstream name that does not resolve?",
    exitCode: 1,
  });
}

/** A new folder for what lives as long as we do. */
export function makeTemporary(prefix: string): string {
  try {
    return mkdtempSync(join(tmpdir(), prefix));
  } catch (error) {
    throw new UserError(`No temporary folder can be made in ${visible(tmpdir())}: ${visible(messageOf(error))}.`, {
      cause: error,
      hint: "Point TMPDIR at a folder that you can write to.",
    });
  }
}

export async function startEnvoy(options: StartOptions): Promise<RunningEnvoy> {
  const { command } = options.binary ?? (await findEnvoy());
  const folder = makeTemporary("glassgate-envoy-");
  const configPath = join(folder, "envoy.yaml");
  const addressPath = join(folder, "admin-address");
  writeFileSync(configPath, options.config, { mode: 0o600 });
  const args = [
    ...["-c", configPath, "--admin-address-path", addressPath],
    ...["--concurrency", String(options.concurrency ?? 2), "--disable-hot-restart"],
    ...["--file-flush-interval-msec", String(options.flushMs ?? 1000), "-l", options.logLevel ?? "warning"],
  ];
  const child = startWithUs([...command, ...args], folder, options.stdout ?? "pipe");
  let log = "";
  const collect = (chunk: Buffer): void => {
    log = `${log}${chunk.toString("utf8")}`.slice(-1_000_000);
    options.onLog?.(chunk.toString("utf8"));
  };
  child.stderr?.on("data", collect);
  child.stdout?.on("data", (chunk: Buffer) => options.onLog?.(chunk.toString("utf8")));
  let ended = false;
  const exited = new Promise<number | string>((resolve) => {
    child.once("error", (error) => {
      log += `[critical] ${error.message}\n`;
      ended = true;
      resolve(error.message);
    });
    child.once("exit", (code, signal) => {
      ended = true;
      resolve(code ?? signal ?? "a signal");
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
    return { admin, pid: child.pid ?? 0, ports, log: () => log, exited, signal: (name) => child.kill(name), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
