/**
 * Puts a bundle, or a text of revocations, into running Kongs and into the declarative file that they are started from, each time with a
 * new upstream key. Versions only rise and no text is lost, as with an Envoy. How far it could be seen is said: Kong tells what it has
 * stored, and a probe who judges; not which bundle each worker serves.
 */
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import type { Anchors } from "../../trust/anchors.js";
import { UnseenError } from "../admin.js";
import { type Bundle, signedBundle } from "../ecds.js";
import { takeLock } from "../push-lock.js";
import { checkClock } from "../push-preflight.js";
import type { KongAdmin } from "./admin.js";
import type { KongFile } from "./file.js";
import { drawKey } from "./names.js";
import { type Difference, type Held, KongNode, keysOf, NotInForce, type Wanted } from "./node.js";
import { PlacedFile } from "./placed.js";
import { type Plan, planOf, refused } from "./plan.js";
import { seenOf } from "./seen.js";

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
  /** Why a text is not in the file; else undefined. */
  readonly fileFault: UserError | undefined;
  /** What the file holds now, in words. */
  readonly restart: string;
}

interface Seen {
  readonly node: KongNode;
  readonly held: Held;
}

/** Each round holds all that the one before has found, so two pushes agree after two; more are others' work. */
const MAX_ROUNDS = 5;

class KongPushing {
  private readonly own: Bundle;
  private readonly warnings = new Set<string>();
  private readonly key = drawKey();
  private readonly placed: PlacedFile;

  constructor(private readonly options: KongPushOptions) {
    const { bundle, file, text } = options;
    this.own = signedBundle(bundle);
    this.placed = new PlacedFile(file, text !== undefined);
    this.hide(this.key);
    this.hide(this.file.header.value);
  }

  private get file(): KongFile {
    return this.placed.file;
  }

  private hide(key: string): void {
    for (const admin of this.options.admins) admin.hide(key);
  }

  async run(): Promise<KongPushResult> {
    const { file, text } = this.options;
    const release = await takeLock(file, { ...this.options, isLeft: text !== undefined });
    try {
      for (let round = 1; ; round++) {
        const done = await this.round(round === MAX_ROUNDS);
        if (done !== undefined) return done;
        if (round === MAX_ROUNDS)
          throw new UserError(`${visible(file)} and Kong are changed by others again and again.`, {
            hint: "Let them come to their end, and run the same command again.",
            exitCode: 1,
          });
        this.options.progress?.("Another push has come meanwhile: joining it ...");
      }
    } finally {
      release();
    }
  }

  /**
   * Undefined where another push has come in between: what it has brought must stay, so all is read and brought anew.
   * @param isLast one Kong that always shows another's is left out by itself
   */
  private async round(isLast: boolean): Promise<KongPushResult | undefined> {
    const { text } = this.options;
    this.hide(this.placed.readAgain().header.value);
    if (!this.file.isEnabled)
      throw refused("The filter chain in the file is disabled.", "Take `enabled: false` out of it.");
    const isAgain = this.placed.isWritten;
    const { wanted, nodes } = await this.planFor(await this.look(), isAgain);
    // A Kong that is down shall not start without a revocation; a bundle waits until somebody takes it.
    if (!nodes.some((one) => "node" in one) && text === undefined && !isAgain)
      return this.result(
        nodes.filter((one) => "outcome" in one),
        false,
        0,
      );
    if (!this.placed.write(wanted, (line) => this.warnings.add(line))) return undefined;
    const done: KongPushed[] = [];
    for (const one of nodes) {
      const brought = "node" in one ? await this.bring(one, wanted) : one;
      if (brought !== undefined) done.push(brought);
      else if (isLast && "node" in one) done.push(neverTheSame(one.node.admin));
      else return undefined;
    }
    // Whoever wrote after this push may have been overwritten by it in Kong.
    if (!this.placed.isUntouched) return undefined;
    // What no Kong has taken shall not come with a restart. A revocation only takes away.
    const isTaken = done.some(({ outcome }) => outcome.kind !== "refused" || outcome.error instanceof NotInForce);
    if (!isTaken && text === undefined) this.placed.restore();
    return this.result(
      done.map((one) => this.overtaken(one, wanted)),
      isTaken || text !== undefined,
      wanted.generation,
    );
  }

  /** A newer bundle that came meanwhile was brought again, and not this one. */
  private overtaken(one: KongPushed, { bundle }: Plan): KongPushed {
    if (this.options.text !== undefined || bundle.version === this.own.version || one.outcome.kind !== "stored")
      return one;
    const error = refused(
      `Version ${this.own.version} was overtaken by version ${bundle.version}, which has come meanwhile and is stored.`,
      `If it is to serve, build and sign it again with a version above ${bundle.version}.`,
    );
    return { admin: one.admin, outcome: { kind: "refused", error } };
  }

  /** Of what the file and the Kongs hold. One that lies, or was set up otherwise, keeps no revocation from the others. */
  private async planFor(
    nodes: (Seen | KongPushed)[],
    isAgain: boolean,
  ): Promise<{ wanted: Plan; nodes: (Seen | KongPushed)[] }> {
    try {
      return { wanted: await this.plan(nodes, isAgain), nodes };
    } catch (error) {
      if (!(error instanceof UserError) || this.options.text === undefined) throw error;
    }
    const rest: (Seen | KongPushed)[] = [];
    for (const one of nodes) {
      try {
        await this.plan([...rest, one], isAgain);
        rest.push(one);
      } catch (error) {
        rest.push("node" in one ? failed(one.node.admin, error) : one);
      }
    }
    return { wanted: await this.plan(rest, isAgain), nodes: rest };
  }

  private async plan(nodes: readonly (Seen | KongPushed)[], isAgain: boolean): Promise<Plan> {
    const warnings: string[] = [];
    const plan = await planOf({
      options: this.options,
      bundle: this.own,
      file: this.file.deployed,
      held: nodes.flatMap((one) => ("node" in one ? [one.held] : [])),
      header: { name: this.file.header.name, value: this.key },
      warn: (line) => warnings.push(line),
      // Once written a text has taken its rivals' place.
      read: isAgain ? undefined : this.options.seen,
      isAgain,
    });
    for (const line of warnings) this.warnings.add(line);
    return plan;
  }

  private async look(): Promise<(Seen | KongPushed)[]> {
    return Promise.all(this.options.admins.map((admin) => this.lookAt(admin)));
  }

  private async lookAt(admin: KongAdmin): Promise<Seen | KongPushed> {
    try {
      const node = await KongNode.look(admin, this.file);
      // What only takes away is never refused for time.
      if (this.options.text === undefined) await checkClock(this.own, node.info, admin);
      const held = await node.held();
      if (held.key !== undefined) admin.hide(held.key);
      for (const line of node.warnings) this.warnings.add(`${admin.address}: ${line}`);
      return { node, held };
    } catch (error) {
      return failed(admin, error);
    }
  }

  /** Undefined where it holds what another push has brought since it was looked at. */
  private async bring({ node, held }: Seen, wanted: Wanted): Promise<KongPushed | undefined> {
    const { admin } = node;
    this.options.progress?.(`Bringing it to ${visible(admin.address)} ...`);
    try {
      if (!(await node.write(wanted, held))) return undefined;
      const difference = await differenceOf(node, wanted, held);
      if (difference?.isPushed === true) return undefined;
      if (difference !== undefined)
        throw new NotInForce(`Written to ${admin.address}, and ${difference.says}.`, {
          exitCode: 1,
          hint: "Look at it, and push again.",
        });
      return {
        admin: admin.address,
        outcome: { kind: "stored", says: await seenOf(node, this.file.probes, this.options.timeoutMs) },
      };
    } catch (error) {
      return failed(admin, error);
    }
  }

  private result(nodes: readonly KongPushed[], isTaken: boolean, generation: number): KongPushResult {
    const file = this.placed.now;
    const [{ bundle } = { bundle: undefined }] = file.deployed;
    const restart = bundle === undefined ? "The file holds no bundle" : `The file holds version ${bundle.version}`;
    return {
      version: this.own.version,
      generation,
      nodes,
      warnings: [...this.warnings],
      fileFault: this.placed.fault,
      restart: `${restart}${isTaken ? "" : ", as before"}.`,
    };
  }
}

/** What is read back may be no configuration of ours any more, which is a difference as well. */
async function differenceOf(node: KongNode, wanted: Wanted, held: Held): Promise<Difference | undefined> {
  try {
    return await node.differs(wanted, keysOf(wanted, held));
  } catch (error) {
    if (!(error instanceof UserError) || error instanceof UnseenError) throw error;
    return { says: `read back it is another: ${error.message.replace(/\.$/, "")}`, isPushed: false };
  }
}

function neverTheSame(admin: KongAdmin): KongPushed {
  const error = new NotInForce(`${admin.address} shows another configuration after each write.`, {
    hint: "Let others who push come to their end, and run the same command again; else look at that Kong.",
    exitCode: 1,
  });
  return { admin: admin.address, outcome: { kind: "refused", error } };
}

function failed(admin: KongAdmin, error: unknown): KongPushed {
  if (!(error instanceof UserError)) throw error;
  return { admin: admin.address, outcome: { kind: error instanceof UnseenError ? "unseen" : "refused", error } };
}

/** Throws where nothing was written; what came of each Kong is in the result. */
export async function pushKong(options: KongPushOptions): Promise<KongPushResult> {
  return new KongPushing(options).run();
}
