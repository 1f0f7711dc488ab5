/** A name that the gateway is handed as bytes: AssemblyScript's string literals are UTF-16. */
export class Ascii {
  ptr: usize = 0;
  len: i32 = 0;
}

/** Copies an ASCII literal once, when the module starts. Never call it per request: the memory is kept for ever. */
export function ascii(literal: string): Ascii {
  const name = new Ascii();
  name.len = literal.length;
  name.ptr = heap.alloc(<usize>max(1, literal.length));
  for (let i = 0; i < literal.length; i++) store<u8>(name.ptr + i, <u8>literal.charCodeAt(i));
  return name;
}
