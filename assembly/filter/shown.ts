/** Values of claims as JSON, a function for each way in which they are held (config/claims.json). */
import { Detail, Scope } from "../jose/details";
import { Text, TextList } from "../text/region";
import { Writer } from "../text/writer";

export function writeText(writer: Writer, text: Text): void {
  writer.string(text.ptr, text.len);
}

export function writeInteger(writer: Writer, value: i64): void {
  writer.integer(value);
}

export function writeList(writer: Writer, texts: TextList): void {
  writer.byte(0x5b);
  for (let i = 0; i < texts.count; i++) {
    if (i > 0) writer.byte(0x2c);
    writeText(writer, texts.at(i));
  }
  writer.byte(0x5d);
}

export function writeScope(writer: Writer, scope: Scope): void {
  writer.byte(0x5b);
  for (let at = scope.first; at != 0; at = changetype<Detail>(at).next) {
    const detail = changetype<Detail>(at);
    if (at != scope.first) writer.byte(0x2c);
    writer.literal('{"type":"break_glass_http","locations":');
    writeList(writer, detail.locations);
    writer.literal(',"actions":');
    writeList(writer, detail.actions);
    writer.literal(',"paths":');
    writeList(writer, detail.paths);
    writer.byte(0x7d);
  }
  writer.byte(0x5d);
}
