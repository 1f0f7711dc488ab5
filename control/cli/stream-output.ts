/** Results that come line by line, without an end in sight: no more is held than the reader takes. */
import { fstatSync, writeFileSync } from "node:fs";
import { hintOf, reasonOf, systemCode, UserError } from "../base/errors.js";

export interface LineOutput {
  /** @returns whether anybody still reads */
  line(text: string): Promise<boolean>;
}

function isRegular(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile();
  } catch {
    return false; // Closed: writing says so.
  }
}

/** Standard output. A reader that has gone away wants no more: that is no error. */
export function standardOutput(): LineOutput {
  const { stdout } = process;
  let isOpen = true;
  const closed = (): void => {
    isOpen = false;
  };
  stdout.once("error", closed).once("close", closed);
  const isFile = isRegular(stdout.fd);
  return {
    async line(text) {
      if (!isOpen) return false;
      if (isFile) {
        try {
          writeFileSync(stdout.fd, `${text}\n`); // Goes on after a short write, so a full disk is an error.
        } catch (error) {
          if (systemCode(error) === "EPIPE") return false;
          throw new UserError(`Cannot write the output: ${reasonOf(error)}.`, {
            cause: error,
            hint: hintOf(error) ?? "",
          });
        }
      } else if (!stdout.write(`${text}\n`)) {
        await new Promise<void>((resolve) => {
          const done = (): void => {
            for (const event of ["drain", "error", "close"]) stdout.off(event, done);
            resolve();
          };
          for (const event of ["drain", "error", "close"]) stdout.once(event, done);
        });
      }
      return isOpen;
    },
  };
}
