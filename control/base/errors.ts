/** An error that the person at the keyboard can mend: one clear sentence, and the next step. */
import { visible } from "./text.js";

export class UserError extends Error {
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(message: string, options: { hint?: string; exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "UserError";
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? 2;
  }
}

/** The `code` of a system error (`ENOENT`, `EACCES`), if it is one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const CHOOSE = "Choose another place, or have its permissions changed.";
const CHECK = "Check the name.";
/** Code of the system -> why, as the end of a sentence, and the next step. */
const REASONS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ENOENT: ["it does not exist", CHECK],
  EACCES: ["you may not access it", CHOOSE],
  EPERM: ["you may not access it", CHOOSE],
  EROFS: ["the file system is read-only", CHOOSE],
  EISDIR: ["it is a directory", "Name a file."],
  ENOTDIR: ["a part of the path is a file where a directory is needed", CHECK],
  EEXIST: ["it exists already", "Choose another name."],
  ENOTEMPTY: ["the directory is not empty", "Choose another name."],
  ELOOP: ["its links lead in a circle", CHECK],
  ENAMETOOLONG: ["the name is too long", "Choose a shorter name."],
  ENOSPC: ["the disk is full", "Make room, then run the command again."],
  EDQUOT: ["your share of the disk is used up", "Make room, then run the command again."],
  EFBIG: ["it would be too large", "Make room, then run the command again."],
  EMFILE: ["too many files are open", "Close other programs, or raise `ulimit -n`."],
  ENFILE: ["too many files are open", "Close other programs, or raise `ulimit -n`."],
  ENOMEM: ["there is not enough memory", "Close other programs, then run the command again."],
  ENXIO: ["there is no such device", CHECK],
  ENODEV: ["there is no such device", CHECK],
  EBADF: ["it is not open", "Check the number of the file descriptor."],
  EINVAL: ["the system does not take it", CHECK],
  EBUSY: ["it is in use", "Run the command again when it is free."],
  EIO: ["the device reports an error", "Check the disk or the terminal."],
  ECONNREFUSED: ["nobody listens there", "Check the address."],
  ECONNRESET: ["the connection broke", "Check what listens there."],
  ETIMEDOUT: ["there is no answer", "Check the address."],
  ENOTFOUND: ["no such host is known", "Check the address."],
  EHOSTUNREACH: ["it cannot be reached", "Check the address."],
  EADDRINUSE: ["another process has this port", "Choose another port."],
};
const TOO_MUCH = ["it is too large or too deeply nested", "Check that it is the right file."] as const;

const ALIASES = ["it has YAML aliases that cannot be read here", "Write the values out."] as const;

function rowOf(error: unknown): readonly [reason: string, hint: string] | undefined {
  const code = systemCode(error);
  if (code === "ERR_FS_FILE_TOO_LARGE" || code === "ERR_STRING_TOO_LONG") return TOO_MUCH;
  if (error instanceof RangeError && /call stack|string length|allocation/i.test(error.message)) return TOO_MUCH;
  if (error instanceof ReferenceError && /alias/i.test(error.message)) return ALIASES;
  return code === undefined || !Object.hasOwn(REASONS, code) ? undefined : REASONS[code];
}

/** Why the system refused, as the end of a sentence. */
export const reasonOf = (error: unknown): string => rowOf(error)?.[0] ?? visible(messageOf(error));
/** The next step after it. */
export const hintOf = (error: unknown): string | undefined => rowOf(error)?.[1];

/**
 * What a schema or JSON's parser says: every one of ours stands where something comes in. The schemas' library is known by
 * name here, as it takes longer to load than the first sentence may take to appear.
 */
function misreading(error: unknown): string | undefined {
  if (error instanceof SyntaxError && error.message.includes("JSON")) return error.message;
  if (!(error instanceof Error) || error.name !== "ZodError" || !("issues" in error)) return undefined;
  const issue: unknown = Array.isArray(error.issues) ? error.issues[0] : undefined;
  return typeof issue === "object" && issue !== null && "message" in issue
    ? String(issue.message)
    : "it has another shape";
}

/** The safety net: an error of the system, or of an input, that no command put into words of its own. */
export function systemError(error: unknown): UserError | undefined {
  if (error instanceof UserError) return error;
  const misread = misreading(error);
  if (misread !== undefined) {
    return new UserError(`Something that was read is not what it should be: ${visible(misread)}.`, {
      cause: error,
      hint: "Check what the options name. GLASSGATE_DEBUG=1 shows where it was read.",
    });
  }
  const code = systemCode(error);
  if (rowOf(error) === undefined && (code === undefined || !/^E(?!RR_)[A-Z0-9]+$/.test(code))) {
    return error instanceof Error && error.cause !== undefined ? systemError(error.cause) : undefined;
  }
  const place = error instanceof Error && "path" in error && typeof error.path === "string" ? ` ${error.path}` : "";
  const does =
    error instanceof Error && "syscall" in error && typeof error.syscall === "string" ? error.syscall : "use";
  return new UserError(`Cannot ${does}${place === "" ? " it" : visible(place)}: ${reasonOf(error)}.`, {
    cause: error,
    hint: hintOf(error) ?? "Run it again with GLASSGATE_DEBUG=1 to see more.",
  });
}
