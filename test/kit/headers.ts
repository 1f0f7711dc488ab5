/** The headers of a request that the grants of World allow. */
import type { Header } from "../../control/host/host.js";
import { HOST } from "./world.js";

export function headersOf(grants: readonly string[], path = "/orders/7"): Header[] {
  return [
    [":method", "GET"],
    [":path", path],
    [":authority", HOST],
    ...grants.map((grant): Header => ["x-break-glass", grant]),
  ];
}
