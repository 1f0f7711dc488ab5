/**
 * Puts a bundle, or a text of revocations, into running Kongs and into the declarative file that they are started from, each time with a
 * new upstream key. Versions only rise and no text is lost, as with an Envoy. How far it could be seen is said: Kong tells what it has
 * stored, and a probe who judges; not which bundle each worker serves.
 */
import { statSync } from "node:fs";
import { UserError } from "../../base/errors.js";
import { readText, writeText } from "../../base/files.js";
import { plural, visible } from "../../base/text.js";
import type { Anchors } from "../../trust/anchors.js";
import { UnseenError } from "../admin.js";
import { type Bundle, signedBundle } from "../ecds.js";
import { takeLock } from "../push-lock.js";
import { checkClock } from "../push-preflight.js";
import type { KongAdmin } from "./admin.js";
import { KongFile } from "./file.js";
import { drawKey } from "./names.js";
import { type Held, KongNode, NotInForce, type Wanted } from "./node.js";
import { type Plan, planOf, refused } from "./plan.js";
import { probe } from "./probe.js";

export interface KongPushOptions {
  /** The declarative file. */
  readonly file: string;
  readonly admins: readonly KongAdmin[];
  readonly anchors: Anchors;
  readonly bundle: { readonly text: string; readonly version: number };
  /** A text of revocations that is brought in beside the bundle, and the texts that its signer had read here. */
  readonly text?: string;
  readonly seen?: readonly string[];
  readonly confirmAnchors?: (changes: readonly string[]) => Promise<boolean>;
  readonly progress?: (line: string) => void;
  /** How long a probe may be judged otherwise than hoped. */
  readonly timeoutMs?: number;
  readonly courtesyMs?: number;
}

export type KongOutcome =
  /** Kong holds it, and no probe spoke against it. */
  | { readonly kind: "stored"; readonly says: string }
  /** Kong does not take it; or it does, and the filter does not judge. */
  | { readonly kind: "refused"; readonly error: UserError }
  /** Nobody can tell what it does. */
  | { readonly kind: "unseen"; readonly error: UserError };

export interface KongPushed {
  readonly admin: string;
  readonly outcome: KongOutcome;
}

export interface KongPushResult {
  readonly version: number;
  readonly generation: number;
  readonly nodes: readonly KongPushed[];
  readonly warnings: readonly string[];
  /** What the file holds now, in words. */
  readonly restart: string;
}

interface Seen {
  readonly node: KongNode;
  readonly held: Held;
}

const PROBES_A_WORKER = 4;
/** Beyond what Kong needs at most to have its workers look again. */
const SETTLING_MS = 5000;

class KongPushing {
  private readonly own: Bundle;
  private readonly warnings = new Set<string>();
  private readonly before: string;
  private readonly file: KongFile;
  private readonly key = drawKey();

  constructor(private readonly options: KongPushOptions) {
    const { bundle, file, admins } = options;
    this.own = signedBundle(bundle);
    this.before = readText(file, "the Kong configuration", "Write one with `glassgate gateway render --for kong`.");
    this.file = KongFile.read(this.before, file);
    for (const admin of admins) for (const key of [this.key, this.file.header.value]) admin.hide(key);
  }

  async run(): Promise<KongPushResult> {
    const { file, text } = this.options;
    const release = await takeLock(file, { ...this.options, isLeft: text !== undefined });
    try {
      if (!this.file.isEnabled)
        throw refused("The filter chain in the file is disabled.", "Take `enabled: false` out of it.");
      const { wanted, nodes } = await this.planFor(await this.look());
      const seen = nodes.filter((one) => "node" in one);
      // A Kong that is down shall not start without a revocation; a bundle waits until somebody takes it.
      if (seen.length === 0 && text === undefined)
        return this.result(
          nodes.filter((one) => "outcome" in one),
          false,
          0,
        );
      this.writeFile(wanted);
      const done: KongPushed[] = [];
      for (const one of nodes) done.push("node" in one ? await this.bring(one, wanted) : one);
      // What no Kong has taken shall not come with a restart. A revocation only takes away.
      const isTaken = done.some(({ outcome }) => outcome.kind !== "refused" || outcome.error instanceof NotInForce);
      if (!isTaken && text === undefined) this.restore();
      return this.result(done, isTaken || text !== undefined, wanted.generation);
    } finally {
      release();
    }
  }

  private async look(): Promise<(Seen | KongPushed)[]> {
    const found: (Seen | KongPushed)[] = [];
    for (const admin of this.options.admins) {
      try {
        const node = await KongNode.look(admin, this.file);
        // What only takes away is never refused for time.
        if (this.options.text === undefined) await checkClock(this.own, node.info, admin);
        const held = await node.held();
        if (held.key !== undefined) admin.hide(held.key);
        for (const line of node.warnings) this.warnings.add(`${admin.address}: ${line}`);
        found.push({ node, held });
      } catch (error) {
        found.push(failed(admin, error));
      }
    }
    return found;
  }

  /** Of what the file and the Kongs hold. One that lies, or was set up otherwise, keeps no revocation from the others. */
  private async planFor(nodes: (Seen | KongPushed)[]): Promise<{ wanted: Plan; nodes: (Seen | KongPushed)[] }> {
    try {
      return { wanted: await this.plan(nodes), nodes };
    } catch (error) {
      if (!(error instanceof UserError) || this.options.text === undefined) throw error;
    }
    const rest: (Seen | KongPushed)[] = [];
    for (const one of nodes) {
      try {
        await this.plan([...rest, one]);
        rest.push(one);
      } catch (error) {
        rest.push("node" in one ? failed(one.node.admin, error) : one);
      }
    }
    return { wanted: await this.plan(rest), nodes: rest };
  }

  private async plan(nodes: readonly (Seen | KongPushed)[]): Promise<Plan> {
    const warnings: string[] = [];
    const plan = await planOf({
      options: this.options,
      bundle: this.own,
      file: this.file.deployed,
      held: nodes.flatMap((one) => ("node" in one ? [one.held] : [])),
      header: { name: this.file.header.name, value: this.key },
      warn: (line) => warnings.push(line),
    });
    for (const line of warnings) this.warnings.add(line);
    return plan;
  }

  private writeFile(wanted: Wanted): void {
    const { file } = this.options;
    if (readText(file, "the Kong configuration") !== this.before)
      throw refused(`${visible(file)} has changed meanwhile.`, "Push again. Nothing was changed.");
    const before = this.file.header.value;
    this.file.setConfiguration(wanted.configuration);
    this.file.setKeys([before, wanted.key]);
    writeText(file, this.file.toString());
    if ((statSync(file).mode & 0o007) !== 0)
      this.warnings.add(
        `everybody on this machine can read ${visible(file)}, which holds the upstream key: chmod o= it`,
      );
  }

  private restore(): void {
    const { file } = this.options;
    if (readText(file, "the Kong configuration") === this.file.toString()) writeText(file, this.before);
  }

  private async bring({ node, held }: Seen, wanted: Wanted): Promise<KongPushed> {
    const { admin } = node;
    this.options.progress?.(`Bringing it to ${visible(admin.address)} ...`);
    try {
      await node.write(wanted, held);
      const difference = await differenceOf(node, wanted, held);
      if (difference !== undefined)
        throw new NotInForce(`Written to ${admin.address}, and ${difference}.`, {
          exitCode: 1,
          hint: "Look at it, and push again.",
        });
      return { admin: admin.address, outcome: { kind: "stored", says: await this.seenOf(node) } };
    } catch (error) {
      return failed(admin, error);
    }
  }

  /** How far it can be seen that it is in force. */
  private async seenOf(node: KongNode): Promise<string> {
    const { configuration } = node.info;
    const stored = `Kong holds it, read back as it was written`;
    if (configuration.role === "control_plane")
      return `${stored}; its data planes take it from there, which is not seen here`;
    const seconds = node.takesSeconds;
    const takes =
      seconds === 0 ? "its workers take it at once" : `its workers take it within about ${plural(seconds, "second")}`;
    const { probes } = this.file;
    if (probes.length === 0) return `${stored}; ${takes}. What each runs Kong does not tell`;
    const timeoutMs = this.options.timeoutMs ?? seconds * 1000 + SETTLING_MS;
    const seen: string[] = [];
    for (const probed of probes) {
      const effect = await probe(node.admin.host, probed, node.workers * PROBES_A_WORKER, timeoutMs);
      if (effect.isUnseen) return `${stored}; ${takes}. Whether it is in force was not seen: ${effect.says}`;
      if (!effect.isGood)
        throw new NotInForce(`${stored}, and it is not in force: ${effect.says}.`, { exitCode: 1, hint: NOT_TAKEN_UP });
      seen.push(effect.says);
    }
    return `${stored}; ${takes}. ${seen.join("; ")}; under which one Kong does not tell`;
  }

  private result(nodes: readonly KongPushed[], isTaken: boolean, generation: number): KongPushResult {
    const file = KongFile.read(readText(this.options.file, "the Kong configuration"), this.options.file);
    const [{ bundle } = { bundle: undefined }] = file.deployed;
    const restart = bundle === undefined ? "The file holds no bundle" : `The file holds version ${bundle.version}`;
    return {
      version: this.own.version,
      generation,
      nodes,
      warnings: [...this.warnings],
      restart: `${restart}${isTaken ? "" : ", as before"}.`,
    };
  }
}

const NOT_TAKEN_UP =
  "See Kong's error log, at `wasm` and at `glassgate: configuration refused`. One broken filter chain anywhere keeps all of them from being taken up.";

/** What is read back may be no configuration of ours any more, which is a difference as well. */
async function differenceOf(node: KongNode, wanted: Wanted, held: Held): Promise<string | undefined> {
  try {
    return await node.differs(wanted, held);
  } catch (error) {
    if (!(error instanceof UserError) || error instanceof UnseenError) throw error;
    return `read back it is another: ${error.message.replace(/\.$/, "")}`;
  }
}

function failed(admin: KongAdmin, error: unknown): KongPushed {
  if (!(error instanceof UserError)) throw error;
  return { admin: admin.address, outcome: { kind: error instanceof UnseenError ? "unseen" : "refused", error } };
}

/** Throws where nothing was written; what came of each Kong is in the result. */
export async function pushKong(options: KongPushOptions): Promise<KongPushResult> {
  return new KongPushing(options).run();
}
