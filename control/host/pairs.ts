/** Header maps as Proxy-Wasm serialises them (little endian): count, then lengths, then NUL-terminated names and values. */
import type { Header } from "./stream.js";

export function serialise(headers: readonly Header[]): Buffer {
  const lengths = Buffer.alloc(4 + 8 * headers.length);
  lengths.writeUInt32LE(headers.length, 0);
  const texts: Buffer[] = [];
  headers.forEach(([name, value], i) => {
    const nameBytes = Buffer.from(name, "latin1");
    const valueBytes = Buffer.from(value, "latin1");
    lengths.writeUInt32LE(nameBytes.length, 4 + 8 * i);
    lengths.writeUInt32LE(valueBytes.length, 8 + 8 * i);
    texts.push(nameBytes, Buffer.from([0]), valueBytes, Buffer.from([0]));
  });
  return Buffer.concat([lengths, ...texts]);
}

/** Undefined when the lengths do not fit the bytes. */
export function parse(bytes: Buffer): Header[] | undefined {
  if (bytes.length === 0) return [];
  if (bytes.length < 4) return undefined;
  const count = bytes.readUInt32LE(0);
  let at = 4 + 8 * count;
  if (at > bytes.length) return undefined;
  const headers: Header[] = [];
  for (let i = 0; i < count; i++) {
    const nameLength = bytes.readUInt32LE(4 + 8 * i);
    const valueLength = bytes.readUInt32LE(8 + 8 * i);
    if (at + nameLength + valueLength + 2 > bytes.length) return undefined;
    const name = bytes.toString("latin1", at, at + nameLength);
    at += nameLength + 1;
    headers.push([name, bytes.toString("latin1", at, at + valueLength)]);
    at += valueLength + 1;
  }
  return headers;
}
