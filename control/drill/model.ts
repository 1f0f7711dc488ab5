/** What a drill is made of: cases that send calls, what is expected of each, what was seen and recorded, and the report of all. */
import type { VerdictCode } from "../base/verdicts.gen.js";
import type { PrivateKey } from "../signer/jwk.js";
import type { BundleClaims } from "../trust/claims.js";
import type { Detail } from "../trust/names.js";
import type { KongWay } from "./kong-way.js";
import type { MeasureName } from "./report/model.js";
import type { Scratch } from "./scratch-model.js";

/** A gateway as the drill file and its own configuration tell of it. */
export interface FleetGateway {
  /** `node.id` of its Envoy, `node_id` of its Kong: records name it so. */
  readonly id: string;
  /** The listener that callers use: scheme, host, port. */
  readonly url: string;
  /** PEM of the authorities to trust, instead of the system's. */
  readonly ca: string | undefined;
  /** The address of its admin interface; of a Kong none. */
  readonly admin: string;
  /** Where it is a Kong. */
  readonly kong?: KongWay;
  /** Where its audit records are written; undefined where that is no file that can be read here. */
  readonly auditLog: string | undefined;
  /** The module that its configuration names, where that can be read here. */
  readonly filterPath: string | undefined;
  /** Its SHA-256. */
  readonly filter: string | undefined;
  /** A normal caller's header lines. */
  readonly caller: readonly (readonly [string, string])[] | undefined;
  /** Places that are looked at without credential, besides the target: paths, as its configuration and the drill file name them. */
  readonly routes: readonly Route[];
  /** Headers that its own authentication would have set or removed: an allowed request may not bring its own. */
  readonly skipped: readonly string[];
  /** Whether its upstream may be sent other methods than GET and HEAD. */
  readonly isHarmless: boolean;
  /** Names of findings of `gateway verify` that somebody has looked at. */
  readonly accept: readonly string[];
  /** What callers show there. */
  readonly certificate?: ClientCertificate | undefined;
  /** Whether its own file says that it asks for a client certificate and takes any. */
  readonly takesAnyCertificate?: boolean;
}

/** PEM. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface Route {
  readonly host: string;
  /** A path that the route takes. */
  readonly path: string;
  /** As a person knows it: the path, or the pattern that the configuration has. */
  readonly name: string;
}

/** The request that a drill's good grant opens. */
export interface Target {
  readonly method: string;
  readonly host: string;
  readonly path: string;
}

/** A key of a person who takes part. */
export interface Player {
  /** `principals[].id` in the trust bundle. */
  readonly sub: string;
  readonly key: PrivateKey;
}

export interface Players {
  readonly requester: Player;
  /** Exactly whom the quorum needs. */
  readonly approvers: readonly Player[];
  /** Somebody who may not ask for the entitlement. */
  readonly stranger: Player | undefined;
  /** The requester by a key that he has no more. */
  readonly former: Player | undefined;
  readonly signer: Player;
}

export type Json = Readonly<Record<string, unknown>>;

/** How a grant is bent: good where nothing is said. */
export interface GrantSpec {
  /** Replaces claims; `undefined` removes one. */
  readonly claims?: Json;
  /** Replaces members of the request's header; `undefined` removes one. */
  readonly header?: Json;
  /** Who signs as the requester, in the header as well. */
  readonly by?: Player;
  /** Signs instead, under the header of `by`: a forger. */
  readonly forgedBy?: PrivateKey;
  /** Who approves; the file's approvers otherwise. */
  readonly approvals?: readonly ApprovalSpec[];
  /** Claims that stand in the payload after all has been signed. */
  readonly altered?: Json;
  /** Bound to a key of its own, whose proofs `prove` makes; as the entitlement demands otherwise. */
  readonly isBound?: boolean;
}

export interface ApprovalSpec {
  readonly by: Player;
  readonly forgedBy?: PrivateKey;
  /** Seconds. */
  readonly iat?: number;
}

export interface MadeGrant {
  readonly text: string;
  readonly jti: string;
  /** What proves that the sender holds the grant's key; undefined where it is bound to none. */
  readonly proofKey: PrivateKey | undefined;
}

export interface Walked {
  readonly grant: MadeGrant;
  /** From the ask to the last approval, and to the whole grant. */
  readonly quorumMs: number;
  readonly grantMs: number;
}

export interface Meant {
  readonly details: readonly Detail[];
  /** Seconds from `iat` to `exp` at most. */
  readonly life: number;
}

/** What is sent. Where nothing is said, it is the target without any credential. */
export interface CallSpec {
  readonly method?: string;
  readonly host?: string;
  /** Byte for byte. */
  readonly path?: string;
  /** In this spelling and order; a list sends one line each. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent in `x-break-glass`, with the proof that it needs. */
  readonly grant?: MadeGrant;
  /** The proof of another key, or none, instead of that. */
  readonly proof?: PrivateKey | string | "none";
  /** Another client certificate than the gateway's callers show, or none. */
  readonly certificate?: ClientCertificate | "none";
  /** How long an answer that goes on is watched; otherwise the call ends with its answer. */
  readonly watchMs?: number;
  /** No answer within that time is none; half a minute, where nothing is said. */
  readonly patienceMs?: number;
}

/** What the caller sees. */
export interface Seen {
  /** 0: no answer. */
  readonly status: number;
  /** Of the filter's own reply (`urn:glassgate:verdict:`). */
  readonly code: string | undefined;
  /** As the reply says it; else as it was sent. */
  readonly requestId: string;
  /** Where the filter's own reply says it: its record says the same. */
  readonly isNamed?: true;
  /** Whether the upstream answered, as far as that shows. */
  readonly reached: boolean;
  /** What the upstream says that it received, where it is one that does. */
  readonly upstream: { readonly method: string; readonly path: string; readonly headers: Json } | undefined;
  /** Of an answer that went on: how long after it began it ended; undefined where it did not while it was watched. */
  readonly endedAfterMs: number | undefined;
  /** Why there was no answer. */
  readonly error: string | undefined;
  readonly ms: number;
}

export interface Call {
  readonly gateway: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** Whether a grant, good or bad, was presented. */
  readonly isPresented: boolean;
  readonly jti: string | undefined;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly seen: Seen;
}

/** What must come of a call. */
export type Expectation =
  /** The record says so; the caller is told `told`, which may say less. */
  | { readonly kind: "verdict"; readonly verdict: VerdictCode; readonly told?: VerdictCode }
  /** Let in, and recorded as such, also where the gateway changes something of it. */
  | { readonly kind: "allow" }
  /** Whatever the reason: not let in, by nobody. A record, where there is one, denies. */
  | { readonly kind: "shut" }
  /** Not let in: by a verdict, or by the gateway itself where no filter answers. */
  | { readonly kind: "closed" }
  /** Not let in, or read by gateway and upstream as the very path that was granted. */
  | { readonly kind: "one_reading" }
  /** As any caller without a credential: refused by the normal authentication; nothing is recorded. */
  | { readonly kind: "unauthenticated" }
  /** As a normal caller: not refused by authentication. */
  | { readonly kind: "normal" }
  /** Let in, and ended with its grant. */
  | { readonly kind: "cut"; readonly withinMs: number };

export interface Outcome {
  /** What was tried, in a few words, without the gateway. */
  readonly what: string;
  readonly route?: string;
  readonly expected: Expectation;
  readonly call: Call;
  /** What was counted or seen besides. */
  readonly notes?: readonly string[];
  /** Further things that must hold of what was seen: sentences of what does not. */
  readonly faults?: readonly string[];
}

/** What a case has to play with, on one gateway. */
export interface Stage {
  readonly gateway: FleetGateway;
  readonly target: Target;
  readonly players: Players;
  readonly bundle: BundleClaims;
  readonly entitlement: BundleClaims["entitlements"][number];
  /** What the entitlement may open at most, and for how long, as the drill file holds it. */
  readonly meant: Meant;
  /** Seconds, by the gateway's own clock as far as that is known. */
  now(): number;
  grant(spec?: GrantSpec): Promise<MadeGrant>;
  /** The way that people walk: ask, approvals, grant, each made by the command's own code. */
  walk(): Promise<Walked>;
  send(call: CallSpec): Promise<Call>;
  /** Enters how long something took. */
  measured(name: MeasureName, ms: number): void;
  /** Says what cannot be tried here, and why. */
  notProbed(what: string, why: string): void;
  /** Where the upstream can be had to answer without an end, as the drill file says. */
  readonly stream: { readonly path: string; readonly headers: Readonly<Record<string, string>> } | undefined;
  readonly repeat: number;
  /** Of the scratch gateway alone. */
  readonly scratch?: Scratch;
}

export interface Case {
  /** Kebab-case and stable: reports, `skip` and `--only` use it. */
  readonly name: string;
  readonly title: string;
  /** Of the six promises. */
  readonly promise?: 1 | 2 | 3 | 4 | 5 | 6;
  /** On the user's gateways, or only on one with anchors of its own. */
  readonly where: "fleet" | "scratch";
  /** On the scratch gateway of two workers, whose filter a request can kill. */
  readonly isMortal?: boolean;
  /** It mostly waits: the cases after it are played meanwhile. */
  readonly isPatient?: boolean;
  play(stage: Stage): Promise<readonly Outcome[]>;
}

export * from "./report/model.js";
export * from "./scratch-model.js";
