/** Inputs that reached something new once, by target: a file each in the folder corpus, a list of strings with one byte a character. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { writeText } from "../../control/base/files.js";
import { requestOf } from "./play.js";
import type { Scout } from "./scout.js";
import type { Shot, Target } from "./targets.js";

const FOLDER = fileURLToPath(new URL("./corpus/", import.meta.url));
/** What is kept stays small: an input that needs more reaches little that a shorter one does not. */
const MOST_BYTES = 8192;
const FROM = "10.0.0.1:1";

export type Inputs = Readonly<Record<string, readonly string[]>>;

const pathOf = (target: string): string => `${FOLDER}${target.replaceAll(" ", "-")}.json`;

export function readCorpus(target: string): readonly string[] {
  const path = pathOf(target);
  return existsSync(path) ? z.array(z.string()).parse(JSON.parse(readFileSync(path, "utf8"))) : [];
}

const asked = (shot: Shot | { readonly configuration: string }) =>
  "configuration" in shot ? Buffer.from(shot.configuration, "latin1") : requestOf(shot, FROM);

/** Of the corpus and what was found, the shortest that reach everything that all of them reach and the seeds do not. */
export function minimise(targets: readonly Target[], found: Inputs, scout: Scout): Inputs {
  const isNew = ({ shot, signed }: Target, input: string): boolean => {
    const first = scout.play(asked(shot(input)));
    return (signed !== undefined && scout.play(asked(signed(input)))) || first;
  };
  for (const target of targets) for (const seed of target.seeds()) isNew(target, seed);
  const all = targets
    .flatMap((target) =>
      [...readCorpus(target.name), ...(found[target.name] ?? [])].map((input) => ({ target, input })),
    )
    .filter(({ input }) => input.length <= MOST_BYTES)
    .sort((a, b) => a.input.length - b.input.length);
  const kept = all.filter(({ target, input }) => isNew(target, input));
  return Object.fromEntries(
    targets.map(({ name }) => [name, kept.filter(({ target }) => target.name === name).map(({ input }) => input)]),
  );
}

/** Instead of the corpus that is there. */
export async function writeCorpus(corpus: Inputs): Promise<void> {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const [target, inputs] of Object.entries(corpus))
    if (inputs.length > 0) await writeText(pathOf(target), `${JSON.stringify(inputs, null, 1)}\n`);
}
