/** What stands in an entry's body, read leniently: it came from outside, and any member may be missing or of another kind. */
import { isUtf8 } from "node:buffer";
import { isRecord } from "../../base/schema.js";

export type Members = Readonly<Record<string, unknown>>;

/** Deeper than any line of ours; what is deeper yet could not be written out again. */
const MAX_DEPTH = 16;

const isShallow = (value: unknown, left: number): boolean =>
  typeof value !== "object" ||
  value === null ||
  (left > 0 && Object.values(value).every((v) => isShallow(v, left - 1)));

/** The body as a JSON object, or undefined. */
export function membersOf(body: Buffer): Members | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString("utf8"));
    return isRecord(parsed) && isShallow(parsed, MAX_DEPTH) ? parsed : undefined;
  } catch {
    return undefined; // No JSON: said by the result.
  }
}

/** A member that is text and not empty. */
export function textOf(members: Members, name: string): string | undefined {
  const value = members[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function wholeOf(members: Members, name: string): number | undefined {
  const value = members[name];
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}

/** Bytes as a member of a JSON object: as text where they are some, else in base64. */
export const bodyMember = (body: Buffer): { body: string } | { body_base64: string } =>
  isUtf8(body) ? { body: body.toString("utf8") } : { body_base64: body.toString("base64") };

/** JSON in ASCII, on one line or indented: whatever it holds, it cannot move a terminal's cursor. */
export const asciiJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(
    /[^\n\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
