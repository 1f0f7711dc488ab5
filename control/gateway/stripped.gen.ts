/** Generated from config/stripped.json by scripts/generate.mjs. Do not edit. */

/** Headers that every allowed request loses, whatever `strip` says. `replaces`: set for no other reason than to be read instead of the request's own. */
export const strippedHeaders = [
  { name: "authorization", replaces: false },
  { name: "dpop", replaces: false },
  { name: "x-http-method-override", replaces: true },
  { name: "x-http-method", replaces: true },
  { name: "x-method-override", replaces: true },
  { name: "x-original-method", replaces: true },
  { name: "x-forwarded-method", replaces: false },
  { name: "x-original-url", replaces: true },
  { name: "x-rewrite-url", replaces: true },
  { name: "x-original-path", replaces: true },
  { name: "x-original-uri", replaces: true },
  { name: "x-forwarded-uri", replaces: false },
  { name: "x-forwarded-path", replaces: false },
  { name: "x-forwarded-prefix", replaces: false },
  { name: "forwarded", replaces: false },
  { name: "x-forwarded-host", replaces: false },
  { name: "x-forwarded-server", replaces: false },
  { name: "x-host", replaces: false },
  { name: "x-original-host", replaces: true },
  { name: "x-http-host-override", replaces: false },
] as const;
