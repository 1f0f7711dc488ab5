/**
 * YAML (or JSON) text from outside, read within bounds: as plain values, and with the place of each. Aliases, anchors and merges are
 * read as YAML 1.2 says, whatever a directive in the text asks for: `on`, `yes` and `12:30` are text.
 */
import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from "yaml";
import { messageOf, UserError } from "./errors.js";
import { visible } from "./text.js";

/** Twice what a roster needs whose bundle just fits (512 KiB), comments included; the parser takes seconds for more. */
const MAX_BYTES = 2 * 1024 * 1024;
/** Deeper than anything we read; the parser itself is recursive. */
const MAX_DEPTH = 64;
/** How many nodes aliases may stand for, all together: "a billion laughs" are refused, a role list shared by thousands is not. */
const MAX_ALIASED_NODES = 1_000_000;

export type Path = readonly PropertyKey[];

export interface Yaml {
  readonly value: unknown;
  /** `file:line:column` of what stands at the path, or of the nearest thing above it. @param member point at this member's name */
  readonly at: (path: Path, member?: string) => string;
  /** The scalar at the path as it is written, without quotes. */
  readonly sourceAt: (path: Path) => string | undefined;
  /** `file:line:column` of the first scalar that says exactly this. */
  readonly find: (text: string) => string | undefined;
}

/** What to do about the parser's complaint, where its own words do not say. */
const MENDS: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: "It holds several documents: leave out the line ---",
  TAB_AS_INDENT: "A tab stands where spaces must: YAML is indented with spaces",
  BAD_INDENT:
    "It is not indented far enough: text in brackets that goes over several lines must stand further to the right than the member it belongs to, its last bracket too (or write it on one line)",
  MULTILINE_IMPLICIT_KEY:
    "Text in braces that goes over several lines stands where a member must: indent all of it further than the member it belongs to, or write it on one line",
  BLOCK_AS_IMPLICIT_KEY: 'It is not indented as its neighbours are, or the text before a ":" goes over several lines',
};

/** What looks like a space or a line's end and is none in YAML: from a web page, a word processor, an old Mac. */
const FALSE_BLANK = /[\u0085\u00a0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff]|\r(?!\n)/;

/** Where a false blank stands in the line of the fault, or in the one before it: the parser sees only what follows from it. */
function falseBlankNear(text: string, offset: number): number | undefined {
  const start = text.lastIndexOf("\n", Math.max(0, text.lastIndexOf("\n", offset - 1) - 1)) + 1;
  const end = text.indexOf("\n", offset);
  const found = FALSE_BLANK.exec(text.slice(start, end < 0 ? undefined : end));
  return found === null ? undefined : start + found.index;
}

/** The parser's words, in ours where its own do not help. @param at the text from the fault on */
function sentenceFor({ code, message }: { code: string; message: string }, at: string): string {
  if (/^\*[\s,\]}]/.test(at)) return 'A * alone is read as an alias: write it in quotes, "*"';
  if (/cannot start with/.test(message)) return `Text that begins with ${visible(at[0] ?? "")} must stand in quotes`;
  if (code === "MULTILINE_IMPLICIT_KEY" && !/^[[{]/.test(at))
    return 'This line is no "name: value", nor a part of a list';
  if (/call stack/.test(message)) return "It is nested too deeply";
  if (/block-seq-ind/.test(message))
    return "A list begins on the line of its name: put the dash on the next line, indented, or write [ ]";
  const words = message.split("\n", 1)[0]?.replace(/ at line .*$/, "") ?? "not YAML";
  return MENDS[code] ?? visible(words);
}

/**
 * Where the text is nested beyond all reason, or -1: the parser would take minutes, and then overflow. Brackets in text and comments
 * count as well, so this is far above what a person writes.
 */
function unreasonableAt(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "[" || text[i] === "{") depth++;
    else if (text[i] === "]" || text[i] === "}") depth--;
    if (depth > 16 * MAX_DEPTH) return i;
  }
  return /^(?:[-?:][ \t]+){1024}/m.exec(text)?.index ?? -1;
}

/** What can be said without parsing: an encoding, a size, a depth. */
function refuseBytes(text: string, file: string, hint: string): void {
  const refuse = (offset: number, sentence: string): never => {
    const before = text.slice(0, offset).split("\n");
    throw new UserError(`${file}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}: ${sentence}`, { hint });
  };
  if (text.length > MAX_BYTES) refuse(0, `it is larger than ${MAX_BYTES / 1024 / 1024} MiB.`);
  const zero = text.indexOf("\0");
  if (zero >= 0) refuse(zero, "it is no text, or not in UTF-8 (UTF-16, perhaps): save it as UTF-8.");
  const broken = text.indexOf("\ufffd");
  if (broken >= 0) refuse(broken, "a character is not in UTF-8: save it as UTF-8.");
  const conflict = /^(?:<{7}|>{7}) /m.exec(text);
  if (conflict !== null) refuse(conflict.index, "git left a conflict here: settle it and take its marks out.");
  const deep = unreasonableAt(text);
  if (deep >= 0) refuse(deep, "it is nested too deeply.");
}

/** Reads the text. A fault is a UserError with `file:line:column`, what is wrong, and `hint`. */
export function readYaml(text: string, file: string, hint: string): Yaml {
  refuseBytes(text, file, hint);
  const lines = new LineCounter();
  const where = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${Math.max(1, line)}:${Math.max(1, col)}`;
  };
  const refuse = (offset: number, sentence: string, cause?: unknown): never => {
    throw new UserError(`${where(offset)}: ${sentence}.`, { hint, cause });
  };
  const parse = () => {
    try {
      return parseDocument(text, {
        lineCounter: lines,
        uniqueKeys: false, // Below, in one pass: the parser compares each name with each.
        merge: true,
        schema: "core",
        logLevel: "error",
      });
    } catch (error) {
      // The parser is recursive: only a text that goes far too deep gets here.
      return refuse(0, "it is nested too deeply", error);
    }
  };
  const document = parse();
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) {
    const [offset] = fault.pos;
    const blank = falseBlankNear(text, offset);
    if (blank === undefined) refuse(offset, sentenceFor(fault, text.slice(offset, offset + 8)), fault);
    else refuse(blank, `${visible(text[blank] ?? "")} stands where a space or a line's end must: type it anew`, fault);
  }

  const targets = new Map<Node, Node>();
  const anchors = new Map<string, Node>();
  const weights = new Map<Node, number>();
  const open = new Set<Node>();
  let aliased = 0;
  const offsetOf = (node: Node): number => node.range?.[0] ?? 0;

  const follow = (alias: Node & { source: string }): number => {
    const target = anchors.get(alias.source);
    const name = visible(alias.source);
    if (target === undefined)
      return refuse(offsetOf(alias), `the alias *${name} names nothing: &${name} must stand before it`);
    if (open.has(target)) return refuse(offsetOf(alias), `the alias *${name} stands inside what it names`);
    targets.set(alias, target);
    const weight = weights.get(target) ?? 1;
    aliased += weight;
    if (aliased > MAX_ALIASED_NODES) return refuse(offsetOf(alias), "its aliases stand for too much: write it out");
    return weight;
  };
  const weighPair = (pair: Pair, depth: number, holder: Node, names: Set<string>): number => {
    const { key, value } = pair;
    if (!isScalar(key))
      return refuse(offsetOf(isNode(key) ? key : holder), "the name of a member is a list, a mapping or an alias");
    const name = String(key.value);
    if (names.has(name) && key.source !== "<<")
      return refuse(offsetOf(key), "the same member stands here twice: leave one of them");
    names.add(name);
    if (key.anchor !== undefined) anchors.set(key.anchor, key);
    return weigh(value, depth);
  };
  /** Nodes below, aliases followed. */
  const weigh = (node: unknown, depth: number): number => {
    if (isAlias(node)) return follow(node);
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return 1;
    if (node.anchor !== undefined) anchors.set(node.anchor, node);
    if (isScalar(node)) return 1;
    if (depth > MAX_DEPTH) return refuse(offsetOf(node), "it is nested too deeply");
    open.add(node);
    let weight = 1;
    const names = new Set<string>();
    for (const item of node.items)
      weight += isPair(item) ? weighPair(item, depth + 1, node, names) : weigh(item, depth + 1);
    open.delete(node);
    weights.set(node, weight);
    return weight;
  };
  weigh(document.contents, 0);

  const toValue = (): unknown => {
    try {
      return document.toJS({ maxAliasCount: -1 }); // Bounded above.
    } catch (error) {
      return refuse(0, `it cannot be read: ${visible(messageOf(error).split("\n", 1)[0] ?? "")}`, error);
    }
  };

  const resolved = (node: unknown): Node | undefined => {
    if (isAlias(node)) return targets.get(node);
    return isScalar(node) || isMap(node) || isSeq(node) ? node : undefined;
  };
  const pairOf = (node: Node, name: PropertyKey): Pair | undefined => {
    if (!isMap(node)) return undefined;
    const own = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(name));
    if (own !== undefined) return own;
    for (const { key, value } of node.items) {
      if (!isScalar(key) || key.source !== "<<") continue;
      const merged = resolved(value);
      for (const source of isSeq(merged) ? merged.items.map(resolved) : [merged]) {
        const pair = source === undefined ? undefined : pairOf(source, name);
        if (pair !== undefined) return pair;
      }
    }
    return undefined;
  };
  const childOf = (node: Node, part: PropertyKey): unknown => {
    if (isSeq(node)) return typeof part === "number" ? node.items[part] : undefined;
    return pairOf(node, part)?.value;
  };
  /** The node at the path, or the nearest one above; aliases are not followed at the end, so that the error is where one reads. */
  const nodeAt = (path: Path): { node: Node | undefined; isExact: boolean } => {
    let node: Node | undefined = document.contents ?? undefined;
    for (const part of path) {
      const holder = resolved(node);
      const child = holder === undefined ? undefined : childOf(holder, part);
      if (!isScalar(child) && !isMap(child) && !isSeq(child) && !isAlias(child)) return { node, isExact: false };
      node = child;
    }
    return { node, isExact: true };
  };

  return {
    value: toValue(),
    at: (path, member) => {
      const { node } = nodeAt(path);
      const holder = resolved(node);
      const key = member === undefined || holder === undefined ? undefined : pairOf(holder, member)?.key;
      return where(isScalar(key) ? offsetOf(key) : node === undefined ? 0 : offsetOf(node));
    },
    sourceAt: (path) => {
      const { node, isExact } = nodeAt(path);
      const scalar = resolved(node);
      return isExact && isScalar(scalar) ? (scalar.source ?? String(scalar.value)) : undefined;
    },
    find: (wanted) => {
      const look = (node: unknown): Node | undefined => {
        if (isScalar(node)) return node.value === wanted ? node : undefined;
        if (!isMap(node) && !isSeq(node)) return undefined;
        for (const item of node.items) {
          const found = isPair(item) ? look(item.value) : look(item);
          if (found !== undefined) return found;
        }
        return undefined;
      };
      const found = look(document.contents);
      return found === undefined ? undefined : where(offsetOf(found));
    },
  };
}
