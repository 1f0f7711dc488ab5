/** Heap blocks under one budget. The runtime traps when memory runs out, so we stop asking long before. */

/** All settings and bundles of a VM together. Half of what `maximumMemory` in asconfig.json leaves, for fragmentation. */
const BUDGET_BYTES: i32 = 48 * 1024 * 1024;
let used: i32 = 0;

/** `size` bytes, 16-aligned, or 0 when the budget is spent. */
export function takeBlock(size: i32): usize {
  if (size < 0 || size > BUDGET_BYTES - used) return 0;
  used += size;
  return heap.alloc(<usize>size);
}

/** Gives back the tail of a block. The allocator shrinks in place. */
export function shrinkBlock(ptr: usize, size: i32, smaller: i32): usize {
  used -= size - smaller;
  return heap.realloc(ptr, <usize>smaller);
}

export function freeBlock(ptr: usize, size: i32): void {
  used -= size;
  heap.free(ptr);
}
