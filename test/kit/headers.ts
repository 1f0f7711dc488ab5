/** Headers of requests. */
import type { Header } from "../../control/host/host.js";
import { HOST } from "./world.js";

/** Of one that the grants of World allow. */
export function headersOf(grants: readonly string[], path = "/orders/7"): Header[] {
  return [
    [":method", "GET"],
    [":path", path],
    [":authority", HOST],
    ...grants.map((grant): Header => ["x-break-glass", grant]),
  ];
}

/** Each line of that name, in order; the name in lower case. */
export function linesOf(headers: readonly Header[], name: string): string[] {
  return headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
}
