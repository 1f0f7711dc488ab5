/** Keys for the store: from the environment, or from a program in the form that AWS calls `credential_process`. No message has them. */
import { exec } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import { systemCode, UserError } from "../../base/errors.js";
import { childEnvironment } from "../../gateway/environment.js";

const run = promisify(exec);

/** Printable: a header that cannot be sent would be an error with the value in it. */
const secret = z.string().regex(/^[\x21-\x7e]{1,4096}$/);

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** Milliseconds since 1970; then, and a little earlier, they are asked for again. */
  readonly until?: number;
}

export interface CredentialSource {
  /** @param isRefused whether the store has just refused the ones that it gave before */
  get(isRefused?: boolean): Promise<Credentials>;
}

const KNOWN_BY =
  "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), or name a program with --credential-process.";

const environmentSchema = z.object({
  AWS_ACCESS_KEY_ID: secret,
  AWS_SECRET_ACCESS_KEY: secret,
  AWS_SESSION_TOKEN: secret.optional(),
});

export function environmentCredentials(env: Readonly<Record<string, string | undefined>>): CredentialSource {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: key } = env;
  const token = env.AWS_SESSION_TOKEN === "" ? undefined : env.AWS_SESSION_TOKEN;
  if (!id || !key) throw new UserError("There are no keys for the store.", { hint: KNOWN_BY });
  const found = environmentSchema.safeParse({ ...env, AWS_SESSION_TOKEN: token });
  if (!found.success)
    throw new UserError(
      `${String(found.error.issues[0]?.path[0])} is no key: it has a space or something unprintable.`,
      {
        hint: KNOWN_BY,
      },
    );
  const credentials = { accessKeyId: id, secretAccessKey: key, sessionToken: token };
  return { get: async () => credentials };
}

const processSchema = z.object({
  Version: z.literal(1),
  AccessKeyId: secret,
  SecretAccessKey: secret,
  SessionToken: secret.optional(),
  Expiration: z.iso.datetime({ offset: true }).optional(),
});

/** A person may have to answer on a device. */
const PATIENCE_MS = 60_000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** Asked for again that long before they end. */
const MARGIN_MS = 5 * 60_000;

/** What the program prints on either stream may be a secret: neither is shown. */
async function ask(command: string): Promise<Credentials> {
  const refuse = (why: string): UserError =>
    new UserError(`The program of --credential-process ${why}.`, {
      hint: "Run it by hand: it prints one JSON object with Version 1, AccessKeyId and SecretAccessKey.",
    });
  let stdout: string;
  try {
    ({ stdout } = await run(command, { timeout: PATIENCE_MS, maxBuffer: MAX_ANSWER_BYTES, env: childEnvironment() }));
  } catch (error) {
    if (systemCode(error) === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") throw refuse("prints more than keys");
    const code = error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : undefined;
    throw refuse(code === undefined ? `did not end within ${PATIENCE_MS / 1000} s` : `ended with ${code}`);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(stdout);
  } catch {
    throw refuse("prints no JSON"); // The parser's own words would quote what it read.
  }
  const found = processSchema.safeParse(parsed);
  if (!found.success) throw refuse("prints JSON of another form");
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = found.data;
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    ...(Expiration === undefined ? {} : { until: Date.parse(Expiration) }),
  };
}

export function processCredentials(command: string): CredentialSource {
  let known: Promise<Credentials> | undefined;
  const fresh = (): Promise<Credentials> => {
    const asked = ask(command);
    known = asked;
    // So that the next one asks again; who awaits this one hears of it.
    asked.catch(() => {
      if (known === asked) known = undefined;
    });
    return asked;
  };
  return {
    async get(isRefused = false) {
      const before = known;
      if (before === undefined) return fresh();
      const { until } = await before;
      const isOld = isRefused || (until !== undefined && until - MARGIN_MS <= Date.now());
      // Many requests at once ask once.
      return isOld && known === before ? fresh() : (known ?? fresh());
    },
  };
}
