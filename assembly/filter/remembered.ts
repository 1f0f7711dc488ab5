/**
 * What a domain's texts of urgent revocations come to: whether this VM holds all that are in force, their digest, and how full they are.
 */
import { sha256 } from "../crypto/sha256";
import { MAX_REMEMBERED_TEXTS, MAX_REVOKED, MAX_TEXTS_BYTES } from "../limits";
import { compare } from "../text/bytes";
import { Writer } from "../text/writer";
import { RevocationText, Texts } from "../trust/revocations";
import { Domain } from "./domains";
import { readSharedTexts, sharedText } from "./shared";

/** A signer, a version and two newlines. */
const scratch: usize = memory.data(1536, 16); // MAX_REMEMBERED_TEXTS x 96
const digest: usize = memory.data(32, 16);
const writer = new Writer();

/** Whether this VM holds every text that others have told of, or a bundle whose floor covers it. */
export function holdsAllTexts(domain: Domain): bool {
  const newest = domain.newest;
  const count = readSharedTexts(domain.id);
  for (let i = 0; i < count; i++) {
    const text = sharedText(i);
    if (changetype<usize>(newest) != 0 && newest.trust.ignoresText(text, text.key, text.version)) continue;
    const own = domain.texts.find(text.namePtr, text.nameLen);
    if (own < 0 || domain.texts.at(own).version < text.version) return false;
  }
  return true;
}

/** The index of the first signer, bytewise, behind that one; -1 for none. @param after -1 to begin */
function nextSigner(texts: Texts, after: i32): i32 {
  let next = -1;
  for (let i = 0; i < texts.count; i++) {
    const text = texts.at(i);
    if (after >= 0 && isBefore(text, texts.at(after))) continue;
    if (i == after || (next >= 0 && !isBefore(text, texts.at(next)))) continue;
    next = i;
  }
  return next;
}

function isBefore(text: RevocationText, other: RevocationText): bool {
  return compare(text.namePtr, text.nameLen, other.namePtr, other.nameLen) < 0;
}

/** 48 bits, which a gauge keeps exactly, of the SHA-256 over `signer\\nversion\\n` of each text that the newest bundle does not ignore. */
export function digestOf(domain: Domain): u64 {
  const newest = domain.newest;
  writer.open(scratch, 1536);
  for (let i = nextSigner(domain.texts, -1); i >= 0; i = nextSigner(domain.texts, i)) {
    const text = domain.texts.at(i);
    if (changetype<usize>(newest) != 0 && text.isIgnoredUnder(newest.trust)) continue;
    writer.bytes(text.namePtr, text.nameLen);
    writer.byte(0x0a);
    writer.integer(text.version);
    writer.byte(0x0a);
  }
  sha256(scratch, writer.length, digest);
  return max<u64>(1, bswap<u64>(load<u64>(digest)) >> 16);
}

/** How near the texts come to what there may be, in percent. */
export function textsFilledPercent(domain: Domain, bytes: i32): i32 {
  const texts = domain.texts;
  let longest = 0;
  for (let i = 0; i < texts.count; i++) longest = max(longest, texts.at(i).revoked.longest);
  const filled = max((bytes * 100) / MAX_TEXTS_BYTES, (longest * 100) / MAX_REVOKED);
  return max(filled, (texts.count * 100) / MAX_REMEMBERED_TEXTS);
}

/** The highest version of a text that the domain remembers; 0 without any. */
export function newestTextVersion(domain: Domain): i64 {
  let newest: i64 = 0;
  for (let i = 0; i < domain.texts.count; i++) newest = max(newest, domain.texts.at(i).version);
  return newest;
}
