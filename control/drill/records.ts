/** The audit records that came meanwhile, and which of them is a call's: by its request id, else by its grant. */
import type { AuditRecord } from "../ledger/chain/lines.js";
import { PENDING } from "../ledger/chain/lines.js";
import type { Call } from "./model.js";

/** Where a record stands in a ledger. */
export interface Entered {
  readonly entry: number;
  readonly bytes: Buffer;
  /** Milliseconds, by the ledger's clock. */
  readonly received: number;
}

export interface Recorded {
  readonly record: AuditRecord;
  readonly entered: Entered | undefined;
}

/** All records of one request. */
interface Request {
  decided: Recorded | undefined;
  ended: Recorded | undefined;
  readonly gateway: string;
  call: Call | undefined;
  /** Whether that call's answer named it: a guess by the grant alone gives way. */
  isNamed: boolean;
}

/** One of two that both say so may be of another grant. */
const isOfGrant = ({ decided, ended }: Request, { jti }: Call): boolean => {
  const own = (decided ?? ended)?.record.jti;
  return own === undefined || jti === undefined || own === jti;
};

/** What the ledger said of a grant that was used for the first time. */
export interface FirstUse {
  /** Its own entry. */
  readonly entry: number;
  readonly received: number;
  readonly says: string;
}

export interface FoundRecord extends Recorded {
  /** That the stream was ended with its grant. */
  readonly ended: Recorded | undefined;
  /** The node id of the gateway that wrote it. */
  readonly by: string;
}

/** A name of a VM ends in a start and a number. */
export const nodeOf = (vm: string): string => vm.replace(/\/[0-9]+\/[0-9]+$/, "");

export class Records {
  private readonly byId = new Map<string, Request>();
  private readonly byGrant = new Map<string, Request[]>();
  private readonly seen = new Set<string>();
  private readonly shadows = new Set<string>();
  /** By the entry of the record. */
  private readonly firstUses = new Map<number, FirstUse>();

  /** A line that stands in a log twice is one record. */
  add(record: AuditRecord, entered?: Entered): void {
    const name = `${record.vm} ${record.seq}`;
    if (this.seen.has(name)) return;
    this.seen.add(name);
    const gateway = nodeOf(record.vm);
    if (record.mode === "shadow") this.shadows.add(gateway);
    const id = record.request_id ?? name;
    const request = this.byId.get(id) ?? {
      decided: undefined,
      ended: undefined,
      gateway,
      call: undefined,
      isNamed: false,
    };
    this.byId.set(id, request);
    const recorded = { record, entered };
    if (record.ended === true) request.ended = recorded;
    else request.decided = recorded;
    if (record.jti === undefined) return;
    const same = this.byGrant.get(record.jti) ?? [];
    if (!same.includes(request)) same.push(request);
    this.byGrant.set(record.jti, same);
  }

  /** @param about entries of records; a sum has several */
  addFirstUse(about: readonly number[], use: FirstUse): void {
    for (const entry of about) if (!this.firstUses.has(entry)) this.firstUses.set(entry, use);
  }

  firstUseOf({ entered }: Recorded): FirstUse | undefined {
    return entered === undefined ? undefined : this.firstUses.get(entered.entry);
  }

  /** Whether it enforces nothing: then its answers are another's, and most do not say which record is theirs. */
  isShadow(gateway: string): boolean {
    return this.shadows.has(gateway);
  }

  private requestOf(call: Call): Request | undefined {
    const own = this.byId.get(call.seen.requestId);
    // An answer that names another call's request, as a cache's does, is of no record.
    const isFree = own !== undefined && (own.call === undefined || own.call === call || !own.isNamed);
    if (isFree && isOfGrant(own, call)) return own;
    // The filter's own reply names its record, which may be still on its way.
    const same = call.jti === undefined || call.seen.isNamed === true ? [] : (this.byGrant.get(call.jti) ?? []);
    // Where a caller does not learn the request's id, the calls of one grant came one after the other. What was let in is none that was denied.
    const fits = ({ decided }: Request): boolean => call.seen.code === undefined || decided?.record.verdict !== "allow";
    return same.find((one) => one.call === call) ?? same.find((one) => one.call === undefined && fits(one));
  }

  /** Undefined where there is none yet. @param calls in the order in which they were sent */
  find(call: Call): FoundRecord | undefined {
    const request = this.requestOf(call);
    if (request?.decided === undefined || request.decided.record.verdict === PENDING) return undefined;
    return this.found(request, request.decided, call);
  }

  /** The record that waited for a receipt, where no other of that call came. */
  waiting(call: Call): FoundRecord | undefined {
    const request = this.requestOf(call);
    return request?.decided?.record.verdict === PENDING ? this.found(request, request.decided, call) : undefined;
  }

  private found(request: Request, decided: Recorded, call: Call): FoundRecord {
    request.call = call;
    request.isNamed = this.byId.get(call.seen.requestId) === request;
    return { ...decided, ended: request.ended, by: request.gateway };
  }
}
