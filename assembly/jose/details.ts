/** `authorization_details` of type `break_glass_http` (RFC 9396): the scope of a grant or an entitlement. */
import { MAX_ACTIONS, MAX_DETAILS, MAX_LOCATIONS, MAX_PATHS } from "../limits";
import { isLiteral } from "../text/bytes";
import { isHost } from "../text/host";
import { JsonReader } from "../text/json";
import { isMethod } from "../text/method";
import { isPattern } from "../text/pattern";
import { newTextList, Region, TextList } from "../text/region";

/** One detail: any of its hosts, any of its methods, any of its path patterns. */
export class Detail {
  locations: TextList = changetype<TextList>(0);
  actions: TextList = changetype<TextList>(0);
  paths: TextList = changetype<TextList>(0);
  next: usize = 0;
}

/** A list of details. */
export class Scope {
  first: usize = 0;
  count: i32 = 0;
}

/** Who writes the scope decides whether `"*"` may stand for any host or any method. */
export enum Wildcard {
  Refused,
  Allowed,
}

/** `*` alone, for locations and actions of entitlements. */
export function isWildcard(ptr: usize, len: i32): bool {
  return len == 1 && load<u8>(ptr) == 0x2a;
}

enum Member {
  Type = 1,
  Locations = 2,
  Actions = 4,
  Paths = 8,
  All = 15,
}

enum Kind {
  Location,
  Action,
  Path,
}

function acceptable(kind: i32, ptr: usize, len: i32, wildcard: i32): bool {
  if (kind == Kind.Path) return isPattern(ptr, len);
  if (wildcard == Wildcard.Allowed && isWildcard(ptr, len)) return true;
  return kind == Kind.Location ? isHost(ptr, len) : isMethod(ptr, len);
}

function readItems(reader: JsonReader, region: Region, kind: i32, wildcard: i32, max: i32): TextList {
  const list = newTextList(region);
  if (!reader.openArray()) return list;
  while (reader.nextElement()) {
    if (!reader.string()) return list;
    if (!acceptable(kind, reader.stringPtr, reader.stringLen, wildcard)) reader.fail();
    else if (!list.push(region, reader.stringPtr, reader.stringLen, max)) reader.fail();
    if (!reader.ok) return list;
  }
  if (list.count == 0) reader.fail();
  return list;
}

function readDetail(reader: JsonReader, region: Region, wildcard: i32): Detail {
  const detail = changetype<Detail>(region.take(offsetof<Detail>()));
  let seen = 0;
  if (!reader.openObject()) return detail;
  while (reader.nextMember()) {
    const ptr = reader.stringPtr;
    const len = reader.stringLen;
    let member = 0;
    if (isLiteral(ptr, len, "type")) {
      member = Member.Type;
      if (reader.string() && !isLiteral(reader.stringPtr, reader.stringLen, "break_glass_http")) reader.fail();
    } else if (isLiteral(ptr, len, "locations")) {
      member = Member.Locations;
      detail.locations = readItems(reader, region, Kind.Location, wildcard, MAX_LOCATIONS);
    } else if (isLiteral(ptr, len, "actions")) {
      member = Member.Actions;
      detail.actions = readItems(reader, region, Kind.Action, wildcard, MAX_ACTIONS);
    } else if (isLiteral(ptr, len, "paths")) {
      member = Member.Paths;
      detail.paths = readItems(reader, region, Kind.Path, Wildcard.Refused, MAX_PATHS);
    }
    if (member == 0 || (seen & member) != 0) reader.fail();
    if (!reader.ok) return detail;
    seen |= member;
  }
  if (seen != Member.All) reader.fail();
  return detail;
}

/** Reads the array. On failure the reader is failed; the scope is never null. */
export function readScope(reader: JsonReader, region: Region, wildcard: i32): Scope {
  const scope = changetype<Scope>(region.take(offsetof<Scope>()));
  if (!reader.openArray()) return scope;
  let last: usize = 0;
  while (reader.nextElement()) {
    if (scope.count >= MAX_DETAILS) reader.fail();
    if (!reader.ok) return scope;
    const detail = readDetail(reader, region, wildcard);
    if (!reader.ok || region.full) return scope;
    const ptr = changetype<usize>(detail);
    if (last == 0) scope.first = ptr;
    else changetype<Detail>(last).next = ptr;
    last = ptr;
    scope.count += 1;
  }
  if (scope.count == 0) reader.fail();
  return scope;
}
