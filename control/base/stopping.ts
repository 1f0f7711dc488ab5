/** Ending what waits. */
import { setMaxListeners } from "node:events";

/** As many as there are files and receivers wait for its end: Node takes more than ten for a leak, and says so to the operator. */
export function stoppingMany(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
