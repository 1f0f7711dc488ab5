/** What was granted against what was used of it, counted call by call with the ledger's own matcher: memory does not grow with the calls. */
import { z } from "zod";
import { claimShape } from "../grant/claims.gen.js";
import { jsonOf } from "../ledger/chain/jws.js";
import { type Accessed, isWithin } from "../ledger/chain/scope.js";
import type { Granted } from "./model.js";

const claimsSchema = z.looseObject(claimShape);
export type Claims = z.infer<typeof claimsSchema>;
type Detail = Claims["authorization_details"][number];

/** The claims in evidence, which their own hash names. Undefined where a gateway would not have read them either. */
export const claimsIn = (evidence: string): Claims | undefined =>
  claimsSchema.safeParse(jsonOf(evidence.split("~", 1)[0] ?? "")).data;

/** A tunnel is asked for by another method. */
const SWITCHED = 101;

class DetailUse {
  calls = 0;
  private readonly methods = new Set<string>();
  private readonly unusedPaths: Set<string>;

  constructor(private readonly detail: Detail) {
    this.unusedPaths = new Set(detail.paths);
  }

  take(call: Accessed): void {
    if (!isWithin([this.detail], call)) return;
    this.calls += 1;
    if (call.method !== undefined) this.methods.add(call.method);
    const { locations, actions } = this.detail;
    for (const path of this.unusedPaths)
      if (isWithin([{ locations, actions, paths: [path] }], { ...call, path_bytes: undefined }))
        this.unusedPaths.delete(path);
  }

  answered(call: Accessed, status: number | undefined): void {
    if (status === SWITCHED && isWithin([this.detail], call)) this.methods.add("CONNECT");
  }

  result(): Granted {
    const { locations: hosts, actions: methods, paths } = this.detail;
    const unusedMethods = methods.filter((method) => !this.methods.has(method));
    return { hosts, methods, paths, calls: this.calls, unusedMethods, unusedPaths: [...this.unusedPaths] };
  }
}

/** Distinct calls that are kept until the claims are there: they come right behind the first of them. */
const MAX_WAITING = 4096;

export class Usage {
  private uses: readonly DetailUse[] | undefined;
  private waiting = new Map<string, { readonly call: Accessed; count: number }>();

  /** The claims are there. */
  opens({ authorization_details: details }: Claims): void {
    if (this.uses !== undefined) return;
    this.uses = details.map((detail) => new DetailUse(detail));
    for (const { call, count } of this.waiting.values()) for (let i = 0; i < count; i++) this.take(call);
    this.waiting.clear();
  }

  take(call: Accessed): void {
    if (this.uses !== undefined) {
      for (const use of this.uses) use.take(call);
      return;
    }
    const { method = "", host = "", path = "", path_bytes } = call;
    const key = `${method} ${host} ${path} ${path_bytes ?? ""}`;
    const there = this.waiting.get(key);
    if (there !== undefined) there.count += 1;
    else if (this.waiting.size < MAX_WAITING) this.waiting.set(key, { call, count: 1 });
  }

  answered(call: Accessed, status: number | undefined): void {
    for (const use of this.uses ?? []) use.answered(call, status);
  }

  result(): readonly Granted[] {
    return (this.uses ?? []).map((use) => use.result());
  }
}
