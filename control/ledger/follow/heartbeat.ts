/** A gateway's heartbeats: how far each of its VMs' chains has come, as it publishes it itself, before anybody could rewrite a file. */

import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { Admin } from "../../gateway/admin.js";
import { type Head, headsIn } from "./gauges.js";

/** Without news it is entered this often. */
const REPEAT_SECONDS = 60;
/** A VM beats every two seconds. One that has not for so long is no more: of a hot restart's parent the gauges stay. */
const DEAD_SECONDS = 30;

export interface Beat {
  readonly gateway: string;
  /** UTC. */
  readonly at: string;
  readonly vms: readonly { readonly vm: string; readonly seq: number; readonly head: string; readonly ended?: true }[];
}

export class Heartbeat {
  /** VMs that have ended, and were named for the last time: their gauges stay for ever. */
  private readonly ended = new Set<string>();
  private last: { readonly text: string; readonly at: number } | undefined;

  constructor(
    private readonly gateway: string,
    private readonly admin: Admin,
    private readonly now: () => number,
  ) {}

  /** Undefined where nothing is new. @throws UserError where the gateway cannot be asked, or is another one */
  async poll(): Promise<Buffer | undefined> {
    const { nodeId, clock } = await this.admin.serverInfo();
    if (nodeId !== this.gateway)
      throw new UserError(
        `The gateway at ${this.admin.address} is ${visible(JSON.stringify(nodeId))}, not ${visible(JSON.stringify(this.gateway))}.`,
        { hint: "`admin` and `id` of the configuration must be of one gateway." },
      );
    const heads = headsIn(await this.admin.stats("glassgate\\.heartbeat"));
    const vms = this.vms(heads, clock ?? Math.floor(this.now() / 1000));
    const text = JSON.stringify(vms);
    const now = this.now();
    if (this.last?.text === text && now - this.last.at < REPEAT_SECONDS * 1000) return undefined;
    this.last = { text, at: now };
    for (const { vm, ended } of vms) if (ended === true) this.ended.add(vm);
    return Buffer.from(JSON.stringify({ gateway: this.gateway, at: new Date(now).toISOString(), vms } satisfies Beat));
  }

  private vms(heads: readonly Head[], clock: number): Beat["vms"] {
    return heads
      .filter(({ at, vm }) => (at === 0 ? !this.ended.has(`${this.gateway}/${vm}`) : clock - at <= DEAD_SECONDS))
      .map(({ vm, seq, head, at }) => ({
        vm: `${this.gateway}/${vm}`,
        seq,
        head,
        ...(at === 0 ? { ended: true as const } : {}),
      }))
      .sort((a, b) => (a.vm < b.vm ? -1 : 1));
  }
}
