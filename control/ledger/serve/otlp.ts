/**
 * OTLP/HTTP logs, as Envoy's access logger and the OpenTelemetry Collector send them: a log record's text is a line, or lines, of a
 * gateway's log. What is not text can be no line any more, and is kept whole.
 */
import { z } from "zod";
import { splitLines } from "../follow/lines.js";
import { isOurs } from "../follow/logical.js";
import { type Answer, json, Refused } from "./answer.js";
import { type LogRecord, logRecordsIn } from "./protobuf.js";

const value = z.looseObject({ stringValue: z.string().optional(), bytesValue: z.string().optional() });
const record = z.looseObject({
  body: value.nullish(),
  attributes: z.array(z.looseObject({ value: value.nullish() })).nullish(),
});
const request = z.looseObject({
  resourceLogs: z
    .array(z.looseObject({ scopeLogs: z.array(z.looseObject({ logRecords: z.array(record).nullish() })).nullish() }))
    .nullish(),
});

function textOf(found: z.infer<typeof value> | null | undefined): Buffer | undefined {
  if (typeof found?.stringValue === "string") return Buffer.from(found.stringValue);
  return typeof found?.bytesValue === "string" ? Buffer.from(found.bytesValue, "base64") : undefined;
}

function* jsonRecords(body: Buffer): Generator<LogRecord> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    throw new Refused(400, "The body is no JSON."); // Where exactly helps nobody: a program sent it.
  }
  const found = request.safeParse(parsed);
  if (!found.success) throw new Refused(400, "The body is no ExportLogsServiceRequest of OTLP/HTTP in JSON.");
  for (const { scopeLogs } of found.data.resourceLogs ?? [])
    for (const { logRecords } of scopeLogs ?? [])
      for (const one of logRecords ?? [])
        yield {
          text: textOf(one.body),
          attributes: (one.attributes ?? []).flatMap((attribute) => textOf(attribute.value) ?? []),
          whole: Buffer.from(JSON.stringify(one)),
        };
}

function linesOf({ text, attributes, whole }: LogRecord): {
  readonly lines: readonly Buffer[];
  readonly isText: boolean;
} {
  const ours = attributes.flatMap(splitLines).filter(isOurs);
  const lines = [...(text === undefined ? [] : splitLines(text)), ...ours];
  return lines.length > 0 ? { lines, isText: true } : { lines: splitLines(whole), isText: false };
}

export type OtlpType = "json" | "protobuf";

/** @throws Refused (415) */
export function otlpType(contentType: string | undefined): OtlpType {
  const type = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  if (type === "application/json") return "json";
  if (type === "application/x-protobuf") return "protobuf";
  throw new Refused(415, "OTLP/HTTP is application/json or application/x-protobuf.");
}

/** @returns the lines, and how many log records had none. @throws Refused (400) */
export function otlpLines(body: Buffer, type: OtlpType): { readonly lines: Buffer[]; readonly strange: number } {
  const lines: Buffer[] = [];
  let strange = 0;
  for (const one of type === "json" ? jsonRecords(body) : logRecordsIn(body)) {
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
