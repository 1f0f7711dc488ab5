/** Messages as people hand them over: as an argument, in a file, or through standard input; whatever a chat made of them. */
import { existsSync } from "node:fs";
import { UserError } from "../base/errors.js";
import { readBytes, readStandardInput } from "../base/files.js";
import { plural, visible } from "../base/text.js";
import { showTime } from "../base/time.js";
import { type Found, findMessages, holdsPrivateKey, whatElse } from "../grant/find.js";
import { claimedMaker, type Kind, kindNames, type Message } from "../grant/message.js";
import { decodeText } from "../grant/unwrap.js";
import { warn } from "./output.js";

/** A whole chat export with a message in it is smaller. */
const MAX_INPUT_BYTES = 1024 * 1024;

let isStandardInputRead = false;

function readStandardInputOnce(what: string): Buffer {
  if (isStandardInputRead) {
    throw new UserError(`${what}: standard input was read already, for another argument.`, {
      hint: "Put one of the two into a file.",
    });
  }
  isStandardInputRead = true;
  return readStandardInput(what.toLowerCase(), MAX_INPUT_BYTES);
}

function looksLikePath(argument: string): boolean {
  return argument.length < 200 && !/eyJ/.test(argument) && !argument.includes("\n");
}

/** The text itself. @param what names it in errors @param accepted what may be given */
function readInput(argument: string, what: string, accepted: string): string {
  if (argument === "-") return decodeText(readStandardInputOnce(what));
  if (existsSync(argument)) return decodeText(readBytes(argument, what.toLowerCase(), { max: MAX_INPUT_BYTES }));
  if (looksLikePath(argument) && !holdsPrivateKey(argument)) {
    throw new UserError(`${what}: there is no file ${visible(argument)}, and it is no message either.`, {
      hint: `Give ${accepted}.`,
    });
  }
  return argument;
}

const isOurs = (remains: string): boolean => Object.values(kindNames).some((name) => remains.startsWith(`${name}, `));

export interface Input {
  /** Names it in errors: "The ask". */
  readonly what: string;
  readonly text: string;
  readonly found: Found;
}

/** The messages in a text, a file, or `-`. Nothing of a private key is ever shown. */
export function readMessages(
  argument: string,
  what: string,
  accepted = "the text itself, a file, or - for standard input",
  find: (text: string) => Found = findMessages,
): Input {
  const text = readInput(argument, what, accepted);
  if (holdsPrivateKey(text)) {
    throw new UserError(`${what} is a private key, or holds one.`, {
      hint: "Never send it to anybody. If you did: `glassgate rotate` ends that key.",
    });
  }
  const found = find(text);
  // What is left out is said: it may be the one that was meant.
  if (found.messages.length > 0)
    for (const one of found.remains.filter(isOurs)) warn(`${what} also holds ${one}; it is left out.`);
  return { what, text, found };
}

/** `an ask by rita, made 2026-...`; names are only what the message says. @param nameOf the owner of a kid, where one is known */
export function showMessage(message: Message, nameOf: (kid: string) => string | undefined): string {
  const { sub, iat } = claimedMaker(message);
  const name = nameOf(message.header.kid) ?? sub;
  const who = name === undefined ? `the key ${visible(message.header.kid.slice(0, 64))}` : visible(name.slice(0, 64));
  return `${kindNames[message.kind]} by ${who}${iat === undefined ? "" : `, made ${showTime(iat)}`}`;
}

/** The error for a text that does not hold what was wanted: says what was found. */
export function wrongInput(
  kind: Kind,
  { what, text, found }: Input,
  nameOf: (kid: string) => string | undefined,
): UserError {
  const { messages } = found;
  const [first] = messages;
  if (first === undefined) {
    return new UserError(`${what} cannot be read: ${whatElse(text, found)}.`, {
      hint: "Copy the whole line, from the first to the last character, or have it sent as a file.",
    });
  }
  if (messages.length === 1) {
    return new UserError(`${what} is not ${kindNames[kind]}: it is ${showMessage(first, nameOf)}.`, {
      hint: HINTS[first.kind],
    });
  }
  const list = messages.map((message) => `\n  ${showMessage(message, nameOf)}`).join("");
  return new UserError(`${what} holds ${plural(messages.length, "message")}, and one is wanted:${list}`, {
    hint: `Give ${kindNames[kind]} alone: nothing is chosen for you.`,
  });
}

/** What may be given where the text itself may not. */
export const NO_TEXT = "a file, or - for standard input";

/** Whether it is the text itself, which everybody on the machine can read there. */
export const isOnCommandLine = (argument: string): boolean =>
  argument !== "-" && !existsSync(argument) && /eyJ/.test(argument);

/** A text that must not stand on a command line: from a file, or `-`. */
export function readSecretInput(argument: string, what: string): string {
  if (isOnCommandLine(argument)) {
    throw new UserError(`${what} on a command line can be read by everybody on this machine.`, {
      hint: "Name a file that it is in, or pipe it: `-`.",
    });
  }
  return readInput(argument, what, NO_TEXT);
}

const HINTS: Readonly<Record<Kind, string>> = {
  ask: "An ask is approved with `glassgate approve` and completed with `glassgate grant`.",
  approval: "An approval goes behind the ask: `glassgate grant ASK APPROVAL`.",
  grant: "A grant is complete: it goes into the request's header. Keep it secret; whoever has it can use it.",
  proof: "A roster proof goes to whoever made the challenge: `glassgate drill roster check PROOF`.",
};

/** The one message of that kind. */
export function readOne(
  kind: Kind,
  argument: string,
  what: string,
  nameOf: (kid: string) => string | undefined = () => undefined,
  accepted?: string,
): Message {
  const input = readMessages(argument, what, accepted);
  const [only, ...others] = input.found.messages;
  if (only === undefined || others.length > 0 || only.kind !== kind) throw wrongInput(kind, input, nameOf);
  return only;
}
