/** `glassgate gateway render --for kong`: a complete, commented declarative Kong configuration, with a key of its own. */
import { resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import { UserError } from "../base/errors.js";
import { mustBeNew, writeNewTexts } from "../base/files.js";
import { visible } from "../base/text.js";
import { SHORTFALLS, unmetBy } from "../gateway/kong/promises.js";
import { kongRefusalOf } from "../gateway/kong/refusal.js";
import { renderKong } from "../gateway/kong/render.js";
import { readAnchors } from "../trust/anchors.js";
import { readTrusted } from "./context.js";
import { say, warn } from "./output.js";

export interface KongRenderOptions {
  readonly anchors: string;
  readonly host?: string;
  readonly bundle?: string;
  readonly port?: number;
  readonly upstream: { readonly host: string; readonly port: number };
  readonly auditLog?: string;
  readonly keep?: readonly string[];
  readonly configAsText?: boolean;
  readonly output?: string;
}

/** Options that say something of an Envoy, by the names that commander gives them. */
export const ENVOY_ONLY = {
  adminPort: "--admin-port",
  jwks: "--jwks",
  demoIdp: "--demo-idp",
  issuer: "--issuer",
  ecds: "--ecds",
  wasm: "--wasm",
  log: "--log",
  answersLog: "--answers-log",
  nodeId: "--node-id",
  mode: "--mode",
  tlsCert: "--tls-cert",
  tlsKey: "--tls-key",
  receipts: "--receipts",
  receiptsCa: "--receipts-ca",
  receiptsCert: "--receipts-cert",
  receiptsKey: "--receipts-key",
} as const;
export const KONG_ONLY = { host: "--host", bundle: "--bundle", configAsText: "--config-as-text" } as const;

/** As grants name it, without a port: Kong's routes match hosts on any. */
export function routeHost(text: string): string {
  if (!/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i.test(text))
    throw new InvalidArgumentError("It must be a host's name without https:// and port, for example api.example.com.");
  return text.toLowerCase();
}

export async function renderForKong(options: KongRenderOptions, hintOfRefusal: string): Promise<void> {
  const { host, output } = options;
  if (host === undefined)
    throw new UserError("Which host do callers name? A grant for one host must not open another.", {
      hint: "Name the API's own with --host, for example --host api.example.com.",
    });
  if (output === undefined)
    throw new UserError("The configuration holds a key, which is for no terminal.", {
      hint: "Name a file with --output kong.yaml: it is made with mode 0600.",
    });
  mustBeNew(
    output,
    `${visible(output)} is there already: it holds a key, and what was pushed.`,
    "Write to another name, and bring over what is new; `glassgate push --kong URL` draws a new key.",
  );
  const anchors = readAnchors(options.anchors);
  const unmet =
    options.bundle === undefined ? [] : unmetBy((await readTrusted({ ...options, bundle: options.bundle })).claims);
  const { text, configuration } = renderKong({
    anchors,
    host,
    upstream: options.upstream,
    port: options.port ?? 8000,
    ...(options.auditLog === undefined ? {} : { auditLogPath: resolve(options.auditLog) }),
    ...(options.keep === undefined ? {} : { keep: options.keep }),
    ...(options.configAsText === undefined ? {} : { asText: options.configAsText }),
  });
  const refusal = await kongRefusalOf(configuration);
  if (refusal !== undefined)
    throw new UserError(`The filter would refuse what was asked for: ${refusal}.`, { hint: hintOfRefusal });
  writeNewTexts([{ path: output, text, mode: 0o600 }]);
  say("What Kong cannot keep of what an Envoy gateway promises:");
  for (const { promise, says } of SHORTFALLS) say(`  ${promise}: ${says}`, 4);
  for (const line of unmet) warn(line);
  say(
    `Wrote ${visible(output)}, with a key in it. Next: glassgate gateway verify ${visible(output)}; then load it, and push a bundle: glassgate push --gateway ${visible(output)} --kong http://127.0.0.1:8001`,
  );
}
