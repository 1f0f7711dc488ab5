/** How a command ends that its person ended: one sentence, which says what was written until then. */
import { UserError } from "./errors.js";
import { visible } from "./text.js";

const written = new Set<string>();

export const noteWritten = (path: string): void => void written.add(path);
const passing: string[] = [];
/** Whose files go with this process: nobody need look for them. */
export const notePassing = (folder: string): void => void passing.push(`${folder}/`);
export const noteRemoved = (path: string): void => void written.delete(path);
/** For a process that runs more than one command. */
export function forgetWritten(): void {
  written.clear();
  passing.length = 0;
}

/** @param by Ctrl-C or a signal (exit 130), or the end of input: Ctrl-D, a terminal that is gone (exit 1) */
export function stopped(by: "interrupt" | "end"): UserError {
  const lasting = [...written].filter((path) => !passing.some((folder) => path.startsWith(folder)));
  const files = lasting.map(visible).join(", ");
  return new UserError(`Stopped. ${files === "" ? "Nothing was written." : `Written before that: ${files}.`}`, {
    exitCode: by === "interrupt" ? 130 : 1,
  });
}
