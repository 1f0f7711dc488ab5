/** report.json read back: what another machine, or somebody else, wrote. */
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { asciiJson } from "../../ledger/audit/line.js";
import { name } from "../../trust/names.js";
import { measureNames, type Report } from "./model.js";

/** A drill of a hundred gateways has some ten thousand calls, each with its proof. */
export const MAX_REPORT_BYTES = 256 * 1024 * 1024;

const text = z.string().max(1024 * 1024);
const moment = z.iso.datetime();
const count = z.int().nonnegative();
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const texts = z.array(text).max(1_000_000);
/** Absent, and never `undefined`: as JSON has it. */
const maybe = <T extends z.ZodType>(schema: T) => z.exactOptional(schema);

const callSchema = z.object({
  ...{ requestId: text, method: text, host: text, path: text, status: count },
  ...{ code: maybe(text), vm: maybe(text), seq: maybe(count), verdict: maybe(text), mode: maybe(text) },
  ...{ entry: maybe(count), leaf: maybe(hash), proof: maybe(z.array(hash).max(64)), bytes: maybe(z.base64()) },
});
const assertionSchema = z.object({
  ...{ case: text, gateway: text, route: maybe(text), what: text, expected: text, seen: text, ok: z.boolean() },
  ...{ fault: maybe(text), finding: maybe(text), calls: z.array(callSchema).max(10_000) },
});
const faultSchema = z.object({
  ...{ name: text, gateways: maybe(texts), expected: text, seen: text, ok: z.boolean(), finding: maybe(text) },
  ...{ does: maybe(text), undo: maybe(text), calls: maybe(z.array(callSchema).max(100_000)) },
});
const milliseconds = z.number().nonnegative();
const measureSchema = z.object({
  ...{ name: z.enum(measureNames), unit: z.literal("ms"), samples: z.array(milliseconds).max(1_000_000) },
  ...{ p50: milliseconds, max: milliseconds, limit: maybe(milliseconds), ok: z.boolean() },
  ...{ slowest: maybe(text), lastP50: maybe(milliseconds), lastMax: maybe(milliseconds) },
  earlier: maybe(z.array(milliseconds).max(1000)),
});

const reportSchema = z.object({
  v: z.literal(1),
  ...{
    drill: name,
    name,
    drillFile: maybe(hash),
    audience: maybe(name),
    partial: maybe(z.literal(true)),
    origin: maybe(text),
    began: moment,
    ended: moment,
  },
  people: z.object({ requester: text, approvers: texts, signer: text }),
  gateways: z.array(
    z.object({
      ...{ id: text, url: text, envoy: maybe(text), kong: maybe(text), filter: maybe(text) },
      ...{ bundle: maybe(count), anchors: maybe(text) },
    }),
  ),
  assertions: z.array(assertionSchema).max(1_000_000),
  notProbed: z.array(z.object({ what: text, why: text, member: maybe(text) })),
  measures: z.array(measureSchema),
  faults: z.array(faultSchema).max(1000),
  counts: z.object({ passed: count, failed: count, notProbed: count }),
  checkpoint: maybe(z.object({ text })),
  last: maybe(z.object({ began: moment, report: hash, worse: texts, mended: texts, gone: texts, fresh: texts })),
  dueNext: moment,
});

/** As a report is written and signed. */
export const written = (report: unknown): Buffer => Buffer.from(`${asciiJson(report, 1)}\n`);

/** @param named as it was named, for the error */
export function parseReport(bytes: Buffer, named: string): Report {
  const hint = "Name the folder of a drill, or its report.json, as `glassgate drill run` wrote it.";
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new UserError(`${visible(named)} is no report of a drill: it is no JSON.`, { cause: error, hint });
  }
  // A member that stands there twice, say, is another report to another reader.
  if (!written(parsed).equals(bytes))
    throw new UserError(
      `${visible(named)} is not as a report of a drill is written: other programs may read it otherwise.`,
      {
        hint,
      },
    );
  const read = reportSchema.safeParse(parsed);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const where = issue === undefined ? "" : ` ${issue.path.map((part) => visible(String(part))).join(".")}:`;
  throw new UserError(
    `${visible(named)} is no report of a drill:${where} ${visible(issue?.message ?? "it has another shape")}.`,
    { hint },
  );
}
