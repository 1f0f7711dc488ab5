/** A decision on record as a call of a review. */
import { remember } from "../ledger/chain/bounded.js";
import { partsOf } from "../ledger/chain/chains.js";
import type { AuditRecord } from "../ledger/chain/lines.js";
import type { MutableCall } from "./facts.js";

const MAX_NAMES = 65_536;

/** Names that come again and again are kept once. */
class Names {
  private readonly known = new Map<string, string>();
  of<T extends string | undefined>(text: T): T | string {
    if (text === undefined) return text;
    const there = this.known.get(text);
    if (there !== undefined) return there;
    remember(this.known, text, text, MAX_NAMES);
    return text;
  }
}

export class Calls {
  private readonly names = new Names();

  of(record: AuditRecord, entry: number): MutableCall {
    const { vm, seq, verdict, mode, method, host, path, path_bytes, source, request_id: requestId } = record;
    return {
      entry,
      at: Date.parse(record.ts),
      vm: this.names.of(vm),
      seq,
      gateway: this.names.of(partsOf(vm).node),
      verdict: this.names.of(verdict),
      mode: this.names.of(mode),
      method: this.names.of(method),
      host: this.names.of(host),
      path: this.names.of(path),
      isPathCut: path_bytes !== undefined,
      source: this.names.of(source),
      requestId,
      answer: undefined,
      ended: undefined,
      receipt: undefined,
    };
  }
}
