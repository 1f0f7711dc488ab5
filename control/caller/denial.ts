/** A gateway's denial, read on its way to the client: the person sees the verdict, and a grant that is over ends the proxy. */
import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { nowSeconds, showDuration } from "../base/time.js";
import { type VerdictCode, verdictCodes, verdicts } from "../base/verdicts.gen.js";

/** A denial of ours is a few hundred bytes. */
const MAX_BYTES = 4096;
const denialSchema = z.looseObject({ code: z.enum(verdictCodes) });

/** Verdicts after which no request under this grant is allowed any more. */
const OVER: ReadonlySet<VerdictCode> = new Set(["expired", "revoked"]);
export const isOver = (verdict: VerdictCode | undefined): boolean => verdict !== undefined && OVER.has(verdict);

/**
 * Envoy adds it to what an upstream has answered, and an upstream cannot take it away: who stands behind the gateway must not end
 * the proxy by an answer that looks like a denial.
 */
const OF_AN_UPSTREAM = "x-envoy-upstream-service-time";

function verdictOf(text: string): VerdictCode | undefined {
  try {
    return denialSchema.safeParse(JSON.parse(text)).data?.code;
  } catch {
    return undefined; // Somebody else's answer, that only looks like one of ours.
  }
}

/** @param told is called once: at once where it is no denial, else at its end */
export function whenRead(answer: IncomingMessage, told: (verdict?: VerdictCode) => void): void {
  const isDenial =
    !(OF_AN_UPSTREAM in answer.headers) &&
    (answer.headers["www-authenticate"] ?? "").startsWith("BreakGlass") &&
    (answer.headers["content-type"] ?? "").startsWith("application/problem+json");
  if (!isDenial) {
    told();
    return;
  }
  let text = "";
  answer.on("data", (chunk: Buffer) => {
    if (text.length < MAX_BYTES) text += chunk.toString("latin1");
  });
  answer.once("close", () => told(verdictOf(text)));
}

/** Verdicts that a wrong clock brings: the proof's `iat` and the grant's are this machine's, and the gateway judges by its own. */
const BY_CLOCK: ReadonlySet<VerdictCode> = new Set(["proof", "not_yet_valid", "expired"]);
/** Seconds: a `Date` is whole, and as old as its way here. */
const NOTICEABLE = 5;

/** What the person is told of a denial; also that the clocks differ, where it hangs on them. @param date the answer's own */
export function sayDenial(verdict: VerdictCode, date: string | undefined, now = nowSeconds()): string {
  const said = `the gateway: ${verdict}: ${verdicts[verdict].title}`;
  const off = Math.round(Date.parse(date ?? "") / 1000) - now;
  if (!BY_CLOCK.has(verdict) || !(Math.abs(off) >= NOTICEABLE)) return said; // Also without a date.
  return `${said} (this machine's clock is ${showDuration(Math.abs(off))} ${off > 0 ? "behind" : "ahead of"} the gateway's: set it)`;
}
