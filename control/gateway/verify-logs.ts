/** What an operator's logs must hold, and must not. */
import { type Document, visit, type YAMLMap } from "yaml";
import { isRecord } from "../base/schema.js";
import { AUDIT_FORMAT, child, items, scalar } from "./config.js";
import type { Findings } from "./findings.js";

/** The filter hands over whole lines: anything beside them, or an escape in them, and no record has the hash that the next one names. */
export function checkAuditLog(document: Document, manager: YAMLMap, found: Findings): void {
  const formats = items(document, manager, "access_log").map((log) =>
    child(document, log, "typed_config", "log_format"),
  );
  const isRight = formats.some(
    (format) =>
      scalar(document, format, "omit_empty_values") === true &&
      scalar(document, child(document, format, "text_format_source"), "inline_string") === AUDIT_FORMAT,
  );
  if (isRight) return;
  found.add(
    "danger",
    manager,
    "no access log writes the audit record as a line of its own",
    `add the access log \`audit\` of envoy.yaml: text_format_source ${AUDIT_FORMAT} and omit_empty_values`,
  );
}

/** A string anywhere that would print the grant. */
export function checkLeaks(document: Document, found: Findings): void {
  visit(document, {
    Scalar(_, node, path) {
      if (typeof node.value !== "string") return;
      if (/%(?:REQ|REQ_WITHOUT_QUERY|CEL|START_REQ)[^%]*x-break-glass(?!-)/i.test(node.value)) {
        found.add(
          "danger",
          node,
          "this format prints the grant, a credential while it is valid",
          "remove it; the audit record names the grant by jti and hash",
        );
      }
      const isHeaderList = path.some(
        (part) =>
          isRecord(part) &&
          "key" in part &&
          String(part.key).match(/request_headers_to_log|header_name|custom_tags/) !== null,
      );
      if (isHeaderList && node.value.toLowerCase() === "x-break-glass") {
        found.add("danger", node, "this sends the grant to a log or trace", "remove x-break-glass from the list");
      }
    },
  });
}
