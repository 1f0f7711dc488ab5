/** What is judged of a request: where it goes and how, where it comes from, and which key it shows. */
import { Verdict } from "./verdict.gen";

/** The slices belong to the caller. */
export class Request {
  methodPtr: usize = 0;
  methodLen: i32 = 0;
  /** `host[:port]` as sent. */
  hostPtr: usize = 0;
  hostLen: i32 = 0;
  /** Without its query, known to be unambiguous. */
  pathPtr: usize = 0;
  pathLen: i32 = 0;
  /** It carries `:protocol` or `upgrade`: then the action CONNECT is needed as well. */
  isUpgrade: bool = false;
  /** The client's address, ADDRESS_BYTES as text/address.ts parses it (`isV4` tells the family); 0 where it has none, or was not asked for. */
  address: usize = 0;
  /** SHA-256 of the connection's client certificate, THUMBPRINT_BYTES; 0 where it has none, or was not asked for. */
  certificate: usize = 0;
  /** What a DPoP proof is worth, a `Verdict`: `Allow` only where one was judged, for this very grant and request. */
  proof: i32 = Verdict.BindingMissing;

  /** Forgets where it comes from and what it shows: both are asked for anew, where a grant needs them. */
  clearHolder(): void {
    this.address = 0;
    this.certificate = 0;
    this.proof = Verdict.BindingMissing;
  }
}
