/** `glassgate push`: puts the bundle into running gateways and proves that every worker serves it. */
import type { Command } from "commander";
import { anchorsOption, bundleOption, examples, jsonOption, readTrusted } from "./context.js";
import {
  adminOption,
  type GatewayOptions,
  gatewayOption,
  kongOption,
  pushToAll,
  readEnvoys,
  reportPushes,
} from "./gateways.js";
import { pushToKongs } from "./push-kong.js";

interface Options extends GatewayOptions {
  readonly anchors: string;
  readonly bundle: string;
  readonly anew?: boolean;
  readonly json?: boolean;
}

async function run(options: Options): Promise<void> {
  if (options.kong !== undefined) return pushToKongs(options, await readTrusted(options));
  const gateways = readEnvoys(
    options,
    "Name its Admin API: `glassgate push --gateway kong.yaml --kong http://127.0.0.1:8001`.",
  );
  reportPushes(await pushToAll(gateways, await readTrusted(options), options.anew === true), options.json);
}

export function addPush(program: Command): void {
  const command = program
    .command("push")
    .description(
      "put the bundle into running gateways; done when every worker serves it, at a Kong when it is stored there",
    )
    .addOption(gatewayOption())
    .addOption(adminOption())
    .addOption(kongOption())
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .option("--anew", "write it once more where it serves already: a rehearsal (a Kong is always written to)")
    .addOption(jsonOption())
    .action(run);
  examples(command, [
    "glassgate push",
    "glassgate push --gateway /etc/envoy/gateway.yaml --json",
    "glassgate push --anew --gateway gateway.yaml",
    "glassgate push --gateway east.yaml --gateway west.yaml",
    "glassgate push --gateway kong.yaml --kong http://127.0.0.1:8001",
  ]);
}
