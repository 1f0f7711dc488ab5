/** Fills envoy.yaml (the file at the top of the project, with its comments) with what is yours. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Document, isMap, isSeq, parseDocument } from "yaml";
import { UserError } from "../base/errors.js";
import type { Anchors } from "../trust/anchors.js";
import { type ConfigurationOptions, configurationText } from "../trust/configuration.js";
import { child, discoveredIn, headersOfSkippedFilters, items, mapsOfType, members } from "./config.js";
import { type ReceiptSource, type ReceiptTls, receiptCall, receiptCluster } from "./receipts.js";

export interface RenderOptions {
  readonly anchors: Anchors;
  /** The release filter. */
  readonly wasmPath: string;
  /** The ECDS file that `push` renames. */
  readonly ecdsPath: string;
  readonly listen?: { readonly host?: string; readonly port: number };
  readonly adminPort?: number;
  readonly nodeId?: string;
  readonly upstream?: { readonly host: string; readonly port: number };
  /** JWKS of the normal callers' identity provider: a file, or the text itself. */
  readonly jwks?: { readonly file: string } | { readonly inline: string };
  readonly issuer?: string;
  readonly accessLogPath?: string;
  /** Default: where the access log goes. */
  readonly auditLogPath?: string;
  /** Default: where the access log goes. */
  readonly answersLogPath?: string;
  readonly vmId?: string;
  readonly mode?: "enforce" | "shadow";
  readonly leeway?: number;
  /** Override headers that a trusted proxy in front always sets: an allowed request keeps them. */
  readonly keep?: readonly string[];
  /** The variant where the filter is the only guard. */
  readonly require?: boolean;
  /** The gateway's own certificate, with its chain, and key: files. Clients are then asked for certificates, to bind grants to. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** The ledger that signs receipts, for entitlements that demand them. */
  readonly receipts?: ReceiptSource & { readonly tls?: ReceiptTls };
  /** Another base than envoy.yaml. */
  readonly template?: string;
}

const TEMPLATES = {
  standard: fileURLToPath(new URL("../../envoy.yaml", import.meta.url)),
  require: fileURLToPath(new URL("../../config/envoy-require.yaml", import.meta.url)),
  tls: fileURLToPath(new URL("../../config/envoy-tls.yaml", import.meta.url)),
} as const;

/** Envoy reads `n`, `on`, `0x10` and `1e3` as no texts, as YAML 1.1 does: a value of somebody's that could be read so is quoted. */
const ENVOY_YAML = { compat: "yaml-1.1" } as const;

/** The configuration members that render decides: `push` keeps them. */
export function optionsOf(document: Document, options: RenderOptions): ConfigurationOptions {
  const strip = headersOfSkippedFilters(document).filter((name) => name !== "authorization");
  return {
    ...(options.mode === undefined ? {} : { mode: options.mode }),
    ...(options.require === true ? { require: true } : {}),
    ...(options.leeway === undefined ? {} : { leeway: options.leeway }),
    ...(strip.length === 0 ? {} : { strip }),
    ...(options.keep === undefined ? {} : { keep: [...options.keep] }),
    ...(options.receipts === undefined ? {} : { receipt: receiptCall(options.receipts) }),
  };
}

function setIn(document: Document, node: unknown, path: readonly string[], value: unknown): void {
  if (!isMap(node)) throw new UserError(`envoy.yaml has no ${path.join(".")} where it was expected.`);
  node.setIn(path, document.createNode(value));
}

function setAddress(document: Document, node: unknown, host: string | undefined, port: number | undefined): void {
  const address = child(document, node, "address", "socket_address");
  if (host !== undefined) setIn(document, address, ["address"], host);
  if (port !== undefined) setIn(document, address, ["port_value"], port);
}

function fillFilter(document: Document, options: RenderOptions): void {
  const [discovered] = discoveredIn(document);
  const discovery = child(document, discovered, "config_discovery");
  const path = ["config_source", "path_config_source"];
  setIn(document, discovery, [...path, "path"], options.ecdsPath);
  setIn(document, discovery, [...path, "watched_directory", "path"], options.ecdsPath.replace(/\/[^/]*$/, "") || "/");
  const config = child(document, discovery, "default_config", "config");
  setIn(document, config, ["vm_config", "vm_id"], options.vmId ?? "glassgate-1");
  setIn(document, config, ["vm_config", "code", "local", "filename"], options.wasmPath);
  setIn(
    document,
    config,
    ["configuration", "value"],
    configurationText(options.anchors, 0, optionsOf(document, options)),
  );
}

function fillIdentityProvider(document: Document, options: RenderOptions): void {
  const [jwt] = mapsOfType(document, ".JwtAuthentication");
  if (jwt === undefined) return;
  const provider = child(document, jwt, "providers", "idp");
  if (options.issuer !== undefined) setIn(document, provider, ["issuer"], options.issuer);
  if (options.jwks === undefined) return;
  const source = "file" in options.jwks ? { filename: options.jwks.file } : { inline_string: options.jwks.inline };
  setIn(document, provider, ["local_jwks"], source);
}

/** Gives each filter chain of a listener the transport socket of config/envoy-tls.yaml, comments kept. */
function fillTls(document: Document, listener: unknown, { certificate, key }: NonNullable<RenderOptions["tls"]>): void {
  for (const chain of items(document, listener, "filter_chains")) {
    const fragment = parseDocument(readFileSync(TEMPLATES.tls, "utf8"), ENVOY_YAML);
    const served = child(
      fragment,
      fragment.contents,
      ...["transport_socket", "typed_config", "common_tls_context", "tls_certificates", 0],
    );
    setIn(fragment, served, ["certificate_chain", "filename"], certificate);
    setIn(fragment, served, ["private_key", "filename"], key);
    if (!isMap(chain)) throw new UserError("envoy.yaml has no filter chain where it was expected.");
    chain.items.unshift(...members(fragment, fragment.contents));
  }
}

function addLedger(document: Document, receipts: NonNullable<RenderOptions["receipts"]>): void {
  const clusters = child(document, document.contents, "static_resources", "clusters");
  if (!isSeq(clusters)) throw new UserError("envoy.yaml has no clusters where they were expected.");
  const cluster = document.createNode(receiptCluster(receipts, receipts.tls));
  cluster.commentBefore = " The ledger: an entitlement with `audit: receipt` opens nothing without its signature.";
  clusters.items.push(cluster);
}

/** The complete configuration, comments kept. */
export function renderGateway(options: RenderOptions): string {
  const file = options.template ?? (options.require === true ? TEMPLATES.require : TEMPLATES.standard);
  const document = parseDocument(readFileSync(file, "utf8"), ENVOY_YAML);
  const root = document.contents;
  if (options.nodeId !== undefined) setIn(document, root, ["node", "id"], options.nodeId);
  setAddress(document, child(document, root, "admin"), undefined, options.adminPort);
  const [listener] = items(document, root, "static_resources", "listeners");
  setAddress(document, listener, options.listen?.host, options.listen?.port);
  if (options.tls !== undefined) fillTls(document, listener, options.tls);
  if (options.upstream !== undefined) {
    const endpoints = [
      "static_resources",
      "clusters",
      0,
      "load_assignment",
      "endpoints",
      0,
      "lb_endpoints",
      0,
      "endpoint",
    ];
    setAddress(document, child(document, root, ...endpoints), options.upstream.host, options.upstream.port);
  }
  const { accessLogPath, auditLogPath = accessLogPath, answersLogPath = accessLogPath } = options;
  const logs = mapsOfType(document, ".FileAccessLog");
  for (const [i, path] of [auditLogPath, accessLogPath, answersLogPath].entries())
    if (path !== undefined) setIn(document, logs[i], ["path"], path);
  fillIdentityProvider(document, options);
  if (options.receipts !== undefined) addLedger(document, options.receipts);
  fillFilter(document, options);
  return document.toString({ lineWidth: 0 });
}
