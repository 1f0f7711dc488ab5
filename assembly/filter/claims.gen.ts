/** Generated from config/claims.json by scripts/generate.mjs. Do not edit. */
import { Claims } from "../grant/claims.gen";
import { Writer } from "../text/writer";
import { writeConfirmation, writeInteger, writeList, writeNetworks, writeScope, writeText } from "./shown";

/** All claims as a JSON object. */
export function writeClaims(writer: Writer, claims: Claims): void {
  writer.literal('{"sub":');
  writeText(writer, claims.sub);
  writer.literal(',"ent":');
  writeText(writer, claims.entitlement);
  writer.literal(',"reason":');
  writeText(writer, claims.reason);
  if (changetype<usize>(claims.incident) != 0) {
    writer.literal(',"incident":');
    writeText(writer, claims.incident);
  }
  if (changetype<usize>(claims.drill) != 0) {
    writer.literal(',"drill":');
    writeText(writer, claims.drill);
  }
  writer.literal(',"aud":');
  writeList(writer, claims.aud);
  writer.literal(',"iat":');
  writeInteger(writer, claims.issuedAt);
  writer.literal(',"exp":');
  writeInteger(writer, claims.expiresAt);
  writer.literal(',"jti":');
  writeText(writer, claims.jti);
  writer.literal(',"authorization_details":');
  writeScope(writer, claims.scope);
  if (changetype<usize>(claims.confirmation) != 0) {
    writer.literal(',"cnf":');
    writeConfirmation(writer, claims.confirmation);
  }
  if (changetype<usize>(claims.networks) != 0) {
    writer.literal(',"net":');
    writeNetworks(writer, claims.networks);
  }
  writer.literal(',"text":');
  writeText(writer, claims.text);
  writer.byte(0x7d);
}
