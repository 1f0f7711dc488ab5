/** The log's key: it signs checkpoints and receipts, whose bytes are built here, and nothing else. It belongs to no principal. */
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { PrivateKey } from "../../signer/jwk.js";
import { checkpointText } from "../tlog/checkpoint.js";
import { isKeyName, makeVkey, parseVkey, signatureLine } from "../tlog/note.js";
import { HASH_BYTES } from "../tlog/tree.js";

export interface Receipt {
  /** Of the record's entry, which is durable. */
  readonly index: number;
  /** Lower-case hex. */
  readonly recordSha256: string;
  /** Seconds since 1970. */
  readonly iat: number;
}

export interface LogSigner {
  /** The key's name, and the origin line of what it signs. */
  readonly origin: string;
  readonly vkey: string;
  /** RFC 7638 thumbprint, as bundles have it. */
  readonly kid: string;
  /** The signed note. */
  signCheckpoint(size: number, root: Buffer): string;
  /** A compact JWS of type `bg-receipt+jws`. */
  signReceipt(receipt: Receipt): string;
}

/** A name that a person can read, a shell can take and a note can hold. */
const ORIGIN = /^[A-Za-z0-9][A-Za-z0-9._~:/@-]{0,199}$/;

export function checkOrigin(origin: string): string {
  if (!ORIGIN.test(origin) || !isKeyName(origin)) {
    throw new UserError(`"${visible(origin.slice(0, 100))}" cannot be a ledger's name.`, {
      hint: "Take the address it will have, without https://, and the period: ledger.example.com/eu/2026. Letters, digits and ._~:/@- only.",
    });
  }
  return origin;
}

const segment = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

class Signer implements LogSigner {
  private readonly keyId: Buffer;

  constructor(
    readonly origin: string,
    readonly vkey: string,
    readonly kid: string,
    private readonly key: KeyObject,
  ) {
    this.keyId = parseVkey(vkey).keyId;
  }

  signCheckpoint(size: number, root: Buffer): string {
    if (!Number.isSafeInteger(size) || size < 0 || root.length !== HASH_BYTES) throw new RangeError("no tree");
    const text = checkpointText(this.origin, size, root);
    return `${text}\n${signatureLine(this.origin, this.keyId, sign(null, Buffer.from(text), this.key))}\n`;
  }

  signReceipt({ index, recordSha256, iat }: Receipt): string {
    if (!/^[0-9a-f]{64}$/.test(recordSha256)) throw new RangeError("no hash of a record");
    if (![index, iat].every((count) => Number.isSafeInteger(count) && count >= 0)) throw new RangeError("no receipt");
    const header = segment({ alg: "Ed25519", kid: this.kid, typ: "bg-receipt+jws" });
    const payload = segment({ origin: this.origin, index, record_sha256: recordSha256, iat });
    const signature = sign(null, Buffer.from(`${header}.${payload}`), this.key);
    return `${header}.${payload}.${signature.toString("base64url")}`;
  }
}

export function openLogSigner(key: PrivateKey, origin: string): LogSigner {
  if (key.kty !== "OKP") {
    throw new UserError("A ledger signs with an Ed25519 key; this one is of another kind.", {
      hint: "`glassgate ledger init` makes one.",
    });
  }
  checkOrigin(origin);
  const { kty, crv, x, d, kid } = key;
  const vkey = makeVkey(origin, Buffer.from(x, "base64url"));
  return new Signer(origin, vkey, kid, createPrivateKey({ key: { kty, crv, x, d }, format: "jwk" }));
}
