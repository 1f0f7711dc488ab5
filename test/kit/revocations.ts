/** Texts of urgent revocations made by hand, right or wrong. */
import { compact, type Signer } from "./token.js";
import type { Json, World } from "./world.js";

export interface TextSpec {
  readonly by: Signer;
  readonly revoked?: Json;
  /** Replaces claims; `undefined` removes one. */
  readonly claims?: Json;
  /** Replaces members of the header; `undefined` removes one. */
  readonly header?: Json;
}

const without = (json: Json): Json =>
  Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined));

/** Signed a minute ago, and its version is that moment. */
export function revocations(world: World, { by, revoked = {}, claims = {}, header = {} }: TextSpec): string {
  const iat = world.now - 60;
  return compact(
    without({ alg: by.alg, kid: by.kid, typ: "bg-revocations+jwt", ...header }),
    without({ version: iat, iat, aud: ["test"], revoked, ...claims }),
    by,
  );
}
