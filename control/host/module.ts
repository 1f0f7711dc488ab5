/**
 * Reads of a WebAssembly module just what the loading rules need: the types of its imports and exports, which the JavaScript
 * API does not tell. (WebAssembly Core Specification 2.0, section 5.5.) The engine itself validates the rest.
 */

/** As in abi.ts: `ii>i`. */
export type Signature = string;

export interface ImportEntry {
  readonly module: string;
  readonly name: string;
  readonly kind: "function" | "table" | "memory" | "global" | "tag";
  /** Functions only. */
  readonly signature: Signature | undefined;
}

export interface ModuleShape {
  readonly imports: readonly ImportEntry[];
  /** Exported functions by name. */
  readonly functions: ReadonlyMap<string, Signature>;
  readonly memories: readonly string[];
}

/** The bytes are no module of the plain kind: functions over numbers and references. */
export class ModuleFormatError extends Error {}

const KINDS = ["function", "table", "memory", "global", "tag"] as const;
const VALUE_TYPES: ReadonlyMap<number, string> = new Map([
  [0x7f, "i"],
  [0x7e, "I"],
  [0x7d, "f"],
  [0x7c, "F"],
  [0x7b, "v"],
  [0x70, "r"],
  [0x6f, "x"],
]);
const FUNCTION_TYPE = 0x60;

export class Reader {
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    const value = this.bytes[this.at];
    if (value === undefined) throw new ModuleFormatError("it ends too early");
    this.at += 1;
    return value;
  }

  /** Unsigned LEB128, at most 10 bytes. */
  number(): number {
    let value = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw new ModuleFormatError("a number is too long");
  }

  slice(length: number): Uint8Array {
    if (this.at + length > this.bytes.length) throw new ModuleFormatError("it ends too early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  name(): string {
    return Buffer.from(this.slice(this.number())).toString("utf8");
  }

  limits(): void {
    const flags = this.byte();
    this.number();
    if ((flags & 1) !== 0) this.number();
  }
}

function valueTypes(reader: Reader): string {
  let text = "";
  for (let count = reader.number(); count > 0; count--) {
    const type = VALUE_TYPES.get(reader.byte());
    if (type === undefined) throw new ModuleFormatError("it uses a value type that this host does not know");
    text += type;
  }
  return text;
}

function readTypes(reader: Reader): Signature[] {
  const types: Signature[] = [];
  for (let count = reader.number(); count > 0; count--) {
    if (reader.byte() !== FUNCTION_TYPE) throw new ModuleFormatError("it uses a type that is no function type");
    const parameters = valueTypes(reader);
    types.push(`${parameters}>${valueTypes(reader)}`);
  }
  return types;
}

function readImports(reader: Reader, types: readonly Signature[]): ImportEntry[] {
  const imports: ImportEntry[] = [];
  for (let count = reader.number(); count > 0; count--) {
    const module = reader.name();
    const name = reader.name();
    const kind = KINDS[reader.byte()];
    let signature: Signature | undefined;
    if (kind === "function") signature = types[reader.number()];
    else if (kind === "table") {
      reader.byte();
      reader.limits();
    } else if (kind === "memory") reader.limits();
    else if (kind === "global" || kind === "tag") {
      reader.byte();
      reader.number();
    } else throw new ModuleFormatError("it has an import of an unknown kind");
    imports.push({ module, name, kind, signature });
  }
  return imports;
}

/** Throws `ModuleFormatError`. */
export function readModule(bytes: Uint8Array): ModuleShape {
  const magic = Buffer.from(bytes.subarray(0, 8)).toString("hex");
  if (magic !== "0061736d01000000") throw new ModuleFormatError("it does not start like one");
  const reader = new Reader(bytes.subarray(8));
  let types: Signature[] = [];
  let imports: ImportEntry[] = [];
  const functionTypes: (Signature | undefined)[] = [];
  const functions = new Map<string, Signature>();
  const memories: string[] = [];
  while (!reader.isAtEnd) {
    const id = reader.byte();
    const section = new Reader(reader.slice(reader.number()));
    if (id === 1) types = readTypes(section);
    else if (id === 2) {
      imports = readImports(section, types);
      for (const entry of imports) if (entry.kind === "function") functionTypes.push(entry.signature);
    } else if (id === 3) {
      for (let count = section.number(); count > 0; count--) functionTypes.push(types[section.number()]);
    } else if (id === 7) {
      for (let count = section.number(); count > 0; count--) {
        const name = section.name();
        const kind = KINDS[section.byte()];
        const signature = functionTypes[section.number()];
        if (kind === "function" && signature !== undefined) functions.set(name, signature);
        if (kind === "memory") memories.push(name);
      }
    }
  }
  return { imports, functions, memories };
}
