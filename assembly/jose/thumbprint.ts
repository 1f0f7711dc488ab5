/** A public key's name: RFC 7638 over the key types that we know. */
import { Algorithm } from "../crypto/algorithm";
import { sha256 } from "../crypto/sha256";
import { encode } from "../text/base64url";
import { Writer } from "../text/writer";

/** Characters of 32 bytes in base64url: a thumbprint, and each coordinate of a key. */
export const THUMBPRINT_CHARACTERS: i32 = 43;

const writer = new Writer();
const input: usize = memory.data(256, 16);
const coordinate: usize = memory.data(48, 16);

/** 32 bytes as a JSON string's content: base64url needs no escape. */
function writeCoordinate(ptr: usize): void {
  writer.bytes(coordinate, encode(ptr, 32, coordinate));
}

/**
 * The hash of the required members in this order, without white space.
 * @param publicKey 32 bytes, or x || y
 * @param out 32 bytes
 */
export function thumbprint(algorithm: i32, publicKey: usize, out: usize): void {
  writer.open(input, 256);
  if (algorithm == Algorithm.Ed25519) {
    writer.literal('{"crv":"Ed25519","kty":"OKP","x":"');
    writeCoordinate(publicKey);
  } else {
    writer.literal('{"crv":"P-256","kty":"EC","x":"');
    writeCoordinate(publicKey);
    writer.literal('","y":"');
    writeCoordinate(publicKey + 32);
  }
  writer.literal('"}');
  sha256(input, writer.length, out);
}
