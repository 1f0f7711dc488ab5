/** The plugin configuration: a closed JSON object (config/plugin-configuration.schema.json). */
import { sha256 } from "../crypto/sha256";
import { CALLS_OUT, IS_GUARDED, UPSTREAM_HEADERS } from "../host/gateway";
import { MAX_ROOTS, MAX_TEXTS, MAX_TEXTS_BYTES } from "../limits";
import { compare } from "../text/bytes";
import { newTextList, Text, TextList } from "../text/region";
import { Writer } from "../text/writer";
import { readKey } from "../trust/jwk";
import { isMember, Loading } from "../trust/loading";
import { Named } from "../trust/names";
import { readName } from "../trust/principals";
import { Anchors, Key } from "../trust/trust";
import { applyKeep, readKeep, readStrip } from "./headernames";
import {
  CONFIGURATION_LACKS,
  ConfigurationMember,
  configurationMember,
  PlainSettings,
  REQUIRED_OF_CONFIGURATION,
  readConfigurationThreshold,
  readPlain,
  setDefaults,
} from "./members.gen";
import { newReceiptCall, ReceiptCall, readReceiptCall } from "./receiptcall";
import { StripList } from "./strip";
import { readUpstreamHeader, stripUpstreamHeader, UPSTREAM_BYTES, UpstreamHeader } from "./upstream";

/** Memory for one configuration's settings: 16 roots of 200 bytes, 53 header names, names, hashes, a header's value. */
export const SETTINGS_BYTES: i32 = 16 * 1024;

/** What one root context was configured with. Its bundle is kept apart (bundles.ts). */
export class Settings extends PlainSettings {
  isShadow: bool = false;
  anchors: Anchors = changetype<Anchors>(0);
  strip: StripList = changetype<StripList>(0);
  /** Where receipts come from; 0 where the configuration does not say. */
  receipt: ReceiptCall = changetype<ReceiptCall>(0);
  /** What `keep` names, until the whole is read and it is taken out of `strip`. */
  kept: TextList = changetype<TextList>(0);
  /** SHA-256 over roots, threshold, audience, mode: 32 bytes, in each record. */
  anchorsHash: usize = 0;
  /** SHA-256 over audience and roots: 32 bytes. Versions are remembered and compared inside one domain only. */
  domain: usize = 0;
}

/** What allowed requests carry to the upstream: it stands behind the settings, where the host has use for it. */
export function upstreamHeaderOf(settings: Settings): UpstreamHeader {
  return changetype<UpstreamHeader>(changetype<usize>(settings) + offsetof<Settings>());
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
    root.namePtr = loading.copy(root.namePtr, root.nameLen);
    insertRoot(loading, anchors, root);
  }
}

function readMode(loading: Loading, settings: Settings): void {
  const reader = loading.reader;
  if (!reader.string()) return;
  settings.isShadow = isMember(reader, "shadow");
  if (!settings.isShadow && !isMember(reader, "enforce")) loading.refuse("mode is neither enforce nor shadow");
}

function readAudience(loading: Loading, anchors: Anchors): void {
  if (!readName(loading)) return;
  anchors.audienceLen = loading.reader.stringLen;
  anchors.audiencePtr = loading.copy(loading.reader.stringPtr, loading.reader.stringLen);
}

/** Where the signed texts stand in the configuration: its bundle, and its urgent revocations. */
export class SignedTexts {
  bundle: Text = new Text();
  count: i32 = 0;
  /** Of all revocations together. */
  bytes: i32 = 0;
  private places: StaticArray<Text> = new StaticArray<Text>(MAX_TEXTS);

  constructor() {
    for (let i = 0; i < MAX_TEXTS; i++) unchecked((this.places[i] = new Text()));
  }

  clear(): void {
    this.bundle.ptr = 0;
    this.bundle.len = 0;
    this.count = 0;
    this.bytes = 0;
  }

  revocations(index: i32): Text {
    return unchecked(this.places[index]);
  }
}

function readText(loading: Loading, place: Text): bool {
  if (!loading.reader.string()) return false;
  place.ptr = loading.reader.stringPtr;
  place.len = loading.reader.stringLen;
  return true;
}

function readRevocations(loading: Loading, texts: SignedTexts): void {
  if (texts.count >= MAX_TEXTS) loading.refuse("it has more than 8 texts of revocations");
  if (!loading.good() || !readText(loading, texts.revocations(texts.count))) return;
  texts.bytes += texts.revocations(texts.count).len;
  texts.count += 1;
  if (texts.bytes > MAX_TEXTS_BYTES) loading.refuse("its revocations are larger than 192 KiB together");
}

/** One text, or an array of them. */
function readAllRevocations(loading: Loading, texts: SignedTexts): void {
  const reader = loading.reader;
  if (reader.kind() != 0x5b /* [ */) {
    readRevocations(loading, texts);
    return;
  }
  if (!reader.openArray()) return;
  while (reader.nextElement()) {
    readRevocations(loading, texts);
    if (!loading.good()) return;
  }
}

function readMember(member: i32, loading: Loading, settings: Settings, texts: SignedTexts): void {
  if (readPlain(member, loading, settings)) return;
  const anchors = settings.anchors;
  switch (member) {
    case ConfigurationMember.Audience:
      readAudience(loading, anchors);
      break;
    case ConfigurationMember.Roots:
      readRoots(loading, anchors);
      break;
    case ConfigurationMember.Threshold:
      anchors.threshold = <i32>readConfigurationThreshold(loading);
      break;
    case ConfigurationMember.Mode:
      readMode(loading, settings);
      break;
    case ConfigurationMember.Strip:
      readStrip(loading, settings.strip);
      break;
    case ConfigurationMember.Keep:
      readKeep(loading, settings.kept);
      break;
    case ConfigurationMember.Bundle:
      readText(loading, texts.bundle);
      break;
    case ConfigurationMember.Revocations:
      readAllRevocations(loading, texts);
      break;
    default:
      if (UPSTREAM_HEADERS > 0 && member == ConfigurationMember.UpstreamHeader) {
        readUpstreamHeader(loading, upstreamHeaderOf(settings));
        break;
      }
      if (CALLS_OUT && member == ConfigurationMember.Receipt) {
        settings.receipt = newReceiptCall(loading);
        readReceiptCall(loading, settings.receipt);
        break;
      }
      loading.refuse(
        "it has an unknown member, or one that this filter cannot enforce",
        loading.reader.stringPtr,
        loading.reader.stringLen,
      );
  }
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

/** Where nobody else does: whether every request without a grant is denied. */
function guardsAlone(loading: Loading, settings: Settings): bool {
  stripUpstreamHeader(upstreamHeaderOf(settings), settings.strip);
  if (settings.requiresGrant && !settings.isShadow) return true;
  return loading.refuse("without require: true, or in shadow, nobody would guard this route");
}

/** Memory for the settings, filled with the defaults. */
export function newSettings(loading: Loading): Settings {
  const region = loading.region;
  const settings = changetype<Settings>(region.take(offsetof<Settings>() + UPSTREAM_BYTES));
  setDefaults(settings);
  settings.anchors = changetype<Anchors>(region.take(offsetof<Anchors>()));
  settings.strip = changetype<StripList>(region.take(offsetof<StripList>()));
  settings.strip.open(region.take(StripList.bytes()));
  settings.kept = newTextList(region);
  return settings;
}

/**
 * Reads the configuration at (ptr, len), unescaped in place. `texts` gets where the signed texts stand in it.
 * @returns false with `loading.reason`
 */
export function readSettings(loading: Loading, ptr: usize, len: i32, settings: Settings, texts: SignedTexts): bool {
  loading.open(ptr, len);
  while (loading.nextMember()) {
    const member = configurationMember(loading.reader.stringPtr, loading.reader.stringLen);
    if (loading.isFirst(member)) readMember(member, loading, settings, texts);
  }
  if (!loading.finish(REQUIRED_OF_CONFIGURATION, CONFIGURATION_LACKS)) return false;
  const anchors = settings.anchors;
  if (anchors.rootCount < anchors.threshold) return loading.refuse("it has fewer roots than the threshold");
  if (!applyKeep(loading, settings.kept, settings.strip)) return false;
  hashAnchors(loading, settings);
  return IS_GUARDED || guardsAlone(loading, settings);
}
