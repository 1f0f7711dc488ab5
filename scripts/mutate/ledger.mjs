// What became of each mutant, kept in .cache so that a run goes on where the last one ended. A mutant whose source file has changed
// is a new one.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const LEDGER = ".cache/mutate/results.json";

/** The name of a mutant: stays the same as long as its file does. */
export function nameOf({ file, line, column, from, to }) {
  return `${file}:${line}:${column} ${from} -> ${to}`;
}

const hashOf = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");

export class Ledger {
  #files = new Map();
  #hashes = new Map();

  constructor() {
    if (!existsSync(LEDGER)) return;
    for (const [file, entry] of Object.entries(JSON.parse(readFileSync(LEDGER, "utf8")))) this.#files.set(file, entry);
  }

  #entry(file) {
    const hash = this.#hashes.get(file) ?? hashOf(file);
    this.#hashes.set(file, hash);
    const entry = this.#files.get(file);
    if (entry?.hash === hash) return entry;
    const fresh = { hash, results: {} };
    this.#files.set(file, fresh);
    return fresh;
  }

  /** `{ outcome: "killed" | "survived", by }`, or undefined. */
  get(mutant) {
    return this.#entry(mutant.file).results[nameOf(mutant)];
  }

  set(mutant, result) {
    this.#entry(mutant.file).results[nameOf(mutant)] = result;
    mkdirSync(dirname(LEDGER), { recursive: true });
    writeFileSync(`${LEDGER}.new`, JSON.stringify(Object.fromEntries(this.#files), null, 1));
    renameSync(`${LEDGER}.new`, LEDGER);
  }
}
