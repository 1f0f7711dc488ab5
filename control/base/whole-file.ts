/** A file that is written as it comes, and is there whole or not at all, also behind a symbolic link. A device or a pipe is written into. */
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hintOf, reasonOf, UserError } from "./errors.js";
import { syncFolder } from "./files.js";
import { noteWritten } from "./stopped.js";
import { visible } from "./text.js";

export class WholeFile {
  private readonly target: string;
  /** Undefined where it is no file: what goes there is gone. */
  private readonly temporary: string | undefined;
  private readonly descriptor: number;
  private readonly remove = (): void => {
    if (this.temporary !== undefined) rmSync(this.temporary, { force: true });
  };

  constructor(
    private readonly path: string,
    mode = 0o644,
  ) {
    const there = this.orSay(() => statSync(path, { throwIfNoEntry: false }));
    this.target = there === undefined ? path : realpathSync(path);
    const isFile = there === undefined || there.isFile();
    const temporary = join(dirname(this.target), `.glassgate-${randomBytes(6).toString("hex")}.tmp`);
    this.temporary = isFile ? temporary : undefined;
    this.descriptor = this.orSay(() => (isFile ? openSync(temporary, "wx", mode) : openSync(path, "w")));
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
    const { temporary, target } = this;
    if (temporary !== undefined)
      this.orSay(() => {
        fsyncSync(this.descriptor);
        renameSync(temporary, target);
        syncFolder(dirname(target));
      });
    noteWritten(this.path);
  }

  close(): void {
    closeSync(this.descriptor);
    this.remove();
    process.off("exit", this.remove);
  }
}
