/** Where requests seem to come from. */
import type { Headers } from "./client.js";

/** Another /24 network for each request, 5 million of them. Each of up to 8 lanes has its own. */
export function manySources(i: number, lane: number): Headers {
  const mixed = Math.imul(i * 8 + lane + 1, 0x9e3779b1) >>> 0;
  return { "x-forwarded-for": `${20 + ((mixed >>> 16) % 80)}.${(mixed >>> 8) & 255}.${mixed & 255}.${1 + (i % 250)}` };
}
