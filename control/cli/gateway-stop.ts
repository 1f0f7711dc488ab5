/** `glassgate gateway stop`: ends what `gateway run` started with this configuration. */
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { pidPath, runningPid } from "../gateway/pid.js";
import { examples } from "./context.js";
import { say } from "./output.js";

const PATIENCE_MS = 30_000;

async function stop(file: string): Promise<void> {
  const pid = runningPid(file);
  if (pid === undefined) {
    rmSync(pidPath(file), { force: true });
    throw new UserError(`No gateway runs with ${file}.`, {
      hint: "Start one with `glassgate gateway run`. An Envoy that you started yourself is yours to stop.",
      exitCode: 1,
    });
  }
  process.kill(pid, "SIGTERM");
  for (const deadline = Date.now() + PATIENCE_MS; runningPid(file) === pid; ) {
    if (Date.now() > deadline)
      throw new UserError(`Process ${pid} has not ended after 30 seconds.`, { hint: `kill -9 ${pid}`, exitCode: 1 });
    await sleep(50);
  }
  say("The gateway has stopped.");
}

export function addGatewayStop(gateway: Command): void {
  const command = gateway
    .command("stop")
    .description("end a gateway that `gateway run` started")
    .argument("<file>", "the configuration that it runs with")
    .action(stop);
  examples(command, ["glassgate gateway stop gateway.yaml"]);
}
