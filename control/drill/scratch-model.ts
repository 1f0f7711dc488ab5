/** What only a gateway with roots, people and processes of its own can be done to. */
import type { Call, CallSpec, MadeGrant, Player } from "./model.js";

/** Whose keys a scratch case uses, besides the players. */
export interface ScratchPeople {
  /** Another account of the requester's person, with an approver's role. */
  readonly secondAccount: Player;
  /** Requesters of whom something is taken back. */
  readonly revocable: Readonly<Record<"jti" | "sub" | "kid" | "incident", Player>>;
  /** Approvers of an entitlement for which any three of them are enough. */
  readonly five: readonly Player[];
}

/** What a gateway made of a trust bundle that it was offered. */
export type Offered = "serves" | "refused" | "unseen";

export type BadBundle = "old" | "foreign" | "one_root_short" | "other_environment";

export type ScratchWay = "own certificate" | "another certificate" | "resumed without a certificate";

/** What came of forged grants at full rate. */
export interface Flood {
  readonly first: Call;
  readonly sent: number;
  /** How many were answered so: a verdict, a status without one, or why there was no answer. */
  readonly answers: ReadonlyMap<string, number>;
  /** Of these on record, and left out of the records by the filter's own count. */
  readonly recorded: number;
  readonly dropped: number;
}

/** One connection, and so one worker. */
export interface Connection {
  send(call: CallSpec): Promise<Call>;
}

/** What came of two people who pushed at the same moment. */
export interface Pushed {
  /** Sentences: an end that is not true, or a gateway that serves something else than it must. */
  readonly faults: readonly string[];
  /** Whether the bundle that must serve now is the one that leaves somebody out. */
  readonly isWithout: boolean;
}

export interface Scratch {
  readonly people: ScratchPeople;
  /** Serves the next bundle, without that person. */
  without(sub: string): Promise<void>;
  /** Serves the next bundle, whole. */
  restore(): Promise<void>;
  /** Serves the next bundle, which ends so many seconds from now. @returns its end, and what the gateway shows as that */
  serveFor(seconds: number): Promise<{ readonly exp: number; readonly shown: number | undefined }>;
  /** Takes something back, as a revoker does. */
  revoke(kind: "jti" | "sub" | "kid" | "incident", value: string): Promise<void>;
  /** Two pushes at once, one of them without that person, while a grant is revoked. @param isSame whether of one version */
  pushTwice(isSame: boolean, without: string, jti: string): Promise<Pushed>;
  /** Offers what it must not take. */
  offer(kind: BadBundle): Promise<Offered>;
  /** Grants like this one whose signatures are none, from another source than `send`, as many as go in that time. */
  flood(like: MadeGrant, forMs: number): Promise<Flood>;
  /** Over a connection with a client certificate, with another one, or with the session of an earlier one and none. */
  sendWith(way: ScratchWay, call: CallSpec): Promise<Call & { readonly isResumed: boolean }>;
  /** Over HTTP/2, with these fields as they are. */
  sendFields(call: CallSpec, fields: readonly (readonly [string, string])[]): Promise<Call>;
  connect(): Connection;
  /** Headers that end the VM which they come to; or why there are none. */
  readonly deadly: Readonly<Record<string, string>> | string;
  /** The VMs that have records, each with what is wrong with its chain. @param calls whose records are waited for */
  chains(
    calls: readonly Call[],
  ): Promise<{ readonly vmOf: (call: Call) => string | undefined; readonly faults: readonly string[] }>;
  /** A grant made by the commands themselves, as people do, on a machine without any network; or why that cannot be. */
  offline(): Promise<MadeGrant | string>;
  /** Of the client certificate, as a grant has it. */
  readonly thumbprint: string;
}
