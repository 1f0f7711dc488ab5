/**
 * Taking a configuration's urgent revocations. A domain remembers of each signer the newest text that any of its configurations has
 * brought, in each VM; a later configuration that leaves it out changes nothing. Shared data tells a VM that begins anew which texts
 * there are, by signer and version: it denies every grant until its configurations have brought them.
 *
 * First all texts are read and compared, so that a configuration with one that cannot be used changes nothing (`loadTexts`); then they are
 * remembered (`rememberTexts`).
 */
import { LogLevel, log } from "../host/calls";
import { MAX_REMEMBERED_TEXTS, MAX_TEXTS } from "../limits";
import { Text } from "../text/region";
import { Writer } from "../text/writer";
import { Loading } from "../trust/loading";
import { Named } from "../trust/names";
import { RevocationText, Texts } from "../trust/revocations";
import { Anchors, Trust } from "../trust/trust";
import { loadText, releaseText } from "./bundles";
import { contextAt, contextEnd, isTaken, keepUpAll } from "./contexts";
import { Domain } from "./domains";
import { digestOf, holdsAllTexts } from "./remembered";
import { SignedTexts } from "./settings";
import {
  findSharedText,
  forgetSharedText,
  raiseSharedText,
  readSharedTexts,
  sharedText,
  sharedTextCount,
} from "./shared";

const OLDER = "a text of its signer that is newer is in force";
const OTHER = "a text of its signer with the same version and other content is in force";

/** What was read last, and is not remembered yet. */
const loaded: StaticArray<RevocationText> = new StaticArray<RevocationText>(MAX_TEXTS);
let loadedCount: i32 = 0;
/** A text of the configuration that is being taken is lost to this VM, as it has no room for it. */
let hasLost: bool = false;
const line: usize = memory.data(256, 16);
const writer = new Writer();

/** Why a text may not follow one of that version and hash; empty where it may. */
function compareWith(text: RevocationText, version: i64, hash: usize): string {
  if (text.version < version) return OLDER;
  return text.version == version && memory.compare(text.hash, hash, 32) != 0 ? OTHER : "";
}

/** Whether the text counts no more anywhere, once that bundle governs what it may: a listener that asks for more roots may still need it. */
function isOver(domain: Domain, text: RevocationText, trust: Trust): bool {
  if (!text.isIgnoredUnder(trust)) return false;
  for (let i = 0; i < contextEnd(); i++) {
    const context = contextAt(i);
    if (!isTaken(i) || context.domain != domain || changetype<usize>(context.held) == 0) continue;
    const isGoverned = trust.signerCount >= context.settings.anchors.threshold;
    if (!isGoverned && !text.isIgnoredUnder(context.held.trust)) return false;
  }
  return true;
}

/**
 * As for bundles (domains.ts): what the VM itself holds counts first; whoever holds nothing, and every canary, asks the others. What
 * the configuration's bundle has ignored holds up nobody: a stolen key, once revoked, has used up none of its owner's numbers.
 */
function refusalOf(domain: Domain, text: RevocationText, trust: Trust, isCanary: bool): string {
  const own = domain.texts.find(text.namePtr, text.nameLen);
  if (own >= 0 && !isOver(domain, domain.texts.at(own), trust)) {
    const reason = compareWith(text, domain.texts.at(own).version, domain.texts.at(own).hash);
    if (reason.length != 0 || !isCanary) return reason;
  }
  const other = findSharedText(text);
  if (changetype<usize>(other) == 0 || trust.ignoresText(other, other.key, other.version)) return "";
  return compareWith(text, other.version, other.hash);
}

/** A worker goes on with what it has. One line, as somebody has replayed an old text, or two have signed in one's name. */
function warnOfIgnored(text: RevocationText, reason: string): void {
  writer.open(line, 256);
  writer.literal("glassgate: a text of revocations is ignored: ");
  writer.literal(reason);
  writer.literal(": ");
  writer.string(text.namePtr, text.nameLen);
  log(LogLevel.Warn, line, writer.length);
}

function isLoaded(signer: Named): bool {
  for (let i = 0; i < loadedCount; i++) if (unchecked(loaded[i]).isNamed(signer.namePtr, signer.nameLen)) return true;
  return false;
}

/** @returns false with `loading.reason` where the text makes its configuration unusable */
function take(loading: Loading, place: Text, anchors: Anchors, trust: Trust, domain: Domain, isCanary: bool): bool {
  const text = loadText(loading, place.ptr, place.len, anchors, trust);
  if (changetype<usize>(text) == 0) return false;
  if (text.isIgnored) {
    releaseText(text);
    return true;
  }
  let reason = isLoaded(text) ? "two texts are of one signer" : "";
  const isFatal = isCanary || reason.length != 0;
  if (reason.length == 0) reason = refusalOf(domain, text, trust, isCanary);
  if (reason.length == 0) {
    unchecked((loaded[loadedCount] = text));
    loadedCount += 1;
    return true;
  }
  if (isFatal) {
    loading.refuse(reason, text.namePtr, text.nameLen);
  } else {
    warnOfIgnored(text, reason);
  }
  releaseText(text);
  return !isFatal;
}

/** Whether that text is to be remembered beside those that were loaded. */
function isFurther(signer: Named, key: Named, version: i64, trust: Trust): bool {
  return !trust.ignoresText(signer, key, version) && !isLoaded(signer);
}

/** How many texts the domain would remember. The canary, which remembers none, goes by what the others have told. */
function countAll(texts: Texts, trust: Trust, isCanary: bool): i32 {
  let count = loadedCount;
  for (let i = 0; !isCanary && i < texts.count; i++) {
    const text = texts.at(i);
    if (isFurther(text, text.key, text.version, trust)) count += 1;
  }
  for (let i = 0; isCanary && i < sharedTextCount(); i++) {
    const text = sharedText(i);
    if (isFurther(text, text.key, text.version, trust)) count += 1;
  }
  return count;
}

/**
 * Reads and verifies the configuration's texts under its bundle. False with `loading.reason` where it cannot be used; nothing is
 * kept then.
 */
export function loadTexts(
  loading: Loading,
  texts: SignedTexts,
  anchors: Anchors,
  trust: Trust,
  domain: Domain,
  isCanary: bool,
): bool {
  loadedCount = 0;
  readSharedTexts(domain.id);
  for (let i = 0; i < texts.count; i++) {
    if (take(loading, texts.revocations(i), anchors, trust, domain, isCanary)) continue;
    dropLoaded();
    hasLost = !isCanary;
    return false;
  }
  if (countAll(domain.texts, trust, isCanary) <= MAX_REMEMBERED_TEXTS) return true;
  dropLoaded();
  hasLost = !isCanary;
  return loading.refuse("with them there are texts of more than 16 signers that no bundle has taken in");
}

function dropLoaded(): void {
  while (loadedCount > 0) releaseText(unchecked(loaded[--loadedCount]));
}

/** Whether the text still counts under the newest bundle, or under an older one that governs a context of the domain. */
function isNeeded(domain: Domain, text: RevocationText): bool {
  const newest = domain.newest;
  if (changetype<usize>(newest) == 0 || !text.isIgnoredUnder(newest.trust)) return true;
  for (let i = 0; i < contextEnd(); i++) {
    const context = contextAt(i);
    if (!isTaken(i) || context.domain != domain || changetype<usize>(context.held) == 0) continue;
    if (!text.isIgnoredUnder(context.held.trust)) return true;
  }
  return false;
}

/** Forgets the texts that a bundle has ignored, once that bundle governs all of the domain's contexts. */
function forgetIgnored(domain: Domain): void {
  const texts = domain.texts;
  if (texts.count == 0) return;
  keepUpAll(domain);
  for (let i = texts.count - 1; i >= 0; i--) {
    const text = texts.at(i);
    if (isNeeded(domain, text)) continue;
    forgetSharedText(domain.id, text);
    texts.remove(i);
    releaseText(text);
  }
}

/** Remembers what `loadTexts` has read. @param trust the configuration's bundle, which governs its context by now */
export function rememberTexts(domain: Domain, trust: Trust): void {
  const texts = domain.texts;
  forgetIgnored(domain);
  for (let i = 0; i < loadedCount; i++) {
    const text = unchecked(loaded[i]);
    raiseSharedText(domain.id, text, trust);
    const own = texts.find(text.namePtr, text.nameLen);
    // The same payload, signed with another key: it is the better one where the first key is gone.
    const isKnown = own >= 0 && texts.at(own).version == text.version && !trust.revoked.keys.has(texts.at(own).key);
    if (isKnown) {
      releaseText(text);
      continue;
    }
    if (own < 0 && texts.count >= MAX_REMEMBERED_TEXTS) {
      // A context that asks for more signatures still needs one that the newest bundle covers.
      releaseText(text);
      hasLost = true;
      continue;
    }
    if (own >= 0) releaseText(texts.at(own));
    texts.put(own >= 0 ? own : texts.count, text);
  }
  loadedCount = 0;
}

function warnOfMissing(): void {
  writer.open(line, 256);
  writer.literal(
    "glassgate: revocations are in force that this VM does not hold: it denies every grant until a configuration brings them",
  );
  log(LogLevel.Error, line, writer.length);
}

/**
 * After each configuration of the domain, whether it could be used or not. A VM that has all texts gets the further ones in
 * order, each with its configuration, so it asks the others only when it is new, or after a configuration that it could not use.
 */
export function settleTexts(domain: Domain, isUsed: bool): void {
  const mustAsk = isUsed ? domain.isNew || !domain.hasAllTexts : domain.hasAllTexts;
  if (hasLost) domain.hasAllTexts = false;
  else if (mustAsk) domain.hasAllTexts = holdsAllTexts(domain);
  if (!domain.hasAllTexts) warnOfMissing();
  domain.isNew = false;
  domain.textsDigest = domain.hasAllTexts ? digestOf(domain) : 0;
  hasLost = false;
}
