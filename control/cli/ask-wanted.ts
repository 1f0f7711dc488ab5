/** What `glassgate ask` is to ask for: said in full on the command line, or by `--again GRANT` the same once more. */
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { type AskClaims, readClaims } from "../grant/ask.js";
import { askedShape } from "../grant/claims.gen.js";
import { claims as claimRows, type GrantClaims, optionOf } from "../grant/claims.js";
import type { Detail } from "../trust/names.js";
import { readAlso, scopeOf } from "./ask-scope.js";
import { isOnCommandLine, readMessages, showMessage } from "./message-input.js";
import { warn } from "./output.js";
import { parseTarget } from "./target.js";

/** Claims that are given word for word, as options of their names. */
const askedSchema = z.object(askedShape);

export interface AskOptions extends Partial<z.infer<typeof askedSchema>> {
  readonly ttl?: number;
  readonly also?: readonly string[];
  readonly net?: readonly string[];
  readonly alsoMethod?: readonly string[];
  readonly alsoPath?: readonly string[];
  readonly again?: string;
  readonly bind?: boolean;
  readonly bindCert?: string;
  readonly key: string;
  readonly keys: string;
  readonly anchors: string;
  readonly bundle: string;
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

export interface Wanted {
  readonly asked: z.infer<typeof askedSchema>;
  readonly details: Detail[];
  /** Seconds, where they are said. */
  readonly ttl: number | undefined;
  /** What it was bound to before, where it is asked for again. */
  readonly bound?: GrantClaims["cnf"];
  readonly net?: string[];
}

/** What is asked for in full, on the command line. */
function wantedNow(method: string | undefined, url: string | undefined, options: AskOptions): Wanted {
  if (method === undefined || url === undefined) {
    throw new UserError(`The ${method === undefined ? "method" : "URL"} is missing.`, {
      hint: "For example: `glassgate ask POST https://api.example.com/orders/42 ...`; or `--again GRANT` for the same once more.",
    });
  }
  const missing = claimRows.find(({ name, flag, optional }) => {
    const given = new Map<string, unknown>(Object.entries(options)).get(name);
    return flag !== undefined && optional !== true && given === undefined;
  });
  if (missing !== undefined) {
    throw new UserError(`required option '${optionOf(missing.name)} ${missing.flag}' not specified`, {
      hint: "see `glassgate --help`, or --help behind the command.",
    });
  }
  const target = parseTarget(method, url);
  if (target.path.includes("?")) warn("The query is not part of a grant: any query will do.");
  return {
    asked: askedSchema.parse(options),
    details: scopeOf(target, options.alsoMethod ?? [], options.alsoPath ?? [], readAlso(options.also)),
    ttl: options.ttl,
    ...(options.net === undefined ? {} : { net: [...options.net] }),
  };
}

/** The same once more; what is said anew on the command line stands in its place, but never a wider scope. */
async function wantedAgain(grant: string, method: string | undefined, options: AskOptions): Promise<Wanted> {
  const isWider = [options.also, options.alsoMethod, options.alsoPath].some((words) => words !== undefined);
  if (method !== undefined || isWider) {
    throw new UserError("--again asks for the same once more, and for no other methods or paths.", {
      hint: "Leave them out, or ask in full, without --again.",
    });
  }
  const before = await askedBefore(grant);
  const { iat, exp, authorization_details, cnf } = before;
  const wider = options.net?.find((one) => before.net?.includes(one) === false);
  if (wider !== undefined) {
    throw new UserError(
      `--again asks for the same once more, and the grant is not for the network ${visible(wider)}.`,
      {
        hint: "Leave --net out, or ask in full, without --again.",
      },
    );
  }
  const net = options.net === undefined ? before.net : [...options.net];
  return {
    asked: askedSchema.parse({ ...before, ...options }),
    details: authorization_details,
    ttl: options.ttl ?? exp - iat,
    ...(cnf === undefined ? {} : { bound: cnf }),
    ...(net === undefined ? {} : { net }),
  };
}

/** The claims of an ask or a grant. A grant that still opens is taken from a file only. */
async function askedBefore(argument: string): Promise<AskClaims> {
  if (isOnCommandLine(argument)) {
    throw new UserError("A grant on a command line can be read by everybody on this machine.", {
      hint: "Name its file, or pipe it: `--again -`.",
    });
  }
  const { found } = readMessages(argument, "The grant");
  const [first, ...others] = found.messages.filter(({ kind }) => kind !== "approval");
  if (first === undefined || others.length > 0) {
    const list = found.messages.map((message) => `\n  ${showMessage(message, () => undefined)}`).join("");
    throw new UserError(`To ask again, one grant or ask is needed; there ${list === "" ? "is none" : `are:${list}`}`, {
      hint: "Name the file of the grant, or of its ask.",
    });
  }
  return readClaims(first.text, "The grant");
}

export const wantedOf = (
  method: string | undefined,
  url: string | undefined,
  options: AskOptions,
): Wanted | Promise<Wanted> =>
  options.again === undefined ? wantedNow(method, url, options) : wantedAgain(options.again, method, options);
