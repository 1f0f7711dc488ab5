/** What is compared: the same Envoy, listener and direct answer, with other filters in front. */
import { parseDocument } from "yaml";

export interface Variant {
  readonly name: string;
  /** Which http filters stay. */
  readonly filters: "none" | "jwt" | "glassgate";
  /** The header of request `i`. */
  readonly header: (i: number) => Readonly<Record<string, string>>;
  readonly status: number;
}

const HTTP_FILTERS = [
  "static_resources",
  "listeners",
  0,
  "filter_chains",
  0,
  "filters",
  0,
  "typed_config",
  "http_filters",
];
const MANAGER = HTTP_FILTERS.slice(0, -1);

/** envoy.yaml with a direct answer instead of the upstream, and only the filters of the variant. */
export function configFor(config: string, filters: Variant["filters"]): string {
  const document = parseDocument(config);
  const plain: unknown = document.toJS();
  document.setIn(
    [...MANAGER, "route_config", "virtual_hosts", 0, "routes"],
    [{ match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: "ok\n" } } }],
  );
  const list: unknown[] = structuredClone(
    Object(plain).static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters,
  );
  const [glassgate, noStore, jwt, router] = list;
  // jwt_authn is native and unwrapped for the comparison: what an operator has today.
  const native = Object(jwt).typed_config.extension_config;
  const chosen = { none: [router], jwt: [native, router], glassgate: [glassgate, noStore, jwt, router] }[filters];

  document.setIn(HTTP_FILTERS, document.createNode(chosen));
  return document.toString();
}
