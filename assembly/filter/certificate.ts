/**
 * The certificate that the client has shown on this connection, as the gateway tells it. Hot path: one host call, no allocation;
 * asked only for a grant that is bound to one, and anew for each request: a cached grant comes over other connections too.
 */
import { THUMBPRINT_BYTES } from "../grant/confirmation";
import { getProperty, Slice } from "../host/calls";
import { readHex } from "../text/hex";
import { CERTIFICATE_DIGEST } from "./names";

const digest: usize = memory.data(32, 8); // THUMBPRINT_BYTES
const answer = new Slice();

/** Its DER's SHA-256, or 0: no TLS, no certificate, or an answer that is no such digest. Good until it is asked for again. */
export function clientCertificate(): usize {
  getProperty(CERTIFICATE_DIGEST, answer); // Where that fails, the answer is empty.
  return readHex(answer.ptr, answer.len, digest, THUMBPRINT_BYTES) ? digest : 0;
}
