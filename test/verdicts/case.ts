/** A case: how the grant and the request are made, and the verdict that docs/request.md demands. */
import type { World } from "../kit/world.js";

export interface CaseRequest {
  readonly method?: string;
  readonly host?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Case {
  readonly name: string;
  readonly verdict: string;
  /** What reply, response details and metrics say, where that is less than the verdict of the record. */
  readonly told?: string;
  /** One line of `x-break-glass`, several, or none. */
  readonly grant: (world: World) => string | readonly string[];
  readonly request?: CaseRequest;
  /** The line of `DPoP`, for the grant as sent; else a forged one, which is none. */
  readonly proof?: (grant: string) => string;
}

/** Cases that share one plugin configuration. */
export interface Profile {
  readonly name: string;
  readonly configuration: (world: World) => string;
  readonly cases: readonly Case[];
}
