/** Addresses and CIDR blocks, slowly and obviously: as strings of bits. */

/** 32 bits for IPv4, 128 for IPv6. */
type Bits = string;
export interface Block {
  readonly bits: Bits;
  readonly prefix: number;
}

const bitsOf = (numbers: readonly number[], width: number): Bits =>
  numbers.map((number) => number.toString(2).padStart(width, "0")).join("");

function readV4(text: string): Bits | undefined {
  const parts = text.split(".");
  const isGood = parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  return isGood ? bitsOf(parts.map(Number), 8) : undefined;
}

/** RFC 4291, section 2.2. */
function readV6(text: string): Bits | undefined {
  const dotted = /(?<=:)[^:]*\.[^:]*$/.exec(text);
  let hexadecimal = text;
  if (dotted !== null) {
    const v4 = readV4(dotted[0]);
    if (v4 === undefined) return undefined;
    const [high, low] = [Number.parseInt(v4.slice(0, 16), 2), Number.parseInt(v4.slice(16), 2)];
    hexadecimal = `${text.slice(0, dotted.index)}${high.toString(16)}:${low.toString(16)}`;
  }
  const halves = hexadecimal.split("::");
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === "" ? [] : half.split(":")));
  const [before = [], after = []] = groups;
  const all = [...before, ...after];
  if (!all.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return undefined;
  if (halves.length === 1 ? all.length !== 8 : all.length > 7) return undefined;
  const gap = Array.from({ length: 8 - all.length }, () => "0");
  return bitsOf(
    [...before, ...gap, ...after].map((group) => Number.parseInt(group, 16)),
    16,
  );
}

const MAPPED = `${"0".repeat(80)}${"1".repeat(16)}`;

/** RFC 5952: lower case, no leading zeros, the first of the longest runs of two zero groups or more as `::`. */
function spellV6(bits: Bits): string {
  const groups = (bits.match(/.{16}/g) ?? []).map((group) => Number.parseInt(group, 2).toString(16));
  for (let length = 8; length >= 2; length--) {
    for (let at = 0; at + length <= 8; at++) {
      if (groups.slice(at, at + length).every((group) => group === "0"))
        return `${groups.slice(0, at).join(":")}::${groups.slice(at + length).join(":")}`;
    }
  }
  return groups.join(":");
}

/** A block in its canonical spelling, host bits zero, not IPv4 inside IPv6. */
export function readBlock(text: string): Block | undefined {
  const [address = "", written = "", ...more] = text.split("/");
  if (more.length > 0 || !/^(?:0|[1-9]\d{0,2})$/.test(written)) return undefined;
  const v4 = readV4(address);
  const bits = v4 ?? readV6(address);
  const prefix = Number(written);
  if (bits === undefined || prefix > bits.length) return undefined;
  if (v4 === undefined && (bits.startsWith(MAPPED) || spellV6(bits) !== address)) return undefined;
  return /^0*$/.test(bits.slice(prefix)) ? { bits, prefix } : undefined;
}

/** `192.0.2.1:4711`, `[2001:db8::1]:4711`, with or without the port and a zone; an IPv4-mapped address is IPv4. */
export function addressOf(source: string): Bits | undefined {
  const bracketed = /^\[([^\]]*)\]/.exec(source)?.[1];
  const isV6 = bracketed !== undefined || source.split(":").length > 2;
  if (!isV6) return readV4(source.split(":")[0] ?? "");
  const bits = readV6((bracketed ?? source).split("%")[0] ?? "");
  return bits?.startsWith(MAPPED) === true ? bits.slice(96) : bits;
}

export const isIn = (address: Bits, { bits, prefix }: Block): boolean =>
  address.length === bits.length && address.startsWith(bits.slice(0, prefix));
