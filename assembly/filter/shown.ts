/** Values of claims as JSON, a function for each way in which they are held (config/claims.json). */
import { Confirmation, ConfirmationMethod, THUMBPRINT_BYTES } from "../grant/confirmation";
import { Networks } from "../grant/networks";
import { Detail, Scope } from "../jose/details";
import { encode } from "../text/base64url";
import { Network } from "../text/cidr";
import { Text, TextList } from "../text/region";
import { Writer } from "../text/writer";

/** A thumbprint in base64url: 43 letters. */
const letters: usize = memory.data(48, 8);

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

export function writeConfirmation(writer: Writer, confirmation: Confirmation): void {
  writer.literal(confirmation.method == ConfirmationMethod.Certificate ? '{"x5t#S256":' : '{"jkt":');
  writer.string(letters, encode(confirmation.thumbprint, THUMBPRINT_BYTES, letters));
  writer.byte(0x7d);
}

export function writeNetworks(writer: Writer, networks: Networks): void {
  writer.byte(0x5b);
  for (let at = networks.first; at != 0; at = changetype<Network>(at).next) {
    const network = changetype<Network>(at);
    if (at != networks.first) writer.byte(0x2c);
    writer.string(network.textPtr, network.textLen);
  }
  writer.byte(0x5d);
}
