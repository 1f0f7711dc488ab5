/** What TLS needs, read from its files and held against each other: what would not work is said with its file, before anybody connects. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { UserError } from "../base/errors.js";
import { readBytes } from "../base/files.js";
import { visible } from "../base/text.js";

export interface TlsFiles {
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  /** Of the authority that the other side must be of. */
  readonly ca?: string | undefined;
}

export interface TlsContent {
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly ca?: Buffer;
}

function certificateIn(bytes: Buffer, path: string): X509Certificate {
  try {
    return new X509Certificate(bytes);
  } catch (error) {
    throw new UserError(`${visible(path)} is no certificate.`, { cause: error, hint: "It is a file in PEM." });
  }
}

function privateKeyIn(bytes: Buffer, path: string): KeyObject {
  try {
    return createPrivateKey(bytes);
  } catch (error) {
    throw new UserError(`${visible(path)} is no private key, or one that a passphrase protects.`, {
      cause: error,
      hint: "It is a file in PEM, which this user alone can read.",
    });
  }
}

/** @param whose `the ledger's` @throws UserError */
export function readTls({ certificate, key, ca }: TlsFiles, whose: string): TlsContent {
  const cert = certificate === undefined ? undefined : readBytes(certificate, `${whose} certificate`);
  const secret = key === undefined ? undefined : readBytes(key, `the key of ${whose} certificate`);
  const authority = ca === undefined ? undefined : readBytes(ca, "the authority's certificate");
  const known = cert === undefined ? undefined : certificateIn(cert, certificate ?? "");
  const own = secret === undefined ? undefined : privateKeyIn(secret, key ?? "");
  if (authority !== undefined) certificateIn(authority, ca ?? "");
  if (known !== undefined && own !== undefined && !known.checkPrivateKey(own))
    throw new UserError(`${visible(key ?? "")} is not the key of ${visible(certificate ?? "")}.`, {
      hint: "The two belong together: put both in place.",
    });
  return {
    ...(cert === undefined ? {} : { cert }),
    ...(secret === undefined ? {} : { key: secret }),
    ...(authority === undefined ? {} : { ca: authority }),
  };
}

const sameBytes = (one: Buffer | undefined, other: Buffer | undefined): boolean =>
  one === undefined || other === undefined ? one === other : one.equals(other);

export const isSameTls = (one: TlsContent, other: TlsContent): boolean =>
  sameBytes(one.cert, other.cert) && sameBytes(one.key, other.key) && sameBytes(one.ca, other.ca);
