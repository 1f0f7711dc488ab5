/**
 * The memory that the gateway writes its answers into. A bump allocator over one fixed block: it is emptied at the start of
 * each outermost callback, so every answer lives until that callback returns and nothing leaks. When it is full it refuses
 * (0), the host call then answers `InvalidMemoryAccess`, and the caller denies; the VM lives (docs/decisions.md).
 */

/** Holds the largest configuration (768 KiB), or all headers of a request many times over. */
const ARENA_BYTES: usize = 1024 * 1024;
const arena: usize = memory.data(1048576, 16);
let top: usize = arena;
let depth: i32 = 0;

/** The allocator that the gateway calls. Never traps; 0 when there is no room. */
export function malloc(size: usize): usize {
  const rounded = (size + 15) & ~(<usize>15);
  if (size > ARENA_BYTES || rounded > arena + ARENA_BYTES - top) return 0;
  const ptr = top;
  top += rounded;
  return ptr;
}

/** A callback begins. Callbacks can nest (a local reply may end the stream at once): only the outermost empties the arena. */
export function enter(): void {
  if (depth == 0) top = arena;
  depth += 1;
}

/** A callback ends. */
export function leave(): void {
  depth -= 1;
}

/** How far the arena is filled now. */
export function arenaMark(): usize {
  return top;
}

/** Gives up every answer since the mark: whoever reads again and again in one callback has copied what it needs. */
export function rewindArena(mark: usize): void {
  if (mark >= arena && mark < top) top = mark;
}

/** Empties the arena outside any callback (tools.ts). */
export function emptyArena(): void {
  if (depth == 0) top = arena;
}
