/** `glassgate push`: puts the bundle into a running gateway and proves that every worker serves it. */
import { type Command, Option } from "commander";
import { readText } from "../base/files.js";
import { parseJson } from "../base/schema.js";
import { plural } from "../base/text.js";
import { Admin } from "../gateway/admin.js";
import { defaultConfiguration } from "../gateway/ecds.js";
import { type PushResult, push } from "../gateway/push.js";
import { readRenderedFilter } from "../gateway/rendered.js";
import { FilterHost } from "../host/host.js";
import { type ConfigurationOptions, configurationSchema } from "../trust/configuration.js";
import { anchorsOption, bundleOption, examples, jsonOption, readTrusted, type Trusted } from "./context.js";
import { result, resultJson, say, warn } from "./output.js";

export interface GatewayOptions {
  /** The rendered envoy.yaml. */
  readonly gateway: string;
  readonly admin: string;
}

export const gatewayOption = (): Option =>
  new Option("--gateway <file>", "the gateway's rendered envoy.yaml").default("gateway.yaml");
export const adminOption = (): Option =>
  new Option("--admin <host:port>", "the gateway's admin address").default("127.0.0.1:9901");

async function tryOut(configuration: string): Promise<string | undefined> {
  return (await FilterHost.load()).configure(configuration).reason;
}

/** Members such as mode and strip: what the gateway has now, else what was rendered. */
function keptOptions(options: GatewayOptions): {
  filter: ReturnType<typeof readRenderedFilter>;
  kept: ConfigurationOptions;
} {
  const filter = readRenderedFilter(
    readText(options.gateway, "the gateway's configuration", "Write one with `glassgate gateway render`."),
    options.gateway,
  );
  const rendered = parseJson(
    defaultConfiguration(filter),
    options.gateway,
    configurationSchema,
    "Render it again with `glassgate gateway render`.",
  );
  const { mode, require, leeway, strip } = rendered;
  return {
    filter,
    kept: {
      ...(mode === undefined ? {} : { mode }),
      ...(require === undefined ? {} : { require }),
      ...(leeway === undefined ? {} : { leeway }),
      ...(strip === undefined ? {} : { strip }),
    },
  };
}

export async function pushTo(options: GatewayOptions, trusted: Trusted): Promise<PushResult> {
  const { filter, kept } = keptOptions(options);
  say(`Pushing version ${trusted.claims.version} ...`);
  const pushed = await push({
    filter,
    anchors: trusted.anchors,
    admin: new Admin(options.admin),
    bundle: { text: trusted.text, version: trusted.claims.version },
    configuration: kept,
    tryOut,
  });
  if (pushed.healed)
    warn("a worker's VM had died; a new VM took over, with empty caches. See the gateway's log for the reason");
  return pushed;
}

export function reportPush(pushed: PushResult, json: boolean | undefined): void {
  if (json === true) resultJson(pushed);
  else
    result(
      `applied: version ${pushed.version} on all ${plural(pushed.servingVms, "VM")} after ${pushed.milliseconds} ms (generation ${pushed.generation})`,
    );
}

async function run(options: GatewayOptions & { anchors: string; bundle: string; json?: boolean }): Promise<void> {
  reportPush(await pushTo(options, await readTrusted(options)), options.json);
}

export function addPush(program: Command): void {
  const command = program
    .command("push")
    .description("put the bundle into a running gateway; done when every worker serves it")
    .addOption(gatewayOption())
    .addOption(adminOption())
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(jsonOption())
    .action(run);
  examples(command, [
    "glassgate push",
    "glassgate push --gateway /etc/envoy/gateway.yaml --admin 127.0.0.1:9901 --json",
  ]);
}
