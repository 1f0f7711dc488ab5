/**
 * A slow, obvious, strict JSON reader (RFC 8259): duplicate names, depth and surrogates are errors. A number that is no NumericDate
 * reads as `null`, which is nothing that any member of ours may be.
 */

export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };
export class NotStrictJson extends Error {}

const MAX_DEPTH = 8;
/** What our formats allow as a number: a NumericDate. */
const INTEGER = /^(?:0|[1-9][0-9]{0,15})$/;

/** Bytes must be UTF-8 throughout. */
export function parseStrictly(bytes: Uint8Array): JsonValue {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    JSON.parse(text);
  } catch (error) {
    throw new NotStrictJson("not JSON", { cause: error });
  }
  let at = 0;
  const skip = (): void => {
    while (/[ \t\n\r]/.test(text[at] ?? "")) at += 1;
  };
  const readString = (): string => {
    const start = at;
    at += 1;
    while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
    at += 1;
    const value: unknown = JSON.parse(text.slice(start, at));
    if (typeof value !== "string" || /\p{Surrogate}/u.test(value)) throw new NotStrictJson("lone surrogate");
    return value;
  };
  const read = (depth: number): JsonValue => {
    skip();
    const c = text[at];
    if ((c === "{" || c === "[") && depth >= MAX_DEPTH) throw new NotStrictJson("too deep");
    if (c === '"') return readString();
    if (c === "[") {
      const list: JsonValue[] = [];
      at += 1;
      for (skip(); text[at] !== "]"; skip()) {
        if (text[at] === ",") at += 1;
        list.push(read(depth + 1));
      }
      at += 1;
      return list;
    }
    if (c === "{") {
      const object = new Map<string, JsonValue>();
      at += 1;
      for (skip(); text[at] !== "}"; skip()) {
        if (text[at] === ",") {
          at += 1;
          skip();
        }
        const name = readString();
        if (object.has(name)) throw new NotStrictJson(`duplicate name ${name}`);
        skip();
        at += 1; // the colon
        object.set(name, read(depth + 1));
      }
      at += 1;
      return Object.fromEntries(object);
    }
    const token = /^[^,\]}\s]+/.exec(text.slice(at))?.[0] ?? "";
    at += token.length;
    if (token === "true" || token === "false" || token === "null") return token === "null" ? null : token === "true";
    return INTEGER.test(token) && Number(token) <= Number.MAX_SAFE_INTEGER ? Number(token) : null;
  };
  return read(0);
}
