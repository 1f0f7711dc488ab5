/**
 * A log that shows each checkpoint to the witnesses of its policy. What they cosigned is kept beside the log's own checkpoint, which nobody
 * waits for a witness to see: a record is acknowledged once it is durable, and witnessed when enough witnesses have answered.
 */
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import type { TileSource } from "./log.js";
import { judge, type Policy, type PolicyWitness } from "./policy.js";
import { parseCheckpoint } from "./tlog/checkpoint.js";
import { consistencyProof } from "./tlog/proof.js";
import { cosign, WitnessError, type Witnessed } from "./witness.js";

export interface Round {
  readonly size: number;
  /** The checkpoint with the lines of all witnesses that cosigned it. */
  readonly checkpoint: string;
  /** The policy's quorum has cosigned; else what is wanted. */
  readonly isMet: boolean;
  readonly wanted: string;
  /** Who did not, and why. */
  readonly failures: readonly { readonly witness: PolicyWitness; readonly error: WitnessError }[];
}

type Place = PolicyWitness & { readonly url: string };
const hasPlace = (witness: PolicyWitness): witness is Place => witness.url !== undefined;

export class Witnesses {
  private readonly places: readonly Place[];
  /** The size that each cosigned last, as far as known here; each says it better himself. */
  private readonly known = new Map<Place, number>();

  /** @throws where the policy's quorum needs a witness whose URL the policy does not have */
  constructor(
    private readonly log: TileSource,
    private readonly policy: Policy,
  ) {
    this.places = policy.witnesses.filter(hasPlace);
    if (policy.quorum !== undefined && this.places.length === 0)
      throw new UserError("The policy has no URL of any witness.", {
        hint: "To be asked, a witness has one behind its key: `witness NAME VKEY https://witness.example/`.",
      });
  }

  /**
   * Asks all of them, side by side, about the log's newest checkpoint.
   * @param done the size of the tree that needs no asking any more
   * @returns undefined where the log has not grown since, or is empty
   */
  async ask(done = 0): Promise<Round | undefined> {
    const note = (await this.log.read("checkpoint"))?.toString("utf8");
    const size = note === undefined ? 0 : parseCheckpoint(note).size;
    if (note === undefined || size === done || size === 0) return undefined;
    const prove = (old: number): Promise<readonly Buffer[]> => consistencyProof(this.log, old, size);
    const witnessed = { size, checkpoint: note, prove };
    const answers = await Promise.all(
      this.places.map(async (place) => ({ place, got: await this.one(place, witnessed) })),
    );
    const lines = answers.flatMap(({ got }) => (typeof got === "string" ? [`${got}\n`] : []));
    const checkpoint = note + lines.join("");
    const { isMet, wanted } = judge(this.policy, checkpoint);
    const failures = answers.flatMap(({ place, got }) =>
      typeof got === "string" ? [] : [{ witness: place, error: got }],
    );
    return { size, checkpoint, isMet, wanted, failures };
  }

  /** The signature line, or why there is none. */
  private async one(place: Place, witnessed: Witnessed): Promise<string | WitnessError> {
    try {
      const { line } = await cosign(place, witnessed, this.known.get(place));
      this.known.set(place, witnessed.size);
      return line;
    } catch (error) {
      if (error instanceof WitnessError) return error;
      throw error;
    }
  }
}

export interface WitnessingOptions {
  readonly intervalMs: number;
  /** Takes the newest checkpoint that the quorum has cosigned. */
  place(checkpoint: string): Promise<void>;
  /** Whoever watches. */
  say(line: string): void;
}

/** Asks now and then, until it is stopped. Nothing that a witness does stops the log, or this. */
export function keepWitnessed(
  witnesses: Witnesses,
  { intervalMs, place, say }: WitnessingOptions,
): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  let placed = 0;
  let said = "";
  const tell = (line: string): void => {
    if (line !== said && line !== "") say(line);
    said = line;
  };
  const round = async (): Promise<void> => {
    const asked = await witnesses.ask(placed);
    if (asked === undefined) return;
    if (asked.isMet) {
      await place(asked.checkpoint);
      placed = asked.size;
    }
    const why = asked.failures.map(({ witness, error }) => `${visible(witness.key.name)}: ${error.message}`).join(" ");
    tell(asked.isMet ? why : `Not witnessed at ${asked.size} entries: it wants ${asked.wanted}. ${why}`.trim());
  };
  const run = async (): Promise<void> => {
    try {
      await round();
    } catch (error) {
      tell(
        `The checkpoint was not brought to the witnesses: ${visible(error instanceof Error ? error.message : String(error))}`,
      );
    }
    if (!isOver) timer = setTimeout(again, intervalMs);
  };
  let running: Promise<void> = run();
  function again(): void {
    running = run();
  }
  return async () => {
    isOver = true;
    clearTimeout(timer);
    await running;
  };
}
