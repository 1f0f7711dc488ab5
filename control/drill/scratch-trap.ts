/**
 * A build of the filter that a request can kill. The release has no trap that a request reaches, so one is put in, into its bytes in
 * memory: `proxy_on_request_headers` begins with it, and all behind it is the user's own build. Only the scratch gateway runs it.
 * (WebAssembly core specification, 5.5.)
 */
import { messageOf, UserError } from "../base/errors.js";
import { ModuleFormatError, Reader, readModule } from "../host/module.js";

/** A request with as many headers, pseudo headers counted, ends the VM that it comes to. Envoy takes 100. */
export const DEADLY_HEADERS = 90;
const EXPORT = "proxy_on_request_headers";

const HEADER_BYTES = 8;
const [EXPORTS, CODE] = [7, 10] as const;
const FUNCTION = 0;

/** Unsigned LEB128. */
const number = (value: number): number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...number(Math.floor(value / 0x80))];

/** `if (headers >= 90) unreachable`: local.get 1, i32.const (signed: in two bytes), i32.ge_s, if, unreachable, end. */
const TRAP = Buffer.of(0x20, 1, 0x41, DEADLY_HEADERS | 0x80, 0, 0x4e, 0x04, 0x40, 0x00, 0x0b);

interface Section {
  readonly id: number;
  readonly content: Uint8Array;
}

function sectionsOf(wasm: Uint8Array): Section[] {
  const reader = new Reader(wasm.subarray(HEADER_BYTES));
  const sections: Section[] = [];
  while (!reader.isAtEnd) sections.push({ id: reader.byte(), content: reader.slice(reader.number()) });
  return sections;
}

/** Its place among all functions, of which the imported ones come first. */
function exportedAt(exports: Reader): number {
  for (let left = exports.number(); left > 0; left--) {
    const [name, kind, index] = [exports.name(), exports.byte(), exports.number()];
    if (name === EXPORT && kind === FUNCTION) return index;
  }
  throw new ModuleFormatError(`it exports no ${EXPORT}`);
}

/** A body is its groups of locals, then its code. */
function trapFirst(body: Uint8Array): Buffer {
  const reader = new Reader(body);
  for (let groups = reader.number(); groups > 0; groups--) {
    reader.number();
    reader.byte();
  }
  return Buffer.concat([body.subarray(0, reader.at), TRAP, body.subarray(reader.at)]);
}

function codeWithTrap(content: Uint8Array, index: number): Buffer {
  const code = new Reader(content);
  const count = code.number();
  const bodies = Array.from({ length: count }, (_, i) => {
    const body = code.slice(code.number());
    return i === index ? trapFirst(body) : body;
  });
  if (bodies[index] === undefined) throw new ModuleFormatError(`its ${EXPORT} is a function of its host`);
  return Buffer.concat([
    Buffer.of(...number(count)),
    ...bodies.flatMap((one) => [Buffer.of(...number(one.length)), one]),
  ]);
}

function changed(wasm: Uint8Array): Buffer {
  const imported = readModule(wasm).imports.filter(({ kind }) => kind === "function").length;
  const sections = sectionsOf(wasm);
  const exports = sections.find(({ id }) => id === EXPORTS);
  const index = exportedAt(new Reader(exports?.content ?? Buffer.of(0))) - imported;
  const written = sections.flatMap(({ id, content }) => {
    const now = id === CODE ? codeWithTrap(content, index) : content;
    return [Buffer.of(id, ...number(now.length)), now];
  });
  return Buffer.concat([wasm.subarray(0, HEADER_BYTES), ...written]);
}

/** @throws UserError where that is no module of a filter */
export function withTrap(wasm: Uint8Array): Buffer {
  try {
    const module = changed(wasm);
    new WebAssembly.Module(module); // It must validate.
    return module;
  } catch (error) {
    throw new UserError(`No trap can be put into this build of the filter: ${messageOf(error)}.`, { cause: error });
  }
}
