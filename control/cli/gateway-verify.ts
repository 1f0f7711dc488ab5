/** `glassgate gateway verify`: what is missing or dangerous in an Envoy configuration. */
import type { Command } from "commander";
import { readText } from "../base/files.js";
import { plural } from "../base/text.js";
import { verifyGateway } from "../gateway/verify.js";
import { examples, jsonOption } from "./context.js";
import { paint, result, resultJson, say } from "./output.js";

function verify(file: string, options: { json?: boolean }): void {
  const findings = verifyGateway(readText(file, "the Envoy configuration"), file);
  if (options.json === true) resultJson(findings);
  else if (findings.length === 0) result(`${file}: nothing missing, nothing dangerous found`);
  else {
    for (const { level, line, message, mend } of findings) {
      result(`${file}:${line}: ${paint(level === "danger" ? "red" : "yellow", level)}: ${message}\n    mend: ${mend}`);
    }
    say(plural(findings.length, "finding"));
  }
  if (findings.some(({ level }) => level === "danger")) process.exitCode = 1;
}

export function addGatewayVerify(gateway: Command): void {
  const verifyCommand = gateway
    .command("verify")
    .description("name what is missing or dangerous in your own Envoy configuration")
    .argument("<file>", "the Envoy configuration")
    .addOption(jsonOption())
    .action(verify);
  examples(verifyCommand, ["glassgate gateway verify /etc/envoy/envoy.yaml"]);
}
