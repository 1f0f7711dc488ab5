/** Reading an Envoy configuration: where the parts are that Glassgate cares about. */
import { type Document, isMap, isScalar, isSeq, type Node, type Pair, visit, type YAMLMap } from "yaml";

export const WASM_TYPE = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
export const VERDICT_STATE = "wasm.glassgate.verdict";
/** The whole of the audit log's format. */
export const AUDIT_FORMAT = "%FILTER_STATE(wasm.glassgate.audit:PLAIN)%";

/** Every map of the document that has `@type` ending in `suffix`, in order. */
export function mapsOfType(document: Document, suffix: string): YAMLMap[] {
  const found: YAMLMap[] = [];
  visit(document, {
    Map(_, node) {
      const type = node.get("@type");
      if (typeof type === "string" && type.endsWith(suffix)) found.push(node);
    },
  });
  return found;
}

/**
 * Every filter that comes by ECDS, in order: an entry of `http_filters`, or `dynamic_config` inside a matcher's action.
 * `discoveredFilters` of rendered.ts is the same question asked of plain JSON.
 */
export function discoveredIn(document: Document): YAMLMap[] {
  const found: YAMLMap[] = [];
  visit(document, {
    Map(_, node) {
      if (isMap(node.get("config_discovery", true))) found.push(node);
    },
  });
  return found;
}

/** The child at a path of keys and indexes, aliases followed. */
export function child(document: Document, node: unknown, ...path: readonly (string | number)[]): Node | undefined {
  let at: unknown = node;
  for (const part of path) {
    at = resolve(document, at);
    if (isMap(at) && typeof part === "string") at = at.get(part, true);
    else if (isSeq(at)) at = at.get(part, true);
    else return undefined;
  }
  const resolved = resolve(document, at);
  return isMap(resolved) || isSeq(resolved) || isScalar(resolved) ? resolved : undefined;
}

function resolve(document: Document, node: unknown): unknown {
  return typeof node === "object" &&
    node !== null &&
    "source" in node &&
    "resolve" in node &&
    typeof node.resolve === "function"
    ? node.resolve(document)
    : node;
}

export function scalar(document: Document, node: unknown, ...path: readonly (string | number)[]): unknown {
  const found = child(document, node, ...path);
  return isScalar(found) ? found.value : undefined;
}

export function items(document: Document, node: unknown, ...path: readonly (string | number)[]): Node[] {
  const found = child(document, node, ...path);
  return isSeq(found) ? found.items.filter((item): item is Node => typeof item === "object" && item !== null) : [];
}

/** The members of a map. */
export function members(document: Document, node: unknown, ...path: readonly (string | number)[]): Pair[] {
  const found = child(document, node, ...path);
  return isMap(found) ? found.items : [];
}

/** Whether an http filter is an ExtensionWithMatcher that is skipped where the verdict is exactly `allow`. */
export function isSkippedOnVerdict(document: Document, filter: unknown): boolean {
  return items(document, filter, "typed_config", "xds_matcher", "matcher_list", "matchers").some((matcher) => {
    const single = child(document, matcher, "predicate", "single_predicate");
    return (
      scalar(document, single, "input", "typed_config", "key") === VERDICT_STATE &&
      scalar(document, single, "value_match", "exact") === "allow" &&
      String(scalar(document, matcher, "on_match", "action", "typed_config", "@type")).endsWith(".SkipFilter")
    );
  });
}

/** Request headers that a jwt_authn configuration sets, or removes after reading: a skipped one would let the client's pass. */
export function headersOfJwtAuthn(document: Document, config: unknown): string[] {
  const names = new Set<string>();
  for (const { value } of members(document, config, "providers")) {
    const forwarded = scalar(document, value, "forward_payload_header");
    if (typeof forwarded === "string") names.add(forwarded.toLowerCase());
    for (const claim of items(document, value, "claim_to_headers")) {
      const header = scalar(document, claim, "header_name");
      if (typeof header === "string") names.add(header.toLowerCase());
    }
    for (const from of items(document, value, "from_headers")) {
      const header = scalar(document, from, "name");
      if (typeof header === "string") names.add(header.toLowerCase());
    }
  }
  return [...names];
}

/** Headers that the filters skipped on our verdict would have set or removed. */
export function headersOfSkippedFilters(document: Document): string[] {
  const names = new Set<string>();
  for (const manager of mapsOfType(document, ".HttpConnectionManager")) {
    for (const filter of items(document, manager, "http_filters")) {
      if (!isSkippedOnVerdict(document, filter)) continue;
      const config = child(document, filter, "typed_config", "extension_config", "typed_config");
      if (String(scalar(document, config, "@type")).endsWith(".JwtAuthentication")) {
        for (const name of headersOfJwtAuthn(document, config)) names.add(name);
      }
    }
  }
  return [...names];
}
