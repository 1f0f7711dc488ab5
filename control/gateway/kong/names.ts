/** What the rendered Kong configuration calls its parts (config/kong/kong.yaml). */
import { randomBytes } from "node:crypto";

/** The name of the filter's file in `wasm_filters_path`, without `.wasm`. */
export const FILTER_NAME = "glassgate";
/** The header that carries the upstream key from the filter to the second route. */
export const KEY_HEADER = "x-break-glass-key";
/** Where the filter leaves its record for a log plugin. */
export const AUDIT_FIELD = "kong.ctx.shared.glassgate_audit";
/** Below it nobody is sure that it cannot be guessed. */
export const LEAST_KEY_CHARACTERS = 32;

/** Of 32 characters by chance there are about 25 different ones, of 32 hexadecimal digits 14. */
const LEAST_DIFFERENT = 9;

/** Short, of few letters, words in capitals, or a reference (`{vault://...}`, `${{ env ... }}`), which Kong does not follow in a key. */
export const isWeakKey = (key: string): boolean =>
  key.length < LEAST_KEY_CHARACTERS ||
  new Set(key).size < LEAST_DIFFERENT ||
  /^[A-Z_ -]+$/.test(key) ||
  /[{}<>\s]|:\/\//.test(key);

/** 256 bits of chance: a header's value as it is. */
export const drawKey = (): string => randomBytes(32).toString("base64url");

/**
 * Headers by which Kong's own authentication tells an upstream who calls. The break-glass route asks nobody, so a caller's own would
 * pass: the filter takes them away. On the second route key-auth and acl set some of them anew, for the gateway itself.
 */
export const IDENTITY_HEADERS = [
  "x-consumer-id",
  "x-consumer-custom-id",
  "x-consumer-username",
  "x-consumer-groups",
  "x-credential-identifier",
  "x-credential-username",
  "x-anonymous-consumer",
  "x-authenticated-groups",
  "x-authenticated-scope",
  "x-authenticated-userid",
  "x-userinfo",
] as const;
