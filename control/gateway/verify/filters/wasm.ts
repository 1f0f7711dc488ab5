/** The glassgate filter itself, and every other Wasm plugin: each can write filter state `wasm.*`. */
import { isRecord } from "../../../base/schema.js";
import type { Anchors } from "../../../trust/anchors.js";
import { strippedHeaders } from "../../stripped.gen.js";
import { ATTESTATION_HEADER, GRANT_HEADER } from "../formats.js";
import type { Message } from "../message.js";
import type { Value } from "../value.js";

/** Header names that no allowed request brings to the upstream as the client sent them, but those of `keep`. */
export const ALWAYS_STRIPPED: readonly string[] = [
  ...strippedHeaders.map(({ name }) => name),
  GRANT_HEADER,
  ATTESTATION_HEADER,
];

type Configuration = Readonly<Record<string, unknown>>;

export interface Plugin {
  /** The plugin configuration, as far as it can be read; empty for a placeholder. */
  readonly configuration: Configuration;
  /** Whether it is the template's own placeholder. */
  readonly isPlaceholder: boolean;
  readonly vmId: string | undefined;
  readonly isOurs: boolean;
  readonly at: Message;
}

/** StringValue with JSON, or a Struct. */
function configurationOf(config: Message): Record<string, unknown> | undefined {
  const { message, type } = config.any("configuration");
  const value: Value | undefined = type === "google.protobuf.Struct" ? message.value?.map?.get("value") : undefined;
  if (value !== undefined) {
    const json = value.toJson();
    return isRecord(json) ? json : undefined;
  }
  try {
    const parsed: unknown = JSON.parse(message.text("value") ?? "");
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined; // A placeholder: nothing can be said about it.
  }
}

const isTemplate = (config: Message): boolean =>
  config.any("configuration").message.value?.map?.get("value")?.text === "GLASSGATE_CONFIGURATION";

const POLICIES = ["UNSPECIFIED", "FAIL_RELOAD", "FAIL_CLOSED", "FAIL_OPEN"] as const;

function judgeFailure(config: Message): void {
  const policy = config.choice("failure_policy", POLICIES);
  if (policy === "FAIL_OPEN" || config.flag("fail_open") === true) {
    config.danger(
      "fails-open",
      "the filter fails open: after a trap every request passes unjudged",
      "set failure_policy: FAIL_RELOAD",
      config.has("fail_open") ? config.at("fail_open") : config.at("failure_policy"),
    );
  } else if (policy !== "FAIL_RELOAD") {
    config.warn(
      "failure-policy",
      "failure_policy is not FAIL_RELOAD: after a trap every request that the filter judges gets 503 until the next push",
      "set failure_policy: FAIL_RELOAD",
      config.at("failure_policy"),
    );
  }
}

/** The Wasm extension's own fields, for any plugin. */
export function readPlugin(wasm: Message, isOurs: boolean): Plugin {
  const config = wasm.message("config", "PluginConfig");
  const vm = config.message("vm_config", "VmConfig");
  const vmId = vm.text("vm_id");
  const configuration = configurationOf(config);
  const isPlaceholder = isTemplate(config);
  if (isOurs) {
    if (isPlaceholder)
      config.add(
        "not understood",
        "plugin-configuration",
        "this is the template's placeholder; `glassgate gateway render` fills it in",
        "verify what `glassgate gateway render` writes",
        config.at("configuration"),
      );
    else if (configuration === undefined)
      config.unknown("plugin-configuration", "the filter's configuration is no JSON", config.at("configuration"));
    judgeFailure(config);
    if (vmId === undefined || vmId === "") {
      config.danger(
        "no-vm-id",
        "vm_id is not set: the filter shares its data with every other plugin without one",
        "set a vm_id of its own under vm_config",
      );
    }
    const runtime = vm.text("runtime") ?? "envoy.wasm.runtime.v8";
    if (runtime !== "envoy.wasm.runtime.v8")
      vm.unknown("runtime", `the filter was never tried under ${runtime}`, vm.at("runtime"));
    if (vm.has("environment_variables") || vm.flag("allow_precompiled") === true)
      vm.unknown("vm-environment", "environment variables and precompiled code are not known here");
    if (config.has("capability_restriction_config"))
      config.unknown("capabilities", "restricted capabilities may take from the filter what it needs");
    const root = config.text("root_id");
    if (root !== undefined && root !== "glassgate")
      config.unknown("root-id", `root_id is ${root}: the filter was never tried under it`, config.at("root_id"));
    const local = vm.message("code", "AsyncDataSource").message("local", "DataSource");
    if (vm.has("code") && !local.has("filename"))
      vm.unknown("code", "the filter's code is no file of this machine: is it the release?", vm.at("code"));
    const reload = config.message("reload_config", "ReloadConfig");
    reload.harmless("backoff");
    reload.done();
  }
  config.harmless("name", "root_id", "failure_policy", "fail_open", "reload_config", "allow_on_headers_stop_iteration");
  vm.harmless("runtime", "code", "configuration", "nack_on_code_cache_miss", "allow_precompiled");
  if (!isOurs) {
    vm.harmless("environment_variables");
    config.harmless("capability_restriction_config");
  }
  vm.done();
  config.done();
  wasm.done();
  return { configuration: configuration ?? {}, isPlaceholder, vmId, isOurs, at: config };
}

const rootsOf = ({ roots }: Configuration): Record<string, unknown>[] =>
  Array.isArray(roots) ? roots.map((root) => (isRecord(root) ? root : {})) : [];
const shownRoots = (anchors: Configuration): string =>
  rootsOf(anchors)
    .map(({ kid }) => String(kid))
    .sort()
    .join(", ");
const keysOf = (anchors: Configuration): string =>
  rootsOf(anchors)
    .map(({ kid, crv, x, y }) => JSON.stringify([kid, crv, x, y]))
    .sort()
    .join();

/** The same for filters that one bundle is for; undefined where nothing is pinned yet. */
export const domainShown = ({ audience, ...anchors }: Configuration): string | undefined =>
  anchors.roots === undefined ? undefined : JSON.stringify([audience, keysOf(anchors)]);

/** Which anchors differ, as they stand in the first. */
function differing(first: Configuration, second: Configuration): { name: string; here: string; there: string }[] {
  const plain = ["audience", "threshold"]
    .map((name) => ({ name, here: String(first[name]), there: String(second[name]) }))
    .filter(({ here, there }) => here !== there);
  if (keysOf(first) === keysOf(second)) return plain;
  return [...plain, { name: "roots", here: shownRoots(first), there: shownRoots(second) }];
}

/** The ECDS file serves, and the file's own default when that is bad: both pin the same anchors. @param ours the default last */
export function judgeAgreement(ours: readonly Plugin[]): void {
  const fallback = ours.at(-1);
  if (fallback?.configuration.roots === undefined) return;
  for (const { configuration, at } of ours.slice(0, -1)) {
    if (configuration.roots === undefined) continue;
    const stale = differing(configuration, fallback.configuration);
    if (stale.length === 0) continue;
    const shown = stale.map(({ name, here, there }) => `${name} ${here} here, ${there} there`).join("; ");
    fallback.at.danger(
      "stale-anchors",
      `what serves here is pinned to other anchors than default_config of the gateway's file: ${shown}`,
      "find out which are yours (`--anchors anchors.json`), then render and push anew under them",
      at.value,
    );
  }
}

/** What the plugin configuration says, against the anchors where there are some. */
export function judgeConfiguration({ configuration, at }: Plugin, anchors: Anchors | undefined): void {
  if (configuration.mode === "shadow")
    at.warn("shadow", "mode is shadow: the filter decides and records, and opens nothing", "take mode out when ready");
  const keep = Array.isArray(configuration.keep) ? configuration.keep.map(String) : [];
  if (keep.length > 0)
    at.unknown(
      "keep",
      `the filter keeps ${keep.join(", ")} of an allowed request: a trusted proxy in front must set them always, and that cannot be seen here`,
    );
  if (configuration.upstream_header !== undefined)
    at.warn(
      "upstream-header",
      "upstream_header is for Kong: whoever reads it can call the upstream himself",
      "take it out; Envoy skips native filters on filter state",
    );
  if (configuration.threshold === 1)
    at.warn(
      "threshold-1",
      "the threshold is 1: a single root key can change who may approve",
      "anchors with a threshold of 2 or more",
    );
  if (anchors === undefined || configuration.roots === undefined) return;
  const stale = differing(configuration, anchors).map(({ name, here }) => `${name} ${here}`);
  if (stale.length > 0)
    at.danger(
      "stale-anchors",
      `the anchors in this file are not yours: ${stale.join("; ")}`,
      "render it anew under your anchors.json",
    );
}
