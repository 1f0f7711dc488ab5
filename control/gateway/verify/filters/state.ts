/** set_filter_state, at the listener, the connection or the request: it can write what the guards read. */
import { judgeSubstitution } from "../logs.js";
import type { Message } from "../message.js";

const WHEN = [
  "on_request_headers",
  "on_new_connection",
  "on_downstream_tls_handshake",
  "on_accept",
  "on_response_headers",
];

/** @returns whether the message was one of these */
export function judgeState(type: string, config: Message): boolean {
  if (!/\.set_filter_state\.v3\.\w+$/.test(type)) return false;
  for (const value of WHEN.flatMap((when) => config.messages(when, "FilterStateValue"))) {
    const key = value.text("object_key") ?? "";
    judgeSubstitution(value.message("format_string", "SubstitutionFormatString"));
    if (/^wasm\b/.test(key))
      value.danger(
        `forges-state:${key}`,
        `set_filter_state writes ${key}: only the glassgate filter may set what the guards read`,
        "take it out, or write under another key",
      );
    else
      value.unknown(
        `state:${key}`,
        `set_filter_state writes ${key}: what reads it, and whether it chooses the upstream, is not known here`,
      );
    value.harmless("factory_key", "read_only", "shared_with_upstream", "skip_if_empty");
    value.done();
  }
  config.harmless("clear_route_cache");
  config.done();
  return true;
}
