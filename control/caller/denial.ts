/** A gateway's denial, read on its way to the client: the person sees the verdict, and a grant that is over ends the proxy. */
import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { type VerdictCode, verdictCodes } from "../base/verdicts.gen.js";

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
