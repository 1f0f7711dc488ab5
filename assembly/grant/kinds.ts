/** How each kind of claim is read (config/claims.json). On failure the reader is failed; what is returned is never null. */

import { isGrantId, isName } from "../text/bytes";
import { JsonReader } from "../text/json";
import { newText, Region, Text } from "../text/region";

export function readName(reader: JsonReader, region: Region): Text {
  if (reader.string() && !isName(reader.stringPtr, reader.stringLen)) reader.fail();
  return newText(region, reader.stringPtr, reader.stringLen);
}

export function readGrantId(reader: JsonReader, region: Region): Text {
  if (reader.string() && !isGrantId(reader.stringPtr, reader.stringLen)) reader.fail();
  return newText(region, reader.stringPtr, reader.stringLen);
}

/** Any text of 1 to `maxBytes`. */
export function readBounded(reader: JsonReader, region: Region, maxBytes: i32): Text {
  if (reader.string() && (reader.stringLen < 1 || reader.stringLen > maxBytes)) reader.fail();
  return newText(region, reader.stringPtr, reader.stringLen);
}
