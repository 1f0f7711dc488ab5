/** What is sent while a fault holds, and after it: a good grant, a forged one, none, and a normal caller. */
import { setTimeout as sleep } from "node:timers/promises";
import { newKey } from "../../signer/jwk.js";
import { isPast, isServed } from "../judge.js";
import type { Call, Stage } from "../model.js";
import type { FaultExpectation } from "./planned.js";

export type Phase = "before" | "while" | "after";

export interface Probe {
  readonly stage: Stage;
  readonly phase: Phase;
  readonly kind: "good" | "forged" | "none" | "normal";
  /** What must come of it; undefined while the fault begins or ends, when either is right. */
  readonly expect: FaultExpectation | undefined;
  readonly call: Call;
}

/** An answer that takes longer is none: the fault may hold all. */
const PATIENCE_MS = 4000;
const PAUSE_MS = 200;
/** Good grants once the fault holds: one alone may have met a worker that does not know of it yet. */
const ROUNDS = 3;

/** Whether the caller sees what is expected; of records nothing is known yet. */
export function isAsExpected(expect: FaultExpectation, { seen, ...call }: Call): boolean {
  const whole = { ...call, seen };
  switch (expect) {
    case "allowed":
      return isServed(whole);
    case "denied":
      return !isServed(whole) && !isPast(whole);
    case "normal":
      return true;
    case "unanswered":
      return seen.code === undefined && !isServed(whole) && (seen.error !== undefined || seen.status >= 500);
  }
}

export class Prober {
  readonly probes: Probe[] = [];

  /** @param stopped throws where the person wants an end */
  constructor(private readonly stopped: () => void) {}

  async good(stage: Stage, phase: Phase, expect: FaultExpectation | undefined): Promise<Call> {
    this.stopped();
    const grant = await stage.grant();
    const call = await stage.send({ grant, patienceMs: PATIENCE_MS });
    this.probes.push({ stage, phase, kind: "good", expect, call });
    return call;
  }

  /** What must not get through, whatever holds; and the normal caller. @param isUsual whether it must get through */
  private async others(stage: Stage, phase: Phase, isUsual: boolean): Promise<void> {
    const forged = await stage.grant({ forgedBy: newKey("Ed25519") });
    const send = async (kind: Probe["kind"], spec: Parameters<Stage["send"]>[0]): Promise<void> => {
      this.stopped();
      const call = await stage.send({ ...spec, patienceMs: PATIENCE_MS });
      this.probes.push({ stage, phase, kind, expect: isUsual ? "normal" : undefined, call });
    };
    const { caller } = stage.gateway;
    await Promise.all([
      send("forged", { grant: forged }),
      send("none", {}),
      ...(caller === undefined ? [] : [send("normal", { headers: Object.fromEntries(caller) })]),
    ]);
  }

  /** Sends until it is as expected, or the time is over; the last of these is judged. */
  private async until(stage: Stage, phase: Phase, expect: FaultExpectation, withinMs: number): Promise<boolean> {
    for (const deadline = Date.now() + withinMs; ; await sleep(PAUSE_MS)) {
      const call = await this.good(stage, phase, undefined);
      const isMet = isAsExpected(expect, call);
      if (!isMet && Date.now() < deadline) continue;
      const last = this.probes.findLast((one) => one.call === call);
      if (last !== undefined) this.probes.splice(this.probes.indexOf(last), 1, { ...last, expect });
      return isMet;
    }
  }

  /** @returns whether it became as expected */
  async round(stage: Stage, phase: Phase, expect: FaultExpectation, withinMs: number): Promise<boolean> {
    const isMet = await this.until(stage, phase, expect, withinMs);
    const more = isMet && expect !== "unanswered" ? ROUNDS - 1 : 0;
    await Promise.all([
      ...Array.from({ length: more }, () => this.good(stage, phase, expect)),
      this.others(stage, phase, expect === "allowed" || expect === "normal"),
    ]);
    return isMet;
  }
}
