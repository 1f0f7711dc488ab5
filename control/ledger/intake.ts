/** The door of the ledger: what `follow`, HTTP and receipts hand in, and what becomes of it. Authentication and quota come before it. */
import type { Sender } from "./entry.js";

/** `line`: bytes of a log's line without its end, of whatever content. The others are made by `follow`, which looked at the gateway itself. */
export const receivedKinds = ["line", "heartbeat", "bundle", "text", "push"] as const;

export interface Received {
  /** `review`: a closing signature, `drill`: one under a drill's report. These are judged before they become entries. */
  readonly kind: (typeof receivedKinds)[number] | "review" | "drill";
  readonly bytes: Buffer;
  readonly sender: Sender;
}

export interface Taken {
  /** Its entry's index; of what was there before, that entry's where it is still known. */
  readonly index: number | undefined;
  readonly isNew: boolean;
  /** Of a signature that does not hold: why, a sentence each. It became no entry. */
  readonly refused?: readonly string[];
}

export interface Intake {
  /** Resolves when all of them, and what follows from them (alarms), are durable. Order is kept. */
  take(received: readonly Received[]): Promise<readonly Taken[]>;
}
