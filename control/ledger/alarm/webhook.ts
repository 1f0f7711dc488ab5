/** A signed POST by the scheme of Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`. No redirect is followed. */
import { createHmac } from "node:crypto";
import { type RequestOptions, request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import type { TcpSocketConnectOpts } from "node:net";
import { UserError } from "../../base/errors.js";
import { readPrivateText } from "../../base/private-file.js";
import { visible } from "../../base/text.js";
import { type Address, addressesOf, type Resolve } from "./address.js";

const TIMEOUT_MS = 10_000;
/** What a receiver answers to a body that it will never take. */
const UNACCEPTABLE: readonly number[] = [400, 413, 422];
const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
/** While one is rotated there are two; each costs a signature a try, and room in a header. */
const MAX_SECRETS = 4;
/** For one of several addresses; Node asks for 10 at least. */
const MIN_ATTEMPT_MS = 10;
/** As the scheme demands: 24 to 64 bytes. */
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;

export interface Webhook {
  readonly url: string;
  /** Each signs: a receiver needs one of them. */
  readonly secrets: readonly Buffer[];
  readonly mayBePrivate: boolean;
  /** For tests: the names of this machine's resolver otherwise. */
  readonly resolve?: Resolve | undefined;
  readonly timeoutMs?: number | undefined;
}

function secretIn(line: string): Buffer | undefined {
  const secret = Buffer.from(SECRET.exec(line)?.[1] ?? "", "base64");
  return secret.length >= MIN_SECRET_BYTES && secret.length <= MAX_SECRET_BYTES ? secret : undefined;
}

/** Reads lines of `whsec_...` from a file that nobody else can read. */
export function readWebhookSecrets(path: string): Buffer[] {
  const lines = readPrivateText(path, "the webhook's secret")
    .split("\n")
    .map((line) => line.trim());
  const said = lines.filter((line) => line !== "");
  const secrets = said.flatMap((line) => secretIn(line) ?? []);
  if (secrets.length > 0 && secrets.length === said.length && secrets.length <= MAX_SECRETS) return secrets;
  const what =
    said.length > MAX_SECRETS
      ? `has ${said.length} lines, and a webhook has ${MAX_SECRETS} secrets at most`
      : said.length > 1
        ? `is no list of a webhook's secrets, by its line ${lines.findIndex((line) => line !== "" && secretIn(line) === undefined) + 1}`
        : "is no secret of a webhook";
  throw new UserError(`${visible(path)} ${what}.`, {
    hint: "It is whsec_ and 24 to 64 bytes in base64, each on a line: printf 'whsec_%s\\n' \"$(head -c 32 /dev/urandom | base64)\"",
  });
}

/** `v1,` and the HMAC over id, time and body, by each secret, with a space between. */
export function signaturesOf(secrets: readonly Buffer[], id: string, timestamp: number, body: string): string {
  const signed = `${id}.${timestamp}.${body}`;
  return secrets.map((secret) => `v1,${createHmac("sha256", secret).update(signed).digest("base64")}`).join(" ");
}

/** This alarm is refused, and will be again; another may not be. */
export class Refused extends UserError {}

function post(
  target: URL,
  addresses: readonly Address[],
  headers: Readonly<Record<string, string | number>>,
  body: string,
  timeoutMs: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const send = target.protocol === "https:" ? requestTls : requestPlain;
    const options: RequestOptions & Pick<TcpSocketConnectOpts, "autoSelectFamily" | "autoSelectFamilyAttemptTimeout"> =
      {
        method: "POST",
        headers,
        agent: false,
        signal: AbortSignal.timeout(timeoutMs),
        // Only asked for a name: the addresses that were judged, and no other that the name has by now.
        lookup: (_name, { all }, done) => {
          if (all === true) done(null, [...addresses]);
          else done(null, addresses[0]?.address ?? "", addresses[0]?.family);
        },
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: Math.max(MIN_ATTEMPT_MS, Math.floor(timeoutMs / addresses.length)),
      };
    const request = send(target, options, (response) => {
      resolve(response.statusCode ?? 0);
      // Whatever it says is nobody's business here.
      response.destroy();
    });
    request.on("error", reject);
    request.end(body);
  });
}

/**
 * Delivers once. @param id the same for each try of one alarm @param seconds since 1970
 * @throws where the answer is not 2xx, or there is none
 */
export async function sendWebhook(hook: Webhook, id: string, body: string, seconds: number): Promise<void> {
  const target = new URL(hook.url);
  if (target.protocol !== "https:" && !(target.protocol === "http:" && hook.mayBePrivate))
    throw new UserError(`${visible(target.origin)} is not https.`, { hint: "Plain http needs allow_private: true." });
  const addresses = await addressesOf(target.hostname, hook.mayBePrivate, hook.resolve);
  const headers = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "user-agent": "glassgate",
    "webhook-id": id,
    "webhook-timestamp": seconds,
    "webhook-signature": signaturesOf(hook.secrets, id, seconds, body),
  };
  const status = await post(target, addresses, headers, body, hook.timeoutMs ?? TIMEOUT_MS);
  if (UNACCEPTABLE.includes(status)) throw new Refused(`${visible(target.origin)} answered ${status}.`);
  if (status < 200 || status > 299)
    throw new UserError(`${visible(target.origin)} answered ${status}.`, {
      ...(status >= 300 && status < 400 ? { hint: "Redirects are not followed: name where it leads." } : {}),
    });
}
