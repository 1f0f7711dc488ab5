/**
 * OTLP/HTTP logs, as Envoy's access logger and the OpenTelemetry Collector send them: a log record's text is a line, or lines, of a
 * gateway's log. What is not text can be no line any more, and is kept whole.
 */
import { z } from "zod";
import { isRecord } from "../../base/schema.js";
import { isOurs } from "../follow/logical.js";
import { MAX_ITEMS } from "../frame.js";
import { type Answer, json, Refused } from "./answer.js";
import { linesIn, tooManyLines } from "./items.js";
import { type LogRecord, logRecordsIn } from "./protobuf.js";

/** Senders disagree about what bytes are in JSON. One value of another form is no text, and takes no others of its request with it. */
const text = z.string().optional().catch(undefined);
const value = z.looseObject({ stringValue: text, bytesValue: text });
/** Values of one request that are looked at. */
const MAX_VALUES = 200_000;

const noRequest = (): Refused => new Refused(400, "The body is no ExportLogsServiceRequest of OTLP/HTTP in JSON.");

/** One after the other, up to the first that is none: a schema for the whole would make a fault of each of millions. */
function* objectsIn(parent: unknown, name: string): Generator<Readonly<Record<string, unknown>>> {
  if (!isRecord(parent)) throw noRequest();
  const list = parent[name] ?? [];
  if (!Array.isArray(list)) throw noRequest();
  if (list.length > MAX_VALUES) throw tooManyLines();
  for (const one of list) {
    if (!isRecord(one)) throw noRequest();
    yield one;
  }
}

function textOf(found: unknown): Buffer | undefined {
  const { stringValue, bytesValue } = value.safeParse(found).data ?? {};
  if (stringValue !== undefined) return Buffer.from(stringValue);
  return bytesValue === undefined ? undefined : Buffer.from(bytesValue, "base64");
}

function* jsonRecords(body: Buffer): Generator<LogRecord> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    throw new Refused(400, "The body is no JSON."); // Where exactly helps nobody: a program sent it.
  }
  let values = 0;
  for (const resource of objectsIn(parsed, "resourceLogs"))
    for (const scope of objectsIn(resource, "scopeLogs"))
      for (const one of objectsIn(scope, "logRecords")) {
        const attributes: Buffer[] = [];
        for (const attribute of objectsIn(one, "attributes")) {
          if (++values > MAX_VALUES) throw tooManyLines();
          const text = textOf(attribute.value);
          if (text !== undefined) attributes.push(text);
        }
        yield { text: textOf(one.body), attributes, whole: Buffer.from(wholeOf(one)) };
      }
}

/** @throws Refused (400) where it is nested so deep that it cannot be written out again: its sender hears so */
function wholeOf(record: object): string {
  try {
    return JSON.stringify(record);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Refused(400, "A log record is nested too deep.");
  }
}

function linesOf({ text, attributes, whole }: LogRecord): {
  readonly lines: readonly Buffer[];
  readonly isText: boolean;
} {
  const ours = attributes.flatMap(linesIn).filter(isOurs);
  const lines = [...(text === undefined ? [] : linesIn(text)), ...ours];
  return lines.length > 0 ? { lines, isText: true } : { lines: linesIn(whole), isText: false };
}

export type OtlpType = "json" | "protobuf";

/** @throws Refused (415) */
export function otlpType(contentType: string | undefined): OtlpType {
  const type = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  if (type === "application/json") return "json";
  if (type === "application/x-protobuf") return "protobuf";
  throw new Refused(415, "OTLP/HTTP is application/json or application/x-protobuf.");
}

/** @returns the lines, and how many log records had none. @throws Refused (400, 413) */
export function otlpLines(body: Buffer, type: OtlpType): { readonly lines: Buffer[]; readonly strange: number } {
  const lines: Buffer[] = [];
  let records = 0;
  let strange = 0;
  for (const one of type === "json" ? jsonRecords(body) : logRecordsIn(body)) {
    if (++records > MAX_ITEMS || lines.length > MAX_ITEMS) throw tooManyLines();
    const found = linesOf(one);
    lines.push(...found.lines);
    if (!found.isText) strange += 1;
  }
  return { lines, strange };
}

/** All was taken. A partial success that rejects nothing is OTLP's form of a warning. */
export function otlpAnswer(type: OtlpType, strange: number): Answer {
  if (type === "protobuf") return { status: 200, headers: { "content-type": "application/x-protobuf" } };
  const errorMessage = `${strange} log records hold no line of a gateway's log as text; they are kept as they came, in quarantine.`;
  return json(200, strange === 0 ? {} : { partialSuccess: { rejectedLogRecords: "0", errorMessage } });
}
