/** What a ledger itself looked up or was sent beside the records, as a sentence each. Read leniently, as everything in a log. */
import { isRecord } from "../../base/schema.js";
import { plural } from "../../base/text.js";
import type { EntryType } from "../entry.js";
import { openingOf, sealOfBody } from "../shard.js";
import { type Members, membersOf, textOf, wholeOf } from "./line.js";

/** Enough of a hash or of a key's name to find it again. */
const SHORT = 12;

function heartbeatWords(beat: Members): string | undefined {
  const gateway = textOf(beat, "gateway");
  if (gateway === undefined || !Array.isArray(beat.vms)) return undefined;
  const seqs = beat.vms.flatMap((vm: unknown) => (isRecord(vm) ? (wholeOf(vm, "seq") ?? []) : []));
  const last = seqs.reduce((most, seq) => Math.max(most, seq), 0);
  return `${plural(beat.vms.length, "VM")} of ${gateway}${seqs.length === 0 ? "" : `, last seq ${last}`}`;
}

/** The claims of a compact JWS, or of the first one of several. */
function claimsOf(text: string, segment = 1): Members | undefined {
  const [token = ""] = text.split("~", 1);
  return membersOf(Buffer.from(token.split(".", 3)[segment] ?? "", "base64url"));
}

function bundleWords(text: string): string | undefined {
  const claims = claimsOf(text);
  const version = claims && wholeOf(claims, "version");
  if (claims === undefined || version === undefined) return undefined;
  const audiences = [claims.aud].flat().filter((audience) => typeof audience === "string");
  return `bundle version ${version} of audience ${audiences.length === 0 ? "?" : audiences.join(", ")}`;
}

function revocationWords(text: string): string | undefined {
  const [header, claims] = [claimsOf(text, 0), claimsOf(text)];
  const version = claims && wholeOf(claims, "version");
  if (version === undefined) return undefined;
  const kid = header && textOf(header, "kid");
  return `revocations version ${version}${kid === undefined ? "" : `, signed by key ${kid.slice(0, SHORT)}...`}`;
}

function pushWords(push: Members): string | undefined {
  const gateway = textOf(push, "gateway");
  if (gateway === undefined) return undefined;
  const version = wholeOf(push, "bundle") ?? 0;
  const texts = isRecord(push.texts) ? Object.keys(push.texts).length : 0;
  const beside = texts === 0 ? "" : `, and ${plural(texts, "text")} of revocations`;
  const generation = wholeOf(push, "generation");
  return `${gateway} serves ${version === 0 ? "no bundle" : `bundle version ${version}`}${beside}${generation === undefined ? "" : ` (generation ${generation})`}`;
}

function receiptWords(line: Members): string | undefined {
  const claims = claimsOf(textOf(line, "receipt") ?? "");
  const index = claims && wholeOf(claims, "index");
  if (claims === undefined || index === undefined) return undefined;
  const record = textOf(claims, "record_sha256");
  return `for entry ${index} of ${textOf(claims, "origin") ?? "?"}${record === undefined ? "" : `, record ${record.slice(0, SHORT)}...`}`;
}

function shardWords(body: Buffer): string | undefined {
  const next = sealOfBody(body);
  if (next !== undefined) return `sealed: goes on as ${next.origin}`;
  const opening = openingOf(body);
  return opening && `goes on from ${opening.predecessor.origin}`;
}

function endWords(end: Members): string | undefined {
  const vm = textOf(end, "vm");
  if (vm === undefined) return undefined;
  return `${vm} is over, last seq ${wholeOf(end, "seq") ?? "?"} (${textOf(end, "why") ?? "?"})`;
}

/** Undefined where it is no such thing, or says too little. */
export function ownWords(type: EntryType, body: Buffer, members: Members | undefined): string | undefined {
  if (type === "bundle") return bundleWords(body.toString("utf8"));
  if (type === "text") return revocationWords(body.toString("utf8"));
  if (type === "shard") return shardWords(body);
  if (members === undefined) return undefined;
  if (type === "heartbeat") return heartbeatWords(members);
  if (type === "push") return pushWords(members);
  if (type === "receipt") return receiptWords(members);
  return type === "end" ? endWords(members) : undefined;
}
