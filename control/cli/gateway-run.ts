/** `glassgate gateway run`: starts Envoy with a rendered configuration. */
import { existsSync, rmSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { messageOf, UserError } from "../base/errors.js";
import { readText, readTextIfThere } from "../base/files.js";
import { isLoopback } from "../base/loopback.js";
import { visible } from "../base/text.js";
import { defaultConfiguration, differing, ecdsText, writeEcds } from "../gateway/ecds.js";
import { findEnvoy } from "../gateway/find.js";
import { pidPath, runningPid, writePid } from "../gateway/pid.js";
import { missingFilterFile } from "../gateway/push-preflight.js";
import { type RenderedFilter, readRenderedFilter } from "../gateway/rendered.js";
import { type RunningEnvoy, startEnvoy } from "../gateway/run.js";
import { checkPorts, makeLogFolders, readSurroundings, type Surroundings } from "../gateway/surroundings.js";
import { startUpstream, type Upstream } from "../gateway/upstream.js";
import { reportToStarter, runInBackground } from "./background.js";
import { examples } from "./context.js";
import { say, warn } from "./output.js";

export interface RunOptions {
  readonly concurrency: number;
  readonly demoUpstream?: boolean;
  readonly background?: boolean;
}

/** YAML can be right and still not be readable, as with thousands of aliases. */
function readFilter(text: string, file: string): RenderedFilter {
  try {
    return readRenderedFilter(text, file);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${file} cannot be read: ${visible(messageOf(error))}.`, {
      cause: error,
      hint: "Write the filter's configuration without aliases, as `glassgate gateway render` does.",
    });
  }
}

/** The filter without a bundle: Envoy waits for the file. */
function writeFirstEcds(filter: RenderedFilter): void {
  try {
    writeEcds(filter.ecdsPath, ecdsText(filter, defaultConfiguration(filter), undefined, "0"));
  } catch (error) {
    throw new UserError(messageOf(error), {
      cause: error,
      hint: "Render with --ecds naming a file that can be written here, in a folder of its own.",
    });
  }
}

/** That the gateway will not serve what its file says, in words. */
function stale(filter: RenderedFilter, file: string): string[] {
  const { ecdsPath } = filter;
  const text = readTextIfThere(ecdsPath, "the ECDS file");
  const names = text === undefined ? [] : differing(filter, text);
  if (names === undefined)
    return [
      `Warning: ${ecdsPath} holds no configuration of this filter, so that of ${file} serves, without a bundle, until the next push.`,
    ];
  if (names.length === 0) return [];
  const shown = names.join(", ");
  return [`Warning: ${file} and ${ecdsPath} differ in ${shown}: the latter serves, until the next push.`];
}

/** Everything that can be wrong before Envoy starts. @returns the configuration's text, and what is to be told of it */
async function prepare(file: string): Promise<{ text: string; around: Surroundings; told: string[] }> {
  const text = readText(file, "the gateway's configuration", "Write one with `glassgate gateway render`.");
  const around = readSurroundings(text, file);
  const filter = readFilter(text, file);
  const running = runningPid(file);
  if (running !== undefined) {
    throw new UserError(`${file} runs already, as process ${running}.`, {
      hint: `Stop it with: glassgate gateway stop ${file}`,
      exitCode: 1,
    });
  }
  const missing = missingFilterFile(filter);
  if (missing !== undefined) {
    throw new UserError(`The filter ${visible(missing)} is missing.`, {
      hint: "Put it there, or render again: `glassgate gateway render` names the filter that comes with this glassgate.",
      exitCode: 1,
    });
  }
  await checkPorts(around);
  makeLogFolders(around);
  if (!existsSync(filter.ecdsPath)) {
    writeFirstEcds(filter);
    say(`Wrote ${filter.ecdsPath}: the filter without a bundle, until the first push.`);
  }
  return { text, around, told: stale(filter, file) };
}

async function startDemoUpstream({ upstream }: Surroundings): Promise<Upstream> {
  if (upstream === undefined || !isLoopback(upstream.host)) {
    throw new UserError("--demo-upstream needs a configuration whose upstream is on this machine.", {
      hint: "Leave --demo-upstream out, or render with --upstream 127.0.0.1:8080.",
    });
  }
  return startUpstream(upstream.port);
}

function describe(file: string, version: string, envoy: RunningEnvoy, around: Surroundings, isDemo: boolean): string[] {
  const ports = Object.entries(envoy.ports).map(([name, port]) => `${name} on port ${port}`);
  const { upstream } = around;
  const lines = [
    `Envoy ${version} is up: ${ports.join(", ")}`,
    `  admin     ${envoy.admin.address}`,
    `  upstream  ${upstream === undefined ? "as configured" : `${upstream.host}:${upstream.port}`}${isDemo ? ", the demo upstream: it only says what it received" : ""}`,
    ...around.logs.map(({ name, path }) => `  ${name.padEnd(8)}  ${path}`),
    `Next: glassgate push --gateway ${file}`,
  ];
  return lines.map(visible);
}

/** What Envoy says of every start and stop here: our own lines say it better. Nothing else is left out. */
const EXPECTED =
  /There is no configured limit to the number of allowed active downstream connections|caught ENVOY_SIGTERM$|caught and eating SIGHUP/;

/** Envoy's own log, line by line, nothing in it able to steer a terminal. */
function logLines(): (text: string) => void {
  let rest = "";
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (!EXPECTED.test(line)) process.stderr.write(`${visible(line)}\n`);
  };
}

/** Stops on each way to end a program; the terminal that we talked to may be gone by then. */
function onSignals(stop: (signal: string) => void): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", () => {}); // EIO or EPIPE: nobody reads any more. Envoy must be ended all the same.
  }
  for (const signal of ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR2"] as const)
    process.on(signal, () => stop(signal));
}

function endedByItself(end: number | string, file: string): UserError {
  const hint = `Start it again with: glassgate gateway run ${visible(file)}`;
  if (typeof end === "string")
    return new UserError(`Envoy was killed (${end}), by the system or by somebody; nothing listens any more.`, {
      hint: end === "SIGKILL" ? `Was memory short? ${hint}` : `Its log above may say why. ${hint}`,
      exitCode: 1,
    });
  return new UserError(`Envoy ended by itself, with exit code ${end}; nothing listens any more.`, {
    hint: `Its log above may say why. ${hint}`,
    exitCode: 1,
  });
}

async function runHere(file: string, options: RunOptions): Promise<void> {
  let envoy: RunningEnvoy | undefined;
  let upstream: Upstream | undefined;
  let stoppedBy: string | undefined;
  onSignals((signal) => {
    if (envoy === undefined) process.exit(130); // Not up yet: what was started ends with us.
    if (stoppedBy === undefined) say(`Stopping Envoy (${signal}) ...`);
    stoppedBy = signal;
    void envoy.stop();
  });
  // What rotates logs sends it. Left alone, Node would open a debugger for anybody on this machine.
  process.on("SIGUSR1", () => envoy?.signal("SIGUSR1"));
  const { text, around, told } = await prepare(file);
  const binary = await findEnvoy(say);
  try {
    if (options.demoUpstream === true) upstream = await startDemoUpstream(around);
    envoy = await startEnvoy({
      config: text,
      concurrency: options.concurrency,
      binary,
      onLog: logLines(),
      stdout: "inherit",
    });
    writePid(file);
    const version = `${binary.version} (from ${binary.source})`;
    const lines = [...describe(file, version, envoy, around, upstream !== undefined), ...told.map(visible)];
    if (upstream !== undefined) warn("--demo-upstream is to try the gateway, never for production.");
    for (const line of lines) say(line);
    if (!reportToStarter(lines)) say("This terminal stays with it; go on in a second one. Ctrl-C stops it.");
    const end = await envoy.exited;
    if (stoppedBy === undefined) throw endedByItself(end, file);
    say("Envoy has stopped.");
  } finally {
    if (envoy !== undefined) rmSync(pidPath(file), { force: true });
    await envoy?.stop();
    await upstream?.stop();
  }
}

async function run(file: string, options: RunOptions): Promise<void> {
  if (options.background === true) {
    await runInBackground(file, options);
    return;
  }
  try {
    await runHere(file, options);
  } catch (error) {
    reportToStarter(error instanceof UserError ? error : new UserError(messageOf(error), { exitCode: 1 }));
    throw error;
  }
}

function workers(text: string): number {
  const count = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > 1024) throw new InvalidArgumentError("It must be a number of threads, from 1 to 1024.");
  return count;
}

export function addGatewayRun(gateway: Command): void {
  const runCommand = gateway
    .command("run")
    .description("start Envoy with a rendered configuration")
    .argument("<file>", "the rendered configuration")
    .option("--concurrency <n>", "worker threads", workers, 2)
    .option("--background", "return when the gateway is up; `glassgate gateway stop FILE` ends it")
    .option("--demo-upstream", "answer requests with what was received: to try the gateway, never for production")
    .action(run);
  examples(runCommand, [
    "glassgate gateway run gateway.yaml",
    "glassgate gateway run gateway.yaml --background --demo-upstream",
  ]);
}
