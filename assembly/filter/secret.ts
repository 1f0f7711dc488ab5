/**
 * What nobody outside this VM knows. It keys the hashes whose places a client could otherwise choose: that of a network or key
 * among the counted ones (failures.ts). No signature and no verdict depends on it.
 */
import { sha256 } from "../crypto/sha256";
import { getRandom, now } from "../host/calls";

/** 16 bytes are the key of a SipHash; the rest is room for the SHA-256 of the makeshift. */
const SECRET_BYTES: i32 = 16;
const secret: usize = memory.data(32, 16);
const guess: usize = memory.data(16, 8);
let isDrawn: bool = false;

/** 16 bytes. All zero before `drawSecret`. */
export function vmSecret(): usize {
  return secret;
}

/**
 * Draws it, once in a VM's life; outside of requests. On a host without chance it is made from the nanosecond of this call and
 * the VM's number: hard to guess from outside, but no secret to whoever sees the gateway start.
 */
export function drawSecret(vmNumber: u64): void {
  if (isDrawn) return;
  isDrawn = true;
  if (getRandom(secret, SECRET_BYTES)) return;
  store<u64>(guess, now());
  store<u64>(guess, vmNumber, 8);
  sha256(guess, 16, secret);
}
