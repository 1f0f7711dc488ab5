/** What is wrong, and exactly where. */
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";

export const steps = ["checkpoint", "entries", "tiles", "form", "meaning", "since", "witnesses"] as const;
export type Step = (typeof steps)[number];

export interface Problem {
  readonly step: Step;
  /** The file of the log, by its path in it. */
  readonly file?: string;
  /** The entry's index in the log. */
  readonly index?: number;
  /** Where in the file. */
  readonly byte?: number;
  readonly vm?: string;
  readonly seq?: number;
  /** A code, where what is wrong is what a line means. */
  readonly code?: string;
  readonly says: string;
}

/** `tile/entries/x000/004, entry 1234 (byte 5678), gateway-1/17/3 seq 41: ...` */
export function showProblem({ file, index, byte, vm, seq, code, says }: Problem): string {
  const where = [
    file === undefined ? "" : visible(file),
    index === undefined ? "" : `entry ${index}`,
    vm === undefined ? "" : `${visible(vm)}${seq === undefined ? "" : ` seq ${seq}`}`,
  ].filter((part) => part !== "");
  const place = `${where.join(", ")}${byte === undefined ? "" : ` (byte ${byte})`}`;
  const named = code === undefined ? "" : `${visible(code)}: `;
  return `${place === "" ? "" : `${place}: `}${named}${visible(says)}`;
}

/** The answer is no: a file of the log is missing, or is not what it must be, so that nothing further can be said. */
export class Broken extends UserError {
  constructor(readonly problem: Problem) {
    super(showProblem(problem), { exitCode: 1 });
    this.name = "Broken";
  }
}
