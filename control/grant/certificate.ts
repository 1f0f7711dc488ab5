/** The confirmation of a grant that is bound to a client certificate: its SHA-256, as RFC 8705 (section 3.1) has it. */
import { X509Certificate } from "node:crypto";
import { UserError } from "../base/errors.js";
import { readBytes } from "../base/files.js";
import { visible } from "../base/text.js";

export interface BoundCertificate {
  readonly cnf: { readonly "x5t#S256": string };
  /** What the requester should know of it. */
  readonly warnings: readonly string[];
}

const NEXT =
  "Give the certificate that `curl --cert` will show, in PEM. From a .p12 file: openssl pkcs12 -in FILE -clcerts -nokeys -out cert.pem";

function parse(bytes: Buffer, path: string): X509Certificate {
  try {
    return new X509Certificate(bytes);
  } catch (error) {
    const isKey = bytes.includes("PRIVATE KEY-----") && !bytes.includes("BEGIN CERTIFICATE");
    const what = isKey ? "holds a private key and no certificate" : "holds no certificate that can be read";
    throw new UserError(`${visible(path)} ${what}.`, { cause: error, hint: NEXT });
  }
}

/** The SHA-256 of its DER (RFC 8705, section 3.1), in base64url as a grant has it. */
export const thumbprintOf = ({ fingerprint256 }: X509Certificate): string =>
  Buffer.from(fingerprint256.replaceAll(":", ""), "hex").toString("base64url");

/** The first certificate of a file, which is the one that a client shows. @param now seconds */
export function readBoundCertificate(path: string, now: number): BoundCertificate {
  const certificate = parse(readBytes(path, "the certificate", { hint: NEXT }), path);
  const { validFrom, validTo } = certificate;
  // No refusal: gateways that bind grants take it, as the digest names its key's holder, and no authority is asked.
  const outside =
    Date.parse(validTo) <= now * 1000
      ? `ended on ${validTo}`
      : Date.parse(validFrom) > now * 1000
        ? `is not valid before ${validFrom}`
        : undefined;
  return {
    cnf: { "x5t#S256": thumbprintOf(certificate) },
    warnings:
      outside === undefined
        ? []
        : [
            `The certificate ${visible(path)} ${outside}: a rendered gateway takes it, one that asks an authority ends the connection.`,
          ],
  };
}
