/** The build for Kong on the Node host as Kong, its host calls watched. */
import { expect } from "vitest";
import { readAuditLines } from "../../control/base/audit.js";
import type { Status } from "../../control/host/abi.js";
import type { MadeCall } from "../../control/host/environment.js";
import { FilterHost, type Header, type HostOptions, type HostRequest, type Outcome } from "../../control/host/host.js";
import type { NgxProcess } from "../../control/host/ngx/process.js";
import { ngxProfile } from "../../control/host/ngx/profile.js";
import { linesOf } from "../kit/headers.js";
import { HOST, type Json, World } from "../kit/world.js";
import { Watch } from "./watch.js";

export const KEY = "standing-key-9f3Zq";
const SOURCE = "192.0.2.1";

export interface Sent extends Omit<HostRequest, "headers"> {
  readonly lines?: readonly Header[];
  readonly method?: string;
  readonly path?: string;
}

export interface Seen extends Outcome {
  /** Host calls up to the decision, and behind it. */
  readonly calls: readonly string[];
  readonly later: readonly string[];
}

export class Kong {
  private constructor(
    readonly world: World,
    readonly host: FilterHost<NgxProcess>,
    readonly watch: Watch,
  ) {}

  static async start(options: HostOptions = {}, world = new World(Math.floor(Date.now() / 1000))): Promise<Kong> {
    const watch = new Watch();
    const intercept = (call: MadeCall): Status | undefined => watch.see(call);
    const host = await FilterHost.loadAs(ngxProfile(), { nodeId: "node-1", ...options, intercept });
    return new Kong(world, host, watch);
  }

  /** Bytes of the filter's memory: of the instance that called last. */
  get memoryBytes(): number {
    return this.watch.memory?.size ?? 0;
  }

  get log(): readonly string[] {
    return this.host.process.log.map(({ text }) => text);
  }

  configuration(changes: Json = {}, bundle?: Json): string {
    return this.world.configuration({
      ...(bundle === undefined ? {} : { bundle }),
      configuration: { require: true, upstream_header: { name: "apikey", value: KEY }, ...changes },
    });
  }

  /** Whether the chain is attached. */
  configure(text: string, chain?: string): boolean {
    return this.host.configure(text, chain).accepted;
  }

  /** One request from its headers to its log line. */
  send({ lines = [], method = "GET", path = "/orders/7", ...options }: Sent): Seen {
    const { watch } = this;
    watch.calls = [];
    const headers: Header[] = [[":method", method], [":path", path], ...lines];
    const { outcome, close } = this.host.open({ sourceAddress: SOURCE, ...options, headers });
    const { calls } = watch;
    watch.calls = [];
    close();
    return { ...outcome, calls, later: watch.calls };
  }

  /** One with a grant, by default a good one, and the API's host. */
  ask(grant = this.world.grant(), more: readonly Header[] = [], changes: Sent = {}): Seen {
    return this.send({ lines: [["Host", HOST], ["X-Break-Glass", grant], ...more], ...changes });
  }
}

export const recordOf = ({ said }: Outcome): Json => JSON.parse(readAuditLines(said.get("audit") ?? "").record);

export const codeOf = ({ reply }: Outcome): string =>
  reply === undefined ? "allow" : String(JSON.parse(reply.body).code);

/** Denied or let in, it is so in each place that tells. */
export function verdictOf(seen: Outcome): string {
  const code = codeOf(seen);
  expect(seen.isUnjudged).toBe(false);
  expect(seen.said.get("verdict")).toBe(code);
  if (seen.reply === undefined) expect(seen.kind).toBe("continue");
  else {
    expect(seen.details).toBe(`glassgate_${code}`);
    expect(linesOf(seen.headers, "apikey")).not.toContain(KEY);
  }
  return code;
}
