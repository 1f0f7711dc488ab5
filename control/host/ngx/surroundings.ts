/** What a filter may find out of the nginx that it runs in. */
import type { NgxMetrics, NgxSharedData } from "./shared.js";

export interface NgxOptions {
  /** Of nginx's server block: what `:authority` says, with the port. Kong's is `kong`. */
  readonly serverName?: string;
  readonly port?: number;
  /** The machine's: what `request.host` says. */
  readonly hostname?: string;
  /** Whether the configuration has a `shm_kv`. Default false: shared data is a trap. */
  readonly hasSharedData?: boolean;
  /** Declared in nginx's configuration (`set $name`): a filter may set `ngx.<name>`. */
  readonly variables?: readonly string[];
}

export interface Surroundings {
  readonly serverName: string;
  readonly port: number;
  readonly hostname: string;
  readonly variables: ReadonlySet<string>;
  readonly metrics: NgxMetrics;
  readonly shared: NgxSharedData | undefined;
}
