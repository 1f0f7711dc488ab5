/** The http filters of a connection manager, unwrapped: what each is, where it stands, and when it is skipped. */
import { type Branch, branchesOf, VERDICT_STATE } from "./matcher.js";
import { type Message, openExtension, type Typed } from "./message.js";
import type { World } from "./world.js";

export const SKIP = "envoy.extensions.filters.common.matcher.action.v3.SkipFilter";
export const WITH_MATCHER = "envoy.extensions.common.matching.v3.ExtensionWithMatcher";
const EXECUTE = "envoy.extensions.filters.http.composite.v3.ExecuteFilterAction";
const COMPOSITE = "envoy.extensions.filters.http.composite.v3.Composite";
const WASM = "envoy.extensions.filters.http.wasm.v3.Wasm";

export interface Entry extends Typed {
  readonly name: string;
  /** The entry of `http_filters` itself. */
  readonly outer: Message;
  readonly position: number;
  readonly isDisabled: boolean;
  /** Where the filter is wrapped: the ways through its matcher. */
  readonly branches: readonly Branch[] | undefined;
  /** Skipped where the verdict is exactly `allow`, and nowhere else. */
  readonly isSkippedOnAllow: boolean;
  /** This and the further configurations that may serve: default and discovered. */
  readonly configs: readonly Typed[];
  readonly isGlassgate: boolean;
  /** Run by a composite's action, rather than standing in the chain itself. */
  readonly isComposite: boolean;
  /** Where it comes by discovery. */
  readonly discovery: Message | undefined;
}

/** The configurations of a filter by discovery: its default, and what a dump shows. */
function discovered(discovery: Message, name: string, world: World): Typed[] {
  const fromDump = world.filters.get(name);
  const fallback = discovery.any("default_config");
  for (const url of discovery.texts("type_urls")) {
    if (!url.endsWith(`/${WASM}`))
      discovery.unknown(
        `discovery-type:${name}`,
        `by discovery, ${name} may become a ${url}`,
        discovery.at("type_urls"),
      );
  }
  const source = discovery.message("config_source", "ConfigSource");
  const path = source.message("path_config_source").text("path") ?? source.text("path");
  const isFile = path !== undefined;
  const fromFile = isFile && !world.isDump ? (world.readEcds(path) ?? []) : [];
  const onDisk = fromFile.filter((resource) => resource.name === name).map(({ config }) => config);
  if (!isFile && fromDump === undefined)
    discovery.unknown(
      `discovery:${name}`,
      `what ${name} does comes from an xDS server and is not in this file; see \`curl ADMIN/config_dump\``,
    );
  if (isFile && world.isDump && fromDump === undefined)
    discovery.unknown(
      `discovery:${name}`,
      `this dump does not show which configuration of ${name} serves (EcdsConfigDump)`,
    );
  discovery.harmless("apply_default_config_without_warming");
  discovery.done();
  return [...(fromDump === undefined ? [] : [fromDump]), ...onDisk, ...(fallback.type === "" ? [] : [fallback])];
}

const namesGlassgate = (name: string, { type, message }: Typed): boolean => {
  if (type !== WASM) return false;
  const config = message.message("config", "PluginConfig");
  return [name, config.text("name"), config.text("root_id")].some((text) => text?.includes("glassgate") === true);
};

interface Executed {
  readonly name: string;
  readonly configs: readonly Typed[];
  readonly discovery?: Message;
}

/** What one action of a composite runs. */
function executed(action: Message, world: World): Executed {
  const typed = action.extension("typed_config");
  const dynamic = action.message("dynamic_config", "DynamicConfig");
  if (action.take("sample_percent") !== undefined)
    action.danger(
      "composite-sampled",
      "the filter runs for a sample of requests only: the others pass unjudged",
      "take sample_percent out",
      action.at("sample_percent"),
    );
  if (dynamic.exists && typed.outer.exists) action.unknown("composite-both", "this action names two filters");
  action.done();
  typed.outer.done();
  if (!dynamic.exists) return { name: typed.name, configs: typed.type === "" ? [] : [typed] };
  const name = dynamic.text("name") ?? "";
  const discovery = dynamic.message("config_discovery", "ExtensionConfigSource");
  dynamic.done();
  return { name, configs: discovery.exists ? discovered(discovery, name, world) : [], discovery };
}

/** By what it is; by discovery without default_config, its name is all there is. */
const isGlassgate = ({ name, configs }: Executed): boolean =>
  configs.length === 0 ? name.includes("glassgate") : configs.some((config) => namesGlassgate(name, config));

/** A composite that runs one filter on a condition: that filter, as if it stood in the chain. */
function composed(outer: Message, branches: readonly Branch[], world: World): Executed {
  const all: Executed[] = [];
  for (const { type, action, at } of branches) {
    if (type === EXECUTE) all.push(executed(action, world));
    else at.unknown("composite-action", `this action of composite is not known here: ${type || "none"}`);
  }
  const ours = all.filter(isGlassgate);
  const others = all.filter((one) => !ours.includes(one));
  const [first = { name: "", configs: [] }] = [...ours, ...others];
  if (ours.length > 0)
    for (const { name } of others)
      outer.unknown(
        `composite-other:${name}`,
        `beside the glassgate filter this composite runs ${name || "another"}: can it answer, change the request or write filter state?`,
      );
  const configs = (ours.length > 0 ? ours : others).flatMap((one) => one.configs);
  if (configs.length === 0 && ours.length === 0)
    outer.unknown("composite", "what this composite runs is not known here");
  return { ...first, configs };
}

function entryOf(outer: Message, position: number, world: World): Entry {
  const extension = openExtension(outer);
  const isDisabled = outer.flag("disabled") === true;
  const isOptional = outer.flag("is_optional") === true;
  let name = extension.name;
  const own = outer.message("config_discovery", "ExtensionConfigSource");
  let discovery: Message | undefined = own.exists ? own : undefined;
  let configs: readonly Typed[] = discovery === undefined ? [extension] : discovered(discovery, name, world);
  let branches: Branch[] | undefined;
  let isComposite = false;
  if (extension.type === WITH_MATCHER) {
    const wrapper = extension.message;
    const inner = wrapper.extension("extension_config");
    const tree = wrapper.message(wrapper.has("xds_matcher") ? "xds_matcher" : "matcher", "Matcher");
    branches = branchesOf(tree);
    tree.done();
    inner.outer.done();
    wrapper.done();
    configs = [inner];
    if (inner.type === COMPOSITE) {
      const composite = composed(outer, branches, world);
      inner.message.done();
      isComposite = true;
      configs = composite.configs;
      discovery = composite.discovery;
      name = extension.name || composite.name;
    }
  }
  outer.done();
  const isOurs = isGlassgate({ name, configs });
  const [first = extension] = configs;
  const skips = branches?.filter(({ type }) => type === SKIP || type === "matcher") ?? [];
  if (isOptional && configs.length > 0) {
    outer.warn(
      `optional:${name}`,
      `is_optional: an Envoy that does not know ${name} leaves it out silently`,
      "take is_optional out",
    );
  }
  return {
    name,
    ...first,
    outer,
    position,
    isDisabled,
    branches,
    isSkippedOnAllow: skips.length > 0 && skips.every(({ type, onlyOnAllow }) => type === SKIP && onlyOnAllow),
    configs,
    isGlassgate: isOurs,
    isComposite,
    discovery,
  };
}

export function chainOf(filters: readonly Message[], world: World): Entry[] {
  return filters.map((outer, position) => entryOf(outer, position, world));
}

/** How a wrapped filter that authenticates may be skipped. */
export function judgeSkipping({ branches, name, outer }: Entry): void {
  for (const { type, at, onlyOnAllow, headers } of branches ?? []) {
    if (type === "matcher")
      at.unknown(`skip-nested:${name}`, `a matcher inside a matcher decides whether ${name} is skipped`);
    else if (type !== SKIP) at.unknown(`skip-action:${name}`, `the action ${type || "without type"} is not known here`);
    else if (!onlyOnAllow) {
      const [header] = headers;
      const why =
        header === undefined
          ? `${name} is skipped on more than the verdict \`allow\``
          : `${name} is skipped on a request header (${header}): any client can send it`;
      outer.danger(
        `skipped:${name}`,
        why,
        `skip it on one predicate only: filter state ${VERDICT_STATE}, value_match exact allow`,
        at.value,
      );
    }
  }
}
