/** `glassgate gateway render`: a complete, commented configuration of an Envoy, or of a Kong. */
import { existsSync } from "node:fs";
import { isIPv6 } from "node:net";
import { dirname, join, relative, resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { UserError } from "../base/errors.js";
import { writeText } from "../base/files.js";
import { visible } from "../base/text.js";
import { defaultConfiguration } from "../gateway/ecds.js";
import { checkJwks, DEFAULT_ISSUER, type DemoIdp, makeDemoIdp } from "../gateway/idp.js";
import { sharedWith } from "../gateway/neighbours.js";
import { refusalOf } from "../gateway/push-preflight.js";
import { renderGateway } from "../gateway/render.js";
import { readRenderedFilter } from "../gateway/rendered.js";
import { checkServerCertificate } from "../gateway/server-certificate.js";
import { isDevice } from "../gateway/surroundings.js";
import { loadProgram, wasmPath } from "../host/wasm.js";
import { readAnchors } from "../trust/anchors.js";
import { keptHeader } from "../trust/names.js";
import { anchorsOption, examples } from "./context.js";
import { ENVOY_ONLY, KONG_ONLY, type KongRenderOptions, renderForKong, routeHost } from "./gateway-render-kong.js";
import { addReceiptOptions, type ReceiptOptions, receiptsOf } from "./gateway-render-receipts.js";
import { result, say, warn } from "./output.js";

interface RenderCommandOptions extends KongRenderOptions, ReceiptOptions {
  readonly for: "envoy" | "kong";
  readonly adminPort: number;
  readonly jwks?: string;
  readonly demoIdp?: boolean;
  readonly issuer?: string;
  readonly ecds?: string;
  readonly wasm: string;
  readonly log?: string;
  readonly answersLog?: string;
  readonly nodeId?: string;
  readonly mode?: "enforce" | "shadow";
  readonly require?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

const ENVOY_PORT = 10_000;

function portNumber(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new InvalidArgumentError("It must be a port, from 1 to 65535.");
  return port;
}

const HINT_OF_REFUSAL =
  "--keep names a header that every allowed request loses (docs/request.md), not one that a skipped filter sets.";

/** Names of headers have no case; the filter's configuration has small letters. */
function collectKept(text: string, before: readonly string[] = []): string[] {
  const name = keptHeader.safeParse(text.toLowerCase());
  if (!name.success) throw new InvalidArgumentError(`It ${name.error.issues[0]?.message ?? "is no header's name"}.`);
  return [...new Set([...before, name.data])];
}

function parseUpstream(text: string): { host: string; port: number } {
  if (/^[a-z]+:\/\//i.test(text))
    throw new InvalidArgumentError("It must be host:port, without https:// and path, for example api.internal:8080.");
  const [, ip6, name, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const host = ip6 ?? name;
  if (host === undefined || port === undefined || (ip6 !== undefined && !isIPv6(ip6)))
    throw new InvalidArgumentError("It must be host:port, for example 127.0.0.1:8080 or [::1]:8080.");
  return { host, port: portNumber(port) };
}

/** Where the normal callers' keys come from: one way, and one only. */
function checkCallers({ require, jwks, demoIdp }: RenderCommandOptions): void {
  const ways = [require, jwks, demoIdp].filter((way) => way !== undefined).length;
  if (ways === 0) {
    throw new UserError("The normal callers' keys are missing.", {
      hint: "Name your identity provider's JWKS file with --jwks; --demo-idp makes a throw-away one to try the gateway; --require is a listener for break-glass only.",
    });
  }
  if (ways > 1)
    throw new UserError("--jwks, --demo-idp and --require exclude each other.", { hint: "Leave all but one out." });
}

/** The gateway's own certificate and key: both, and good. */
function tlsOf({ tlsCert, tlsKey }: RenderCommandOptions): { certificate: string; key: string } | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new UserError(`--tls-${tlsCert === undefined ? "key" : "cert"} stands alone.`, {
      hint: "TLS takes both: --tls-cert FILE --tls-key FILE.",
    });
  const { validTo } = checkServerCertificate(tlsCert, tlsKey);
  if (Date.parse(validTo) <= Date.now())
    warn(`The certificate ${visible(tlsCert)} ended on ${validTo}: callers will refuse it.`);
  return { certificate: resolve(tlsCert), key: resolve(tlsKey) };
}

/** Files that this command makes beside the configuration are never overwritten. */
function demoFiles(folder: string): { jwks: string; caller: string } {
  const files = { jwks: join(folder, "idp-jwks.json"), caller: join(folder, "caller.txt") };
  if (existsSync(files.jwks)) {
    throw new UserError(`${files.jwks} exists already.`, {
      hint: `Use it with --jwks ${files.jwks}, or remove it and make a new one.`,
    });
  }
  return files;
}

function writeDemo(files: { jwks: string; caller: string }, { jwks, token }: DemoIdp): void {
  writeText(files.jwks, jwks);
  writeText(files.caller, `authorization: Bearer ${token}\n`, { mode: 0o600 });
  const shown = (path: string): string => visible(relative(process.cwd(), path));
  warn(
    `${shown(files.jwks)} is a throw-away identity provider, to try the gateway with; its private key is forgotten. In production name your own with --jwks.`,
  );
  say(`Wrote ${shown(files.caller)}: a normal caller's header, good for eight hours, for curl -H @FILE.`);
}

/** An option of the other gateway is a mistake, and never left unsaid. */
function refuseOthers(command: Command, others: Readonly<Record<string, string>>, gateway: string): void {
  for (const [name, flag] of Object.entries(others))
    if (command.getOptionValueSource(name) === "cli")
      throw new UserError(`${flag} says nothing of ${gateway}.`, { hint: "Leave it out." });
}

async function render(options: RenderCommandOptions, command: Command): Promise<void> {
  if (options.for === "kong") {
    refuseOthers(command, ENVOY_ONLY, "a Kong gateway");
    return renderForKong(options, HINT_OF_REFUSAL);
  }
  refuseOthers(command, KONG_ONLY, "an Envoy gateway");
  checkCallers(options);
  const { port = ENVOY_PORT } = options;
  if (port === options.adminPort)
    throw new UserError(`--port and --admin-port are both ${port}.`, { hint: "Give each its own." });
  const tls = tlsOf(options);
  const receipts = receiptsOf(options);
  const anchors = readAnchors(options.anchors);
  await loadProgram(options.wasm);
  const folder = options.output === undefined ? process.cwd() : dirname(resolve(options.output));
  const demo = options.demoIdp === true ? demoFiles(folder) : undefined;
  if (options.jwks !== undefined) checkJwks(options.jwks);
  const jwks = demo?.jwks ?? options.jwks;
  const log = options.log ?? join(folder, "logs", "access.log");
  const beside = (name: string): string => (isDevice(log) ? log : join(dirname(log), name));
  const text = renderGateway({
    anchors,
    wasmPath: resolve(options.wasm),
    ecdsPath: options.ecds === undefined ? join(folder, "ecds", "glassgate.json") : resolve(options.ecds),
    listen: { port },
    adminPort: options.adminPort,
    upstream: options.upstream,
    ...(jwks === undefined ? {} : { jwks: { file: resolve(jwks) } }),
    ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
    accessLogPath: resolve(log),
    auditLogPath: resolve(options.auditLog ?? beside("audit.log")),
    answersLogPath: resolve(options.answersLog ?? beside("answers.log")),
    ...(options.nodeId === undefined ? {} : { nodeId: options.nodeId }),
    ...(options.mode === undefined ? {} : { mode: options.mode }),
    ...(options.require === undefined ? {} : { require: options.require }),
    ...(options.keep === undefined ? {} : { keep: options.keep }),
    ...(tls === undefined ? {} : { tls }),
    ...(receipts === undefined ? {} : { receipts }),
  });
  const refusal = await refusalOf(defaultConfiguration(readRenderedFilter(text, "The configuration")));
  if (refusal !== undefined)
    throw new UserError(`The filter would refuse what was asked for: ${refusal}.`, { hint: HINT_OF_REFUSAL });
  const shared = options.output === undefined ? [] : sharedWith(text, options.output);
  if (options.output !== undefined) writeText(options.output, text);
  for (const { file, what } of shared)
    warn(
      `It has ${what.map(visible).join(", ")} of ${visible(file)}. For another gateway render it anew, in a folder of its own: --node-id NAME --output NAME/gateway.yaml`,
    );
  if (demo !== undefined) writeDemo(demo, await makeDemoIdp(options.issuer ?? DEFAULT_ISSUER));
  if (options.output === undefined) result(text);
  else say(`Wrote ${options.output}. Next: glassgate gateway run ${options.output}`);
}

export function addGatewayRender(gateway: Command): void {
  const renderCommand = gateway
    .command("render")
    .description("write a complete, commented configuration of an Envoy, or of a Kong")
    .addOption(new Option("--for <gateway>", "which gateway").choices(["envoy", "kong"]).default("envoy"))
    .addOption(anchorsOption())
    .option("--port <n>", "where the gateway listens (default: 10000; Kong's own proxy port: 8000)", portNumber)
    .option("--admin-port <n>", "where Envoy's admin interface listens, on loopback", portNumber, 9901)
    .addOption(
      new Option("--upstream <host:port>", "where requests go")
        .argParser(parseUpstream)
        .default({ host: "127.0.0.1", port: 8080 }, "127.0.0.1:8080"),
    )
    .option("--jwks <file>", "the normal callers' identity provider's JWKS")
    .option("--demo-idp", "make a throw-away identity provider and a caller's token, to try the gateway")
    .option("--issuer <url>", "the identity provider's issuer")
    .option("--ecds <file>", "the file that push renames (default: ecds/glassgate.json beside the output)")
    .option("--wasm <file>", "the filter", wasmPath)
    .option("--log <file>", "the access log (default: logs/access.log beside the output)")
    .option("--audit-log <file>", "the audit log (default: audit.log beside the access log)")
    .option("--answers-log <file>", "what allowed requests were answered (default: answers.log beside the access log)")
    .option("--node-id <id>", "names this gateway in every record")
    .option("--require", "a listener for break-glass only: no grant is a deny")
    .addOption(
      new Option("--mode <mode>", "enforce, or shadow: decide and record, change nothing").choices([
        "enforce",
        "shadow",
      ]),
    )
    .option(
      "--keep <header>",
      "an override header that a trusted proxy in front always sets: keep it (repeat)",
      collectKept,
    )
    .option(
      "--tls-cert <file>",
      "serve TLS with this certificate and chain (PEM), and bind grants to client certificates",
    )
    .option("--tls-key <file>", "the certificate's key (PEM, without passphrase)")
    .option("--host <name>", "for Kong: the API's host, as callers and grants name it", routeHost)
    .option("--bundle <file>", "for Kong: name entitlements of this bundle that it cannot serve")
    .option("--config-as-text", "for Kong: the filter's configuration as one text, as Kong 3.4 takes it")
    .option("--output <file>", "write there instead of standard output; a Kong's holds a key and must be new")
    .action(render);
  addReceiptOptions(renderCommand);
  examples(renderCommand, [
    "glassgate gateway render --demo-idp --output gateway.yaml",
    "glassgate gateway render --jwks idp-jwks.json --issuer https://idp.example.com --output gateway.yaml",
    "glassgate gateway render --require --port 10443 --tls-cert api.pem --tls-key api.key --output break-glass-only.yaml",
    "glassgate gateway render --for kong --host api.example.com --upstream api.internal:8080 --output kong.yaml",
  ]);
}
