/** Access logs: the audit log must be whole, and no log may hold the grant. */
import { normalize } from "node:path/posix";
import { AUDIT_FORMAT } from "../config.js";
import { hasAnswers, letsAnswersPass } from "./answers.js";
import { GRANT_HEADER, grantLogged, judgeFormat, judgeFormats } from "./formats.js";
import { type Extension, Message } from "./message.js";
import type { Value } from "./value.js";

const logger = (name: string): string => `envoy.extensions.access_loggers.${name}`;
const TEXT_LOGGERS = new Set([
  logger("file.v3.FileAccessLog"),
  logger("stream.v3.StdoutAccessLog"),
  logger("stream.v3.StderrAccessLog"),
]);
const AUDIT_KEY = "wasm.glassgate.audit";
const FORMATTERS = new Set([
  "envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery",
  "envoy.extensions.formatter.metadata.v3.Metadata",
  "envoy.extensions.formatter.cel.v3.Cel",
]);

/** A DataSource with a format: its text where it stands in the file. */
function sourceText(source: Message): string | undefined {
  const text = source.text("inline_string");
  const other = ["filename", "environment_variable", "inline_bytes"].find((field) => source.take(field) !== undefined);
  if (other !== undefined)
    source.unknown(`format-source:${other}`, `the format stands elsewhere (${other}) and is not read here`);
  source.harmless("watched_directory");
  source.done();
  return text;
}

/** SubstitutionFormatString. @returns the text, and whether empty values are left out */
export function judgeSubstitution(format: Message): { text: string | undefined; isBare: boolean } {
  const source = format.message("text_format_source", "DataSource");
  const text = format.text("text_format") ?? (source.exists ? sourceText(source) : undefined);
  if (text !== undefined)
    judgeFormat(format, text, format.has("text_format") ? format.at("text_format") : source.value);
  judgeFormats(format, format.take("json_format"));
  for (const formatter of format.extensions("formatters")) {
    if (!FORMATTERS.has(formatter.type))
      formatter.outer.unknown(
        `formatter:${formatter.type || formatter.name}`,
        `the formatter ${formatter.type || formatter.name} is not known here: what can it print?`,
      );
    formatter.outer.done();
  }
  const isBare = format.flag("omit_empty_values") === true;
  format.harmless("content_type", "json_format_options");
  format.done();
  return { text, isBare };
}

interface Sink {
  /** Whether it writes the audit record whole, and for every decision. */
  readonly isAudit: boolean;
  /** It would, but for this. */
  readonly but?: string;
}

export interface Log extends Sink {
  /** Whether it has the answer of each allowed request. */
  readonly hasAnswers: boolean;
}

const NOT_AUDIT: Sink = { isAudit: false };

/** A device that keeps nothing: of those, the process's own outputs alone lead somewhere. */
const isNowhere = (path: string): boolean =>
  /^(?:\/|(?:\.\.\/)+)(?:dev|proc)\//.test(path) &&
  !/^\/(?:dev\/(?:stdout|stderr)|(?:dev|proc\/self)\/fd\/[12])$/.test(path);

/** Whether a filter by the kind of line alone leaves the last line of every stream. */
function isLate(filter: Value | undefined, log: Message): boolean {
  const kinds = Message.of(filter, "AccessLogFilter", log.where);
  return kinds.message("log_type_filter").exists && letsAnswersPass(kinds);
}

function judgeTextLog({ type, message, outer }: Extension, filter: Value | undefined): Sink {
  const format = judgeSubstitution(message.message("log_format", "SubstitutionFormatString"));
  const old = message.text("format");
  if (old !== undefined) judgeFormat(message, old, message.at("format"));
  for (const field of ["json_format", "typed_json_format"]) judgeFormats(message, message.take(field));
  const path = message.text("path");
  message.done();
  const text = format.text ?? old;
  if (text === undefined || !text.includes(AUDIT_KEY)) return NOT_AUDIT;
  if (text !== AUDIT_FORMAT) return { isAudit: false, but: "the record has something beside it" };
  if (!format.isBare) return { isAudit: false, but: "omit_empty_values is not true" };
  if (type.endsWith(".FileAccessLog") && path !== undefined && isNowhere(normalize(path)))
    return { isAudit: false, but: `it goes to ${path}` };
  if (isLate(filter, message)) {
    outer.warn(
      "audit-late",
      "the audit log has a filter by the kind of line: a stream that is still open is not on record until it ends",
      "take the filter out; lines that repeat say by `vm` and `seq` which record they are",
      filter,
    );
    return { isAudit: true };
  }
  if (filter !== undefined) {
    outer.danger(
      "audit-filtered",
      "the audit log has a filter: records of decisions that it leaves out are lost",
      "take the filter out; requests without a decision write nothing there",
      outer.at("filter"),
    );
    return { isAudit: true };
  }
  return { isAudit: true };
}

function judgeGrpcLog({ message, type }: Extension): Sink {
  const common = message.message("common_config", "CommonGrpcAccessLogConfig");
  const states = common.texts("filter_state_objects_to_log");
  judgeHeaderLists(message);
  judgeTags(common.messages("custom_tags", "CustomTag"));
  common.harmless(
    ...["log_name", "grpc_service", "transport_api_version", "buffer_flush_interval", "buffer_size_bytes"],
    "grpc_stream_retry_policy",
  );
  common.done();
  message.done();
  if (!states.includes(AUDIT_KEY) || type.includes("Tcp")) return NOT_AUDIT;
  message.warn("audit-als", "gRPC access logs lose records while the collector is away", "log to a file as well");
  return { isAudit: true };
}

/** `additional_request_headers_to_log` and its kin. */
export function judgeHeaderLists(message: Message): void {
  for (const name of message.texts("additional_request_headers_to_log"))
    if (name.trim().toLowerCase() === GRANT_HEADER)
      grantLogged(message, message.at("additional_request_headers_to_log"));
  message.harmless("additional_response_headers_to_log", "additional_response_trailers_to_log");
}

/** Tracing's and ALS's custom tags. */
export function judgeTags(tags: readonly Message[]): void {
  for (const tag of tags) {
    const header = tag.message("request_header");
    if (header.text("name")?.trim().toLowerCase() === GRANT_HEADER) grantLogged(tag, header.value);
    header.harmless("default_value");
    const value = tag.text("value");
    if (value !== undefined) judgeFormat(tag, value, tag.at("value"));
    tag.harmless("tag", "literal", "environment", "metadata");
    tag.done();
  }
}

function judgeOpenTelemetry({ message }: Extension): Sink {
  const body = message.take("body");
  const attributes = message.take("attributes");
  for (const value of [body, attributes, message.take("resource_attributes")]) judgeFormats(message, value);
  judgeTags(message.messages("custom_tags", "CustomTag"));
  for (const formatter of message.extensions("formatters"))
    if (!FORMATTERS.has(formatter.type))
      formatter.outer.unknown(`formatter:${formatter.type}`, `the formatter ${formatter.type} is not known here`);
  message.harmless(
    ...["common_config", "http_service", "grpc_service", "disable_builtin_labels", "stat_prefix", "log_name"],
    ...["buffer_flush_interval", "buffer_size_bytes", "filter_state_objects_to_log"],
  );
  message.done();
  if (!JSON.stringify([body?.toJson(), attributes?.toJson()]).includes(AUDIT_FORMAT)) return NOT_AUDIT;
  message.warn("audit-otlp", "OpenTelemetry loses records while the receiver is away", "log to a file as well");
  return { isAudit: true };
}

function judgeLog(log: Extension): Log {
  const { outer, message } = log;
  const filter = outer.take("filter");
  outer.done();
  const path = message.value?.map?.get("path")?.text;
  const isKept = path === undefined || !isNowhere(normalize(path));
  return { ...judgeSink(log, filter), hasAnswers: isKept && hasAnswers(message, filter) };
}

function judgeSink(log: Extension, filter: Value | undefined): Sink {
  const { message, type } = log;
  if (TEXT_LOGGERS.has(type)) return judgeTextLog(log, filter);
  let sink = NOT_AUDIT;
  if (type === logger("grpc.v3.HttpGrpcAccessLogConfig") || type === logger("grpc.v3.TcpGrpcAccessLogConfig"))
    sink = judgeGrpcLog(log);
  else if (type === logger("open_telemetry.v3.OpenTelemetryAccessLogConfig")) sink = judgeOpenTelemetry(log);
  else
    message.unknown(
      `log:${type || log.name}`,
      `the access log ${type || log.name} is not known here: does it hold the grant?`,
      log.outer.value,
    );
  return filter === undefined ? sink : NOT_AUDIT;
}

/** Any message with `access_log`. */
export function judgeAccessLogs(message: Message, field = "access_log"): Log[] {
  return message.extensions(field).map(judgeLog);
}

/** The connection manager of a glassgate filter must write the records. */
export function demandAuditLog(manager: Message, sinks: readonly Sink[]): void {
  if (sinks.some(({ isAudit }) => isAudit)) return;
  const but = sinks.find((sink) => sink.but !== undefined)?.but;
  manager.danger(
    "no-audit",
    `no access log writes the audit record as a line of its own${but === undefined ? "" : `: ${but}`}`,
    `add the access log \`audit\` of envoy.yaml: text_format_source ${AUDIT_FORMAT} and omit_empty_values`,
    manager.at("access_log"),
  );
}
