/** The record while a stream is open, and what an allowed request was answered: both are asked for, and missing they open nothing. */
import { ATTESTATION_HEADER, headersOf, operatorsOf } from "./formats.js";
import { Message } from "./message.js";
import { everyValue, type Value } from "./value.js";

/** Longer than that, "on record" is no answer to "what is going on". */
const LONGEST_FLUSH_SECONDS = 60;
/** Each open stream writes its record's line anew so often: below, some hundred streams fill the disk that the records need. */
const SHORTEST_FLUSH_SECONDS = 1;
/** `AccessLogType`, by name and by number. */
const END = new Set(["DownstreamEnd", "6"]);

/** The connection manager of a glassgate filter writes open streams. */
export function demandFlush(manager: Message): void {
  const options = manager.message("access_log_options", "HcmAccessLogOptions");
  const older = manager.text("access_log_flush_interval");
  const interval = options.text("access_log_flush_interval") ?? older;
  options.harmless("flush_access_log_on_new_request", "flush_log_on_tunnel_successfully_established");
  options.done();
  const seconds = Number(/^(\d+(?:\.\d+)?)s$/.exec(interval ?? "")?.[1] ?? Number.NaN);
  if (seconds > 0 && seconds < SHORTEST_FLUSH_SECONDS)
    manager.warn(
      "flush-interval-short",
      `each stream that is open writes its record again every ${seconds} seconds: the log fills its disk`,
      "set access_log_options: { access_log_flush_interval: 5s }",
      options.value ?? manager.value,
    );
  if (seconds > 0 && seconds <= LONGEST_FLUSH_SECONDS) return;
  const when = seconds > 0 ? `for ${seconds} seconds` : "until it ends";
  manager.warn(
    "no-flush-interval",
    `a stream that is still open is not on record ${when}`,
    "add access_log_options: { access_log_flush_interval: 5s }",
    options.value ?? manager.value,
  );
}

/** Whether the access log's filter lets the last line of every allowed request through. */
export function letsAnswersPass(filter: Message): boolean {
  if (!filter.exists) return true;
  const header = filter.message("header_filter").message("header");
  if (header.exists) {
    const isPresent = header.flag("present_match") === true && header.flag("invert_match") !== true;
    return isPresent && header.text("name")?.toLowerCase() === ATTESTATION_HEADER;
  }
  const type = filter.message("log_type_filter");
  if (type.exists) return type.texts("types").some((name) => END.has(name)) === (type.flag("exclude") !== true);
  const all = filter.message("and_filter").messages("filters");
  if (all.length > 0) return all.every(letsAnswersPass);
  return filter.message("or_filter").messages("filters").some(letsAnswersPass);
}

/** What came of a request, and how much of it. */
const PARTS = ["RESPONSE_CODE", "RESPONSE_CODE_DETAILS", "BYTES_SENT", "DURATION"];

/** Whether a log has the answer of each allowed request, with the request's id, which leads to the record. */
export function hasAnswers(log: Message, filter: Value | undefined): boolean {
  const operators =
    log.value === undefined
      ? []
      : [...everyValue(log.value)].flatMap(({ value }) =>
          typeof value.data === "string" ? operatorsOf(value.data) : [],
        );
  const isWhole =
    operators.some((operator) => headersOf(operator).includes("x-request-id")) &&
    PARTS.every((part) => operators.some(({ name }) => name === part));
  return isWhole && letsAnswersPass(Message.of(filter, "AccessLogFilter", log.where));
}

export function demandAnswers(manager: Message, hasThem: boolean): void {
  if (hasThem) return;
  manager.warn(
    "no-answers",
    "no access log has the answer of each allowed request (request_id, status, bytes, duration, details): the record says what was let through, not what came of it",
    "add the access log `answers` of envoy.yaml",
    manager.at("access_log"),
  );
}
