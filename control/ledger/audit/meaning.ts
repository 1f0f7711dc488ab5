/**
 * The entries' form, and what they mean by the rules that the ledger itself went by. What the ledger said itself, in an alarm, is no
 * fault of the log; what it was silent about is.
 */
import { alarmRows } from "../chain/codes.gen.js";
import { decodeFinding, type Finding } from "../chain/finding.js";
import { keyOfEnd } from "../chain/heartbeats.js";
import { decodeEntry, type Entry, type EntryHead } from "../entry.js";
import type { TileSource } from "../log.js";
import { type ReviewClaims, readReview } from "../review.js";
import { openingOf, sealOfBody } from "../shard.js";
import { namesBlob, readBlob } from "./blob.js";
import type { CheckedBundle } from "./bundle.js";
import { entriesIn } from "./files.js";
import type { Problem } from "./problem.js";

/** The rules (chain/auditor.ts). */
export interface Rules {
  take(index: number, entry: Entry): void;
  /** What the ledger was silent about. */
  end(): readonly Finding[];
  /** Records that had not come when the log ended, and that no alarm names yet. */
  open(): readonly Stretch[];
}

/** Records of a VM by their `seq`, both ends included. */
export interface Stretch {
  readonly vm: string;
  readonly from: number;
  readonly to: number;
}

/** What is wrong with the form of what only the ledger itself says. */
function faultOfOwn(index: number, { head, body }: Entry): string | undefined {
  switch (head.type) {
    case "alarm":
      return decodeFinding(body) === undefined ? "it is no alarm as a ledger writes them" : undefined;
    case "end":
      return keyOfEnd(body) === undefined ? "it does not say which VM is over" : undefined;
    case "shard":
      return sealOfBody(body) !== undefined || (index === 0 && openingOf(body) !== undefined)
        ? undefined
        : "it neither opens nor seals a shard";
    default:
      return undefined;
  }
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
  /** The first entry that no ledger writes so, or whose blob is not there. */
  malformed: Problem | undefined;
  malformedCount = 0;
  /** What reviewers saw when they signed. */
  readonly shown: { readonly index: number; readonly claims: ReviewClaims }[] = [];
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
    this.rules.take(index, entry);
    if (head.type === "alarm") this.noteAlarm(index, body);
    if (head.type === "review") this.noteShown(index, body);
    return fault ?? faultOfOwn(index, entry);
  }

  private noteAlarm(index: number, body: Buffer): void {
    const alarm = decodeFinding(body);
    if (alarm === undefined || alarmRows[alarm.code].severity === "notice") return;
    this.onRecordCount += 1;
    if (this.onRecord.length < MAX_KEPT) this.onRecord.push({ ...alarm, index });
  }

  private noteShown(index: number, body: Buffer): void {
    const { claims } = readReview(body.toString("latin1")) ?? {};
    if (claims !== undefined && this.shown.length < MAX_KEPT) this.shown.push({ index, claims });
  }

  open(): readonly Stretch[] {
    return this.rules.open();
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
