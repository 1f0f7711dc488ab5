/**
 * The certificate that the client has shown on this connection, as the gateway tells it. Hot path: one host call, no allocation;
 * asked only for a grant that is bound to one, and anew for each request: a cached grant comes over other connections too.
 */
import { getProperty, Slice, Status } from "../host/calls";
import { readHex } from "../text/hex";
import { CERTIFICATE_DIGEST } from "./names";

const SHA256_BYTES: i32 = 32;
const digest: usize = memory.data(32, 8);
const answer = new Slice();

/** Its DER's SHA-256, or 0: no TLS, no certificate, or an answer that is no such digest. Good until it is asked for again. */
export function clientCertificate(): usize {
  if (getProperty(CERTIFICATE_DIGEST, answer) != Status.Ok) return 0;
  return readHex(answer.ptr, answer.len, digest, SHA256_BYTES) ? digest : 0;
}
