/**
 * Why a grant is malformed, in ASCII words without quotes: of our own closed lists, so that nothing of the grant is in a reply.
 * All of it depends on the token alone.
 */
import { claimName, claimRule } from "../grant/claims.gen";
import { Malformed, Part } from "../grant/malformed";
import { DetailMember } from "../jose/details";
import { HeaderMember } from "../jose/jws";
import { MAX_ACTIONS, MAX_APPROVALS, MAX_LOCATIONS, MAX_PATHS } from "../limits";
import { Fault } from "../text/fault";
import { Writer } from "../text/writer";

function headerMember(member: i32): string {
  if (member == HeaderMember.Alg) return "alg";
  if (member == HeaderMember.Kid) return "kid";
  if (member == HeaderMember.Typ) return "typ";
  return member == HeaderMember.Iat ? "iat" : "";
}

function headerRule(member: i32, part: i32): string {
  if (member == HeaderMember.Iat) return "whole seconds since 1970";
  if (member != HeaderMember.Typ) return "a string";
  return part == Part.Approval ? "bg-approval+jws" : "that of a grant, bg+jwt (an ask, bg-ask+jwt, opens nothing)";
}

function detailMember(member: i32): string {
  if (member == DetailMember.Type) return "type";
  if (member == DetailMember.Locations) return "locations";
  if (member == DetailMember.Actions) return "actions";
  return member == DetailMember.Paths ? "paths" : "";
}

function writeDetailRule(writer: Writer, member: i32): void {
  if (member == DetailMember.Type) {
    writer.literal("break_glass_http");
    return;
  }
  writer.literal("an array of 1 to ");
  if (member == DetailMember.Locations) {
    writer.integer(MAX_LOCATIONS);
    writer.literal(" lower-case hosts, each with its port where that is not 80 or 443");
  } else if (member == DetailMember.Actions) {
    writer.integer(MAX_ACTIONS);
    writer.literal(" methods in capitals");
  } else {
    writer.integer(MAX_PATHS);
    writer.literal(" path patterns, none of them ambiguous");
  }
}

/** Where: `claim incident`, `the header of approval 2: iat`. */
function writePlace(writer: Writer, malformed: Malformed): void {
  const member = malformed.member;
  switch (malformed.part) {
    case Part.Payload:
      writer.literal(member == 0 ? "the payload" : "claim ");
      writer.literal(claimName(member));
      if (malformed.inner == 0) return;
      writer.literal(": ");
      writer.literal(detailMember(malformed.inner));
      return;
    case Part.Approval:
      writer.literal("approval ");
      writer.integer(malformed.approval);
      break;
    case Part.Request:
      writer.literal("the request");
      break;
    default:
      writer.literal("the grant");
      return;
  }
  if (member == 0) return;
  writer.literal(": header member ");
  writer.literal(headerMember(member));
}

function writeRule(writer: Writer, malformed: Malformed): void {
  writer.literal(" must be ");
  if (malformed.inner != 0) writeDetailRule(writer, malformed.inner);
  else if (malformed.part != Part.Payload) writer.literal(headerRule(malformed.member, malformed.part));
  else writer.literal(malformed.member == 0 ? "a JSON object" : claimRule(malformed.member));
}

function words(fault: i32): string {
  switch (fault) {
    case Fault.Structure:
      return " is not made of the segments and dots of a compact JWS";
    case Fault.Encoding:
      return " is not canonical base64url";
    case Fault.Json:
      return " is not JSON that every reader reads alike";
    case Fault.Unknown:
      return " has a member that this filter does not know, and so cannot enforce";
    case Fault.Twice:
      return " stands there twice";
    case Fault.Missing:
      return " is missing";
    case Fault.Order:
      return " is not after iat";
    case Fault.Signature:
      return " has no signature of 64 octets in canonical base64url";
    case Fault.Empty:
      return " is empty";
    default:
      return " is too large";
  }
}

/** Writes one clause; nothing where there is none. */
export function writeMalformed(writer: Writer, malformed: Malformed): void {
  const fault = malformed.fault;
  if (fault == Fault.None) return;
  writePlace(writer, malformed);
  if (fault == Fault.TooManyApprovals) {
    writer.literal(" has more approvals than ");
    writer.integer(MAX_APPROVALS);
    return;
  }
  const isHeader = malformed.part == Part.Request || malformed.part == Part.Approval;
  if ((fault == Fault.Type || fault == Fault.Value) && !(isHeader && malformed.member == 0)) {
    writeRule(writer, malformed);
    return;
  }
  // A header of the wrong type is no header at all.
  writer.literal(words(fault == Fault.Type ? Fault.Structure : fault));
}
