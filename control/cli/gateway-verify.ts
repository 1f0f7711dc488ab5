/** `glassgate gateway verify`: what is missing, dangerous or not understood in an Envoy's or a Kong's configuration. */
import type { Command } from "commander";
import { readText } from "../base/files.js";
import { plural, visible } from "../base/text.js";
import { wrap } from "../base/wrap.js";
import { kongTextIn } from "../gateway/kong/configuration.js";
import { verifyKong } from "../gateway/kong/verify/index.js";
import { type Finding, type Level, verifyFile } from "../gateway/verify/index.js";
import { readAnchors } from "../trust/anchors.js";
import { collect, examples, jsonOption } from "./context.js";
import { paint, result, resultJson, say } from "./output.js";

interface VerifyCommandOptions {
  readonly json?: boolean;
  readonly accept?: readonly string[];
  readonly anchors?: string;
  readonly envoy: boolean;
}

const COLOURS: Readonly<Record<Level, Parameters<typeof paint>[0]>> = {
  danger: "red",
  warning: "yellow",
  "not understood": "magenta",
};

/** More than anybody reads. */
const MOST = 500;

function print(line: string, hang: number): void {
  const width = process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
  result(wrap(line, width, hang));
}

function printFinding({ level, line, name, message, mend, file: other }: Finding, file: string): void {
  const where = `${visible(other ?? file)}:${line}`;
  print(`${where}: ${paint(COLOURS[level], level)}: ${message}`, 4);
  print(`    mend: ${mend}`, 10);
  if (level !== "warning") print(`    name: ${name}`, 10);
}

const count = (findings: readonly Finding[], level: Level): number =>
  findings.filter((finding) => finding.level === level).length;

async function verify(file: string, options: VerifyCommandOptions): Promise<void> {
  const text = readText(file, "the gateway's configuration");
  const anchors = options.anchors === undefined ? undefined : readAnchors(options.anchors);
  const kong = kongTextIn(text);
  const { findings: all, unchecked } =
    kong === undefined
      ? await verifyFile(text, file, { anchors, askEnvoy: options.envoy })
      : await verifyKong(kong, file, { anchors });
  const accepted = new Set(options.accept ?? []);
  const findings = all.filter(({ name }) => !accepted.has(name));
  const bad = count(findings, "danger") + count(findings, "not understood");
  if (bad > 0) process.exitCode = 1;
  if (options.json === true) {
    resultJson(findings);
    return;
  }
  for (const finding of findings.slice(0, MOST)) printFinding(finding, file);
  if (findings.length > MOST) result(`... and ${findings.length - MOST} more: --json shows all of them`);
  for (const name of accepted)
    if (!all.some((finding) => finding.name === name)) say(`accepted, but not found: ${visible(name)}`);
  if (all.length > findings.length) say(`${plural(all.length - findings.length, "finding")} accepted by name`);
  for (const what of unchecked) say(`not checked: ${visible(what)}`);
  if (findings.length === 0) result(`${visible(file)}: nothing missing, nothing dangerous found, all of it understood`);
  else
    say(
      `${count(findings, "danger")} dangerous, ${count(findings, "not understood")} not understood, ${plural(count(findings, "warning"), "warning")}`,
    );
}

export function addGatewayVerify(gateway: Command): void {
  const verifyCommand = gateway
    .command("verify")
    .description("name what is missing, dangerous or not understood in your own configuration of an Envoy or a Kong")
    .argument("<file>", "the Envoy configuration, the output of its /config_dump, or a declarative Kong file")
    .option("--accept <name>", "a finding that you have looked at, by its name; repeatable", collect)
    .option("--anchors <file>", "name filters that are pinned to other anchors than these")
    .option("--no-envoy", "do not put the file to an Envoy on this machine")
    .addOption(jsonOption())
    .action(verify);
  examples(verifyCommand, [
    "glassgate gateway verify /etc/envoy/envoy.yaml",
    "curl -s 127.0.0.1:9901/config_dump > dump.json; glassgate gateway verify dump.json",
    "glassgate gateway verify kong.yaml --anchors anchors.json",
    "glassgate gateway verify envoy.yaml --accept filter:script:envoy.extensions.filters.http.lua.v3.Lua@api",
  ]);
}
