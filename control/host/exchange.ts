/** One request as anybody outside may see it, whichever gateway holds it. */
import type { Header } from "./headers.js";
import type { LocalReply } from "./reply.js";

/** A property's value: text or bytes, an unsigned 64-bit integer, or a boolean. */
export type PropertyValue = string | Uint8Array | bigint | boolean;

export interface StreamOptions {
  /** With pseudo-headers, as the client sent them. */
  readonly headers: readonly Header[];
  readonly sourceAddress: string;
  readonly connectionId: bigint;
  /** Nanoseconds since 1970. */
  readonly startedAt: bigint;
  /** By dotted path (`connection.sha256_peer_certificate_digest`); they win over what the host knows itself. */
  readonly properties: ReadonlyMap<string, PropertyValue>;
}

export interface Shown {
  /** `paused`: the filter holds the request back without an answer. `reset`: it was ended without one. */
  readonly kind: "continue" | "reply" | "paused" | "reset";
  /** What the client was answered; undefined: the request goes on, to the normal authentication and the upstream. */
  readonly reply: LocalReply | undefined;
  /** Response code details: the reply's, or of a stream that was ended in the middle. */
  readonly details: string | undefined;
  /** The request's headers as they go on. */
  readonly headers: readonly Header[];
  /** What the filter set, as an access log could show it. */
  readonly filterState: ReadonlyMap<string, string>;
  readonly routeCacheClears: number;
}

export interface Exchange {
  /** The upstream's answer has begun: it cannot be replaced any more. */
  isAnswered: boolean;
  /** How it stands now. */
  show(): Shown;
}
