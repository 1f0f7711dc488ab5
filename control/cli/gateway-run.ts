/** `glassgate gateway run`: starts Envoy with a rendered configuration. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { readText } from "../base/files.js";
import { defaultConfiguration, ecdsText, writeEcds } from "../gateway/ecds.js";
import { findEnvoy } from "../gateway/find.js";
import { readRenderedFilter } from "../gateway/rendered.js";
import { startEnvoy } from "../gateway/run.js";
import { examples, wholeNumber } from "./context.js";
import { say } from "./output.js";

async function run(file: string, options: { concurrency: number }): Promise<void> {
  const text = readText(file, "the gateway's configuration", "Write one with `glassgate gateway render`.");
  const filter = readRenderedFilter(text, file);
  if (!existsSync(filter.ecdsPath)) {
    writeEcds(filter.ecdsPath, ecdsText(filter, defaultConfiguration(filter), undefined, "0"));
    say(`Wrote ${filter.ecdsPath}: the filter without a bundle, until the first push.`);
  }
  const binary = await findEnvoy(say);
  const envoy = await startEnvoy({
    config: text,
    concurrency: options.concurrency,
    binary,
    onLog: (line) => process.stderr.write(line),
  });
  const ports = Object.entries(envoy.ports).map(([name, port]) => `${name} on port ${port}`);
  say(
    `Envoy ${binary.version} (from ${binary.source}) is up: ${ports.join(", ")}; admin at ${envoy.admin.address}. Ctrl-C stops it.`,
  );
  const stop = (): void => void envoy.stop();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  process.exitCode = (await envoy.exited) ?? 0;
}

export function addGatewayRun(gateway: Command): void {
  const runCommand = gateway
    .command("run")
    .description("start Envoy with a rendered configuration")
    .argument("<file>", "the rendered configuration")
    .option("--concurrency <n>", "worker threads", wholeNumber, 2)
    .action(run);
  examples(runCommand, ["glassgate gateway run gateway.yaml"]);
}
