/** What is judged of a request: where it goes and how. The slices belong to the caller. */
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
}
