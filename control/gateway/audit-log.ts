/** Where a gateway's own file has the audit records written. */
import { readText } from "../base/files.js";
import { isRecord } from "../base/schema.js";
import { mergedDocument } from "./document.js";
import { member } from "./rendered.js";

const MAX_DEPTH = 100;

function* fileLogs(value: unknown, depth = 0): Generator<Record<string, unknown>> {
  if (depth > MAX_DEPTH || typeof value !== "object" || value === null) return;
  if (isRecord(value) && String(value["@type"]).endsWith(".FileAccessLog")) yield value;
  else for (const inner of Object.values(value)) yield* fileLogs(inner, depth + 1);
}

/** Undefined where it is no plain file: a pipe, standard output, another kind of log. */
export function auditLogOf(file: string): string | undefined {
  const document = mergedDocument(readText(file, "the gateway's configuration"));
  const root: unknown = document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 1000 });
  for (const log of fileLogs(member(root, "static_resources"))) {
    const path = log.path;
    if (typeof path !== "string" || path.startsWith("/dev/")) continue;
    if (JSON.stringify(log).includes("wasm.glassgate.audit")) return path;
  }
  return undefined;
}
