/**
 * The books of a load test: every call against the gateways' own records, the upstream's own count, the filter's own counters and the
 * ledger. What does not reconcile is a fault, named with the first call that shows it.
 */
import type { Faults } from "../evidence/faults.js";
import type { Call } from "./calls.js";

/** A record of a gateway's audit log, and whether the ledger has it. */
export interface Recorded {
  readonly verdict: string;
  readonly jti: string | undefined;
  readonly path: string | undefined;
  readonly bundle: number;
  readonly isInLedger: boolean;
}

/** What a gateway says of one request, by its id. */
export interface Decision extends Recorded {
  /** Its further records: of a stream that was ended with its grant. */
  readonly further: readonly Recorded[];
  /** Lines of the answers' log, and those of them in the ledger. */
  readonly answers: number;
  readonly answersInLedger: number;
}

/** Of one gateway. */
export interface GatewayBook {
  readonly name: string;
  readonly decisions: Map<string, Decision>;
  /** By the filter's own counters. */
  readonly dropped: number;
  readonly decided: number;
}

/** A revocation, in milliseconds since 1970. */
export interface Revocation {
  readonly kind: "jti" | "sub";
  readonly name: string;
  /** Before the command was started, and when its text was signed. */
  readonly began: number;
  readonly signed: number;
  /** Of each gateway, as the command says it. */
  readonly applied: readonly number[];
}

/** A bundle that a push said to serve everywhere at a gateway. */
export interface Rotation {
  readonly version: number;
  readonly gateway: number;
  readonly at: number;
}

export interface Facts {
  readonly gateways: readonly GatewayBook[];
  /** How often the upstream was asked for each path. */
  readonly reached: Map<string, number>;
  readonly revocations: readonly Revocation[];
  /** Oldest first. */
  readonly rotations: readonly Rotation[];
}

/** Told as `signature` before the requester has proven who he is (docs/request.md). */
const OF_SIGNATURE: ReadonlySet<string> = new Set(["key_unknown", "key_not_valid", "algorithm", "signature"]);
const isSame = (told: string | undefined, recorded: string): boolean =>
  told === recorded || (told === "signature" && OF_SIGNATURE.has(recorded));

export class Books {
  /** Denials without a record, of each gateway: the filter counts them. */
  private readonly unrecorded: number[];
  private readonly asked: number[];
  private readonly newest: (readonly Rotation[])[];
  private readonly revoked = new Map<string, Revocation>();

  constructor(
    private readonly facts: Facts,
    private readonly faults: Faults,
  ) {
    const { gateways, revocations, rotations } = facts;
    this.unrecorded = gateways.map(() => 0);
    this.asked = gateways.map(() => 0);
    this.newest = gateways.map((_, i) => rotations.filter(({ gateway }) => gateway === i));
    for (const one of revocations) this.revoked.set(`${one.kind} ${one.name}`, one);
  }

  /** Each call once. */
  enter(call: Call): void {
    const { faults, facts } = this;
    const { kind, path, status, code = "", gateway } = call;
    const where = `${facts.gateways[gateway]?.name ?? gateway}, ${path}`;
    if (status === 0) {
      faults.note(`a ${kind} call has no answer`, `${where}: ${code}`);
      return;
    }
    const reached = facts.reached.get(path) ?? 0;
    facts.reached.delete(path);
    if (kind !== "normal") this.enterGrant(call, reached, where);
    else {
      faults.noteIf(status !== 200, "a normal caller was not served", `${where}: ${status}`);
      faults.noteIf(
        status === 200 && reached !== 1,
        "a normal call did not reach the upstream once",
        `${where}: ${reached}`,
      );
    }
  }

  private enterGrant(call: Call, reached: number, where: string): void {
    const { faults, facts } = this;
    const { gateway, status, code = "" } = call;
    this.asked[gateway] = (this.asked[gateway] ?? 0) + 1;
    const book = facts.gateways[gateway];
    const decision = book?.decisions.get(call.requestId ?? "");
    book?.decisions.delete(call.requestId ?? "");
    if (decision !== undefined) this.checkRecord(call, decision, where);
    // Its grant ended while it ran: it was let in, and the record behind says how it was ended.
    const wasEnded = decision?.verdict === "allow" && decision.further.length > 0;
    const isLetIn = status === 200 || wasEnded;
    if (isLetIn) {
      const isOnce = reached === 1 || (status !== 200 && reached === 0);
      faults.noteIf(!isOnce, "an allowed call did not reach the upstream once", `${where}: ${reached} times`);
      this.checkLetIn(call, decision, where);
    } else {
      if (decision === undefined) this.unrecorded[gateway] = (this.unrecorded[gateway] ?? 0) + 1;
      else
        faults.noteIf(
          !isSame(code, decision.verdict),
          "the record of a denial says otherwise",
          `${where}: ${code}, ${decision.verdict}`,
        );
      faults.noteIf(reached > 0, "a denied call reached the upstream", where);
    }
    this.checkRight(call, isLetIn, where);
  }

  private checkRecord({ sent, gateway }: Call, decision: Decision, where: string): void {
    const { faults } = this;
    faults.noteIf(!decision.isInLedger, "a record is not in the ledger", where);
    for (const one of decision.further) faults.noteIf(!one.isInLedger, "a record is not in the ledger", where);
    const served = this.newest[gateway]?.findLast(({ at }) => at < sent)?.version ?? 0;
    faults.noteIf(
      decision.bundle < served,
      "a push said that a bundle serves everywhere, and an older one decided afterwards",
      `${where}: ${decision.bundle}, ${served}`,
    );
  }

  private checkLetIn({ jti, path }: Call, decision: Decision | undefined, where: string): void {
    const { faults } = this;
    if (decision === undefined) {
      faults.note("an allowed call has no record", where);
      return;
    }
    const { verdict, answers, answersInLedger } = decision;
    faults.noteIf(
      verdict !== "allow" || decision.jti !== jti || decision.path !== path,
      "the record of an allowed call says otherwise",
      `${where}: ${verdict}, ${decision.path ?? ""}`,
    );
    faults.noteIf(answers !== 1, "an allowed call has not one line in the answers' log", `${where}: ${answers}`);
    faults.noteIf(answersInLedger !== answers, "the answer of an allowed call is not in the ledger", where);
  }

  /** Whether it was right, whatever is on record. */
  private checkRight(call: Call, isLetIn: boolean, where: string): void {
    const { faults } = this;
    const { kind, gateway, jti, sub, exp = 0, sent, answered, code = "" } = call;
    if (kind === "forged") {
      faults.noteIf(isLetIn, "a forged grant opened something", where);
      return;
    }
    const taken = [this.revoked.get(`jti ${jti}`), this.revoked.get(`sub ${sub}`)].filter((one) => one !== undefined);
    const isRevoked = taken.some(({ applied }) => sent > (applied[gateway] ?? Number.POSITIVE_INFINITY));
    const mayBeRevoked = taken.some(({ began }) => answered >= began);
    const isOver = sent >= exp * 1000;
    const mayBeOver = answered >= exp * 1000;
    faults.noteIf(isLetIn && isRevoked, "a revoked grant opened something after it was applied", where);
    faults.noteIf(isLetIn && isOver, "a grant opened something after its end", where);
    const isRight = (code === "revoked" && mayBeRevoked) || (code === "expired" && mayBeOver);
    faults.noteIf(!isLetIn && !isRight, "a good grant was denied", `${where}: ${call.status} ${code}`);
  }

  /** When all are entered: what is left over, and the filter's own counters. */
  close(): void {
    const { faults, facts } = this;
    for (const [path, count] of facts.reached) faults.note("the upstream was reached by no call", `${path}: ${count}`);
    facts.gateways.forEach(({ name, decisions, dropped, decided }, i) => {
      for (const [id, { verdict }] of decisions) faults.note("a record is of no call", `${name}, ${id}: ${verdict}`);
      const unrecorded = this.unrecorded[i] ?? 0;
      faults.noteIf(
        unrecorded !== dropped,
        "denials without a record are not those that records_dropped counts",
        `${name}: ${unrecorded}, ${dropped}`,
      );
      const asked = this.asked[i] ?? 0;
      faults.noteIf(decided !== asked, "the filter has not decided each grant once", `${name}: ${decided} of ${asked}`);
    });
  }
}
