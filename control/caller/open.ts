/** A grant from its file, with the proof key that `glassgate ask` has kept for it. */
import { UserError } from "../base/errors.js";
import { readBytes } from "../base/files.js";
import { visible } from "../base/text.js";
import { readClaims } from "../grant/ask.js";
import { findMessages } from "../grant/find.js";
import type { PrivateKey } from "../signer/jwk.js";
import { type Credential, jktOf } from "./credential.js";
import { findHeld, type Held } from "./held.js";
import { unseal } from "./seal.js";

/** A grant has 8 KiB; a whole chat export with one in it is smaller. */
const MAX_FILE_BYTES = 1024 * 1024;

/** The one grant in a file. */
export function readGrantFile(file: string): string {
  const { messages } = findMessages(readBytes(file, "the grant", { max: MAX_FILE_BYTES }).toString("utf8"));
  const [only, ...others] = messages;
  if (only?.kind === "grant" && others.length === 0) return only.text;
  throw new UserError(`${visible(file)} does not hold one grant.`, {
    hint: "`glassgate grant ASK APPROVALS --output FILE` writes one.",
  });
}

/**
 * The grant, with its proof key where it is bound to one.
 * @param keys the folder of keys @param unlock opens the requester's key of that name: what the proof key is sealed by
 */
export async function openGrant(
  grant: string,
  keys: string,
  unlock: (name: string) => Promise<PrivateKey>,
): Promise<{ credential: Credential; held: Held | undefined }> {
  const claims = await readClaims(grant, "The grant");
  const held = findHeld(keys, claims.jti);
  const jkt = jktOf(claims);
  if (jkt === undefined) return { credential: { grant }, held };
  if (held?.proof?.jkt !== jkt) {
    throw new UserError("The grant is bound to a proof key, and the key is not here.", {
      hint: "It is on the machine where `glassgate ask` ran, and is wiped when the grant ends or is returned.",
    });
  }
  return { credential: { grant, proofKey: await unseal(held.proof.sealed, await unlock(held.key), jkt) }, held };
}
