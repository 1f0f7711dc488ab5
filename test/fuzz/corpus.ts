/** Inputs that reached something new once, by target: a file each in the folder corpus, a list of strings with one byte a character. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { writeText } from "../../control/base/files.js";

const FOLDER = fileURLToPath(new URL("./corpus/", import.meta.url));
/** What is kept stays small: an input that needs more reaches little that a shorter one does not. */
const MOST_BYTES = 2048;
const MOST_INPUTS = 200;

const pathOf = (target: string): string => `${FOLDER}${target.replaceAll(" ", "-")}.json`;

export function readCorpus(target: string): readonly string[] {
  const path = pathOf(target);
  return existsSync(path) ? z.array(z.string()).parse(JSON.parse(readFileSync(path, "utf8"))) : [];
}

export async function writeCorpus(target: string, inputs: readonly string[]): Promise<void> {
  const kept = inputs.filter((input) => input.length <= MOST_BYTES).slice(0, MOST_INPUTS);
  if (kept.length === 0) return;
  mkdirSync(FOLDER, { recursive: true });
  await writeText(pathOf(target), `${JSON.stringify(kept, null, 1)}\n`);
}
