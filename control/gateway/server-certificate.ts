/** The gateway's own certificate and key, read before Envoy does: what it would refuse at its start is said when it is rendered. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { messageOf, UserError } from "../base/errors.js";
import { readBytes } from "../base/files.js";
import { visible } from "../base/text.js";

const NEXT =
  "Name the PEM files that your certificate authority gave you: the certificate with its chain, and its key.";

function readCertificate(path: string): X509Certificate {
  const bytes = readBytes(path, "the gateway's certificate", { hint: NEXT });
  try {
    return new X509Certificate(bytes);
  } catch (error) {
    throw new UserError(`${visible(path)} holds no certificate in PEM.`, { cause: error, hint: NEXT });
  }
}

/** Envoy asks nobody for a passphrase. */
function readKey(path: string): KeyObject {
  const bytes = readBytes(path, "the key of the gateway's certificate", { hint: NEXT });
  try {
    return createPrivateKey(bytes);
  } catch (error) {
    const isLocked = bytes.includes("ENCRYPTED");
    throw new UserError(
      isLocked
        ? `The key ${visible(path)} has a passphrase, which nobody can give Envoy.`
        : `${visible(path)} holds no private key in PEM: ${messageOf(error)}.`,
      { cause: error, hint: isLocked ? "Write it without one, readable by Envoy alone." : NEXT },
    );
  }
}

/** @returns the certificate, which its key fits */
export function checkServerCertificate(certificatePath: string, keyPath: string): X509Certificate {
  const certificate = readCertificate(certificatePath);
  if (!certificate.checkPrivateKey(readKey(keyPath)))
    throw new UserError(`The key ${visible(keyPath)} is not that of the certificate ${visible(certificatePath)}.`, {
      hint: NEXT,
    });
  return certificate;
}
