/** Results that come line by line, without an end in sight: no more is held than the reader takes. */
import { fstatSync, writeFileSync } from "node:fs";
import { hintOf, reasonOf, UserError } from "../base/errors.js";

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
  const isFile = isRegular(stdout.fd);
  const isRead = (): boolean => stdout.writable && stdout.errored === null;
  return {
    async line(text) {
      if (isFile) toFile(stdout.fd, text);
      else if (isRead() && !stdout.write(`${text}\n`)) await room(stdout);
      return isFile || isRead();
    },
  };
}

function toFile(descriptor: number, text: string): void {
  try {
    writeFileSync(descriptor, `${text}\n`); // Goes on after a short write, so a full disk is an error.
  } catch (error) {
    throw new UserError(`Cannot write the output: ${reasonOf(error)}.`, { cause: error, hint: hintOf(error) ?? "" });
  }
}

const EVENTS = ["drain", "error", "close"];

/** Until the reader has taken some, or has gone. */
function room(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of EVENTS) stream.off(event, done);
      resolve();
    };
    for (const event of EVENTS) stream.once(event, done);
  });
}
