/** What is told of the calls: how many, how long they took, and how long a grant opened after it was revoked. */
import type { Call } from "./calls.js";
import type { Revoked } from "./changes.js";

/** One revocation, in milliseconds from its signature. */
export interface Denial {
  /** The first denial at the gateway that denied last. */
  readonly lastDenying: number;
  /** "applied" of the last gateway, as the command says it. */
  readonly applied: number;
  /** From the command's start to the signature. */
  readonly untilSigned: number;
}

export class Figures {
  readonly normal: number[] = [];
  /** Of calls that were let in. */
  readonly allowed: number[] = [];
  readonly denied: Record<string, number> = {};
  readonly forged: Record<string, number> = {};
  readonly grants = new Set<string>();
  /** By the grant, when each gateway first denied it as revoked. */
  private readonly first = new Map<string, Map<number, number>>();

  constructor(private readonly revoked: readonly Revoked[]) {
    for (const { jti } of revoked) this.first.set(jti, new Map());
  }

  readonly enter = ({ kind, status, code = "", ms, jti = "", gateway, answered }: Call): void => {
    const count = (table: Record<string, number>): void => {
      const name = status === 200 ? "allow" : code;
      table[name] = (table[name] ?? 0) + 1;
    };
    if (kind === "normal") this.normal.push(ms);
    else if (kind === "forged") count(this.forged);
    else {
      this.grants.add(jti);
      if (status === 200) this.allowed.push(ms);
      else count(this.denied);
    }
    const own = code === "revoked" ? this.first.get(jti) : undefined;
    own?.set(gateway, Math.min(answered, own.get(gateway) ?? Number.POSITIVE_INFINITY));
  };

  get denials(): readonly Denial[] {
    return this.revoked.map(({ jti, signed, began, applied }) => ({
      lastDenying: Math.max(...(this.first.get(jti)?.values() ?? [])) - signed,
      applied: Math.max(...applied) - signed,
      untilSigned: signed - began,
    }));
  }
}
