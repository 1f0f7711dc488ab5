/**
 * JSON from outside, strictly: UTF-8, one value, no name twice, no number that would be read as another one, bounded depth. What
 * JSON.parse reads in one way and another reader in another is no evidence of anything.
 */

/** A record has depth 3. */
const MAX_DEPTH = 8;
/** Of one line; a bundle may have more. */
const MAX_MEMBERS = 4096;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** From the space on, without the quote and the backslash; and what stands behind a backslash. */
const STRING = /"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*"/y;
const SPACE = /[ \t\n\r]*/y;
const LITERAL = /true|false|null/y;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Codes of a quarantine: what is wrong with the bytes. */
export type JsonFault = "utf8" | "json" | "depth" | "duplicate_member" | "number" | "member_name";

class Fault extends Error {
  constructor(readonly fault: JsonFault) {
    super(fault);
  }
}

class Scanner {
  private at = 0;
  private members = 0;

  constructor(
    private readonly text: string,
    private readonly maxMembers: number,
  ) {}

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match === null) return undefined;
    this.at += match[0].length;
    return match[0];
  }

  /** Nearly always there is none. */
  private space(): void {
    if (this.text.charCodeAt(this.at) <= 0x20) this.take(SPACE);
  }

  private eat(character: string): boolean {
    this.space();
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  whole(): void {
    this.value(0);
    this.space();
    if (this.at !== this.text.length) throw new Fault("json");
  }

  private string(): string {
    const literal = this.take(STRING);
    if (literal === undefined) throw new Fault("json");
    // Escapes are read by JSON.parse: only those that it knows have passed.
    const text: unknown = literal.includes("\\") ? JSON.parse(literal) : literal.slice(1, -1);
    if (typeof text !== "string" || LONE_SURROGATE.test(text)) throw new Fault("utf8");
    return text;
  }

  private number(literal: string): void {
    const value = Number(literal);
    if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) throw new Fault("number");
  }

  private name(names: Set<string>): void {
    this.space();
    const name = this.string();
    if (name === "__proto__") throw new Fault("member_name");
    if (names.has(name)) throw new Fault("duplicate_member");
    names.add(name);
    this.members += 1;
    if (this.members > this.maxMembers) throw new Fault("depth");
    if (!this.eat(":")) throw new Fault("json");
  }

  private items(depth: number, close: string, before: () => void): void {
    if (this.eat(close)) return;
    do {
      before();
      this.value(depth);
    } while (this.eat(","));
    if (!this.eat(close)) throw new Fault("json");
  }

  private value(depth: number): void {
    if (depth > MAX_DEPTH) throw new Fault("depth");
    this.space();
    const first = this.text[this.at];
    if (first === '"') {
      this.string();
    } else if (first === "{") {
      this.at += 1;
      const names = new Set<string>();
      this.items(depth + 1, "}", () => this.name(names));
    } else if (first === "[") {
      this.at += 1;
      this.items(depth + 1, "]", () => undefined);
    } else {
      const number = this.take(NUMBER);
      if (number !== undefined) this.number(number);
      else if (this.take(LITERAL) === undefined) throw new Fault("json");
    }
  }
}

/** The value, or what is wrong. Never throws, whatever the bytes. */
export function readJson(
  bytes: Buffer,
  maxMembers = MAX_MEMBERS,
): { readonly value: unknown } | { readonly fault: JsonFault } {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { fault: "utf8" };
  }
  try {
    new Scanner(text, maxMembers).whole();
    return { value: JSON.parse(text) };
  } catch (error) {
    return { fault: error instanceof Fault ? error.fault : "json" };
  }
}
