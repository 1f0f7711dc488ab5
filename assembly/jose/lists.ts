/** Reading arrays of strings: closed, bounded, each element checked. */
import { isName } from "../text/bytes";
import { JsonReader } from "../text/json";
import { newTextList, Region, TextList } from "../text/region";

/** What each element must be. */
export enum Element {
  /** `[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}` */
  Name,
  /** Any string of 1 to 64 bytes. */
  Short,
}

function accepts(element: i32, ptr: usize, len: i32): bool {
  return element == Element.Name ? isName(ptr, len) : len >= 1 && len <= 64;
}

/** `[string, ...]` of `min` to `max` elements. On failure the reader is failed; the list is never null. */
export function readList(reader: JsonReader, region: Region, element: i32, min: i32, max: i32): TextList {
  const list = newTextList(region);
  if (!reader.openArray()) return list;
  while (reader.nextElement()) {
    if (!reader.string()) return list;
    if (!accepts(element, reader.stringPtr, reader.stringLen)) reader.fail();
    else if (!list.push(region, reader.stringPtr, reader.stringLen, max)) reader.fail();
    if (!reader.ok) return list;
  }
  if (list.count < min) reader.fail();
  return list;
}

/** `aud`: a name or an array of 1 to `max` names (RFC 7519, section 4.1.3). */
export function readNameOrList(reader: JsonReader, region: Region, max: i32): TextList {
  if (reader.kind() == 0x5b /* [ */) return readList(reader, region, Element.Name, 1, max);
  const list = newTextList(region);
  if (!reader.string()) return list;
  if (!isName(reader.stringPtr, reader.stringLen)) reader.fail();
  else if (!list.push(region, reader.stringPtr, reader.stringLen, max)) reader.fail();
  return list;
}
