/** What the readers of bundles and configurations share: the scanner, the memory, and why a text was refused. */
import { isLiteral } from "../text/bytes";
import { Fault } from "../text/fault";
import { JsonReader } from "../text/json";
import { Region } from "../text/region";

/** Passed down while a text is read. The first refusal wins. */
export class Loading {
  reader: JsonReader = new JsonReader();
  region: Region = new Region();
  /** Why, in plain words; empty while all is well. */
  reason: string = "";
  /** The name that the reason speaks of. */
  subjectPtr: usize = 0;
  subjectLen: i32 = 0;
  /** The member of the text, or of an entitlement in it, whose name was read last. */
  private memberPtr: usize = 0;
  private memberLen: i32 = 0;
  /** The members of the text that were read. */
  private seen: i32 = 0;

  start(ptr: usize, len: i32): void {
    this.region.open(ptr, len);
    this.reason = "";
    this.subjectPtr = 0;
    this.subjectLen = 0;
  }

  /** Records the reason and fails the reader, so that every reader above returns. Always false. */
  refuse(reason: string, subjectPtr: usize = 0, subjectLen: i32 = 0): bool {
    if (this.reason.length == 0) {
      this.reason = reason;
      this.subjectPtr = subjectPtr;
      this.subjectLen = subjectLen;
    }
    this.reader.fail();
    return false;
  }

  /** Copies bytes of the text, which lives until the callback returns only, into the memory. */
  copy(ptr: usize, len: i32): usize {
    if (!this.region.hasRoom(len)) {
      this.region.full = true;
      return ptr;
    }
    const copy = this.region.take(len);
    memory.copy(copy, ptr, len);
    return copy;
  }

  /** Reads a whole number within its bounds, else refuses with `reason`. */
  integer(least: i64, most: i64, reason: string): i64 {
    const value = this.reader.integer();
    if (this.reader.fault == Fault.Value || (this.reader.ok && (value < least || value > most))) this.refuse(reason);
    return value;
  }

  /** All is well: nothing refused, the JSON good so far, memory left. */
  good(): bool {
    return this.reason.length == 0 && this.reader.ok && !this.region.full;
  }

  /** Begins to read the JSON text at (ptr, len), one object. */
  open(ptr: usize, len: i32): void {
    this.memberPtr = 0;
    this.seen = 0;
    this.reader.start(ptr, len);
    this.reader.openObject();
  }

  /** Reads the name of the text's next member. False behind the last, and as soon as anything is wrong. */
  nextMember(): bool {
    if (!this.good() || !this.reader.nextMember()) return false;
    this.atMember();
    return true;
  }

  /** Whether that member, a bit of its own, is there for the first time; else refuses. An unknown one, 0, always is. */
  isFirst(member: i32): bool {
    if ((this.seen & member) != 0) return this.refuse("it has a member twice", this.memberPtr, this.memberLen);
    this.seen |= member;
    return true;
  }

  /** Whether the whole text was read and was good; else refuses. @param lacks why, where one of `required` is missing */
  finish(required: i32, lacks: string): bool {
    if (this.reason.length != 0) return false;
    if (!this.reader.finish() || this.region.full) {
      this.explain("it is not JSON, or a member is of the wrong type or out of its bounds");
      return false;
    }
    return (this.seen & required) == required || this.refuse(lacks);
  }

  /** The reader has read a member's name. */
  atMember(): void {
    this.memberPtr = this.reader.stringPtr;
    this.memberLen = this.reader.stringLen;
  }

  /** Where the JSON itself is bad and nobody gave a better reason, this is the reason, and the member at which it was. */
  explain(reason: string): void {
    if (this.reason.length != 0) return;
    this.reason = this.region.full ? "it is too large" : reason;
    this.subjectPtr = this.memberPtr;
    this.subjectLen = this.memberLen;
  }
}

/** Whether the last member's name is `literal`. */
export function isMember(reader: JsonReader, literal: string): bool {
  return isLiteral(reader.stringPtr, reader.stringLen, literal);
}
