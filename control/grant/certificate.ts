/** A client certificate by its thumbprint (RFC 8705, `x5t#S256`): what a grant is bound to. */
import { X509Certificate } from "node:crypto";
import { UserError } from "../base/errors.js";
import { readBytes } from "../base/files.js";
import { visible } from "../base/text.js";

/** SHA-256 of the certificate's DER, in base64url. */
export function certificateThumbprint(file: string): string {
  const bytes = readBytes(file, "the client certificate", { hint: "Name it with --certificate." });
  try {
    return Buffer.from(new X509Certificate(bytes).fingerprint256.replaceAll(":", ""), "hex").toString("base64url");
  } catch (error) {
    throw new UserError(`${visible(file)} holds no certificate.`, {
      hint: "Give the certificate itself, in PEM or DER, not its key. Nothing was signed.",
      cause: error,
    });
  }
}
