/** Requests of all kinds by turns, each kind as often as its share says. */
import type { Headers } from "../load/client.js";
import type { Kind } from "./kinds.js";

export interface Shot {
  readonly kind: Kind;
  readonly headers: Headers;
}

/** Multiples of it, modulo 1, fall evenly and in no order of their own. */
const GOLDEN_RATIO = 0.618_033_988_749_895;

export class Mix {
  /** One round: the kinds in an order without a rhythm. */
  private readonly round: readonly { readonly kind: Kind; readonly key: number }[];
  private readonly sent = new Map<Kind, number>();
  private at = 0;

  constructor(kinds: readonly Kind[]) {
    this.round = kinds
      .flatMap((kind) => Array.from({ length: kind.share }, () => kind))
      .map((kind, i) => ({ kind, key: (i * GOLDEN_RATIO) % 1 }))
      .sort((a, b) => a.key - b.key);
  }

  next(): Shot {
    const entry = this.round[this.at % this.round.length];
    if (entry === undefined) throw new Error("there are no kinds of requests");
    this.at += 1;
    const { kind } = entry;
    const i = this.sent.get(kind) ?? 0;
    this.sent.set(kind, i + 1);
    return { kind, headers: kind.headers(i) };
  }
}
