/** What the build for Envoy exports besides index.ts. */
import { findContext } from "./filter/contexts";
import { onTick } from "./filter/ticks";
import { enter, leave } from "./host/arena";

export function proxy_on_tick(context: u32): void {
  enter();
  const index = findContext(context);
  if (index >= 0) onTick(index, context);
  leave();
}
