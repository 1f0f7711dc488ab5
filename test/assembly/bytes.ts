/** Strings as bytes, for specs. The memory is never given back. */
export function bytesOf(text: string): usize {
  const buffer = String.UTF8.encode(text);
  const ptr = heap.alloc(<usize>max(1, buffer.byteLength));
  memory.copy(ptr, changetype<usize>(buffer), buffer.byteLength);
  return ptr;
}

export function lengthOf(text: string): i32 {
  return String.UTF8.byteLength(text);
}

export function stringOf(ptr: usize, len: i32): string {
  return String.UTF8.decodeUnsafe(ptr, len);
}
