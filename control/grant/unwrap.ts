/**
 * Undoes what chat and mail programs do to a line of ASCII: byte orders, quoted-printable, percent signs, tags and entities,
 * typographic signs. What remains is read by find.ts, which knows what a message looks like.
 */

import { stripVTControlCharacters } from "node:util";

/** The text of bytes: UTF-16 with its mark (PowerShell's `>`), or seen by its zero bytes, else UTF-8. */
export function decodeText(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.subarray(2).toString("utf16le");
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return bigEndian(bytes.subarray(2));
  const head = bytes.subarray(0, 64);
  const zeros = (parity: number): number => head.filter((byte, index) => index % 2 === parity && byte === 0).length;
  if (bytes.length >= 4 && zeros(1) > head.length / 4 && zeros(0) === 0) return bytes.toString("utf16le");
  if (bytes.length >= 4 && zeros(0) > head.length / 4 && zeros(1) === 0) return bigEndian(bytes);
  return bytes.toString("utf8");
}

function bigEndian(bytes: Buffer): string {
  return Buffer.from(bytes.subarray(0, bytes.length & ~1))
    .swap16()
    .toString("utf16le");
}

/** Signs that stand for one hyphen, whoever puts them. */
const HYPHENS = /[\u2010-\u2012\u2212\ufe63\uff0d]/g;
/** Invisible signs, soft hyphens and zero-width spaces among them. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu;

/**
 * HTML elements that programs put around or into text: those that part it, and those that do not. Named, as `<eyJ...>` is a
 * message in angle brackets.
 */
const PARTING =
  /<\/?(?:blockquote|body|br|center|dd|div|dl|dt|h[1-6]|head|hr|html|img|li|meta|ol|o:p|p|pre|table|tbody|td|th|tr|ul)(?:\s[^<>]*)?\/?>/gi;
const INLINE = /<\/?(?:a|b|code|del|em|font|i|kbd|q|s|samp|small|span|strong|style|tt|u|var|wbr)(?:\s[^<>]*)?\/?>/gi;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  gt: ">",
  lt: "<",
  nbsp: " ",
  quot: '"',
  apos: "'",
  shy: "",
  zwnj: "",
  zwj: "",
  hyphen: "-",
  lowbar: "_",
  period: ".",
  mldr: "\u2026",
  hellip: "\u2026",
  nldr: "\u2025",
  ndash: "\u2013",
  mdash: "\u2014",
  minus: "\u2212",
  tilde: "~",
};

function decodeEntity(whole: string, body: string): string {
  const hex = /^#x([0-9a-f]{1,6})$/i.exec(body)?.[1];
  const decimal = /^#([0-9]{1,7})$/.exec(body)?.[1];
  const code = hex !== undefined ? Number.parseInt(hex, 16) : Number(decimal ?? Number.NaN);
  if (Number.isInteger(code)) return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  return ENTITIES[body.toLowerCase()] ?? whole;
}

const fromHex = (sign: string) => (run: string) => Buffer.from(run.replaceAll(sign, ""), "hex").toString("utf8");

/** Colours, tags, entities, quoted-printable, percent signs and the escapes of JSON: none of their signs occurs in a message. */
export function decodeCarrier(text: string): string {
  return stripVTControlCharacters(text)
    .replace(INVISIBLE, "")
    .replace(/=[ \t]*\r?\n(?:[>|][> |]*)?/g, "")
    .replace(/(?:=[0-9A-F]{2})+/gi, fromHex("="))
    .replace(PARTING, "\n")
    .replace(INLINE, "")
    .replace(/&([a-z]{2,8}|#x?[0-9a-f]{1,7});/gi, decodeEntity)
    .replace(/%(?:25)+(?=[0-9A-Fa-f]{2})/g, "%") // escaped by one link after the other
    .replace(/(?:%[0-9A-Fa-f]{2})+/g, fromHex("%"))
    .replace(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\\[nrt]/g, "\n");
}

export interface Plain {
  /** The letters of messages alone: `A-Za-z0-9_-.~`. */
  readonly letters: string;
  /** For each letter, whether something else stood before it; one more for the end. */
  readonly gaps: Uint8Array;
}

/**
 * The letters of the text, without all else. Long dashes are read in up to four ways: each was one hyphen or two.
 * @returns one reading, or the several that there are
 */
export function readings(text: string): Plain[] {
  const signs = text
    .replace(INVISIBLE, "")
    .replace(HYPHENS, "-")
    .replace(/[\uff0e\u3002]/g, ".")
    .replaceAll("\uff3f", "_")
    .replace(/[\u02dc\u223c\uff5e]/g, "~")
    .replace(/[\u2025\u2026]|\.{3,}/g, "..");
  const dashes = ["\u2013", "\u2014"].filter((dash) => signs.includes(dash));
  let texts = [signs];
  for (const dash of dashes)
    texts = texts.flatMap((one) => ["--", "-"].map((hyphens) => one.replaceAll(dash, hyphens)));
  return texts.map(lettersOf);
}

function lettersOf(text: string): Plain {
  const gaps = new Uint8Array(text.length + 1);
  const pieces = text.match(/[\w.~-]+/g) ?? [];
  let at = 0;
  for (const piece of pieces) {
    gaps[at] = 1;
    at += piece.length;
  }
  gaps[at] = 1;
  return { letters: pieces.join(""), gaps };
}

/** `Rita: `, `<rita> `, or the border of a terminal's pane, with what stands in the pane beside it. */
const SPEAKER = /^.{0,60}?(?:[>:|][ \t]+|\u2502[ \t]*)/gm;
/** As editors and `cat -n` put it before a line. */
const LINE_NUMBER = /^[ \t]*\d{1,6}[ \t:|]+/gm;
const BASE64 = /^(?:[A-Za-z0-9+/]{40,}\r?\n)*[A-Za-z0-9+/]+={0,2}/gm;
const MIN_BASE64_LETTERS = 40;

/** Other ways to read a text in which nothing was found: without what stands before each line, and what stands there in base64. */
export function otherTexts(text: string): string[] {
  const bodies = (text.match(BASE64) ?? []).filter((body) => body.length >= MIN_BASE64_LETTERS);
  return [
    text.replace(SPEAKER, ""),
    text.replace(LINE_NUMBER, ""),
    ...bodies.map((body) => Buffer.from(body, "base64").toString("utf8")),
  ];
}
