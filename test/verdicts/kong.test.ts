/** The build for Kong on the Node host as Kong: the same decisions. */
import type { FAILING } from "../kit/failing-host.js";
import { asKong, kongGateway } from "./kong-gateway.js";
import { AS_ENVOY, runSuite } from "./suite.js";

/** What fails there: it cannot take a header away, and so replaces it. */
const CALLS: Readonly<Record<keyof typeof FAILING, string>> = {
  audit_unavailable: "proxy_set_property",
  internal: "proxy_replace_header_map_value",
};
/** No status is a success but 0. */
const FAILED = 10;

/** nginx: one line of a request fits into one buffer. */
const MAX_LINE_BYTES = 8192;
const isTooLong = (grant: string): boolean => "X-Break-Glass: \r\n".length + grant.length > MAX_LINE_BYTES;
/** nginx decodes every path, and refuses one that it cannot. */
const isBroken = (path: string): boolean => /^[^?]*%(?![0-9a-f]{2})/i.test(path);

runSuite({
  name: "the Node host as Kong",
  ...AS_ENVOY,
  start: (_, { failing }) =>
    kongGateway({
      intercept: ({ name }) => (failing !== undefined && name === CALLS[failing] ? FAILED : undefined),
    }),
  configured: asKong,
  forced: ({ proof }, { grants, path = "/" }) => {
    if (grants.some(isTooLong) || isBroken(path)) return 400;
    // Whether another worker has seen a proof cannot be told there: none is taken.
    return proof === undefined ? undefined : "binding_missing";
  },
  unreachable: ["binding_mismatch", "proof", "too_large"],
  isGuarded: false,
});
