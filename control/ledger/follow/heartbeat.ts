/** A gateway's heartbeats: how far each of its VMs' chains has come, as it publishes it itself, before anybody could rewrite a file. */
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { Admin } from "../../gateway/admin.js";
import { agreed, type Head, headsIn } from "./gauges.js";

/** Without news it is entered this often. */
const REPEAT_SECONDS = 60;
/** A VM says every two seconds that it is there. One whose word stands still for longer has trapped, is stuck, or was a hot restart's parent's. */
const STILL_SECONDS = 12;
/** A VM may publish between two readings, but not between all of them. */
const READINGS = 4;
/** One for each of its worker threads, and as many again of a configuration before. */
const MAX_VMS = 1024;

export interface Beat {
  readonly gateway: string;
  /** UTC. */
  readonly at: string;
  readonly vms: readonly { readonly vm: string; readonly seq: number; readonly head: string }[];
}

export class Heartbeat {
  private last: { readonly text: string; readonly at: number } | undefined;

  constructor(
    private readonly gateway: string,
    private readonly admin: Admin,
    private readonly now: () => number,
  ) {}

  /** Undefined where nothing is new. @throws UserError where the gateway cannot be asked, is another one, or does not beat */
  async poll(): Promise<Buffer | undefined> {
    const { nodeId, clock } = await this.admin.serverInfo();
    if (nodeId !== this.gateway)
      throw new UserError(
        `The gateway at ${this.admin.address} is ${visible(JSON.stringify(nodeId))}, not ${visible(JSON.stringify(this.gateway))}.`,
        { hint: "`admin` and `id` of the configuration must be of one gateway." },
      );
    const now = this.now();
    const alive = (await this.heads()).filter(({ at }) => Math.abs((clock ?? now / 1000) - at) <= STILL_SECONDS);
    if (alive.length === 0)
      throw new UserError(`${visible(this.gateway)} publishes no heartbeat, or one that stands still.`, {
        hint: "Its filter may be older than heartbeats, hidden by a stats_matcher, or stuck. docs/audit-record.md tells the gauges.",
      });
    if (alive.length > MAX_VMS)
      throw new UserError(`${visible(this.gateway)} publishes heartbeats of ${alive.length} VMs: that is no gateway.`, {
        hint: `It has one for each worker thread; ${MAX_VMS} are read. See what answers at ${visible(this.admin.address)}.`,
      });
    const vms = alive
      .map(({ vm, seq, head }) => ({ vm: `${this.gateway}/${vm}`, seq, head }))
      .sort((a, b) => (a.vm < b.vm ? -1 : 1));
    const text = JSON.stringify(vms);
    // By the clock's way, not its direction: it may have been set back.
    if (this.last?.text === text && Math.abs(now - this.last.at) < REPEAT_SECONDS * 1000) return undefined;
    this.last = { text, at: now };
    return Buffer.from(JSON.stringify({ gateway: this.gateway, at: new Date(now).toISOString(), vms } satisfies Beat));
  }

  /** Of each VM what two readings agree on; a VM that always published in between is left out this time. */
  private async heads(): Promise<Head[]> {
    const found = new Map<string, Head>();
    let before = headsIn(await this.read());
    for (let i = 1; i < READINGS; i++) {
      const next = headsIn(await this.read());
      for (const head of agreed(before, next)) found.set(head.vm, head);
      if ([...next.keys()].every((vm) => found.has(vm)) && next.size >= before.size) break;
      before = next;
    }
    return [...found.values()];
  }

  private read(): Promise<Map<string, number>> {
    return this.admin.stats("glassgate\\.heartbeat");
  }
}
