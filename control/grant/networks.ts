/** Networks as CIDR blocks, in the one spelling that the filter takes (assembly/text/cidr.ts is the authority). */
import { isIPv4, isIPv6 } from "node:net";
import { visible } from "../base/text.js";

interface Block {
  /** Every bit of the address, the first one first. */
  readonly bits: string;
  readonly prefix: number;
}

const RULE = "must be a network such as 192.0.2.0/24 or 2001:db8::/32";

/** The eight groups of an IPv6 address, by the canonical spelling that URLs have. */
function groupsOf(address: string): number[] {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [before = "", after] = canonical.split("::", 2);
  const read = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [head, tail] = [read(before), after === undefined ? [] : read(after)];
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}

const bitsOf = (numbers: readonly number[], width: number): string =>
  numbers.map((number) => number.toString(2).padStart(width, "0")).join("");

function spell(bits: string): string {
  const width = bits.length === 32 ? 8 : 16;
  const numbers = (bits.match(new RegExp(`.{${width}}`, "g")) ?? []).map((part) => Number.parseInt(part, 2));
  if (width === 8) return numbers.join(".");
  return new URL(`http://[${numbers.map((group) => group.toString(16)).join(":")}]`).hostname.slice(1, -1);
}

function parse(text: string): Block | undefined {
  const [address = "", prefix, ...more] = text.split("/");
  const isV4 = isIPv4(address);
  if (more.length > 0 || address.includes("%") || (!isV4 && !isIPv6(address))) return undefined;
  const bits = isV4 ? bitsOf(address.split(".").map(Number), 8) : bitsOf(groupsOf(address), 16);
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return undefined;
  const length = prefix === undefined ? bits.length : Number(prefix);
  return length <= bits.length ? { bits, prefix: length } : undefined;
}

const MAPPED = `${"0".repeat(80)}${"1".repeat(16)}`;

/** Why no filter takes it, and what was most likely meant; undefined where it is good. */
export function faultOfNetwork(text: string): string | undefined {
  const block = parse(text);
  if (block === undefined) return `${RULE}; this is ${visible(JSON.stringify(text.slice(0, 70)))}`;
  const { prefix } = block;
  if (block.bits.length === 128 && block.bits.startsWith(MAPPED)) {
    const meant = `${spell(block.bits.slice(96))}/${Math.max(0, prefix - 96)}`;
    return `holds an IPv4 address inside IPv6; write ${meant}`;
  }
  const canonical = `${spell(block.bits.slice(0, prefix).padEnd(block.bits.length, "0"))}/${prefix}`;
  return canonical === text ? undefined : `${RULE}, its host bits zero; did you mean ${canonical}?`;
}

/** The network of so many bits round an address, in its canonical spelling; undefined for what is no address. */
export function networkOf(address: string, v4: number, v6: number): string | undefined {
  const block = address.includes("/") ? undefined : parse(address);
  if (block === undefined) return undefined;
  const isMapped = block.bits.length === 128 && block.bits.startsWith(MAPPED);
  const bits = isMapped ? block.bits.slice(MAPPED.length) : block.bits;
  const prefix = bits.length === 32 ? v4 : v6;
  return `${spell(bits.slice(0, prefix).padEnd(bits.length, "0"))}/${prefix}`;
}

/** Whether that address is in that network. An IPv4 address inside IPv6 is the IPv4 address. */
export function covers(network: string, address: string): boolean {
  const block = parse(network);
  const one = address.includes("/") ? undefined : parse(address);
  if (block === undefined || one === undefined) return false;
  const isMapped = one.bits.length === 128 && one.bits.startsWith(MAPPED);
  const bits = isMapped ? one.bits.slice(MAPPED.length) : one.bits;
  return bits.length === block.bits.length && bits.startsWith(block.bits.slice(0, block.prefix));
}

/** Covers every address of its family. */
export const isWholeFamily = (network: string): boolean => network.endsWith("/0");
