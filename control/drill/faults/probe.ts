/** What is sent while a fault holds, and after it: a good grant, a forged one, none, and a normal caller. */
import { setTimeout as sleep } from "node:timers/promises";
import { newKey } from "../../signer/jwk.js";
import { isPast, isServed, REFUSED } from "../judge.js";
import type { Call, CallSpec, Stage } from "../model.js";
import type { FaultExpectation } from "./planned.js";

export type Phase = "before" | "while" | "after";

export interface Probe {
  readonly stage: Stage;
  readonly phase: Phase;
  readonly kind: "good" | "forged" | "none" | "normal";
  /** What must come of it; undefined while the fault begins or ends, when either is right. */
  readonly expect: FaultExpectation | undefined;
  /** Its record may be lost: that is the fault. */
  readonly mayBeLost: boolean;
  readonly call: Call;
}

/** An answer that takes longer is none: the fault may hold all. */
const PATIENCE_MS = 4000;
/** Where no answer is what must come, less: the records tell what became of it. */
const SHORT_PATIENCE_MS = 2000;
const PAUSE_MS = 200;
/** Good grants once the fault holds: one alone may have met a worker that does not know of it yet. */
const ROUNDS = 3;

/** Authentication refused it, something behind that failed, or nobody answered. */
export const isShut = ({ seen }: Call): boolean => REFUSED.has(seen.status) || seen.status >= 500 || seen.status === 0;

/** Whether the caller sees what is expected; of records nothing is known yet. */
export function isAsExpected(expect: FaultExpectation, { seen, ...call }: Call): boolean {
  const whole = { ...call, seen };
  switch (expect) {
    case "allowed":
    case "grants-only":
    case "unrecorded":
      return isServed(whole);
    case "denied":
      return !isServed(whole) && !isPast(whole);
    case "normal":
      return true;
    case "unanswered":
      return seen.code === undefined && !isServed(whole) && (seen.error !== undefined || seen.status >= 500);
  }
}

const opens = (expect: FaultExpectation): boolean => expect !== "denied" && expect !== "unanswered";

/** What must come of a normal caller; undefined where either is right. */
function ofNormal(expect: FaultExpectation): FaultExpectation | undefined {
  if (expect === "grants-only") return expect;
  return opens(expect) ? "normal" : undefined;
}

/** Of one stage and phase. */
interface Round {
  readonly stage: Stage;
  readonly phase: Phase;
  readonly expect: FaultExpectation;
  readonly deadline: number;
  readonly patienceMs: number;
  /** Whether there is more that must show than what callers see. */
  readonly hasShown: () => Promise<boolean>;
}

export class Prober {
  readonly probes: Probe[] = [];

  /** @param stopped throws where the person wants an end */
  constructor(private readonly stopped: () => void) {}

  private async send(
    kind: Probe["kind"],
    { stage, phase, expect, patienceMs }: Round,
    spec: CallSpec,
    wanted: FaultExpectation | undefined,
  ): Promise<Probe> {
    this.stopped();
    const call = await stage.send({ ...spec, patienceMs });
    const probe = { stage, phase, kind, expect: wanted, mayBeLost: expect === "unrecorded", call };
    this.probes.push(probe);
    return probe;
  }

  private good = async (round: Round, wanted: FaultExpectation | undefined): Promise<Probe> =>
    this.send("good", round, { grant: await round.stage.grant() }, wanted);

  /** One good grant, before anything is done. */
  async first(stage: Stage, withinMs: number): Promise<void> {
    await this.further(roundOf(stage, "before", "allowed", withinMs, async () => true));
  }

  /** A receipt has half a second: a ledger that has much to do, or has just come back, is asked again. */
  private async further(round: Round): Promise<void> {
    const { expect, stage } = round;
    if (stage.entitlement.audit !== "receipt" || !opens(expect)) await this.good(round, expect);
    else
      await this.until(
        round,
        () => this.good(round, undefined),
        expect,
        (call) => call.seen.code !== "audit_unavailable",
      );
  }

  /** Sends until it is as expected, or the time is over; the last of these is judged. */
  private async until(
    round: Round,
    send: () => Promise<Probe>,
    wanted: FaultExpectation,
    isMet: (call: Call) => boolean,
  ): Promise<boolean> {
    for (; ; await sleep(PAUSE_MS)) {
      const probe = await send();
      const isRight = isMet(probe.call) && (await round.hasShown());
      if (!isRight && performance.now() < round.deadline) continue;
      this.probes.splice(this.probes.indexOf(probe), 1, { ...probe, expect: wanted });
      return isRight;
    }
  }

  /** While a fault holds elsewhere he must get through at once; what begins or ends may take its time. */
  private async normal(round: Round): Promise<void> {
    const { caller } = round.stage.gateway;
    if (caller === undefined) return;
    const spec = { headers: Object.fromEntries(caller) };
    const wanted = ofNormal(round.expect);
    const isAwaited = wanted !== undefined && (round.phase === "after" || wanted === "grants-only");
    if (!isAwaited) await this.send("normal", round, spec, wanted);
    else
      await this.until(
        round,
        () => this.send("normal", round, spec, undefined),
        wanted,
        (call) => isShut(call) === (wanted === "grants-only"),
      );
  }

  /**
   * @param hasShown whether the fault shows in another way as well, where it must
   * @returns whether it became as expected
   */
  async round(
    stage: Stage,
    phase: Phase,
    expect: FaultExpectation,
    withinMs: number,
    hasShown: () => Promise<boolean> = async () => true,
  ): Promise<boolean> {
    const round = roundOf(stage, phase, expect, withinMs, hasShown);
    const isMet = await this.until(
      round,
      () => this.good(round, undefined),
      expect,
      (call) => isAsExpected(expect, call),
    );
    const more = isMet && expect !== "unanswered" ? ROUNDS - 1 : 0;
    const calm = { ...round, hasShown: async () => true };
    const forged = await stage.grant({ forgedBy: newKey("Ed25519") });
    await Promise.all([
      ...Array.from({ length: more }, () => this.further(calm)),
      this.send("forged", round, { grant: forged }, undefined),
      this.send("none", round, {}, undefined),
      this.normal(calm),
    ]);
    return isMet;
  }
}

function roundOf(
  stage: Stage,
  phase: Phase,
  expect: FaultExpectation,
  withinMs: number,
  hasShown: Round["hasShown"],
): Round {
  const patience = expect === "denied" || expect === "unanswered" ? SHORT_PATIENCE_MS : PATIENCE_MS;
  const deadline = performance.now() + withinMs;
  return { stage, phase, expect, deadline, patienceMs: Math.min(patience, Math.max(withinMs, 1000)), hasShown };
}
