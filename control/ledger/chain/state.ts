/**
 * What a ledger knows: a fold over its entries. `prepare` says what a line would be, `apply` (apply.ts) takes an entry in and says what
 * is found about it at once, `due` (due.ts) what is found because time passed. What `due` found counts as told when its own entry is
 * applied, so a restart that replays the entries comes to the same state.
 */
import { createHash } from "node:crypto";
import type { EntryType } from "../entry.js";
import type { Received } from "../intake.js";
import type { Accesses } from "./access.js";
import { type Answers, knownAnswer, newAnswers } from "./answers.js";
import { newShared } from "./bounded.js";
import { type Bundles, newBundles } from "./bundles.js";
import { type Chains, chainKey, newChains } from "./chains.js";
import type { Clocks } from "./clock.js";
import type { Denials } from "./denials.js";
import type { Bursts, Floods } from "./floods.js";
import { type Grants, knownEvidence, newGrants } from "./grants.js";
import { readHeartbeat } from "./heartbeats.js";
import type { Lags } from "./lag.js";
import { classify, type Line } from "./lines.js";
import { knownRecord } from "./link.js";
import { newReceipts, type Receipts } from "./receipts.js";
import { newReviews, type Reviews } from "./reviews.js";
import type { Rules } from "./rules.js";
import { newTexts, type Texts } from "./texts.js";
import { shortHash } from "./window.js";

export interface State {
  /** Entries that were applied. */
  size: number;
  /** So that nobody can make a line that is taken for another. */
  readonly salt: Uint8Array;
  chains: Chains;
  bundles: Bundles;
  texts: Texts;
  grants: Grants;
  answers: Answers;
  receipts: Receipts;
  reviews: Reviews;
  accesses: Accesses;
  clocks: Clocks;
  denials: Denials;
  lags: Lags;
  floods: Floods;
  bursts: Bursts;
  /** By sender, then by hash. */
  quarantined: Map<string, Map<string, number>>;
  /** Entries by type, alarms by code. */
  types: Map<string, number>;
  codes: Map<string, number>;
}

export function newState(salt: Uint8Array): State {
  return {
    size: 0,
    salt,
    chains: newChains(),
    bundles: newBundles(),
    texts: newTexts(),
    grants: newGrants(),
    answers: newAnswers(),
    receipts: newReceipts(),
    reviews: newReviews(),
    accesses: newShared(),
    clocks: newShared(),
    denials: newShared(),
    lags: newShared(),
    floods: newShared(),
    bursts: new Map(),
    quarantined: new Map(),
    types: new Map(),
    codes: new Map(),
  };
}

/** What something that came is to become: an entry, or one that is there. */
export type Prepared =
  | { readonly known: number }
  | { readonly type: EntryType; readonly why: string | undefined; readonly line: Line | undefined };

function knownLine(state: State, rules: Rules, sender: string, line: Line): number | undefined {
  switch (line.type) {
    case "record": {
      const { vm, seq } = line.record;
      return knownRecord(state.chains, chainKey(rules, sender, vm), seq, shortHash(state.salt, line.sha256));
    }
    case "evidence":
      return knownEvidence(state.grants, sender, line.sha256);
    case "receipt":
      return state.receipts.lines.all.get(line.sha256);
    case "answer":
      return knownAnswer(state.answers, sender, line.sha256);
    case "quarantine":
      return state.quarantined.get(sender)?.get(line.sha256);
  }
}

export const seenKey = (type: string, sender: string, body: Buffer): string =>
  `${type} ${sender} ${createHash("sha256").update(body).digest("hex")}`;

/** A record that came as something else would be in no chain. */
const isRecord = (bytes: Buffer): boolean => classify(bytes).type === "record";
const knownOther = (state: State, sender: string, bytes: Buffer): number | undefined =>
  state.quarantined.get(sender)?.get(createHash("sha256").update(bytes).digest("hex"));

/** Changes nothing. */
export function prepare(state: State, rules: Rules, { kind, bytes, sender: { sender } }: Received): Prepared {
  if (kind === "heartbeat")
    return readHeartbeat(bytes) === undefined || isRecord(bytes)
      ? { type: "quarantine", why: "heartbeat", line: undefined }
      : { type: kind, why: undefined, line: undefined };
  if (kind !== "line") {
    const known = state.bundles.seen.all.get(seenKey(kind, sender, bytes)) ?? knownOther(state, sender, bytes);
    if (known !== undefined) return { known };
    return isRecord(bytes)
      ? { type: "quarantine", why: kind, line: undefined }
      : { type: kind, why: undefined, line: undefined };
  }
  const line = classify(bytes);
  const known = knownLine(state, rules, sender, line);
  if (known !== undefined) return { known };
  return { type: line.type, why: line.type === "quarantine" ? line.why : undefined, line };
}
