/** The filter in its two places: directly in the chain, and behind a match on the grant's header, so that others never enter Wasm. */
import { isRecord } from "../../control/base/schema.js";
import { member } from "../../control/gateway/rendered.js";

export interface Forms {
  readonly direct: object;
  readonly composite: object;
}

/** The part that comes by ECDS, at whichever depth. */
function discovered(value: unknown): object | undefined {
  if (Array.isArray(value)) return value.map(discovered).find((found) => found !== undefined);
  if (!isRecord(value)) return undefined;
  return member(value, "config_discovery") === undefined ? discovered(Object.values(value)) : value;
}

const EXTENSIONS = "type.googleapis.com/envoy.extensions";

/** As envoy.yaml has it: the header's presence is the match. */
const behindMatch = (direct: object): object => ({
  name: "glassgate",
  typed_config: {
    "@type": `${EXTENSIONS}.common.matching.v3.ExtensionWithMatcher`,
    extension_config: {
      name: "composite",
      typed_config: { "@type": `${EXTENSIONS}.filters.http.composite.v3.Composite` },
    },
    xds_matcher: {
      matcher_list: {
        matchers: [
          {
            predicate: {
              single_predicate: {
                input: {
                  name: "grant",
                  typed_config: {
                    "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
                    header_name: "x-break-glass",
                  },
                },
                value_match: { safe_regex: { google_re2: {}, regex: ".*" } },
              },
            },
            on_match: {
              action: {
                name: "glassgate",
                typed_config: {
                  "@type": `${EXTENSIONS}.filters.http.composite.v3.ExecuteFilterAction`,
                  dynamic_config: direct,
                },
              },
            },
          },
        ],
      },
    },
  },
});

/** @param rendered the first filter of a rendered gateway, in either form */
export function formsOf(rendered: unknown): Forms {
  const direct = discovered(rendered);
  if (direct === undefined) throw new Error("the rendered gateway has no filter by ECDS");
  const isDirect = direct === rendered;
  return { direct, composite: isDirect || !isRecord(rendered) ? behindMatch(direct) : rendered };
}
