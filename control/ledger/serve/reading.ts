/** The log's own files, for whoever may read them: names that C2SP tlog-tiles knows, and no others. */
import type { TileSource } from "../log.js";
import { boundOf, COSIGNED } from "../tlog/file-source.js";
import { type Answer, Refused } from "./answer.js";

/** More than 2^53 entries need no name. */
const MAX_PATH = 80;

/** A name holds one content for ever; a partial tile goes away when the full one is there. */
const FOR_EVER = "public, max-age=31536000, immutable";
const SHORT = "public, max-age=60";

interface Named {
  readonly type: string;
  readonly cache: string;
}

/** How a file of that name is served; undefined for a name that no log has. */
export function servedAs(path: string): Named | undefined {
  if (path === "checkpoint" || path === COSIGNED) return { type: "text/plain; charset=utf-8", cache: "no-cache" };
  if (boundOf(path) === undefined || path.length > MAX_PATH || /\.p\/(?:[3-9]..|2[6-9].|25[6-9])$/.test(path))
    return undefined;
  return { type: "application/octet-stream", cache: path.includes(".p/") ? SHORT : FOR_EVER };
}

/** @param isPublic whether caches in between may keep it */
export async function readFile(log: TileSource, path: string, isPublic: boolean): Promise<Answer> {
  const named = servedAs(path);
  const body = named === undefined ? undefined : await log.read(path);
  if (named === undefined || body === undefined) throw new Refused(404, "There is no such file in this log.");
  const cache = isPublic ? named.cache : named.cache.replace("public", "private");
  return { status: 200, headers: { "content-type": named.type, "cache-control": cache }, body };
}
