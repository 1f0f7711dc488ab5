/** What a gateway shows from outside: the same for the Node host and the real Envoy. */
import type { CaseRequest } from "./case.js";

export interface Sent extends CaseRequest {
  readonly grants: readonly string[];
  /** Each line of `DPoP`. */
  readonly proofs?: readonly string[];
}

export interface Observed {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** What the upstream received; undefined when the request did not get there. */
  readonly upstream: Readonly<Record<string, string | string[] | undefined>> | undefined;
  /** `wasm.glassgate.*` as the access log shows it. */
  readonly verdict: string | undefined;
  readonly audit: string | undefined;
  readonly evidence: string | undefined;
  /** `%RESPONSE_CODE_DETAILS%`: of the filter's own replies what it says itself. */
  readonly details: string | undefined;
  /** Everything that the access log printed of this request. */
  readonly logged: string;
}

export interface Gateway {
  readonly name: string;
  /** Puts the configuration into force; throws when it is refused. */
  configure(text: string): Promise<void>;
  /** One after the other, in this order. */
  send(requests: readonly Sent[]): Promise<Observed[]>;
  stop(): Promise<void>;
}

/** Where the requests of the suite come from, whatever the port. */
export const CLIENT = "127.0.0.1:50000";
export const DEFAULTS = { method: "GET", host: "api.example.com", path: "/orders/7" } as const;
