/** The plugin configuration: a closed JSON object (config/plugin-configuration.schema.json). */
import { sha256 } from "../crypto/sha256";
import { DEFAULT_TABLE_KIB, MAX_LEEWAY, MAX_ROOTS, MAX_STRIP, MAX_TABLE_KIB } from "../limits";
import { compare, isLiteral } from "../text/bytes";
import { Text } from "../text/region";
import { Writer } from "../text/writer";
import { readKey } from "../trust/jwk";
import { isMember, Loading } from "../trust/loading";
import { Named } from "../trust/names";
import { readName } from "../trust/principals";
import { Anchors, Key } from "../trust/trust";
import { StripList } from "./strip";

/** Memory for one configuration's settings: 16 roots of 200 bytes, 41 header names, names and hashes. */
export const SETTINGS_BYTES: i32 = 16 * 1024;

/** What one root context was configured with. Its bundle is kept apart (bundles.ts). */
export class Settings {
  generation: i64 = 0;
  isShadow: bool = false;
  /** No grant is a deny. */
  requiresGrant: bool = false;
  /** Seconds. */
  leeway: i64 = 5;
  minVersion: i64 = 0;
  /** Memory that the VM may spend on tables of multiples. The largest of its configurations counts. */
  tableKib: i64 = 0;
  anchors: Anchors = changetype<Anchors>(0);
  strip: StripList = changetype<StripList>(0);
  /** SHA-256 over roots, threshold, audience, mode: 32 bytes, in each record. */
  anchorsHash: usize = 0;
  /** SHA-256 over audience and roots: 32 bytes. Versions are remembered and compared inside one domain only. */
  domain: usize = 0;
}

enum Member {
  Generation = 1,
  Audience = 2,
  Roots = 4,
  Threshold = 8,
  Mode = 16,
  Require = 32,
  Leeway = 64,
  MinVersion = 128,
  Strip = 256,
  Bundle = 512,
  TableKib = 1024,
}
const REQUIRED: i32 = 15;

/** Copies bytes of the configuration, which live until the callback returns only, into the settings' memory. */
function keep(loading: Loading, ptr: usize, len: i32): usize {
  if (!loading.region.hasRoom(len)) {
    loading.region.full = true;
    return ptr;
  }
  const copy = loading.region.take(len);
  memory.copy(copy, ptr, len);
  return copy;
}

/** Inserts a root in the order of kids, so that domain and anchors do not depend on the order written. */
function insertRoot(loading: Loading, anchors: Anchors, root: Key): void {
  let link = changetype<usize>(anchors) + offsetof<Anchors>("firstRoot");
  while (load<usize>(link) != 0) {
    const other = changetype<Named>(load<usize>(link));
    const order = compare(root.namePtr, root.nameLen, other.namePtr, other.nameLen);
    if (order == 0) {
      loading.refuse("a root key occurs twice", root.namePtr, root.nameLen);
      return;
    }
    if (order < 0) break;
    link = changetype<usize>(other) + offsetof<Named>("next");
  }
  root.next = load<usize>(link);
  store<usize>(link, changetype<usize>(root));
  anchors.rootCount += 1;
}

function readRoots(loading: Loading, anchors: Anchors): void {
  const reader = loading.reader;
  if (!reader.openArray()) return;
  while (reader.nextElement()) {
    if (anchors.rootCount >= MAX_ROOTS) loading.refuse("it has more than 16 roots");
    if (!loading.good()) return;
    const root = readKey(loading, false);
    if (!loading.good()) return;
    root.namePtr = keep(loading, root.namePtr, root.nameLen);
    insertRoot(loading, anchors, root);
  }
}

/** A header name in lower case: no pseudo header, not `host`. */
function isHeaderName(ptr: usize, len: i32): bool {
  if (len < 1 || len > 64 || isLiteral(ptr, len, "host")) return false;
  for (let i = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    const good = (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || c == 0x2d || c == 0x5f;
    if (!good) return false;
  }
  return true;
}

function readStrip(loading: Loading, settings: Settings): void {
  const reader = loading.reader;
  if (!reader.openArray()) return;
  let count = 0;
  while (reader.nextElement()) {
    if (!reader.string()) return;
    if (!isHeaderName(reader.stringPtr, reader.stringLen)) {
      loading.refuse("strip holds what is no lower-case header name", reader.stringPtr, reader.stringLen);
    } else if (++count > MAX_STRIP) {
      loading.refuse("strip holds more than 32 names");
    }
    if (!loading.good()) return;
    settings.strip.add(keep(loading, reader.stringPtr, reader.stringLen), reader.stringLen);
  }
}

function readMode(loading: Loading, settings: Settings): void {
  const reader = loading.reader;
  if (!reader.string()) return;
  settings.isShadow = isMember(reader, "shadow");
  if (!settings.isShadow && !isMember(reader, "enforce")) loading.refuse("mode is neither enforce nor shadow");
}

function readMember(loading: Loading, settings: Settings, bundle: Text): i32 {
  const reader = loading.reader;
  const anchors = settings.anchors;
  if (isMember(reader, "generation")) {
    settings.generation = reader.integer();
    return Member.Generation;
  }
  if (isMember(reader, "audience")) {
    if (readName(loading)) {
      anchors.audienceLen = reader.stringLen;
      anchors.audiencePtr = keep(loading, reader.stringPtr, reader.stringLen);
    }
    return Member.Audience;
  }
  if (isMember(reader, "roots")) {
    readRoots(loading, anchors);
    return Member.Roots;
  }
  if (isMember(reader, "threshold")) {
    const threshold = reader.integer();
    if (reader.ok && (threshold < 1 || threshold > MAX_ROOTS)) loading.refuse("the threshold is not 1 to 16");
    anchors.threshold = <i32>threshold;
    return Member.Threshold;
  }
  if (isMember(reader, "mode")) {
    readMode(loading, settings);
    return Member.Mode;
  }
  if (isMember(reader, "require")) {
    settings.requiresGrant = reader.boolean();
    return Member.Require;
  }
  if (isMember(reader, "leeway")) {
    settings.leeway = reader.integer();
    if (reader.ok && settings.leeway > MAX_LEEWAY) loading.refuse("the leeway is over 60 seconds");
    return Member.Leeway;
  }
  if (isMember(reader, "min_version")) {
    settings.minVersion = reader.integer();
    return Member.MinVersion;
  }
  if (isMember(reader, "table_memory_kib")) {
    settings.tableKib = reader.integer();
    if (reader.ok && settings.tableKib > MAX_TABLE_KIB) loading.refuse("table_memory_kib is over 32768");
    return Member.TableKib;
  }
  if (isMember(reader, "strip")) {
    readStrip(loading, settings);
    return Member.Strip;
  }
  if (isMember(reader, "bundle")) {
    if (reader.string()) {
      bundle.ptr = reader.stringPtr;
      bundle.len = reader.stringLen;
    }
    return Member.Bundle;
  }
  loading.refuse(
    "it has an unknown member, or one that this filter cannot enforce",
    reader.stringPtr,
    reader.stringLen,
  );
  return 0;
}

const writer = new Writer();
/** Audience, threshold, mode and 16 kids of 43 characters. */
const scratch: usize = memory.data(1024, 16);

function writeRoots(anchors: Anchors): void {
  for (let at = anchors.firstRoot; at != 0; at = changetype<Named>(at).next) {
    const root = changetype<Named>(at);
    writer.byte(0x0a);
    writer.bytes(root.namePtr, root.nameLen);
  }
}

function hashAnchors(loading: Loading, settings: Settings): void {
  const anchors = settings.anchors;
  settings.domain = loading.region.take(32);
  settings.anchorsHash = loading.region.take(32);
  writer.open(scratch, 1024);
  writer.bytes(anchors.audiencePtr, anchors.audienceLen);
  writeRoots(anchors);
  sha256(scratch, writer.length, settings.domain);
  writer.open(scratch, 1024);
  writer.bytes(anchors.audiencePtr, anchors.audienceLen);
  writer.byte(0x0a);
  writer.integer(anchors.threshold);
  writer.byte(0x0a);
  writer.literal(settings.isShadow ? "shadow" : "enforce");
  writeRoots(anchors);
  sha256(scratch, writer.length, settings.anchorsHash);
}

/** Memory for the settings, filled with the defaults. */
export function newSettings(loading: Loading): Settings {
  const region = loading.region;
  const settings = changetype<Settings>(region.take(offsetof<Settings>()));
  settings.leeway = 5;
  settings.tableKib = DEFAULT_TABLE_KIB;
  settings.anchors = changetype<Anchors>(region.take(offsetof<Anchors>()));
  settings.strip = changetype<StripList>(region.take(offsetof<StripList>()));
  settings.strip.open(region.take(StripList.bytes()));
  return settings;
}

/**
 * Reads the configuration at (ptr, len), unescaped in place. `bundle` gets where the bundle's text stands in it, or stays 0.
 * @returns false with `loading.reason`
 */
export function readSettings(loading: Loading, ptr: usize, len: i32, settings: Settings, bundle: Text): bool {
  const reader = loading.reader;
  let seen = 0;
  reader.start(ptr, len);
  if (reader.openObject()) {
    while (reader.nextMember()) {
      const member = readMember(loading, settings, bundle);
      if ((seen & member) != 0) loading.refuse("it has a member twice");
      if (!loading.good()) break;
      seen |= member;
    }
  }
  if (loading.reason.length != 0) return false;
  if (!reader.finish() || loading.region.full) {
    loading.explain("it is not JSON, or a member is of the wrong type or out of its bounds");
    return false;
  }
  if ((seen & REQUIRED) != REQUIRED) return loading.refuse("it lacks one of generation, audience, roots, threshold");
  const anchors = settings.anchors;
  if (anchors.rootCount < anchors.threshold) return loading.refuse("it has fewer roots than the threshold");
  hashAnchors(loading, settings);
  return true;
}
