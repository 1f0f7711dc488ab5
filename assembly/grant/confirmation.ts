/** The claim `cnf` (RFC 7800): the key that the holder of a grant must show with each request. */
import { decode } from "../text/base64url";
import { isLiteral } from "../text/bytes";
import { Fault } from "../text/fault";
import { JsonReader } from "../text/json";
import { Region } from "../text/region";

/** How the key is shown. */
export enum ConfirmationMethod {
  /** `x5t#S256` (RFC 8705): the client certificate of the connection, by the SHA-256 of its DER. */
  Certificate = 1,
  /** `jkt` (RFC 9449): a DPoP proof, by the thumbprint of its key. */
  Proof = 2,
}

/** A SHA-256, and its characters in base64url. */
export const THUMBPRINT_BYTES: i32 = 32;
const THUMBPRINT_LETTERS: i32 = 43;

export class Confirmation {
  /** A `ConfirmationMethod`. */
  method: i32 = 0;
  /** THUMBPRINT_BYTES. */
  thumbprint: usize = 0;
}

function methodOf(ptr: usize, len: i32): i32 {
  if (isLiteral(ptr, len, "x5t#S256")) return ConfirmationMethod.Certificate;
  return isLiteral(ptr, len, "jkt") ? ConfirmationMethod.Proof : 0;
}

/** An object of exactly one member. On failure the reader is failed; what is returned is never null. */
export function readConfirmation(reader: JsonReader, region: Region): Confirmation {
  const confirmation = changetype<Confirmation>(region.take(offsetof<Confirmation>()));
  confirmation.thumbprint = region.take(THUMBPRINT_BYTES);
  if (!reader.openObject()) return confirmation;
  while (reader.nextMember()) {
    const method = methodOf(reader.stringPtr, reader.stringLen);
    if (method == 0) reader.fail(Fault.Unknown);
    else if (confirmation.method != 0) reader.fail();
    if (!reader.ok || !reader.string()) return confirmation;
    confirmation.method = method;
    const isWhole =
      reader.stringLen == THUMBPRINT_LETTERS &&
      decode(reader.stringPtr, reader.stringLen, confirmation.thumbprint) == THUMBPRINT_BYTES;
    if (!isWhole) reader.fail();
    if (!reader.ok) return confirmation;
  }
  if (confirmation.method == 0) reader.fail();
  return confirmation;
}
