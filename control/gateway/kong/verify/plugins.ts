/** The plugins around the filter: Kong runs them before the chain, and the log plugins after it, with the key in the request's headers. */
import type { Entity } from "../entities.js";
import { AUDIT_FIELD } from "../names.js";
import { PLUGIN, setting, settingTexts, type Walk } from "./context.js";
import { GUARD_NAMES } from "./guard.js";

/** They print `request.headers`, and take `custom_fields_by_lua`. */
const LOGS = new Set(["file-log", "http-log", "tcp-log", "udp-log", "syslog", "loggly", "kafka-log"]);
export const AUTHENTICATION: ReadonlySet<string> = new Set([
  ...["key-auth", "basic-auth", "jwt", "hmac-auth", "oauth2", "ldap-auth", "ldap-auth-advanced", "session", "acl"],
  ...[
    "openid-connect",
    "mtls-auth",
    "key-auth-enc",
    "jwt-signer",
    "oauth2-introspection",
    "vault-auth",
    "opa",
    "header-cert-auth",
  ],
]);
const CACHES = new Set(["proxy-cache", "proxy-cache-advanced", "graphql-proxy-cache-advanced"]);
/** They change the request, or run code of anybody's making, before the filter sees it or behind its verdict. */
const CHANGES = new Set([
  ...["request-transformer", "request-transformer-advanced", "pre-function", "post-function", "route-by-header"],
  ...["route-transformer-advanced", "forward-proxy", "canary", "websocket-validator", "kafka-upstream", "aws-lambda"],
  ...["azure-functions", "grpc-web", "grpc-gateway", "degraphql", "jq", "upstream-timeout", "standard-webhooks"],
]);
/** They count, measure, or answer in Kong's place, and change nothing that is judged. */
const HARMLESS = new Set([
  ...["prometheus", "statsd", "statsd-advanced", "datadog", "opentelemetry", "correlation-id", "request-size-limiting"],
  ...["request-termination", "bot-detection", "rate-limiting", "rate-limiting-advanced", "cors", "ip-restriction"],
]);

/** Code that runs first of all, and may set the key for whoever calls. */
const CODE = new Set(["pre-function", "post-function"]);

const isNulled = (code: string | undefined): boolean => /^\s*return(?:\s+nil)?\s*;?\s*$/.test(code ?? "");

/** Whether a log plugin leaves the request's headers out. */
function hidesHeaders(plugin: Entity): boolean {
  const fields = setting(plugin, "custom_fields_by_lua")?.map;
  return isNulled(fields?.get("request.headers")?.text ?? "x") || isNulled(fields?.get("request")?.text ?? "x");
}

/** `kong.ctx.shared.glassgate_audit`, in a field of its own. */
const hasRecord = (plugin: Entity): boolean =>
  [...(setting(plugin, "custom_fields_by_lua")?.map?.values() ?? [])].some(
    (code) => code.text?.includes(AUDIT_FIELD) === true,
  );

function judgeLogs(walk: Walk, front: Entity, plugins: readonly Entity[]): void {
  const logs = plugins.filter((plugin) => LOGS.has(plugin.text("name") ?? ""));
  for (const log of logs)
    if (!hidesHeaders(log))
      walk.danger(
        log.value,
        `log-prints-key@${log.label}`,
        `${log.label} prints the headers of break-glass requests: the upstream key, and grants that no filter took`,
        "custom_fields_by_lua: { request.headers: return nil }, for this route where the plugin is a global one",
      );
  const records = logs.filter((log) => hasRecord(log) && settingTexts(log, "path")[0] !== "/dev/null");
  const runs = records.some((log) => {
    const protocols = log.texts("protocols");
    return (
      protocols === undefined || (front.texts("protocols") ?? ["http", "https"]).every((one) => protocols.includes(one))
    );
  });
  if (!runs)
    walk.danger(
      front.value,
      `no-record@${front.label}`,
      `nothing writes the filter's records of ${front.label} (${AUDIT_FIELD})`,
      "the file-log of `glassgate gateway render --for kong`",
    );
}

function judgeFrontPlugin(walk: Walk, plugin: Entity): void {
  const name = plugin.text("name") ?? "";
  if (LOGS.has(name) || HARMLESS.has(name)) return;
  if (CACHES.has(name))
    walk.danger(
      plugin.value,
      `cache@${plugin.label}`,
      `${plugin.label} runs before the filter: what one grant was answered it gives to everybody who asks`,
      "disable it for the break-glass route: a plugin of the same name there, with `enabled: false`, is not enough; use another service",
    );
  else if (AUTHENTICATION.has(name))
    walk.warn(
      plugin.value,
      `asks-first@${plugin.label}`,
      `${plugin.label} runs before the filter: where the normal authentication is down, no grant opens anything`,
      "hang it on your API's services or routes, not on all of them",
    );
  else if (CHANGES.has(name))
    walk.danger(
      plugin.value,
      `changes@${plugin.label}`,
      `${plugin.label} can change the request or its upstream before the filter judges it, and Kong sends what it changed`,
      "hang it on your API's own routes",
    );
  else if (name === "response-transformer") return;
  else
    walk.unknown(
      plugin.value,
      `plugin:${name}@${plugin.label}`,
      `${plugin.label} runs on the break-glass route: can it change the request, answer it, or print its headers?`,
    );
}

function judgeStore(walk: Walk, front: Entity, plugins: readonly Entity[]): void {
  const isSet = plugins.some(
    (plugin) =>
      plugin.text("name") === "response-transformer" &&
      [...(setting(plugin, "add")?.map?.get("headers")?.list ?? [])].some((line) =>
        /^cache-control:\s*no-store$/i.test(line.text ?? ""),
      ),
  );
  if (!isSet)
    walk.warn(
      front.value,
      `stored@${front.label}`,
      "answers to grants do not say cache-control: no-store: a shared cache in front may keep them, as the credential is not in Authorization",
      "the response-transformer of `glassgate gateway render --for kong`",
    );
}

export function judgePlugins(walk: Walk, front: Entity, back: Entity | undefined): void {
  const ours = walk.effective(front);
  for (const plugin of new Set([...ours, ...(back === undefined ? [] : walk.effective(back))]))
    walk.entities.strangers(plugin, PLUGIN);
  for (const plugin of ours) judgeFrontPlugin(walk, plugin);
  judgeLogs(walk, front, ours);
  judgeStore(walk, front, ours);
  for (const plugin of back === undefined ? [] : walk.effective(back)) {
    const name = plugin.text("name") ?? "";
    if (GUARD_NAMES.has(name) || ours.includes(plugin) || LOGS.has(name) || HARMLESS.has(name)) continue;
    if (CODE.has(name))
      walk.danger(
        plugin.value,
        `behind@${plugin.label}`,
        `${plugin.label} is code on the second route: it sees the upstream key, and can send a request on without one`,
        "hang it on your API's own routes",
      );
    else if (AUTHENTICATION.has(name) || CHANGES.has(name) || CACHES.has(name))
      walk.warn(
        plugin.value,
        `behind@${plugin.label}`,
        `${plugin.label} runs behind the verdict: it asks, changes or answers what the filter has allowed`,
        "hang it on your API's own routes",
      );
    else walk.unknown(plugin.value, `plugin:${name}@${plugin.label}`, `${plugin.label} runs on the second route`);
  }
}
