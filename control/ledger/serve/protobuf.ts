/** The few fields of OTLP's log messages that hold lines, read from protobuf (encoding as in protobuf.dev; opentelemetry-proto, logs/v1). */
import { Refused } from "./answer.js";

export interface LogRecord {
  /** The body's text, where it is text. */
  readonly text: Buffer | undefined;
  /** Attributes whose value is text. */
  readonly attributes: readonly Buffer[];
  /** All of it, as it came. */
  readonly whole: Buffer;
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;
const MAX_VARINT_BYTES = 10;

const broken = (): Refused => new Refused(400, "The body is no ExportLogsServiceRequest in protobuf.");

/** Fields of a message in order; only those with a length are handed out, the others are skipped. */
function* fields(message: Buffer): Generator<readonly [number: number, bytes: Buffer]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = message[at++];
      if (byte === undefined) throw broken();
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw broken();
  };
  while (at < message.length) {
    const tag = varint();
    const kind = tag % 8;
    if (kind === VARINT) varint();
    else if (kind === FIXED64) at += 8;
    else if (kind === FIXED32) at += 4;
    else if (kind === LENGTH) {
      const end = varint() + at;
      if (end > message.length) throw broken();
      yield [Math.floor(tag / 8), message.subarray(at, end)];
      at = end;
    } else throw broken();
    if (at > message.length) throw broken();
  }
}

function* inside(message: Buffer, number: number): Generator<Buffer> {
  for (const [field, bytes] of fields(message)) if (field === number) yield bytes;
}

/** Of an AnyValue: `string_value`, or `bytes_value`. */
function textOf(value: Buffer | undefined): Buffer | undefined {
  if (value === undefined) return undefined;
  for (const [field, bytes] of fields(value)) if (field === 1 || field === 7) return bytes;
  return undefined;
}

function logRecord(whole: Buffer): LogRecord {
  const [body] = inside(whole, 5);
  const attributes = [...inside(whole, 6)].flatMap((pair) => {
    const [value] = inside(pair, 2);
    return textOf(value) ?? [];
  });
  return { text: textOf(body), attributes, whole };
}

/** @throws Refused (400) */
export function* logRecordsIn(request: Buffer): Generator<LogRecord> {
  for (const resource of inside(request, 1))
    for (const scope of inside(resource, 2)) for (const record of inside(scope, 2)) yield logRecord(record);
}
