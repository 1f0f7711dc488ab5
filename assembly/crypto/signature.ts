/** The one door to signature verification: two algorithms, one call. */
import { Algorithm } from "./algorithm";
import { isAcceptable as isAcceptableP256, verifyEs256 } from "./ecdsa";
import { isAcceptable as isAcceptableEd25519, verifyEd25519 } from "./ed25519";

/** Whether a bundle may hold this key: canonical, on its curve, not of small order. */
export function isAcceptableKey(algorithm: i32, publicKey: usize): bool {
  if (algorithm == Algorithm.Ed25519) return isAcceptableEd25519(publicKey);
  return algorithm == Algorithm.Es256 && isAcceptableP256(publicKey);
}

/**
 * Verifies 64 octets over the message head || body: a detached JWS has its signing input in two places. Anything but the
 * two algorithms is false.
 */
export function verify(
  algorithm: i32,
  publicKey: usize,
  signature: usize,
  headPtr: usize,
  headLen: i32,
  bodyPtr: usize,
  bodyLen: i32,
): bool {
  if (algorithm == Algorithm.Ed25519) return verifyEd25519(publicKey, signature, headPtr, headLen, bodyPtr, bodyLen);
  if (algorithm == Algorithm.Es256) return verifyEs256(publicKey, signature, headPtr, headLen, bodyPtr, bodyLen);
  return false;
}
