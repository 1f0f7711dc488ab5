/** What stands beside the filter and its guards: filters of one name, other ways to the upstream, request ids, how the logs are written. */
import { z } from "zod";
import type { Change } from "./changes.js";
import {
  AUDIT,
  all,
  DISCOVERY,
  type Edit,
  FILTERS,
  filter,
  GUARD,
  googleType,
  http,
  insert,
  LISTENER,
  MANAGER,
  RBAC,
  ROUTE,
  ROUTE_CONFIG,
  set,
  skip,
} from "./files.js";

const JWT_NAME = "envoy.filters.http.jwt_authn";
const RBAC_NAME = "envoy.filters.http.rbac";
const DISABLED = { "@type": googleType("envoy.config.route.v3.FilterConfig"), disabled: true };
const onRoute = (key: string, config: unknown): Edit => set([...ROUTE, "typed_per_filter_config"], { [key]: config });
/** A harmless filter of another's name, which stands before it in the list. */
const namesake = (name: string, at = 1): Edit =>
  insert(FILTERS, at, filter(name, "buffer.v3.Buffer", { max_request_bytes: 100_000 }));
const onHeader = {
  single_predicate: {
    input: {
      name: "h",
      typed_config: { "@type": googleType("envoy.type.matcher.v3.HttpRequestHeaderMatchInput"), header_name: "x-go" },
    },
    value_match: { exact: "1" },
  },
};
const anybody = { any: { permissions: [{ any: true }], principals: [{ any: true }] } };

const namesakes: readonly Change[] = [
  {
    name: "a route switches two filters of jwt_authn's name off",
    edit: all(namesake(JWT_NAME), onRoute(JWT_NAME, DISABLED)),
    says: /jwt_authn does not guard this route: it is disabled/,
    effect: { kind: "open" },
  },
  {
    name: "a route's matcher for two filters of jwt_authn's name",
    edit: all(
      namesake(JWT_NAME),
      onRoute(JWT_NAME, {
        "@type": googleType("envoy.extensions.common.matching.v3.ExtensionWithMatcherPerRoute"),
        xds_matcher: { matcher_list: { matchers: [{ predicate: onHeader, on_match: skip }] } },
      }),
    ),
    says: /jwt_authn does not guard this route: a matcher of the route's own/,
  },
  {
    name: "a route switches two filters of the glassgate filter's name off",
    edit: all(namesake("glassgate", 0), onRoute("glassgate", DISABLED)),
    says: /glassgate does not guard this route: it is disabled/,
  },
  ...(
    [
      ["switches two filters of RBAC's name off", DISABLED, /rbac does not guard this route: it is disabled/],
      [
        "gives two filters of RBAC's name rules of its own",
        { "@type": http("rbac.v3.RBACPerRoute"), rbac: { rules: { policies: anybody } } },
        /rbac does not guard this route: its rules do not name the verdict/,
      ],
    ] as const
  ).map(
    ([what, config, says]): Change => ({
      name: `a route ${what}`,
      base: "require",
      edit: all(namesake(RBAC_NAME), onRoute(RBAC_NAME, config)),
      says,
      ...(config === DISABLED ? { effect: { kind: "open" }, filterMissing: true } : {}),
    }),
  ),
  {
    name: "RBAC by the audit record in place of the verdict",
    base: "require",
    edit: set([...RBAC, "rules", "policies"], {
      broken: {
        permissions: [{ any: true }],
        principals: [
          { not_id: { filter_state: { key: "wasm.glassgate.audit", string_match: { contains: '"verdict":"deny' } } } },
        ],
      },
    }),
    says: /RBAC guard does not demand the verdict/,
    effect: { kind: "open" },
    filterMissing: true,
  },
];

const documentShape = z.looseObject({
  static_resources: z.looseObject({
    listeners: z.array(
      z.looseObject({
        filter_chains: z.array(
          z.looseObject({
            filters: z.array(z.looseObject({ typed_config: z.looseObject({ http_filters: z.array(z.unknown()) }) })),
          }),
        ),
      }),
    ),
  }),
});

/** A listener with the normal authentication alone, to the same upstream. */
const secondListener: Edit = (document) => {
  const [listener] = documentShape.parse(document.toJS()).static_resources.listeners;
  const [chain] = listener?.filter_chains ?? [];
  const [network] = chain?.filters ?? [];
  if (network === undefined) throw new Error("no connection manager");
  const { early_header_mutation_extensions: _, access_log: __, ...manager } = network.typed_config;
  const jwt = z
    .looseObject({ typed_config: z.looseObject({ extension_config: z.unknown() }) })
    .parse(manager.http_filters[GUARD]).typed_config.extension_config;
  insert(["static_resources", "listeners"], 1, {
    name: "second",
    address: { socket_address: { address: "0.0.0.0", port_value: 10001 } },
    filter_chains: [
      { filters: [{ ...network, typed_config: { ...manager, http_filters: [jwt, manager.http_filters[GUARD + 1]] } }] },
    ],
  })(document);
};

const ways: readonly Change[] = [
  {
    name: "a second listener, guarded by jwt_authn alone, that leaves a client's attestation",
    edit: secondListener,
    says: /x-break-glass-grant is not removed here: a client can forge it/,
  },
  {
    name: "a second filter chain that leaves a client's attestation",
    edit: (document) => {
      const [listener] = documentShape.parse(document.toJS()).static_resources.listeners;
      const [network] = listener?.filter_chains[0]?.filters ?? [];
      if (network === undefined) throw new Error("no connection manager");
      const { early_header_mutation_extensions: _, ...manager } = network.typed_config;
      insert([...LISTENER, "filter_chains"], 0, {
        filter_chain_match: { destination_port: 9 },
        filters: [{ ...network, typed_config: manager }],
      })(document);
    },
    says: /any request without a grant can forge it to the upstream/,
  },
];

const warnings: readonly Change[] = (
  [
    {
      name: "no request ids of Envoy's own",
      edit: set([...MANAGER, "generate_request_id"], false),
      says: /^with generate_request_id false the client chooses the request_id in the record/,
      effect: { kind: "upstream", headers: { "x-request-id": "chosen" }, gets: /"x-request-id":"chosen"/ },
    },
    {
      name: "a filter sets the request id from another header",
      edit: insert(
        FILTERS,
        0,
        filter("id", "header_mutation.v3.HeaderMutation", {
          mutations: {
            request_mutations: [
              {
                append: {
                  header: { key: "X-Request-Id", value: "%REQ(x-id)%" },
                  append_action: "OVERWRITE_IF_EXISTS_OR_ADD",
                },
              },
            ],
          },
        }),
      ),
      says: /x-request-id is set here/,
      effect: { kind: "upstream", headers: { "x-id": "chosen" }, gets: /"x-request-id":"chosen"/ },
    },
    {
      name: "a composite that an Envoy may leave out",
      edit: set([...FILTERS, 0, "is_optional"], true),
      says: /does not know glassgate leaves it out silently/,
    },
    {
      name: "open streams written a thousand times a second",
      edit: set([...MANAGER, "access_log_options", "access_log_flush_interval"], "0.001s"),
      says: /writes its record again every 0.001 seconds/,
    },
    {
      name: "records when streams end only",
      edit: set([...AUDIT, "filter"], { log_type_filter: { types: ["DownstreamEnd"] } }),
      says: /a stream that is still open is not on record until it ends/,
    },
    {
      name: "a default with a bundle",
      edit: set(
        [...DISCOVERY, "default_config", "config", "configuration", "value"],
        '{"strip":["x-jwt-payload"],"bundle":"e30.e30."}',
      ),
      says: /default_config holds a bundle/,
    },
    {
      name: "grants for internal callers only",
      edit: set([...ROUTE_CONFIG, "internal_only_headers"], ["X-Break-Glass"]),
      says: /the grant is removed before the filter sees it/,
    },
  ] as const
).map((change) => ({ ...change, level: "warning" as const }));

export const beside: readonly Change[] = [...namesakes, ...ways, ...warnings];
