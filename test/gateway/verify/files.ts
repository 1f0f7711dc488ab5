/** The project's own two configurations as documents, and ways to bend them. */
import { readFileSync } from "node:fs";
import { type Document, isSeq, parseDocument } from "yaml";

const file = (name: string): string => readFileSync(new URL(`../../../${name}`, import.meta.url), "utf8");

export type Base = "standard" | "require" | "direct";
const standard = file("envoy.yaml").replace("GLASSGATE_CONFIGURATION", `'{"strip":["x-jwt-payload"]}'`);

export type Path = readonly (string | number)[];
export type Edit = (document: Document) => void;

export const LISTENER: Path = ["static_resources", "listeners", 0];
export const CHAIN: Path = [...LISTENER, "filter_chains", 0];
export const MANAGER: Path = [...CHAIN, "filters", 0, "typed_config"];
export const FILTERS: Path = [...MANAGER, "http_filters"];
/** 0 glassgate, 1 no-store, 2 the guard, 3 router. */
export const GUARD = 2;
export const JWT: Path = [...FILTERS, GUARD, "typed_config", "extension_config", "typed_config"];
export const RBAC: Path = [...FILTERS, GUARD, "typed_config"];
export const ROUTE_CONFIG: Path = [...MANAGER, "route_config"];
export const HOST: Path = [...ROUTE_CONFIG, "virtual_hosts", 0];
export const ROUTE: Path = [...HOST, "routes", 0];
/** The composite round the glassgate filter; in `require` and `direct` the filter itself stands at FILTERS 0. */
export const MATCHER: Path = [...FILTERS, 0, "typed_config", "xds_matcher"];
export const BRANCH: Path = [...MATCHER, "matcher_list", "matchers", 0];
export const ACTION: Path = [...BRANCH, "on_match", "action", "typed_config"];
export const DISCOVERY: Path = [...ACTION, "dynamic_config", "config_discovery"];
export const AUDIT: Path = [...MANAGER, "access_log", 0];
export const ACCESS: Path = [...MANAGER, "access_log", 1];
export const ANSWERS: Path = [...MANAGER, "access_log", 2];

export const googleType = (name: string): string => `type.googleapis.com/${name}`;
export const http = (name: string): string => googleType(`envoy.extensions.filters.http.${name}`);

export const set =
  (path: Path, value: unknown): Edit =>
  (document) =>
    document.setIn(path, document.createNode(value, { aliasDuplicateObjects: false }));

/** Puts a value into a list, before `at`. */
export const insert =
  (path: Path, at: number, value: unknown): Edit =>
  (document) => {
    const list = document.getIn(path);
    if (!isSeq(list)) throw new Error(`${path.join(".")} is no list`);
    list.items.splice(at, 0, document.createNode(value, { aliasDuplicateObjects: false }));
  };

export const remove =
  (path: Path): Edit =>
  (document) => {
    if (!document.deleteIn(path)) throw new Error(`nothing at ${path.join(".")}`);
  };

export const all =
  (...edits: readonly Edit[]): Edit =>
  (document) => {
    for (const edit of edits) edit(document);
  };

/** An http filter with its configuration. */
export const filter = (name: string, type: string, config: Readonly<Record<string, unknown>> = {}): unknown => ({
  name,
  typed_config: { "@type": http(type), ...config },
});

export const verdictIsAllow = {
  single_predicate: {
    input: {
      name: "verdict",
      typed_config: {
        "@type": googleType("envoy.extensions.matching.common_inputs.network.v3.FilterStateInput"),
        key: "wasm.glassgate.verdict",
      },
    },
    value_match: { exact: "allow" },
  },
};
export const skip = {
  action: {
    name: "skip",
    typed_config: { "@type": googleType("envoy.extensions.filters.common.matcher.action.v3.SkipFilter") },
  },
};

/** A filter that is skipped on the verdict. */
export const skipped = (name: string, type: string, config: Readonly<Record<string, unknown>>): unknown => ({
  name,
  typed_config: {
    "@type": googleType("envoy.extensions.common.matching.v3.ExtensionWithMatcher"),
    xds_matcher: { matcher_list: { matchers: [{ predicate: verdictIsAllow, on_match: skip }] } },
    extension_config: { name, typed_config: { "@type": http(type), ...config } },
  },
});

/** envoy.yaml with the filter in the chain itself, as it stood before and may still stand. */
export const direct: Edit = (document) => {
  const discovery: unknown = document.getIn(DISCOVERY);
  set([...FILTERS, 0], { name: "glassgate", config_discovery: discovery })(document);
};

export function edited(text: string, edit: Edit): string {
  const document = parseDocument(text);
  edit(document);
  return document.toString({ lineWidth: 0 });
}

/** As `render` leaves them, with a plugin configuration. */
export const texts: Readonly<Record<Base, string>> = {
  standard,
  require: file("config/envoy-require.yaml").replace("GLASSGATE_CONFIGURATION", `'{"require":true}'`),
  direct: edited(standard, direct),
};
