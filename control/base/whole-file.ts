/** A file that is written as it comes, and is there whole or not at all. */
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hintOf, reasonOf, UserError } from "./errors.js";
import { syncFolder } from "./files.js";
import { noteWritten } from "./stopped.js";
import { visible } from "./text.js";

export class WholeFile {
  private readonly temporary: string;
  private readonly descriptor: number;
  private readonly remove = (): void => rmSync(this.temporary, { force: true });

  constructor(
    private readonly path: string,
    mode = 0o644,
  ) {
    this.temporary = join(dirname(path), `.glassgate-${randomBytes(6).toString("hex")}.tmp`);
    this.descriptor = this.orSay(() => openSync(this.temporary, "wx", mode));
    process.on("exit", this.remove); // Also where a signal ends it.
  }

  private orSay<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw new UserError(`Cannot write ${visible(this.path)}: ${reasonOf(error)}. Nothing was changed.`, {
        cause: error,
        hint: hintOf(error) ?? "",
      });
    }
  }

  write(text: string): void {
    this.orSay(() => writeFileSync(this.descriptor, text));
  }

  /** From now on it is there. */
  commit(): void {
    this.orSay(() => {
      fsyncSync(this.descriptor);
      renameSync(this.temporary, this.path);
      syncFolder(dirname(this.path));
    });
    noteWritten(this.path);
  }

  close(): void {
    closeSync(this.descriptor);
    this.remove();
    process.off("exit", this.remove);
  }
}
