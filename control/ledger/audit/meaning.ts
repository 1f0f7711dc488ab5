/**
 * The entries' form, and what they mean by the rules that the ledger itself went by. What the ledger said itself, in an alarm, is no
 * fault of the log; what it was silent about is.
 */
import { UserError } from "../../base/errors.js";
import { carriedSchema } from "../chain/carry.js";
import { alarmRows } from "../chain/codes.gen.js";
import { decodeFinding, type Finding } from "../chain/finding.js";
import { keyOfEnd } from "../chain/heartbeats.js";
import { classify, type Line, lineOf } from "../chain/lines.js";
import { readDrillToken } from "../drill.js";
import { decodeEntry, type Entry, type EntryHead } from "../entry.js";
import type { TileSource } from "../log.js";
import { type ReviewClaims, readReview } from "../review.js";
import { type Opening, openingOf, sealOfBody } from "../shard.js";
import { openCheckpoint } from "../tlog/checkpoint.js";
import { parseVkey } from "../tlog/note.js";
import { namesBlob, readBlob } from "./blob.js";
import type { CheckedBundle } from "./bundle.js";
import { entriesIn } from "./files.js";
import type { Problem } from "./problem.js";

/** The rules (chain/auditor.ts). */
export interface Rules {
  /** @param line what `lineOf` makes of it */
  take(index: number, entry: Entry, line: Line | undefined): void;
  /** What the ledger was silent about. */
  end(): readonly Finding[];
  /** Records that had not come when the log ended, and that no alarm names yet. */
  open(): readonly Stretch[];
  /** What else was still waited for then, or only counted: nobody knows yet whether it is wrong. */
  undecided(): readonly Finding[];
  /** What the ledger itself said, and what is not so. */
  faults(): readonly { readonly index: number; readonly says: string }[];
}

/** Records of a VM by their `seq`, both ends included. */
export interface Stretch {
  readonly vm: string;
  readonly from: number;
  readonly to: number;
}

/** A log that goes on from another has that one's signed checkpoint, and what goes along can be read. */
function faultOfOpening({ predecessor, carried }: Opening): string | undefined {
  const { origin, vkey, checkpoint } = predecessor;
  try {
    if (openCheckpoint(checkpoint, parseVkey(vkey)).origin !== origin)
      return "it names its predecessor by another name";
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return "the checkpoint of its predecessor is not signed by the key that it names";
  }
  return carriedSchema.safeParse(carried).success ? undefined : "what went along from its predecessor cannot be read";
}

/** What comes in besides lines. */
const OTHERS: ReadonlySet<string> = new Set(["heartbeat", "bundle", "text", "push"]);

/** A gateway's line under another name would be in no chain, or in nobody's sight. */
function faultOfName({ type, why }: EntryHead, body: Buffer, known: Line | undefined): string | undefined {
  // What came as something else may be whatever its sender made of it: that it is labelled is what the ledger owes.
  if (type === "quarantine" && why !== undefined && OTHERS.has(why)) return undefined;
  const line = (known ?? classify(body)).type;
  return line === "record" || (type === "quarantine" && line !== "quarantine")
    ? `it is a gateway's ${line}, and stands there as ${type}`
    : undefined;
}

/** Of one entry no more is found than this; several times what the rules have. */
const MAX_FINDINGS_EACH = 64;

/** An alarm that stands for more than was there would stand for whatever comes. */
function faultOfAlarm(index: number, body: Buffer): string | undefined {
  const alarm = decodeFinding(body);
  if (alarm === undefined) return "it is no alarm as a ledger writes them";
  const { count = 0 } = alarm;
  if (count > MAX_FINDINGS_EACH * index)
    return `it is an alarm that stands for ${count}, and ${index} entries were there`;
  return undefined;
}

/** What is wrong with the form of what only the ledger itself says. */
function faultOfOwn(index: number, { head, body }: Entry, line: Line | undefined): string | undefined {
  switch (head.type) {
    case "alarm":
      return faultOfAlarm(index, body);
    case "end":
      return keyOfEnd(body) === undefined ? "it does not say which VM is over" : undefined;
    case "shard": {
      const opening = index === 0 ? openingOf(body) : undefined;
      if (opening !== undefined) return faultOfOpening(opening);
      return sealOfBody(body) === undefined ? "it neither opens nor seals a shard" : undefined;
    }
    case "quarantine":
    case "evidence":
    case "receipt":
    case "answer":
    case "review":
    case "drill":
    case "heartbeat":
    case "bundle":
    case "text":
    case "push":
      return faultOfName(head, body, line);
    default:
      return undefined;
  }
}

export interface Shown {
  readonly index: number;
  readonly code: "review_invalid" | "drill_invalid";
  readonly subject: string;
  /** Whose signature, under what. */
  readonly whose: string;
  readonly checkpoint: ReviewClaims["checkpoint"];
}

/** @param before the log that this one goes on from: what was signed of a drill there is no word about this tree */
function shownBy(
  index: number,
  type: "review" | "drill",
  token: string,
  before: string | undefined,
): Shown | undefined {
  if (type === "review") {
    const { claims } = readReview(token) ?? {};
    if (claims === undefined) return undefined;
    const { sub, review, checkpoint } = claims;
    const whose = `the closing signature of ${sub} under ${review}`;
    return { index, code: "review_invalid", subject: review, whose, checkpoint };
  }
  const { claims } = readDrillToken(token) ?? {};
  if (claims?.checkpoint === undefined || (before !== undefined && claims.origin === before)) return undefined;
  const { sub, name, checkpoint } = claims;
  return {
    index,
    code: "drill_invalid",
    subject: name,
    whose: `the signature of ${sub} under the drill ${name}`,
    checkpoint,
  };
}

/** More are counted, and not kept. */
const MAX_KEPT = 1000;
const NO_HEAD = "its first line is not one that a ledger writes";

export class Meaning {
  /** Entries of each type. */
  readonly counts = new Map<string, number>();
  /** Alarms in the log, of more than a notice. */
  readonly onRecord: Finding[] = [];
  onRecordCount = 0;
  /** Those that are a notice. */
  noticeCount = 0;
  /** The first entry that no ledger writes so, or whose blob is not there. */
  malformed: Problem | undefined;
  malformedCount = 0;
  /** What signers of reviews and drills saw when they signed. */
  readonly shown: Shown[] = [];
  /** The log that it goes on from, by name: what it took over from there nobody proves here. */
  predecessor: string | undefined;
  blobs = 0;
  entries = 0;
  /** The entry that names a successor: it is the last one. */
  private seal: number | undefined;

  constructor(
    private readonly source: TileSource,
    private readonly rules: Rules,
  ) {}

  /** Bundles come in their order. @param first its first entry's index */
  async take({ bytes, offsets, path }: CheckedBundle, first: number): Promise<void> {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (const [i, entry] of entriesIn(view, offsets).entries()) {
      const decoded = decodeEntry(entry);
      this.entries += 1;
      const fault = decoded === undefined ? NO_HEAD : this.takeEntry(first + i, decoded);
      // Nearly none has a blob to wait for.
      const says = typeof fault === "object" ? await fault : fault;
      if (says === undefined) continue;
      this.malformedCount += 1;
      this.malformed ??= { step: "form", file: path, index: first + i, byte: offsets[i] ?? 0, says };
    }
  }

  /** @returns what is wrong with its form */
  private takeEntry(index: number, entry: Entry): Promise<string | undefined> | string | undefined {
    const { head } = entry;
    this.counts.set(head.type, (this.counts.get(head.type) ?? 0) + 1);
    return namesBlob(head) ? this.takeBlob(index, head) : this.takeWhole(index, entry);
  }

  private async takeBlob(index: number, head: EntryHead & { readonly sha256: string }): Promise<string | undefined> {
    this.blobs += 1;
    const body = await readBlob(this.source, head);
    return typeof body === "string" ? body : this.takeWhole(index, { head, body });
  }

  private takeWhole(index: number, entry: Entry): string | undefined {
    const { head, body } = entry;
    const fault = this.seal === undefined ? undefined : `it stands behind entry ${this.seal}, which seals the log`;
    if (head.type === "shard" && sealOfBody(body) !== undefined) this.seal ??= index;
    if (head.type === "shard" && index === 0) this.predecessor = openingOf(body)?.predecessor.origin;
    const line = lineOf(entry);
    this.rules.take(index, entry, line);
    if (head.type === "alarm") this.noteAlarm(index, body);
    if (head.type === "review" || head.type === "drill") this.noteShown(index, head.type, body);
    return fault ?? faultOfOwn(index, entry, line);
  }

  private noteAlarm(index: number, body: Buffer): void {
    const alarm = decodeFinding(body);
    if (alarm === undefined) return;
    if (isNotice(alarm)) {
      this.noticeCount += 1;
      return;
    }
    this.onRecordCount += 1;
    if (this.onRecord.length < MAX_KEPT) this.onRecord.push({ ...alarm, index });
  }

  private noteShown(index: number, type: "review" | "drill", body: Buffer): void {
    const shown = shownBy(index, type, body.toString("latin1"), this.predecessor);
    if (shown !== undefined && this.shown.length < MAX_KEPT) this.shown.push(shown);
  }

  open(): readonly Stretch[] {
    return this.rules.open();
  }

  faults(): readonly Problem[] {
    return this.rules.faults().map((fault) => ({ step: "meaning", ...fault }));
  }

  undecided(): readonly Finding[] {
    return this.rules.undecided().filter((finding) => !isNotice(finding));
  }

  /** What the ledger was silent about, in the log's order. */
  end(): readonly Finding[] {
    const placeOf = ({ index, about }: Finding): number => index ?? about[0] ?? Number.POSITIVE_INFINITY;
    return [...this.rules.end()].sort((a, b) => placeOf(a) - placeOf(b));
  }
}

export const isNotice = ({ code }: Finding): boolean => alarmRows[code].severity === "notice";

export function problemOf({ code, about, index = about[0], vm, seq, says }: Finding): Problem {
  return {
    step: "meaning",
    code,
    ...(index === undefined ? {} : { index }),
    ...(vm === undefined ? {} : { vm }),
    ...(seq === undefined ? {} : { seq }),
    says,
  };
}
