/** How far it can be seen that a Kong which holds a configuration judges by it. */
import { plural } from "../../base/text.js";
import type { Probed } from "./file.js";
import { type KongNode, NotInForce } from "./node.js";
import { probe } from "./probe.js";

const PROBES_A_WORKER = 4;
/** Beyond what Kong needs at most to have its workers look again. */
const SETTLING_MS = 5000;

const NOT_TAKEN_UP =
  "See Kong's error log, at `wasm` and at `glassgate: configuration refused`. One broken filter chain anywhere keeps all of them from being taken up.";

/** How far it can be seen that it is in force. */
export async function seenOf(node: KongNode, probes: readonly Probed[], wantedMs: number | undefined): Promise<string> {
  const { configuration } = node.info;
  const stored = `Kong holds it, read back as it was written`;
  if (configuration.role === "control_plane")
    return `${stored}; its data planes take it from there, which is not seen here`;
  const seconds = node.takesSeconds;
  const takes =
    seconds === 0 ? "its workers take it at once" : `its workers take it within about ${plural(seconds, "second")}`;
  if (probes.length === 0) return `${stored}; ${takes}. What each runs Kong does not tell`;
  const timeoutMs = wantedMs ?? seconds * 1000 + SETTLING_MS;
  const seen: string[] = [];
  for (const probed of probes) {
    const effect = await probe(node.admin.host, probed, node.workers * PROBES_A_WORKER, timeoutMs);
    if (effect.isUnseen) return `${stored}; ${takes}. Whether it is in force was not seen: ${effect.says}`;
    if (!effect.isGood)
      throw new NotInForce(`${stored}, and it is not in force: ${effect.says}.`, { exitCode: 1, hint: NOT_TAKEN_UP });
    seen.push(effect.says);
  }
  return `${stored}; ${takes}. ${seen.join("; ")}; under which one Kong does not tell`;
}
