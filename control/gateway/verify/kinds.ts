/** Http filters by what they are to the guard. */
import type { Entry } from "./chain.js";
import type { Place } from "./filters/headers.js";

export const http = (name: string): string => `envoy.extensions.filters.http.${name}`;
export const WASM = http("wasm.v3.Wasm");
export const JWT = http("jwt_authn.v3.JwtAuthentication");
export const RBAC = http("rbac.v3.RBAC");
export const EXT_AUTHZ = http("ext_authz.v3.ExtAuthz");
/** Filters that ask who calls. */
export const AUTHENTICATION: ReadonlySet<string> = new Set([
  JWT,
  EXT_AUTHZ,
  http("basic_auth.v3.BasicAuth"),
  http("api_key_auth.v3.ApiKeyAuth"),
  http("oauth2.v3.OAuth2"),
]);
/** Filters that may refuse a request for who calls. */
export const isGuardType = (type: string): boolean => AUTHENTICATION.has(type) || type === RBAC;

export const mentionsVerdict = (entry: Entry): boolean =>
  entry.configs.some(({ message }) => JSON.stringify(message.value?.toJson() ?? null).includes("wasm.glassgate."));

export function placeOf(entries: readonly Entry[], { position }: Entry): Place {
  const ours = entries.find(({ isGlassgate }) => isGlassgate);
  return ours !== undefined && position > ours.position ? "behind" : "before";
}
