/** Fills config/kong/kong.yaml (with its comments) with what is yours, and draws the upstream key. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Document, parseDocument } from "yaml";
import { UserError } from "../../base/errors.js";
import type { Anchors } from "../../trust/anchors.js";
import { type ConfigurationOptions, configurationText } from "../../trust/configuration.js";
import { configurationIn } from "./configuration.js";
import { KONG_YAML } from "./file.js";
import { drawKey, IDENTITY_HEADERS, KEY_HEADER } from "./names.js";

export interface KongRenderOptions {
  readonly anchors: Anchors;
  /** The host that callers name, and grants with them. */
  readonly host: string;
  /** The API. */
  readonly upstream: { readonly host: string; readonly port: number };
  /** Kong's own proxy port for plain HTTP on loopback. */
  readonly port: number;
  readonly auditLogPath?: string;
  readonly keep?: readonly string[];
  /** The filter's configuration as one text, as Kong 3.4 takes it; from 3.5 on it may be written out. */
  readonly asText?: boolean;
}

const TEMPLATE = fileURLToPath(new URL("../../../config/kong/kong.yaml", import.meta.url));

/** Members of the filter's configuration that render decides. */
const optionsOf = ({ keep }: KongRenderOptions, key: string): ConfigurationOptions => ({
  require: true,
  strip: [...IDENTITY_HEADERS],
  ...(keep === undefined || keep.length === 0 ? {} : { keep: [...keep] }),
  upstream_header: { name: KEY_HEADER, value: key },
});

function set(document: Document, path: readonly (string | number)[], value: unknown): void {
  if (!document.hasIn(path))
    throw new UserError(`config/kong/kong.yaml has no ${path.join(".")} where it was expected.`);
  document.setIn(path, document.createNode(value));
}

/** The complete declarative configuration. It holds the key: mode 0600, and no terminal. */
export function renderKong(options: KongRenderOptions): {
  readonly text: string;
  readonly configuration: Readonly<Record<string, unknown>>;
} {
  const document = parseDocument(readFileSync(TEMPLATE, "utf8"), KONG_YAML);
  const key = drawKey();
  const configuration = configurationText(options.anchors, 0, optionsOf(options, key));
  set(document, ["services", 0, "port"], options.port);
  set(document, ["services", 0, "routes", 0, "hosts"], [options.host]);
  if (options.auditLogPath !== undefined)
    set(document, ["services", 0, "routes", 0, "plugins", 0, "config", "path"], options.auditLogPath);
  set(document, ["services", 1, "host"], options.upstream.host);
  set(document, ["services", 1, "port"], options.upstream.port);
  set(document, ["upstreams", 0, "targets", 0, "target"], `127.0.0.1:${options.port}`);
  set(document, ["consumers", 0, "keyauth_credentials", 0, "key"], key);
  const written = configurationIn(configuration) ?? {};
  set(document, ["filter_chains", 0, "filters", 0, "config"], options.asText === true ? configuration : written);
  return { text: document.toString({ lineWidth: 0 }), configuration: written };
}
