/**
 * What a ledger knows of its gateways, written down every few seconds for `ledger status`: who asks at night has no passphrase at hand.
 * It is no evidence, and a copy that is lost costs nothing.
 */
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readTextIfThere } from "../../base/files.js";
import { parseJson } from "../../base/schema.js";
import type { LedgerStatus } from "../chain/status.js";

const schema = z.strictObject({
  version: z.literal(1),
  /** Milliseconds since 1970, as all times here. */
  at: z.int().nonnegative(),
  openGaps: z.int().nonnegative(),
  waiting: z.int().nonnegative(),
  gateways: z.array(
    z.strictObject({ gateway: z.string(), beatAt: z.int().nonnegative().optional(), isSilent: z.boolean() }),
  ),
});
export type Standing = z.infer<typeof schema>;

const fileIn = (state: string): string => join(state, "standing.json");

/** Undefined where no ledger has run here yet. @param state the folder of positions */
export function readStanding(state: string): Standing | undefined {
  const file = fileIn(state);
  const text = readTextIfThere(file, "the ledger's standing");
  return text === undefined ? undefined : parseJson(text, file, schema, "Delete it: the ledger writes it anew.");
}

export class StandingFile {
  private writing: Promise<void> = Promise.resolve();

  /** @param state the folder of positions */
  constructor(private readonly state: string) {}

  /** One after the other; never rejects. */
  note({ openGaps, waiting, gateways }: LedgerStatus, at: number): Promise<void> {
    const standing: Standing = {
      version: 1,
      at,
      openGaps,
      waiting,
      gateways: gateways.map(({ gateway, heartbeatAge, isSilent }) => ({
        gateway,
        ...(heartbeatAge === undefined ? {} : { beatAt: Math.max(0, at - heartbeatAge) }),
        isSilent,
      })),
    };
    this.writing = this.writing
      .then(() => this.write(`${JSON.stringify(standing)}\n`))
      .catch(() => {
        // A disk that takes nothing more is said by the log itself; this one is then as old as it says.
      });
    return this.writing;
  }

  /** Not synced: whoever serves waits for no disk because of it. */
  private async write(text: string): Promise<void> {
    await mkdir(this.state, { recursive: true });
    const temporary = `${fileIn(this.state)}.new`;
    await writeFile(temporary, text, { mode: 0o644 });
    await rename(temporary, fileIn(this.state));
  }
}
