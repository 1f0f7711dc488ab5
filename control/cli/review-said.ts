/** What the reviewer says: as options, or asked for at the terminal. */
import { InvalidArgumentError } from "commander";
import type { z } from "zod";
import { UserError } from "../base/errors.js";
import { decode, readBytes } from "../base/files.js";
import { hasTerminal } from "../base/terminal.js";
import { nearest, visible } from "../base/text.js";
import {
  actionSchema,
  type Classification,
  classifications,
  MAX_ACTIONS,
  MAX_FINDINGS_BYTES,
  type ReviewAction,
  reviewClaimsSchema,
} from "../ledger/review.js";
import { askPerson, warn } from "./output.js";

export interface SaidOptions {
  readonly classification?: Classification;
  /** Text, or @ and the name of a file that has it. */
  readonly findings?: string;
  readonly action?: readonly ReviewAction[];
}

export interface Said {
  readonly classification: Classification;
  readonly findings: string;
  readonly actions: readonly ReviewAction[];
}

const isClassification = (text: string): text is Classification => classifications.some((one) => one === text);

export function classification(text: string): Classification {
  if (isClassification(text)) return text;
  const near = nearest(text, classifications);
  throw new InvalidArgumentError(
    near === undefined ? `There are: ${classifications.join(", ")}.` : `Did you mean ${near}?`,
  );
}

const faultIn = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => `${path.join(".")} ${message}`.trim()).join("; ");

const FORM = "what is done;who does it;YYYY-MM-DD";

function actionOf(text: string): ReviewAction | string {
  // What is to be done may have semicolons of its own.
  const [, what = "", owner = "", due = ""] = /^(.*);([^;]*);([^;]*)$/s.exec(text) ?? [];
  const read = actionSchema.safeParse({ what: what.trim(), owner: owner.trim(), due: due.trim() });
  return read.success ? read.data : faultIn(read.error);
}

/** For an option: repeatable. */
export function action(text: string, before: readonly ReviewAction[] = []): readonly ReviewAction[] {
  const read = actionOf(text);
  if (typeof read === "string") throw new InvalidArgumentError(`Write "${FORM}": ${read}.`);
  if (before.length < MAX_ACTIONS) return [...before, read];
  throw new InvalidArgumentError(`There can be ${MAX_ACTIONS} at most.`);
}

/** How long the text may be in a file, with what is cut off at its end. */
const MAX_FILE_BYTES = 2 * MAX_FINDINGS_BYTES;

function findingsOf(given: string): string {
  const text = given.startsWith("@")
    ? decode(
        readBytes(given.slice(1), "the findings", {
          hint: "Name a file of text: --findings @FILE.",
          max: MAX_FILE_BYTES,
        }),
      )
    : given;
  const read = reviewClaimsSchema.shape.findings.safeParse(text.trim());
  if (read.success) return read.data;
  throw new UserError(`The findings ${faultIn(read.error)}.`, {
    hint: "Say what was found, and name the document that has the rest.",
  });
}

/** Asked again until it is one. */
async function ask<T>(question: string, read: (answer: string) => T | string): Promise<T> {
  for (;;) {
    const answer = read(await askPerson(question));
    if (typeof answer !== "string") return answer;
    warn(answer);
  }
}

async function askActions(): Promise<ReviewAction[]> {
  const actions: ReviewAction[] = [];
  while (actions.length < MAX_ACTIONS) {
    const more = await ask(
      `An action (${FORM}), or nothing for none${actions.length === 0 ? "" : " further"}: `,
      (text) => (text === "" ? { none: true as const } : actionOf(text)),
    );
    if ("none" in more) break;
    actions.push(more);
  }
  return actions;
}

const askClassification = async (): Promise<Classification> =>
  (
    await ask(`What was it (${classifications.join(", ")})? Classification: `, (text) =>
      isClassification(text) ? { it: text } : `"${visible(text)}" is none of ${classifications.join(", ")}.`,
    )
  ).it;

const askFindings = async (): Promise<string> =>
  (
    await ask("Findings, in a line: ", (text) => {
      const read = reviewClaimsSchema.shape.findings.safeParse(text);
      return read.success ? { it: read.data } : `The findings ${faultIn(read.error)}.`;
    })
  ).it;

/** Fails before anything is shown where something is missing and nobody can be asked. */
export function checkSaid(options: SaidOptions): void {
  if (options.findings !== undefined) findingsOf(options.findings);
  const missing = [
    ...(options.classification === undefined ? ["--classification"] : []),
    ...(options.findings === undefined ? ["--findings"] : []),
  ];
  if (missing.length === 0 || hasTerminal()) return;
  throw new UserError(
    `There is no terminal to ask at, and ${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} missing.`,
    {
      hint: "A person closes a review: run it in a terminal.",
    },
  );
}

/** What is not given is asked for; actions only where something else is asked for as well. */
export async function saidIn(options: SaidOptions): Promise<Said> {
  const isAsking = options.classification === undefined || options.findings === undefined;
  return {
    classification: options.classification ?? (await askClassification()),
    findings: options.findings === undefined ? await askFindings() : findingsOf(options.findings),
    actions: options.action ?? (isAsking ? await askActions() : []),
  };
}
