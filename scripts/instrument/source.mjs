// One AssemblyScript source, parsed by the compiler itself, and text put into it without disturbing a line.
import * as as from "assemblyscript";

export const Kind = as.NodeKind;
export const Token = as.Token;

/** What stands at the top of a file: declarations with bodies that run. */
const WITH_MEMBERS = new Set([Kind.ClassDeclaration, Kind.NamespaceDeclaration]);
const WITH_BODY = new Set([Kind.FunctionDeclaration, Kind.MethodDeclaration]);

function* functionsOf(statements) {
  for (const node of statements) {
    if (WITH_BODY.has(node.kind) && node.body) yield node;
    if (WITH_MEMBERS.has(node.kind)) yield* functionsOf(node.members);
  }
}

export class Source {
  #insertions = [];
  #lineStarts = [0];

  /** @param path as messages shall name it */
  constructor(path, text) {
    this.path = path;
    this.text = text;
    for (let i = 0; i < text.length; i++) if (text[i] === "\n") this.#lineStarts.push(i + 1);
    const program = as.newProgram(as.newOptions());
    as.parse(program, text, path, true);
    const source = program.sources.find(({ normalizedPath }) => normalizedPath === path);
    if (source === undefined) throw new Error(`${path}: the compiler does not read it`);
    this.functions = [...functionsOf(source.statements)];
  }

  /** `{ line, column }`, from 1. */
  place(offset) {
    let line = this.#lineStarts.findLastIndex((start) => start <= offset);
    if (line < 0) line = 0;
    return { line: line + 1, column: offset - this.#lineStarts[line] + 1 };
  }

  lineText(line) {
    return this.text.slice(this.#lineStarts[line - 1], this.#lineStarts[line] ?? this.text.length).trim();
  }

  textOf(node) {
    return this.text.slice(node.range.start, node.range.end);
  }

  /** Where a statement ends, its semicolon included. */
  endOf(statement) {
    const end = statement.range.end;
    return this.text[end] === ";" && statement.kind !== Kind.Block ? end + 1 : end;
  }

  insert(offset, text) {
    this.#insertions.push({ offset, text, order: this.#insertions.length, isClosing: false });
  }

  /** Puts text on both sides. Call it for what is outside before what is inside. */
  wrap(start, before, end, after) {
    this.insert(start, before);
    this.#insertions.push({ offset: end, text: after, order: this.#insertions.length, isClosing: true });
  }

  /** The text with all that was put into it. */
  written() {
    // At one place: first what closes, the innermost first, then what opens, the outermost first.
    const sorted = this.#insertions.toSorted(
      (a, b) =>
        a.offset - b.offset ||
        Number(b.isClosing) - Number(a.isClosing) ||
        (a.isClosing ? b.order - a.order : a.order - b.order),
    );
    let out = "";
    let at = 0;
    for (const { offset, text } of sorted) {
      out += this.text.slice(at, offset) + text;
      at = offset;
    }
    return out + this.text.slice(at);
  }
}
