/**
 * What the VMs of one process tell each other, in the gateway's shared data: which configurations the canary accepted, the newest
 * bundle of each domain, and the newest text of each signer of revocations (registry.ts has what they say of themselves). Each value is changed by compare-and-swap in a
 * bounded retry: lost under contention is only what the next configuration says again.
 */

import { arenaMark, rewindArena } from "../host/arena";
import { Ascii, ascii } from "../host/ascii";
import { getShared, Slice, Status, setShared } from "../host/calls";
import { MAX_NAME_BYTES, MAX_REMEMBERED_TEXTS, MAX_VMS } from "../limits";
import { writeHex, writeLiteral } from "../text/bytes";
import { Named } from "../trust/names";
import { RevocationText } from "../trust/revocations";
import { Trust } from "../trust/trust";

const VMS = ascii("glassgate.vms");

/** As many as there are VMs: each try that fails is another VM's that succeeded. */
const RETRIES: i32 = MAX_VMS;
const answer = new Slice();
/** Room for the largest value: a version and a hash. */
const value: usize = memory.data(64, 16);

const HASH_BYTES: i32 = 32;

function create(key: Ascii): void {
  if (getShared(key.ptr, key.len, answer) == Status.NotFound) setShared(key.ptr, key.len, value, 0, 0);
}

/** Creates the value that is changed by several threads. Runs in `on_vm_start`: first of all on the main thread. */
export function createShared(): void {
  create(VMS);
}

/** A number that no other VM of this process has had. */
export function nextVmNumber(): u64 {
  for (let i = 0; i < RETRIES; i++) {
    if (getShared(VMS.ptr, VMS.len, answer) != Status.Ok) return 0;
    const number: u64 = answer.len == 8 ? load<u64>(answer.ptr) : 0;
    store<u64>(value, number + 1);
    if (setShared(VMS.ptr, VMS.len, value, 8, answer.cas) == Status.Ok) return number + 1;
  }
  return 0;
}

const acceptedKey: usize = memory.data(64, 16);

/** A key for each accepted configuration, as Envoy keeps its canary's verdicts for as long: none may be forgotten before. */
function writeAcceptedKey(hash: usize): i32 {
  const len = writeLiteral(acceptedKey, "glassgate.accepted.");
  memory.copy(acceptedKey + len, hash, HASH_BYTES);
  return len + HASH_BYTES;
}

/** Whether the canary accepted the configuration of that hash. */
export function isAccepted(hash: usize): bool {
  return getShared(acceptedKey, writeAcceptedKey(hash), answer) == Status.Ok;
}

/** Remembers an accepted configuration. */
export function markAccepted(hash: usize): void {
  store<u8>(value, 1);
  setShared(acceptedKey, writeAcceptedKey(hash), value, 1, 0);
}

/** A version and the bundle's hash, as one VM tells the others. */
export class SharedVersion {
  version: i64 = -1;
  hash: usize = memory.data(32, 8);
}

const domainKey: usize = memory.data(96, 16);

function writeDomainKey(domain: usize): i32 {
  const len = writeLiteral(domainKey, "glassgate.domain.");
  return len + writeHex(domainKey + len, domain, HASH_BYTES);
}

/** The newest version accepted in the domain; -1 when none is known. */
export function readSharedVersion(domain: usize, out: SharedVersion): void {
  const keyLen = writeDomainKey(domain);
  out.version = -1;
  if (getShared(domainKey, keyLen, answer) != Status.Ok || answer.len != 8 + HASH_BYTES) return;
  out.version = load<i64>(answer.ptr);
  memory.copy(out.hash, answer.ptr + 8, HASH_BYTES);
}

/** Raises the domain's newest version. Never lowers it. */
export function raiseSharedVersion(domain: usize, version: i64, hash: usize): void {
  const keyLen = writeDomainKey(domain);
  for (let i = 0; i < RETRIES; i++) {
    const found = getShared(domainKey, keyLen, answer) == Status.Ok && answer.len == 8 + HASH_BYTES;
    if (found && load<i64>(answer.ptr) >= version) return;
    store<i64>(value, version);
    memory.copy(value + 8, hash, HASH_BYTES);
    if (setShared(domainKey, keyLen, value, 8 + HASH_BYTES, answer.cas) == Status.Ok) return;
  }
}

/** What the VMs tell each other of one text: whose it is, and which. Its name is the signer's. */
export class SharedText extends Named {
  version: i64 = 0;
  /** 32 bytes. */
  hash: usize = 0;
  /** The key that signed. */
  key: Named = new Named();
}

/** | version i64 | hash 32 | length of the name i64 | name 64 | kid 43, and 5 unused | */
const TEXT_BYTES: i32 = 160;
const KID_BYTES: i32 = 43;
const HASH_AT: i32 = 8;
const NAME_LEN_AT: i32 = 40;
const NAME_AT: i32 = 48;
const KID_AT: i32 = 112;
const textsKey: usize = memory.data(96, 16);
const texts: usize = memory.data(2560, 16); // MAX_REMEMBERED_TEXTS x TEXT_BYTES
let textCount: i32 = 0;
const shown = new SharedText();

function writeTextsKey(domain: usize): i32 {
  const len = writeLiteral(textsKey, "glassgate.texts.");
  return len + writeHex(textsKey + len, domain, HASH_BYTES);
}

function entryAt(index: i32): usize {
  return texts + <usize>(index * TEXT_BYTES);
}

/** Reads what is known of the domain's texts: `sharedText` then tells of each. Returns how many there are. */
export function readSharedTexts(domain: usize): i32 {
  const mark = arenaMark();
  const isThere = getShared(textsKey, writeTextsKey(domain), answer) == Status.Ok;
  textCount = isThere ? min(answer.len / TEXT_BYTES, MAX_REMEMBERED_TEXTS) : 0;
  memory.copy(texts, answer.ptr, textCount * TEXT_BYTES);
  rewindArena(mark);
  return textCount;
}

export function sharedTextCount(): i32 {
  return textCount;
}

/** One object shows them all: good until the next call. */
export function sharedText(index: i32): SharedText {
  const entry = entryAt(index);
  shown.version = load<i64>(entry);
  shown.hash = entry + HASH_AT;
  shown.namePtr = entry + NAME_AT;
  shown.nameLen = min(<i32>load<i64>(entry, NAME_LEN_AT), MAX_NAME_BYTES);
  shown.key.namePtr = entry + KID_AT;
  shown.key.nameLen = KID_BYTES;
  return shown;
}

/** That signer's newest text, or 0. */
export function findSharedText(signer: Named): SharedText {
  for (let i = 0; i < textCount; i++) {
    const text = sharedText(i);
    if (signer.isNamed(text.namePtr, text.nameLen)) return text;
  }
  return changetype<SharedText>(0);
}

function putText(entry: usize, text: RevocationText): void {
  memory.fill(entry, 0, TEXT_BYTES);
  store<i64>(entry, text.version);
  memory.copy(entry + HASH_AT, text.hash, HASH_BYTES);
  store<i64>(entry, text.nameLen, NAME_LEN_AT);
  memory.copy(entry + NAME_AT, text.namePtr, text.nameLen);
  memory.copy(entry + KID_AT, text.key.namePtr, min(text.key.nameLen, KID_BYTES));
}

/**
 * Makes room by forgetting the texts that the bundle has ignored. Only then: a listener that asks for more roots than signed that
 * bundle may still need them, and whoever tells here may not know of it.
 */
function dropIgnored(trust: Trust): void {
  for (let i = textCount - 1; i >= 0; i--) {
    const text = sharedText(i);
    if (!trust.ignoresText(text, text.key, text.version)) continue;
    textCount -= 1;
    memory.copy(entryAt(i), entryAt(textCount), TEXT_BYTES);
  }
}

/** Tells that this is its signer's newest text. Never lowers one. @param trust the domain's newest bundle */
export function raiseSharedText(domain: usize, text: RevocationText, trust: Trust): void {
  for (let i = 0; i < RETRIES; i++) {
    readSharedTexts(domain);
    const known = findSharedText(text);
    const isKnown = changetype<usize>(known) != 0;
    // What the bundle has ignored of its signer is no newer one, whatever its number.
    const isInForce = isKnown && !trust.ignoresText(known, known.key, known.version);
    if (isInForce && known.version >= text.version) return;
    if (!isKnown && textCount >= MAX_REMEMBERED_TEXTS) dropIgnored(trust);
    if (!isKnown && textCount >= MAX_REMEMBERED_TEXTS) return;
    putText(isKnown ? known.hash - HASH_AT : entryAt(textCount++), text);
    if (setShared(textsKey, writeTextsKey(domain), texts, textCount * TEXT_BYTES, answer.cas) == Status.Ok) return;
  }
}

/** Nobody has to hold it any more: a VM that has all listeners of the domain has forgotten it. */
export function forgetSharedText(domain: usize, text: RevocationText): void {
  for (let i = 0; i < RETRIES; i++) {
    readSharedTexts(domain);
    const known = findSharedText(text);
    if (changetype<usize>(known) == 0 || memory.compare(known.hash, text.hash, HASH_BYTES) != 0) return;
    const entry = known.hash - HASH_AT;
    textCount -= 1;
    memory.copy(entry, entryAt(textCount), TEXT_BYTES);
    if (setShared(textsKey, writeTextsKey(domain), texts, textCount * TEXT_BYTES, answer.cas) == Status.Ok) return;
  }
}
