/**
 * Changes in a roster's own text: a key more, and an end for the old ones. Only what changes is written, at the places where the
 * parser found its neighbours, so every other line stays byte for byte; what cannot be changed so is refused, never reformatted.
 */
import { isDeepStrictEqual } from "node:util";
import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { UserError } from "../base/errors.js";
import { nearest, visible } from "../base/text.js";
import type { PublicKey } from "../signer/jwk.js";
import { parseRoster } from "./roster.js";

interface Insertion {
  /** Where the new text begins, and where the old text that it replaces ends. */
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** One line of YAML; quoted where the letters are by chance. */
function keyText(key: PublicKey): string {
  const coordinates = key.kty === "EC" ? `x: "${key.x}", y: "${key.y}"` : `x: "${key.x}"`;
  const alg = key.alg === undefined ? "" : `, alg: ${key.alg}`;
  return `{ kty: ${key.kty}, crv: ${key.crv}, ${coordinates}, kid: "${key.kid}"${alg} }`;
}

class Source {
  constructor(private readonly text: string) {}

  private get eol(): string {
    return this.text.includes("\r\n") ? "\r\n" : "\n";
  }

  column(offset: number): number {
    return offset - (this.text.lastIndexOf("\n", offset - 1) + 1);
  }

  line(offset: number): number {
    return this.text.slice(0, offset).split("\n").length;
  }

  /** A whole line behind the one that `offset` is on. */
  lineAfter(offset: number, indent: number, line: string): Insertion {
    const end = this.text.indexOf("\n", offset);
    const content = `${" ".repeat(indent)}${line}`;
    return end < 0
      ? { from: this.text.length, to: this.text.length, text: `${this.eol}${content}` }
      : { from: end + 1, to: end + 1, text: `${content}${this.eol}` };
  }

  apply(insertions: readonly Insertion[]): string {
    // From behind, so that offsets hold; of two at one place the later one first, so that they end in order.
    return insertions
      .map((insertion, i) => ({ ...insertion, i }))
      .sort((a, b) => b.from - a.from || b.i - a.i)
      .reduce((text, { from, to, text: fresh }) => text.slice(0, from) + fresh + text.slice(to), this.text);
  }
}

const startOf = (node: Node): number => node.range?.[0] ?? 0;
/** Behind the value itself, before a comment. */
const endOf = (node: Node): number => node.range?.[1] ?? 0;

/** Behind the last character of the innermost last value. */
function lastEnd(node: Node): number {
  if ((isMap(node) || isSeq(node)) && node.flow !== true) {
    const last: unknown = node.items.at(-1);
    const inner = isPair(last) ? last.value : last;
    if (isNode(inner)) return lastEnd(inner);
  }
  // A block scalar's range takes in its line ends.
  const isBlockScalar = isScalar(node) && (node.type === "BLOCK_FOLDED" || node.type === "BLOCK_LITERAL");
  return isBlockScalar ? endOf(node) - 1 : endOf(node);
}

function endKey(source: Source, key: YAMLMap, seconds: number): Insertion[] {
  const exp = key.get("exp", true);
  if (isScalar(exp)) return [{ from: startOf(exp), to: endOf(exp), text: String(seconds) }];
  const last = key.items.at(-1);
  const name = isNode(last?.key) ? last.key : undefined;
  const first = key.items[0]?.key;
  if (name === undefined || !isNode(last?.value) || !isNode(first)) return [];
  const member = isScalar(name) && name.type === "QUOTE_DOUBLE" ? `"exp": ${seconds}` : `exp: ${seconds}`;
  if (key.flow === true) return [{ from: endOf(last.value), to: endOf(last.value), text: `, ${member}` }];
  return [source.lineAfter(lastEnd(last.value), source.column(startOf(first)), member)];
}

function addKey(source: Source, keys: YAMLSeq, key: PublicKey): Insertion[] {
  const last = keys.items.at(-1);
  if (keys.flow === true) {
    const at = isNode(last) ? endOf(last) : startOf(keys) + 1;
    return [{ from: at, to: at, text: isNode(last) ? `, ${keyText(key)}` : ` ${keyText(key)} ` }];
  }
  if (!isNode(last)) return [];
  return [source.lineAfter(lastEnd(last), source.column(startOf(keys)), `- ${keyText(key)}`)];
}

function unsafe(file: string, where: number | undefined, principal: string, why: string, key: PublicKey): UserError {
  const place = where === undefined ? file : `${file}:${where}`;
  return new UserError(`${place}: the keys of ${principal} cannot be changed without touching other lines: ${why}.`, {
    hint: `Nothing was changed. Add this key yourself, give the old ones an exp, and run \`glassgate bundle build\`: ${keyText(key)}`,
  });
}

/** The first alias, anchor or merge in the principal, or on the way to it. */
function sharedNode(document: ReturnType<typeof parseDocument>, index: number): Node | undefined {
  const way = [["principals"], ["principals", index], ["principals", index, "keys"]];
  const nodes = way.map((path) => document.getIn(path, true));
  const alias = nodes.find((node): node is Node => isAlias(node));
  if (alias !== undefined) return alias;
  const principal = nodes[1];
  if (!isNode(principal)) return undefined;
  let found: Node | undefined;
  visit(principal, {
    Node(_, node) {
      if (isAlias(node) || ("anchor" in node && node.anchor !== undefined)) {
        found = node;
        return visit.BREAK;
      }
      return undefined;
    },
  });
  return found;
}

/** The roster's text with the new key added and the old ones ending, at the latest, at `oldKeysEnd` (seconds since 1970). */
export function rotatedRoster(
  text: string,
  file: string,
  principal: string,
  key: PublicKey,
  oldKeysEnd: number,
): string {
  const roster = parseRoster(text, file);
  const index = roster.principals.findIndex(({ id }) => id === principal);
  const before = roster.principals[index];
  if (before === undefined) {
    const ids = roster.principals.map(({ id }) => id);
    const near = nearest(principal, ids);
    throw new UserError(`${file} has no principal ${visible(principal)}.`, {
      hint: near === undefined ? `There are: ${ids.join(", ")}.` : `Did you mean ${near}?`,
    });
  }
  const owner = roster.principals.find(({ keys }) => keys.some(({ kid }) => kid === key.kid));
  if (owner !== undefined)
    throw new UserError(`The key ${key.kid} is in ${file} already: it belongs to ${owner.id}.`, {
      hint: "Make a new one with `glassgate key new`.",
    });
  const source = new Source(text);
  const document = parseDocument(text);
  const shared = sharedNode(document, index);
  if (shared !== undefined)
    throw unsafe(file, source.line(startOf(shared)), principal, "a YAML alias or anchor shares them", key);
  const keys = document.getIn(["principals", index, "keys"], true);
  if (!isSeq(keys)) throw unsafe(file, undefined, principal, "they are no list", key);

  const insertions: Insertion[] = [];
  const expected = before.keys.map((old, i) => {
    const node = keys.items[i];
    if ((old.exp !== undefined && old.exp <= oldKeysEnd) || !isMap(node)) return old;
    insertions.push(...endKey(source, node, oldKeysEnd));
    return { ...old, exp: oldKeysEnd };
  });
  insertions.push(...addKey(source, keys, key));
  const changed = source.apply(insertions);
  const wanted = roster.principals.map((other, i) => (i === index ? { ...before, keys: [...expected, key] } : other));
  if (!isDeepStrictEqual(readBack(changed, file), { ...roster, principals: wanted }))
    throw unsafe(file, source.line(startOf(keys)), principal, "they are written in a way that leaves no room", key);
  return changed;
}

function readBack(text: string, file: string): unknown {
  try {
    return parseRoster(text, file);
  } catch (error) {
    if (error instanceof UserError) return undefined; // What the change made of it is no roster: the caller refuses.
    throw error;
  }
}
