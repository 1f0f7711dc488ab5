/**
 * A record that only grows: one file an entry, made by link(2), which is atomic and exclusive. So no push can take another's word
 * back, as it could in one file that all of them rewrite.
 */
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "../base/errors.js";

/** A bundle has half a MiB at most. What is larger, or a pipe that never ends, is none of ours. */
const MAX_BYTES = 8 * 1024 * 1024;

export function readIfPossible(path: string): string | undefined {
  try {
    const found = statSync(path);
    return found.isFile() && found.size <= MAX_BYTES ? readFileSync(path, "utf8") : undefined;
  } catch {
    return undefined; // Missing, or of no use: whoever needs to write it says why he cannot.
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A record that cannot be written has been warned of; at worst the next push tries that entry again.
  }
}

export class PushRecord {
  /** @param prefix of the entries that are this domain's: others' stand beside them */
  constructor(
    private readonly folder: string,
    private readonly prefix: string,
  ) {}

  /** All entries, by name, in the order of their names. */
  entries(): (readonly [name: string, text: string])[] {
    let names: string[];
    try {
      names = readdirSync(this.folder).sort();
    } catch {
      return []; // Nothing has been entered yet.
    }
    return names.flatMap((file) => {
      if (!file.startsWith(this.prefix)) return [];
      const text = readIfPossible(join(this.folder, file));
      return text === undefined ? [] : [[file.slice(this.prefix.length), text] as const];
    });
  }

  /** Enters the text, whole, and only if its name is not there. Or why the record cannot be kept. */
  enter(name: string, text: string): "entered" | "there" | { readonly why: string } {
    const temporary = join(this.folder, `.${process.pid}-${Math.random().toString(36).slice(2)}`);
    try {
      mkdirSync(this.folder, { recursive: true });
      writeFileSync(temporary, text, { mode: 0o644 });
      linkSync(temporary, this.path(name));
    } catch (error) {
      const code = systemCode(error);
      return code === "EEXIST" && readIfPossible(this.path(name)) !== undefined
        ? "there"
        : { why: `${this.folder}: ${code ?? "it cannot be written"}` };
    } finally {
      remove(temporary);
    }
    return "entered";
  }

  remove(name: string): void {
    remove(this.path(name));
  }

  private path(name: string): string {
    return join(this.folder, `${this.prefix}${name}`);
  }
}
