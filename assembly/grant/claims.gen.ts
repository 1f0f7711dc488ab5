/** Generated from config/claims.json by scripts/generate.mjs. Do not edit. */
import { MAX_AUDIENCES, MAX_INCIDENT_BYTES, MAX_TEXT_BYTES } from "../limits";
import { isLiteral } from "../text/bytes";
import { JsonReader } from "../text/json";
import { Region, Text, TextList } from "../text/region";
import { readBounded, readGrantId, readName } from "./kinds";
import { readNameOrList } from "../jose/lists";
import { Scope, Wildcard, readScope } from "../jose/details";
import { Confirmation, readConfirmation } from "./confirmation";
import { Networks, readNetworks } from "./networks";

/** A bit each. */
export enum Claim {
  Sub = 1,
  Ent = 2,
  Reason = 4,
  Incident = 8,
  Drill = 16,
  Aud = 32,
  Iat = 64,
  Exp = 128,
  Jti = 256,
  AuthorizationDetails = 512,
  Cnf = 1024,
  Net = 2048,
  Text = 4096,
}

export const REQUIRED_CLAIMS: i32 = 5095;

/** The claims, checked for type and bounds. Optional ones are 0 where they are absent; times are seconds since 1970. */
export class Claims {
  sub: Text = changetype<Text>(0);
  entitlement: Text = changetype<Text>(0);
  reason: Text = changetype<Text>(0);
  incident: Text = changetype<Text>(0);
  drill: Text = changetype<Text>(0);
  aud: TextList = changetype<TextList>(0);
  issuedAt: i64 = 0;
  expiresAt: i64 = 0;
  jti: Text = changetype<Text>(0);
  scope: Scope = changetype<Scope>(0);
  confirmation: Confirmation = changetype<Confirmation>(0);
  networks: Networks = changetype<Networks>(0);
  text: Text = changetype<Text>(0);
}

/** The claim of that name, or 0: an unknown one is never ignored, as it may be a restriction. */
export function claimOf(ptr: usize, len: i32): i32 {
  if (isLiteral(ptr, len, "sub")) return Claim.Sub;
  if (isLiteral(ptr, len, "ent")) return Claim.Ent;
  if (isLiteral(ptr, len, "reason")) return Claim.Reason;
  if (isLiteral(ptr, len, "incident")) return Claim.Incident;
  if (isLiteral(ptr, len, "drill")) return Claim.Drill;
  if (isLiteral(ptr, len, "aud")) return Claim.Aud;
  if (isLiteral(ptr, len, "iat")) return Claim.Iat;
  if (isLiteral(ptr, len, "exp")) return Claim.Exp;
  if (isLiteral(ptr, len, "jti")) return Claim.Jti;
  if (isLiteral(ptr, len, "authorization_details")) return Claim.AuthorizationDetails;
  if (isLiteral(ptr, len, "cnf")) return Claim.Cnf;
  if (isLiteral(ptr, len, "net")) return Claim.Net;
  if (isLiteral(ptr, len, "text")) return Claim.Text;
  return 0;
}

/** The name of one claim. */
export function claimName(claim: i32): string {
  if (claim == Claim.Sub) return "sub";
  if (claim == Claim.Ent) return "ent";
  if (claim == Claim.Reason) return "reason";
  if (claim == Claim.Incident) return "incident";
  if (claim == Claim.Drill) return "drill";
  if (claim == Claim.Aud) return "aud";
  if (claim == Claim.Iat) return "iat";
  if (claim == Claim.Exp) return "exp";
  if (claim == Claim.Jti) return "jti";
  if (claim == Claim.AuthorizationDetails) return "authorization_details";
  if (claim == Claim.Cnf) return "cnf";
  if (claim == Claim.Net) return "net";
  if (claim == Claim.Text) return "text";
  return "";
}

/** What its value must be. */
export function claimRule(claim: i32): string {
  if (claim == Claim.Sub) return "a name";
  if (claim == Claim.Ent) return "a name";
  if (claim == Claim.Reason) return "a name";
  if (claim == Claim.Incident) return "a string of 1 to 64 bytes";
  if (claim == Claim.Drill) return "a name";
  if (claim == Claim.Aud) return "a name, or an array of 1 to 16 names";
  if (claim == Claim.Iat) return "whole seconds since 1970";
  if (claim == Claim.Exp) return "whole seconds since 1970";
  if (claim == Claim.Jti) return "a string of 16 to 64 of A-Za-z0-9_-";
  if (claim == Claim.AuthorizationDetails) return "an array of 1 to 16 objects";
  if (claim == Claim.Cnf) return "an object of one member, x5t#S256 or jkt: a SHA-256 in base64url";
  if (claim == Claim.Net) return "an array of 1 to 16 CIDR blocks, each in its canonical spelling";
  if (claim == Claim.Text) return "a string of 1 to 1000 bytes";
  return "";
}

/** Reads the claim's value; whether it was good is `reader.ok`. */
export function readClaim(claim: i32, reader: JsonReader, region: Region, claims: Claims): void {
  switch (claim) {
    case Claim.Sub:
      claims.sub = readName(reader, region);
      break;
    case Claim.Ent:
      claims.entitlement = readName(reader, region);
      break;
    case Claim.Reason:
      claims.reason = readName(reader, region);
      break;
    case Claim.Incident:
      claims.incident = readBounded(reader, region, MAX_INCIDENT_BYTES);
      break;
    case Claim.Drill:
      claims.drill = readName(reader, region);
      break;
    case Claim.Aud:
      claims.aud = readNameOrList(reader, region, MAX_AUDIENCES);
      break;
    case Claim.Iat:
      claims.issuedAt = reader.integer();
      break;
    case Claim.Exp:
      claims.expiresAt = reader.integer();
      break;
    case Claim.Jti:
      claims.jti = readGrantId(reader, region);
      break;
    case Claim.AuthorizationDetails:
      claims.scope = readScope(reader, region, Wildcard.Refused);
      break;
    case Claim.Cnf:
      claims.confirmation = readConfirmation(reader, region);
      break;
    case Claim.Net:
      claims.networks = readNetworks(reader, region);
      break;
    case Claim.Text:
      claims.text = readBounded(reader, region, MAX_TEXT_BYTES);
      break;
    default:
      reader.fail();
  }
}
