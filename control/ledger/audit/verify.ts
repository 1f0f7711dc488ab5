/** From a folder of files, a key and, where there is one, a kept checkpoint to what that proves (docs/audit.md). */
import { UserError } from "../../base/errors.js";
import { plural } from "../../base/text.js";
import type { Finding } from "../chain/finding.js";
import { faultOfShown } from "../closing.js";
import type { TileSource } from "../log.js";
import { type Checkpoint, openCheckpoint } from "../tlog/checkpoint.js";
import { COSIGNED } from "../tlog/file-source.js";
import { decodeNote, type Vkey } from "../tlog/note.js";
import { TILE_WIDTH as WIDTH } from "../tlog/tiles.js";
import { bundlesOf } from "./files.js";
import { isNotice, Meaning, problemOf, type Rules, type Stretch } from "./meaning.js";
import { checkBundles } from "./pass.js";
import { Broken, type Problem, type Step } from "./problem.js";
import type { Report, StepResult } from "./report.js";
import { faultSince, type Kept, openKept, openSigned, sentence } from "./signed.js";
import { openSource } from "./source.js";
import { Tree } from "./tree.js";

export interface VerifyOptions {
  /** A folder, or an https:// URL. */
  readonly where: string;
  /** For a URL, where it is a ledger that asks for one. */
  readonly token?: string | undefined;
  readonly key: Vkey;
  readonly since: readonly Kept[];
  /** Verifies the cosignatures of a checkpoint: names of the witnesses, or why they do not do. */
  readonly witnesses: ((checkpoint: Checkpoint) => readonly string[]) | undefined;
  readonly rules: Rules;
  readonly threads: number | undefined;
  readonly progress: (step: Step, done: number, of: number) => void;
}

class Verification {
  private readonly steps: StepResult[] = [];
  private readonly problems: Problem[] = [];
  private readonly consistentWith: { file: string; size: number }[] = [];
  private witnesses: readonly string[] = [];
  private witnessedSize: number | undefined;
  private checkpoint: Checkpoint | undefined;
  /** The step that is being taken. */
  private at: Step = "checkpoint";
  private notices: readonly Finding[] = [];
  private open: readonly Stretch[] = [];
  private undecided: readonly Problem[] = [];
  private readonly source: TileSource;
  private readonly meaning: Meaning;

  constructor(private readonly options: VerifyOptions) {
    this.source = openSource(options.where, options.token);
    this.meaning = new Meaning(this.source, options.rules);
  }

  private say(step: Step, holds: boolean | undefined, says: string): void {
    this.steps.push({ step, holds, says });
  }

  private blame(problem: Problem, says: string): void {
    this.problems.push(problem);
    this.say(problem.step, false, says);
  }

  async run(): Promise<Report> {
    const { options, source } = this;
    const kept = options.since.map((one) => ({ file: one.file, checkpoint: openKept(one, options.key) }));
    try {
      // Before the checkpoint: a log that goes on meanwhile has none cosigned that is newer than the one which is read next.
      const [cosigned] = await Promise.allSettled([options.witnesses && source.read(COSIGNED)]);
      const checkpoint = await openSigned(source, options.key);
      this.checkpoint = checkpoint;
      this.say(
        "checkpoint",
        true,
        `signed by ${options.key.name}: ${checkpoint.size} entries, root ${checkpoint.root.toString("base64")}`,
      );
      const agree = await this.entries(source, checkpoint);
      await this.cosigned(source, checkpoint, agree, cosigned);
      for (const { file, checkpoint: before } of kept)
        if (agree || before.size > checkpoint.size) await this.since(source, file, before, checkpoint);
        else this.say("since", undefined, `${file}: not compared`);
    } catch (error) {
      if (!(error instanceof UserError) || error.exitCode !== 1) throw error;
      const problem = error instanceof Broken ? error.problem : { step: this.at, says: sentence(error) };
      this.blame(problem, sentence(error));
    }
    return this.report();
  }

  /** Whom the policy demands: under the newest checkpoint that they cosigned, which the log must go on from, else under its own. */
  private async cosigned(
    source: TileSource,
    checkpoint: Checkpoint,
    agree: boolean,
    read: PromiseSettledResult<Buffer | undefined>,
  ): Promise<void> {
    if (this.options.witnesses === undefined) return;
    this.at = "witnesses";
    if (read.status === "rejected") throw read.reason;
    const bytes = read.value;
    const file = bytes === undefined ? "checkpoint" : COSIGNED;
    try {
      const shown = bytes === undefined ? checkpoint : openCheckpoint(decodeNote(bytes), this.options.key);
      const names = this.options.witnesses(shown);
      if (!agree && shown.size <= checkpoint.size && shown !== checkpoint)
        return this.say("witnesses", undefined, "not compared: these are not the entries that were signed");
      const fault = shown === checkpoint ? undefined : await faultSince(source, shown, checkpoint);
      if (fault !== undefined) return this.blame({ step: "witnesses", file, says: fault }, fault);
      // Of an empty tree everybody can say that he saw it.
      this.witnesses = shown.size === 0 ? [] : names;
      this.witnessedSize = shown.size;
      const by = names.join(", ") || "nobody, as it demands none";
      this.say("witnesses", true, `${shown.size} entries are cosigned as the policy demands, by ${by}`);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.blame({ step: "witnesses", file, says: sentence(error) }, sentence(error));
    }
  }

  /** @returns whether entries, tiles and root agree */
  private async entries(source: TileSource, checkpoint: Checkpoint): Promise<boolean> {
    this.at = "entries";
    const { where, token, threads, progress } = this.options;
    const { size, root } = checkpoint;
    const tree = new Tree(source, size, root);
    for await (const bundle of checkBundles({ where, token }, size, threads)) {
      tree.take(bundle);
      await this.meaning.take(bundle, bundle.bundle * WIDTH);
      progress("entries", this.meaning.entries, size);
    }
    const wrong = await tree.judge();
    if (wrong !== undefined) {
      this.blame(wrong, "entries, tiles and root do not agree");
      this.say("form", undefined, "not judged: these are not the entries that were signed");
      this.say("meaning", undefined, "not judged: these are not the entries that were signed");
      return false;
    }
    this.say("entries", true, `${size} in ${plural(bundlesOf(size), "bundle")}, each with the hash that its tile has`);
    this.say(
      "tiles",
      true,
      `${plural(tree.tiles, "tile")} of ${plural(tree.levels, "level")}, each made anew; they make the signed root`,
    );
    this.judgeForm();
    this.judgeMeaning(await this.shown(source, checkpoint));
    return true;
  }

  private judgeForm(): void {
    const { malformed, malformedCount, blobs } = this.meaning;
    if (malformed !== undefined)
      this.blame(malformed, `${malformedCount} of ${this.meaning.entries} entries are not as a ledger writes them`);
    else
      this.say(
        "form",
        true,
        `every entry is of a known type${blobs === 0 ? "" : `; ${plural(blobs, "blob")} with the hash that names it`}`,
      );
  }

  /** Signatures over another history than this one: each names the checkpoint that its signer saw. */
  private async shown(source: TileSource, now: Checkpoint): Promise<Finding[]> {
    const findings: Finding[] = [];
    for (const { index, code, subject, whose, checkpoint } of this.meaning.shown) {
      const fault = await faultOfShown(source, checkpoint, now);
      if (fault === undefined) continue;
      findings.push({ code, subject, about: [index], index, says: `${whose} does not hold: ${fault}` });
    }
    return findings;
  }

  private judgeMeaning(shown: readonly Finding[]): void {
    const silent = this.meaning.end();
    const wrong = [...silent.filter((finding) => !isNotice(finding)), ...shown];
    this.notices = silent.filter(isNotice);
    this.open = this.meaning.open();
    this.undecided = this.meaning.undecided().map(problemOf);
    const faults = this.meaning.faults();
    this.problems.push(...wrong.map(problemOf), ...faults);
    const { onRecordCount, noticeCount } = this.meaning;
    const alarms = onRecordCount === 0 ? "no alarm is on record" : `${plural(onRecordCount, "alarm")} on record`;
    const onRecord = noticeCount === 0 ? alarms : `${alarms}, and ${plural(noticeCount, "notice")}`;
    if (wrong.length > 0)
      this.say("meaning", false, `${plural(wrong.length, "finding")} without an alarm of the ledger's; ${onRecord}`);
    else if (faults.length > 0)
      this.say("meaning", false, `the ledger said what is not so ${plural(faults.length, "time")}; ${onRecord}`);
    else this.say("meaning", true, `nothing wrong that the ledger was silent about; ${onRecord}`);
  }

  private async since(source: TileSource, file: string, before: Checkpoint, now: Checkpoint): Promise<void> {
    this.at = "since";
    if (before.size === 0)
      return this.say("since", undefined, `${file}: it is of an empty tree, and says nothing of what is here`);
    const fault = await faultSince(source, before, now);
    if (fault === undefined) {
      this.consistentWith.push({ file, size: before.size });
      this.say("since", true, `nothing that was there at size ${before.size} (${file}) was changed or removed`);
    } else this.blame({ step: "since", file, says: fault }, fault);
  }

  private report(): Report {
    const { options, checkpoint, meaning } = this;
    return {
      origin: options.key.name,
      key: options.key.text,
      size: checkpoint?.size ?? 0,
      root: checkpoint?.root.toString("base64") ?? "",
      checkpoint: checkpoint?.text ?? "",
      steps: this.steps,
      problems: this.problems,
      onRecord: meaning.onRecord,
      onRecordCount: meaning.onRecordCount,
      notices: this.notices,
      open: this.open,
      undecided: this.undecided,
      predecessor: meaning.predecessor,
      counts: Object.fromEntries(meaning.counts),
      consistentWith: this.consistentWith,
      witnesses: this.witnesses,
      witnessedSize: this.witnessedSize,
    };
  }
}

/**
 * @throws UserError where an input is wrong (exit 2), or where the ledger cannot be reached. What is wrong with the ledger itself
 * stands in the report.
 */
export const verifyLedger = (options: VerifyOptions): Promise<Report> => new Verification(options).run();
