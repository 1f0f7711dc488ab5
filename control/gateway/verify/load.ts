/**
 * YAML and JSON as Envoy reads them: plain scalars by Envoy's own rules (`yes` is true, `0x10` is 16), the last of two equal keys
 * wins, a key tagged `!ignore` is none, only the first document counts, aliases are followed. Envoy knows no merges: `<<` is a field
 * that it refuses. What the merge would bring in is judged all the same.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { Value } from "./value.js";

/** Envoy's own files are far below: more is no gateway's configuration, or one made to exhaust its reader. */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_VALUES = 2_000_000;
/** Signs that part values, each of which takes its reader time. A dump of a whole mesh's sidecar has some ten thousands. */
const MAX_MARKS = 250_000;
/** Protobuf's own limit of nested messages. */
const MAX_DEPTH = 100;

const TRUE = /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/;

/** A plain scalar, by the rules of Envoy's loader. Fractions stay text: the field's type decides. */
function plain(text: string): string | number | boolean | null {
  if (text === "" || text === "~" || /^null$|^Null$|^NULL$/.test(text)) return null;
  if (TRUE.test(text)) return true;
  if (FALSE.test(text)) return false;
  if (/^[-+]?(?:0|[1-9][0-9]*)$/.test(text)) return exact(Number(text), text);
  const hex = /^([-+]?)0[xX]([0-9a-fA-F]+)$/.exec(text);
  if (hex !== null) return exact(Number.parseInt(`${hex[1]}${hex[2]}`, 16), text);
  if (/^0[0-7]+$/.test(text)) return exact(Number.parseInt(text, 8), text);
  return text;
}

const exact = (number: number, text: string): string | number => (Number.isSafeInteger(number) ? number + 0 : text);

export interface Loaded {
  readonly root: Value;
  /** Keys that stand twice in one map, and merges: what Envoy reads there may not be what was meant. */
  readonly doubles: readonly { readonly name: string; readonly line: number }[];
  readonly merges: readonly number[];
  readonly documents: number;
}

class Loader {
  readonly doubles: { name: string; line: number }[] = [];
  readonly merges: number[] = [];
  private readonly known = new Map<Node, Value>();
  private readonly open = new Set<Node>();
  /** By name, the one that stands last above: nodes are read in the order in which they stand. */
  private readonly anchors = new Map<string, Node>();

  constructor(
    private readonly lines: LineCounter,
    private readonly file: string,
    private readonly source: string | undefined,
  ) {}

  lineOf(node: Node): number {
    return this.lines.linePos(node.range?.[0] ?? 0).line;
  }

  private refuse(node: Node, what: string, hint: string): never {
    throw new UserError(`${visible(this.file)}:${this.lineOf(node)}: ${what}`, { hint });
  }

  read(node: Node, depth: number): Value {
    const before = this.known.get(node);
    if (before !== undefined) return before;
    if (depth > MAX_DEPTH)
      this.refuse(node, `values are nested more than ${MAX_DEPTH} deep.`, "Envoy does not read that either.");
    if (this.open.has(node))
      this.refuse(node, "an alias stands inside its own anchor.", "Write the value out instead.");
    this.open.add(node);
    const value = this.make(node, depth);
    this.open.delete(node);
    if (value.size > MAX_VALUES)
      this.refuse(
        node,
        `its aliases stand for more than ${MAX_VALUES} values.`,
        "Such a file exhausts whoever reads it.",
      );
    this.known.set(node, value);
    return value;
  }

  private value(data: Value["data"], node: Node, size: number): Value {
    return new Value(data, this.lineOf(node), size, this.source);
  }

  private make(node: Node, depth: number): Value {
    if (isAlias(node)) {
      const target = this.anchors.get(node.source);
      if (target === undefined)
        this.refuse(node, `the alias ${visible(node.source)} has no anchor.`, "Name an anchor that stands above.");
      return this.read(target, depth + 1);
    }
    if ("anchor" in node && typeof node.anchor === "string") this.anchors.set(node.anchor, node);
    if (isSeq(node)) {
      const values = node.items.map((item) => this.child(item, node, depth));
      return this.value(
        values,
        node,
        values.reduce((sum, { size }) => sum + size, 1),
      );
    }
    if (isMap(node)) return this.map(node, depth);
    if (!isScalar(node)) return this.value(null, node, 1);
    const text = node.source ?? String(node.value ?? "");
    // Quotes and blocks make text of it, a tag of any kind does not: `!!int "5"` is 5, `!!str true` is true.
    const isTagged = node.tag !== undefined && node.tag !== "!";
    const isText = node.tag === "!" || (!isTagged && node.type !== "PLAIN" && node.type !== undefined);
    return this.value(isText ? text : plain(text), node, 1);
  }

  private child(node: unknown, owner: Node, depth: number): Value {
    if (isAlias(node) || isScalar(node) || isSeq(node) || isMap(node)) return this.read(node, depth + 1);
    return new Value(null, this.lineOf(owner), 1, this.source);
  }

  private map(node: Node, depth: number): Value {
    const fields = new Map<string, Value>();
    const merged = new Map<string, Value>();
    if (!isMap(node)) return this.value(null, node, 1);
    for (const pair of node.items) {
      const key = isAlias(pair.key) ? this.anchors.get(pair.key.source) : pair.key;
      if (isScalar(key) && key.anchor !== undefined) this.anchors.set(key.anchor, key);
      if (!isScalar(key))
        this.refuse(node, "a key is neither text nor number.", "Envoy reads maps with plain keys only.");
      if (key.tag === "!ignore") continue;
      const name = String(key.value ?? "");
      const value = this.child(pair.value, key, depth);
      if (name === "<<") {
        this.merges.push(this.lineOf(key));
        for (const from of value.list ?? [value])
          for (const [field, inner] of from.map ?? []) if (!merged.has(field)) merged.set(field, inner);
        continue;
      }
      if (fields.has(name)) this.doubles.push({ name, line: this.lineOf(key) });
      fields.set(name, value);
    }
    for (const [name, value] of merged) if (!fields.has(name)) fields.set(name, value);
    return this.value(
      fields,
      node,
      [...fields.values()].reduce((sum, { size }) => sum + size, 1),
    );
  }
}

function hasTooManyMarks(text: string): boolean {
  let marks = 0;
  for (let at = 0; at < text.length && marks <= MAX_MARKS; at++) {
    const sign = text[at];
    if (
      sign === ":" ||
      sign === "," ||
      sign === "[" ||
      sign === "{" ||
      (sign === "-" && text[at + 1] === " ") ||
      (sign === '"' && text[at + 1] === '"')
    )
      marks++;
  }
  return marks > MAX_MARKS;
}

/** @param source the file that its findings name, when that is another than the one asked about */
export function load(text: string, file: string, source?: string): Loaded {
  const hint = "An Envoy configuration in YAML or JSON, or the output of /config_dump, is read here.";
  if (text.length > MAX_BYTES)
    throw new UserError(`${visible(file)} is larger than ${MAX_BYTES / 1024 / 1024} MiB.`, { hint });
  if (hasTooManyMarks(text))
    throw new UserError(`${visible(file)} holds more than ${MAX_MARKS} values: that takes too long to read.`, { hint });
  const zero = text.indexOf("\0");
  if (zero >= 0 || text.includes("\uFFFD\uFFFD")) throw new UserError(`${visible(file)} is not text.`, { hint });
  const lines = new LineCounter();
  try {
    const documents = parseAllDocuments(text, {
      lineCounter: lines,
      schema: "failsafe",
      uniqueKeys: false,
      merge: false,
      logLevel: "error",
    });
    const [document] = Array.isArray(documents) ? documents : [];
    if (document === undefined || document.contents === null)
      throw new UserError(`${visible(file)} is empty.`, { hint });
    const syntax = document.errors[0];
    if (syntax !== undefined) {
      const { line, col } = lines.linePos(syntax.pos[0]);
      if (syntax.message.includes("call stack")) throw new RangeError(syntax.message);
      const sentence = syntax.message.split("\n", 1)[0]?.replace(/ at line .*$/, "") ?? "not YAML";
      throw new UserError(`${visible(file)}:${line}:${col}: ${visible(sentence)}`, {
        hint: "The file is not YAML; mend it there.",
      });
    }
    const loader = new Loader(lines, file, source);
    const root = loader.read(document.contents, 0);
    if (root.map === undefined) throw new UserError(`${visible(file)} is no Envoy configuration: no map.`, { hint });
    return { root, doubles: loader.doubles, merges: loader.merges, documents: documents.length };
  } catch (error) {
    if (error instanceof UserError) throw error;
    // The parser's own recursion, or what it throws on text that is no YAML at all.
    const what = error instanceof RangeError ? "is nested too deeply to be read" : "cannot be read as YAML";
    throw new UserError(`${visible(file)} ${what}.`, { hint, cause: error });
  }
}
