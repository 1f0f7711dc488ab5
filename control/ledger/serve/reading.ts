/** The log's own files, for whoever may read them: names that C2SP tlog-tiles knows, and no others. */
import type { TileSource } from "../log.js";
import { type Answer, Refused } from "./answer.js";

const INDEX = /^(?:x[0-9]{3}\/)*[0-9]{3}$/;
const TILE =
  /^tile\/(?:entries|[0-9]|[1-5][0-9]|6[0-3])\/(.*?)(\.p\/(?:[1-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?$/;
const BLOB = /^blob\/[0-9a-f]{64}$/;

/** A name holds one content for ever; a partial tile goes away when the full one is there. */
const FOR_EVER = "public, max-age=31536000, immutable";
const SHORT = "public, max-age=60";

interface Named {
  readonly type: string;
  readonly cache: string;
}

/** How a file of that name is served; undefined for a name that no log has. */
export function servedAs(path: string): Named | undefined {
  if (path === "checkpoint") return { type: "text/plain; charset=utf-8", cache: "no-cache" };
  if (BLOB.test(path)) return { type: "application/octet-stream", cache: FOR_EVER };
  const match = TILE.exec(path);
  // At most 2^53 entries: six groups of three digits.
  if (match === null || !INDEX.test(match[1] ?? "") || (match[1] ?? "").length > 32) return undefined;
  return { type: "application/octet-stream", cache: match[2] === undefined ? FOR_EVER : SHORT };
}

/** @param isPublic whether caches in between may keep it */
export async function readFile(log: TileSource, path: string, isPublic: boolean): Promise<Answer> {
  const named = servedAs(path);
  const body = named === undefined ? undefined : await log.read(path);
  if (named === undefined || body === undefined) throw new Refused(404, "There is no such file in this log.");
  const cache = isPublic ? named.cache : named.cache.replace("public", "private");
  return { status: 200, headers: { "content-type": named.type, "cache-control": cache }, body };
}
