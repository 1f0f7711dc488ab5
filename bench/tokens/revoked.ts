/** A second environment of the same people, where as much is revoked as can be: none of it theirs, and all of it asked of each grant. */
import type { Revoked } from "../../control/trust/claims.js";
import { MAX_TEXTS, MAX_TEXTS_BYTES } from "../../control/trust/revocations.js";
import { newSigner, type Signer, segment } from "./signer.js";
import type { World } from "./world.js";

export const FULL_AUDIENCE = "bench-revoked";
const ROLE = "revoker";
/** Entries of one list: MAX_REVOKED of assembly/limits.ts. */
const MOST_ENTRIES = 4096;
/** Short names: else the five lists of a bundle do not fit into it together. */
const ENTRY_BYTES = 64;
/** Of a text's share of MAX_TEXTS_BYTES, for header, other claims and signature. */
const REST_BYTES = 600;

function listsOf(count: number, at: number): Revoked {
  const names = (letter: string): string[] => Array.from({ length: count }, (_, i) => `${letter}-${i}`);
  return {
    ...{ jti: names("j"), sub: names("s"), kid: names("k"), incident: names("i") },
    issued_before: names("p").map((sub) => ({ at, sub })),
  };
}

/** The plugin configuration: a bundle whose lists are full, and as many texts as it takes, as long as they may be together. */
export async function fullConfiguration(world: World): Promise<string> {
  const wardens = Array.from({ length: MAX_TEXTS }, () => newSigner("Ed25519"));
  const iat = world.now - 60;
  const aud = [FULL_AUDIENCE];
  const { principals, ...claims } = world.bundleClaims();
  const bundle = await world.bundle({
    ...claims,
    aud,
    principals: [...principals, ...wardens.map(({ jwk }, i) => ({ id: `warden${i}`, roles: [ROLE], keys: [jwk] }))],
    revokers: [ROLE],
    revoked: listsOf(MOST_ENTRIES, iat),
  });
  const bytes = ((MAX_TEXTS_BYTES / MAX_TEXTS - REST_BYTES) * 3) / 4;
  const revoked = listsOf(Math.floor(bytes / ENTRY_BYTES), iat);
  const text = ({ compact }: Signer): string =>
    compact({ typ: "bg-revocations+jwt" }, segment({ version: iat, iat, aud, revoked }));
  return JSON.stringify({
    ...{ generation: 1, ...world.anchors, audience: FULL_AUDIENCE },
    ...{ bundle, revocations: wardens.map(text) },
  });
}
