/** A log behind a URL, to read from: bounded, with a time limit, and never elsewhere than where it was asked to look. */
import { setTimeout } from "node:timers/promises";
import { boundedBody } from "../../base/body.js";
import { reasonOf, systemCode, UserError } from "../../base/errors.js";
import { isLoopback } from "../../base/loopback.js";
import { visible } from "../../base/text.js";
import { refuseLedAstray } from "../../base/way.js";
import type { TileSource } from "../log.js";
import { mustBeBound, tooLarge } from "./file-source.js";

/** For one file. A full bundle has at most 16 MiB; what takes longer has stopped. */
const TIME_OUT_MS = 60_000;

function prefixOf(url: string): string {
  const refuse = (why: string): UserError =>
    new UserError(`"${visible(url)}" cannot be read from: ${why}.`, {
      hint: "For example: https://ledger.example.com/eu",
    });
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (error) {
    throw new UserError(`"${visible(url)}" is no URL.`, {
      cause: error,
      hint: "For example: https://ledger.example.com/eu",
    });
  }
  if (parsed.protocol !== "https:" && !(parsed.protocol === "http:" && isLoopback(parsed.hostname)))
    throw refuse("only https:// is read, and http:// from this machine");
  if (parsed.username !== "" || parsed.password !== "") throw refuse("it has a user's name or a password");
  if (parsed.search !== "" || parsed.hash !== "") throw refuse("it has a query or a fragment");
  return parsed.href.replace(/\/*$/, "/");
}

function hintFor(status: number): string {
  if (status === 401 || status === 403)
    return "This ledger shows its log to senders with `reads: true` in its ledger.yaml: --token-file, in a drill file `token_file` under `ledger`, names the file of such a sender's token (`glassgate ledger token NAME --reads` makes one).";
  return status >= 300 && status < 400
    ? "Name the place itself: redirects are not followed."
    : "Try again later, or look at what answers there.";
}

const REACH = "Check the address, and that it can be reached from here.";

/** Why nothing was read: in the words of a person, where the system's are a library's. */
function unreadable(name: string, error: unknown): UserError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = systemCode(cause) ?? "";
  const [why, hint] = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/.test(code)
    ? [
        "what listens there does not speak TLS",
        "Check the address: a ledger without TLS has http://, on its own machine.",
      ]
    : /^(?:DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED|UNABLE_TO_)/.test(code)
      ? [
          "its certificate is from nobody whom this machine trusts",
          "NODE_EXTRA_CA_CERTS=ca.pem before the command trusts an authority of your own.",
        ]
      : code === "UND_ERR_SOCKET" && name.startsWith("http:")
        ? ["the connection was closed", "Check the address: a ledger with TLS has https://."]
        : [reasonOf(cause).replace(/\.$/, ""), REACH];
  const isSlow = error instanceof Error && error.name === "TimeoutError";
  return new (isSlow ? UserError : Passing)(`Cannot read ${visible(name)}: ${why}.`, { cause: error, hint });
}

/** A log has thousands of files, and a server, or what stands before it, says now and then that it is too much. */
const PAUSES_MS = [250, 1000, 4000];
const LONGEST_PAUSE_MS = 10_000;
const TOO_MUCH = [429, 502, 503, 504];

/** It may be otherwise in a moment. */
class Passing extends UserError {
  /** As long as was asked for; undefined where nothing answered. */
  pauseMs: number | undefined;
}

function pauseOf(response: Response): number {
  const seconds = Number(response.headers.get("retry-after") ?? 0);
  return Number.isFinite(seconds) ? Math.min(LONGEST_PAUSE_MS, Math.max(0, seconds * 1000)) : 0;
}

/** @param token of a sender who may read: a ledger shows most of its log to these alone */
export function httpSource(url: string, token?: string): TileSource {
  const source = onceFrom(url, token);
  let hasAnswered = false;
  return {
    async read(path) {
      for (const pause of PAUSES_MS) {
        try {
          const bytes = await source.read(path);
          hasAnswered = true;
          return bytes;
        } catch (error) {
          // Where nothing ever answered the address is wrong, or it is away: whoever waits hears so at once.
          if (!(error instanceof Passing) || (error.pauseMs === undefined && !hasAnswered)) throw error;
          await setTimeout(Math.max(pause, error.pauseMs ?? 0));
        }
      }
      return source.read(path);
    },
  };
}

function onceFrom(url: string, token?: string): TileSource {
  const prefix = prefixOf(url);
  if (token !== undefined) refuseLedAstray(new URL(prefix), "the token");
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return {
    async read(path) {
      const bound = mustBeBound(path);
      const name = `${prefix}${path}`;
      try {
        const response = await fetch(name, { headers, redirect: "manual", signal: AbortSignal.timeout(TIME_OUT_MS) });
        if (response.status === 404 || response.status === 410) {
          await response.body?.cancel();
          return undefined;
        }
        if (response.status !== 200) {
          await response.body?.cancel();
          const says = [`${visible(name)} answers ${response.status}.`, { hint: hintFor(response.status) }] as const;
          if (!TOO_MUCH.includes(response.status)) throw new UserError(...says);
          throw Object.assign(new Passing(...says), { pauseMs: pauseOf(response) });
        }
        const body = await boundedBody(response, bound);
        if (body === undefined) throw tooLarge(name, bound);
        return body;
      } catch (error) {
        if (error instanceof UserError) throw error;
        throw unreadable(name, error);
      }
    },
  };
}
