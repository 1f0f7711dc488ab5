/** What can be wrong with a text, as a number: readers on the hot path write no words. */
export enum Fault {
  None,
  /** Not the segments and dots of a JWS. */
  Structure,
  /** Not canonical base64url. */
  Encoding,
  /** Not RFC 8259, cut short, or too deep. */
  Json,
  /** A value of another type than wanted. */
  Type,
  /** A value of the right type that is out of its bounds or of another form. */
  Value,
  /** A member that is not known: it may be a restriction, so it is never ignored. */
  Unknown,
  Twice,
  Missing,
  /** `exp` is not after `iat`. */
  Order,
  TooManyApprovals,
  /** The signature is not 64 octets. */
  Signature,
  TooLarge,
  Empty,
}
