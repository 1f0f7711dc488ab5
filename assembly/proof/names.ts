/**
 * The names in the objects that are open, so that none comes twice in one. A proof's objects are not closed as ours are: each
 * may hold members that nobody has heard of, and those must be strict JSON as well.
 */
import { MAX_PROOF_MEMBERS } from "../limits";
import { equalBytes } from "../text/bytes";
import { Fault } from "../text/fault";
import { JsonReader } from "../text/json";

/** | ptr u32 | len i32 | each. */
const names: usize = memory.data(512, 8); // MAX_PROOF_MEMBERS x 8
let count: i32 = 0;

/** Before a text is read. */
export function forgetNames(): void {
  count = 0;
}

/** An object is opened. What `leaveObject` takes. */
export function enterObject(): i32 {
  return count;
}

/** The object is closed: its names may come again. */
export function leaveObject(mark: i32): void {
  count = mark;
}

/** Takes the name that the reader has read. False, and the reader failed, when it came before or is one too many. */
export function takeName(reader: JsonReader, mark: i32): bool {
  const ptr = reader.stringPtr;
  const len = reader.stringLen;
  for (let i = mark; i < count; i++) {
    const name = names + ((<usize>i) << 3);
    if (equalBytes(load<u32>(name), load<i32>(name, 4), ptr, len)) return reader.fail(Fault.Twice);
  }
  if (count >= MAX_PROOF_MEMBERS) return reader.fail(Fault.TooLarge);
  const name = names + ((<usize>count) << 3);
  store<u32>(name, <u32>ptr);
  store<i32>(name, len, 4);
  count += 1;
  return true;
}

/** Reads on over a value of any type: depth, names and strings as everywhere, and any number that JSON knows. */
export function skipValue(reader: JsonReader): void {
  switch (reader.kind()) {
    case 0x7b: {
      if (!reader.openObject()) return;
      const mark = enterObject();
      while (reader.nextMember() && takeName(reader, mark)) skipValue(reader);
      leaveObject(mark);
      return;
    }
    case 0x5b: {
      if (!reader.openArray()) return;
      while (reader.nextElement()) skipValue(reader);
      return;
    }
    case 0x22:
      reader.string();
      return;
    case 0x74:
    case 0x66:
      reader.boolean();
      return;
    case 0x6e:
      reader.nothing();
      return;
    default:
      reader.skipNumber();
  }
}
