/** `gateway run --background`: the same command again, detached; it tells its starter when the gateway is up, or why not. */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { messageOf, UserError } from "../base/errors.js";
import { childEnvironment } from "../gateway/environment.js";
import type { RunOptions } from "./gateway-run.js";
import { say, warn } from "./output.js";

const reportSchema = z.union([
  z.strictObject({ lines: z.array(z.string()) }),
  z.strictObject({ error: z.string(), hint: z.string().optional(), exitCode: z.int() }),
]);
type Report = z.infer<typeof reportSchema>;

/** In the detached process. @returns whether somebody waits for the report */
export function reportToStarter(what: readonly string[] | UserError): boolean {
  if (process.send === undefined || !process.connected) return false;
  const report: Report =
    what instanceof UserError
      ? { error: what.message, exitCode: what.exitCode, ...(what.hint === undefined ? {} : { hint: what.hint }) }
      : { lines: [...what] };
  process.send(report, () => process.disconnect());
  return true;
}

function openLog(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, "a", 0o640);
  } catch (error) {
    throw new UserError(`Cannot write ${path}: ${messageOf(error)}.`, {
      cause: error,
      hint: "Put the configuration into a folder that you can write to.",
    });
  }
}

export async function runInBackground(file: string, { concurrency, demoUpstream }: RunOptions): Promise<void> {
  const logPath = join(dirname(resolve(file)), "logs", "gateway.log");
  const [, script = ""] = process.argv;
  const flags = ["--concurrency", String(concurrency), ...(demoUpstream === true ? ["--demo-upstream"] : [])];
  const log = openLog(logPath);
  const child = spawn(process.execPath, [script, "gateway", "run", file, ...flags], {
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
    env: childEnvironment(),
  });
  closeSync(log);
  const give = (): void => {
    child.kill("SIGTERM");
    process.exit(130);
  };
  process.once("SIGINT", give);
  const report = await new Promise<Report>((settle) => {
    child.once("message", (message) => settle(reportSchema.parse(message)));
    child.once("error", (error) => settle({ error: `The gateway does not start: ${error.message}.`, exitCode: 1 }));
    child.once("exit", () =>
      settle({ error: "The gateway ended before it was up.", hint: `Its log: ${logPath}`, exitCode: 1 }),
    );
  });
  process.off("SIGINT", give);
  if ("error" in report) {
    const { error, hint, exitCode } = report;
    throw new UserError(error, { exitCode, ...(hint === undefined ? {} : { hint }) });
  }
  child.unref();
  if (demoUpstream === true) warn("--demo-upstream is to try the gateway, never for production.");
  const [first = "", ...rest] = report.lines;
  say(`${first} (process ${child.pid ?? 0})`);
  for (const line of rest.slice(0, -1)) say(line);
  say(`  ${"gateway".padEnd(8)}  ${logPath}`);
  say(`Stop it with: glassgate gateway stop ${file}`);
  say(rest.at(-1));
}
