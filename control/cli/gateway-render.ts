/** `glassgate gateway render`: a complete, commented Envoy configuration. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { writeText } from "../base/files.js";
import { renderGateway } from "../gateway/render.js";
import { wasmPath } from "../host/wasm.js";
import { readAnchors } from "../trust/anchors.js";
import { anchorsOption, examples, wholeNumber } from "./context.js";
import { result, say } from "./output.js";

interface RenderCommandOptions {
  readonly anchors: string;
  readonly port: number;
  readonly adminPort: number;
  readonly upstream: string;
  readonly jwks?: string;
  readonly issuer?: string;
  readonly ecds: string;
  readonly wasm: string;
  readonly log: string;
  readonly auditLog?: string;
  readonly nodeId?: string;
  readonly mode?: "enforce" | "shadow";
  readonly require?: boolean;
  readonly output?: string;
}

function parseUpstream(text: string): { host: string; port: number } {
  const match = /^([A-Za-z0-9.-]+):([0-9]{1,5})$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined)
    throw new UserError(`"${text}" is not host:port.`, { hint: "For example --upstream 127.0.0.1:8080." });
  return { host: match[1], port: Number(match[2]) };
}

function render(options: RenderCommandOptions): void {
  if (options.require !== true && options.jwks === undefined) {
    throw new UserError("The normal callers' keys are missing.", {
      hint: "Name your identity provider's JWKS file with --jwks, or use --require for a break-glass-only listener.",
    });
  }
  const text = renderGateway({
    anchors: readAnchors(options.anchors),
    wasmPath: resolve(options.wasm),
    ecdsPath: resolve(options.ecds),
    listen: { port: options.port },
    adminPort: options.adminPort,
    upstream: parseUpstream(options.upstream),
    ...(options.jwks === undefined ? {} : { jwks: { file: resolve(options.jwks) } }),
    ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
    accessLogPath: options.log,
    ...(options.auditLog === undefined ? {} : { auditLogPath: options.auditLog }),
    ...(options.nodeId === undefined ? {} : { nodeId: options.nodeId }),
    ...(options.mode === undefined ? {} : { mode: options.mode }),
    ...(options.require === undefined ? {} : { require: options.require }),
  });
  if (options.output === undefined) {
    result(text);
    return;
  }
  writeText(options.output, text);
  say(`Wrote ${options.output}. Next: glassgate gateway run ${options.output}`);
}

export function addGatewayRender(gateway: Command): void {
  const renderCommand = gateway
    .command("render")
    .description("write a complete, commented Envoy configuration")
    .addOption(anchorsOption())
    .option("--port <n>", "where the gateway listens", wholeNumber, 10000)
    .option("--admin-port <n>", "where Envoy's admin interface listens, on loopback", wholeNumber, 9901)
    .option("--upstream <host:port>", "where requests go", "127.0.0.1:8080")
    .option("--jwks <file>", "the normal callers' identity provider's JWKS")
    .option("--issuer <url>", "its issuer")
    .option("--ecds <file>", "the file that push renames", "ecds/glassgate.json")
    .option("--wasm <file>", "the filter", wasmPath)
    .option("--log <file>", "the access log", "/dev/stdout")
    .option("--audit-log <file>", "the audit log; as the access log, if not named")
    .option("--node-id <id>", "names this gateway in every record")
    .option("--require", "a listener for break-glass only: no grant is a deny")
    .option("--mode <mode>", "enforce, or shadow: decide and record, change nothing", (value): "enforce" | "shadow" => {
      if (value !== "enforce" && value !== "shadow")
        throw new UserError(`"${value}" is not a mode.`, { hint: "enforce or shadow." });
      return value;
    })
    .option("--output <file>", "write there instead of standard output")
    .action(render);
  examples(renderCommand, [
    "glassgate gateway render --jwks idp-jwks.json --issuer https://idp.example.com --output gateway.yaml",
    "glassgate gateway render --require --port 10443 --output break-glass-only.yaml",
  ]);
}
