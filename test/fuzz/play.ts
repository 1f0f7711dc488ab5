/** A shot as a request, for whichever host. */
import type { Header } from "../../control/host/headers.js";
import { HOST } from "../kit/world.js";
import type { LeanRequest } from "./lean.js";
import type { Random } from "./random.js";
import type { Shot } from "./targets.js";

/** A request under the shot's grant, from there unless it says otherwise itself. */
export function requestOf(
  { grant, path = "/orders/7", host = HOST, proof, source, certificate }: Shot,
  from: string,
): LeanRequest {
  const headers: Header[] = [
    [":method", "GET"],
    [":path", path],
    [":authority", host],
    ["x-request-id", "fuzz"],
    ["x-break-glass", grant],
  ];
  if (proof !== undefined) headers.push(["dpop", proof]);
  return { headers, source: source ?? from, certificate };
}

/** Where a request comes from: mostly another network each time, of both families; one in so many from one, which gets busy. */
const FROM_ONE = 6;

export function sourceOf(random: Random): string {
  if (random.below(FROM_ONE) === 0) return "198.51.100.1:4711";
  const [a, b, c] = [random.below(256), random.below(256), random.below(256)];
  if (random.below(2) === 0) return `10.${a}.${b}.${c}:4711`;
  return `[2001:db8:${a.toString(16)}:${((b << 8) | c).toString(16)}::1]:4711`;
}
