/** What the commands about drills share. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Option } from "commander";
import { defaultKeys } from "./context.js";

/** Where the drill's keys are: as the flag says, the file, the environment; else the project's own folder, or yours. */
export function keysFolder(flag: string | undefined, file: string | undefined, project: string): string {
  const said = flag ?? file ?? (process.env.GLASSGATE_KEYS || undefined);
  if (said !== undefined) return said;
  const own = join(project, "keys");
  return existsSync(own) ? own : (defaultKeys() ?? "");
}

export const proofsOption = (): Option =>
  new Option("--proofs <file>", "the challenges made here, and each key's newest proof").default("drills/roster.json");
