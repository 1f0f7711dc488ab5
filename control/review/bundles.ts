/**
 * The trust bundles of a log, for telling who somebody is and whether a signature is his: those that the reader's pinned roots have
 * signed, or, where nothing is pinned, those that the ledger took in without an alarm.
 */
import { hash } from "node:crypto";
import { remember } from "../ledger/chain/bounded.js";
import { verifyUnderPins } from "../ledger/chain/bundles.js";
import type { AuditRecord } from "../ledger/chain/lines.js";
import type { Rules } from "../ledger/chain/rules.js";
import { type BundleClaims, holdsRole, type Principal, personOf, roleName } from "../trust/claims.js";
import type { Person } from "./model.js";

/** As many as the ledger itself knows of one set of anchors. */
const MAX_BUNDLES = 64;

interface Known {
  readonly claims: BundleClaims;
  readonly under: readonly number[];
  /** Its SHA-256. */
  readonly payload: string;
}

export type Decided = Pick<AuditRecord, "bundle" | "anchors">;

export class Bundles {
  /** By entry, in the log's order. */
  private readonly known = new Map<number, Known>();
  private readonly principals = new WeakMap<BundleClaims, ReadonlyMap<string, Principal>>();

  constructor(private readonly rules: Rules) {}

  get isPinned(): boolean {
    return this.rules.pins.anchors.length > 0;
  }

  take(index: number, body: Buffer): void {
    const text = body.toString("latin1").trim();
    const verified = verifyUnderPins(text, this.rules);
    if (verified === undefined || (this.isPinned && verified.under.length === 0)) return;
    // Further signatures make no other bundle.
    const payload = hash("sha256", text.split(".", 2)[1] ?? "", "hex");
    if ([...this.known.values()].some((one) => one.payload === payload)) return;
    remember(this.known, index, { ...verified, payload }, MAX_BUNDLES);
  }

  /** The ledger says that nobody's roots have signed these. */
  disown(entries: readonly number[]): void {
    for (const index of entries) this.known.delete(index);
  }

  /** By which a record was decided. @param audiences of its grant: without pins they tell domains apart */
  of({ bundle, anchors = "" }: Decided, audiences: readonly string[] = []): BundleClaims | undefined {
    const pinned = this.rules.byHash.get(anchors);
    const found = [...this.known.values()].filter(
      ({ claims, under }) =>
        claims.version === bundle && (!this.isPinned || (pinned !== undefined && under.includes(pinned.which))),
    );
    return (found.find(({ claims }) => claims.aud.some((one) => audiences.includes(one))) ?? found[0])?.claims;
  }

  /** The newest that the ledger knows of that domain. */
  newest(of: BundleClaims): BundleClaims {
    let newest = of;
    for (const { claims } of this.known.values())
      if (claims.version > newest.version && claims.aud.some((one) => of.aud.includes(one))) newest = claims;
    return newest;
  }

  /** By the newest bundle that names the account. */
  whoIs(sub: string, at: number): Person {
    const those = [...this.known.values()].filter(({ claims }) => this.principal(claims, sub) !== undefined);
    const newest = those.sort((a, b) => b.claims.version - a.claims.version)[0];
    return this.person(newest?.claims, sub, at);
  }

  principal(bundle: BundleClaims | undefined, sub: string): Principal | undefined {
    if (bundle === undefined) return undefined;
    const table = this.principals.get(bundle) ?? new Map(bundle.principals.map((one) => [one.id, one]));
    this.principals.set(bundle, table);
    return table.get(sub);
  }

  /** @param at milliseconds: roles are those that were held then */
  person(bundle: BundleClaims | undefined, sub: string, at: number): Person {
    const principal = this.principal(bundle, sub);
    if (principal === undefined) return { sub, person: undefined, roles: [] };
    const roles = principal.roles.map(roleName).filter((role) => holdsRole(principal, role, Math.floor(at / 1000)));
    return { sub, person: personOf(principal), roles: [...new Set(roles)] };
  }
}
