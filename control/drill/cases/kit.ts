/** What the cases share: one grant, one call, what must come of it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { VerdictCode } from "../../base/verdicts.gen.js";
import type { Call, CallSpec, Case, Expectation, GrantSpec, MadeGrant, Outcome, Stage } from "../model.js";

/** What is told of a denial before the requester's signature holds, whichever of these it was (docs/request.md). */
const UNTOLD: ReadonlySet<VerdictCode> = new Set(["key_unknown", "key_not_valid", "signature"]);

export const verdict = (code: VerdictCode, told: VerdictCode = UNTOLD.has(code) ? "signature" : code): Expectation => ({
  kind: "verdict",
  verdict: code,
  told,
});
export const allow: Expectation = { kind: "allow" };
export const shut: Expectation = { kind: "shut" };

/** One grant, bent as it says, and one call with it. */
export interface Try {
  readonly what: string;
  readonly expected: Expectation;
  readonly grant?: (stage: Stage) => GrantSpec;
  readonly call?: (stage: Stage) => CallSpec;
  /** Why it cannot be tried here. */
  readonly unless?: (stage: Stage) => string | undefined;
}

async function attempt(stage: Stage, { what, expected, grant, call, unless }: Try): Promise<Outcome[]> {
  const bar = unless?.(stage);
  if (bar !== undefined) {
    stage.notProbed(what, bar);
    return [];
  }
  const made = await stage.grant(grant?.(stage));
  return [{ what, expected, call: await stage.send({ grant: made, ...call?.(stage) }) }];
}

/** A case of one or more such tries. */
export function tries(about: Omit<Case, "play" | "where">, all: readonly Try[]): Case {
  return {
    ...about,
    where: "fleet",
    play: async (stage) => {
      const outcomes: Outcome[] = [];
      for (const one of all) outcomes.push(...(await attempt(stage, one)));
      return outcomes;
    },
  };
}

/**
 * Names of sent headers that must not have arrived; none where the upstream does not say what it received. A Kong cannot take a
 * header away: there it is empty, or Kong's own.
 */
export function arrived(stage: Stage, { call }: Outcome, sent: Readonly<Record<string, string>>): string[] {
  const headers = call.seen.upstream?.headers ?? {};
  const isThere = ([name, value]: readonly [string, string]): boolean =>
    headers[name] !== undefined && (stage.gateway.kong === undefined || String(headers[name]).includes(value));
  return Object.entries(sent).flatMap((one) => (isThere(one) ? [one[0]] : []));
}

/** A place beside the target that nobody named. */
export const outside = (stage: Stage): string => {
  const parts = stage.target.path.split("/");
  return [...parts.slice(0, -1), "glassgate-drill-outside"].join("/");
};

interface Until {
  readonly isOver: (call: Call) => boolean;
  /** By `performance.now()`, which nobody sets back. */
  readonly deadline: number;
  readonly pollMs: number;
}

/**
 * Sent again and again, as long as its end has not come. The deadline goes by when a call was sent: what came back late, as this machine
 * stood still, tells nothing of the end.
 * @param first sent before @returns the last one
 */
export async function sentUntil(
  stage: Stage,
  grant: MadeGrant,
  first: Call,
  { isOver, deadline, pollMs }: Until,
): Promise<Call> {
  let last = first;
  for (let sent = performance.now(); !isOver(last) && sent < deadline; ) {
    await sleep(pollMs);
    sent = performance.now();
    last = await stage.send({ grant });
  }
  return last;
}
