/** Calls as CSV (RFC 4180) that a spreadsheet reads as text: nothing in it is a formula, however it begins. */
import { visible } from "../base/text.js";
import type { Call } from "./model.js";

/**
 * What a spreadsheet takes for the beginning of a formula, also in full width. Where its language writes numbers with a comma it
 * splits lines at semicolons, whatever the quotes say: what stands behind one begins a cell as well.
 */
const FORMULA = /(^|;)([\s"']*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g;

function cell(value: string | number | undefined): string {
  if (typeof value === "number") return String(value);
  const safe = visible(value ?? "").replace(FORMULA, "$1'$2");
  return /[",;' ]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const columns: readonly (readonly [name: string, of: (call: Call) => string | number | undefined])[] = [
  ["entry", ({ entry }) => entry],
  ["time", ({ at }) => new Date(at).toISOString()],
  ["gateway", ({ gateway }) => gateway],
  ["vm", ({ vm }) => vm],
  ["seq", ({ seq }) => seq],
  ["mode", ({ mode }) => mode],
  ["verdict", ({ verdict }) => verdict],
  ["method", ({ method }) => method],
  ["host", ({ host }) => host],
  ["path", ({ path, isPathCut }) => (isPathCut ? `${path ?? ""}...` : path)],
  ["source", ({ source }) => source],
  ["request_id", ({ requestId }) => requestId],
  ["status", ({ answer }) => answer?.status],
  ["bytes_received", ({ answer }) => answer?.bytesReceived],
  ["bytes_sent", ({ answer }) => answer?.bytesSent],
  ["duration_ms", ({ answer }) => answer?.durationMs],
  ["details", ({ answer }) => answer?.details],
  ["ended", ({ ended }) => ended?.verdict],
  ["receipt", ({ receipt }) => receipt],
];

export const callsCsv = (calls: readonly Call[]): string =>
  [columns.map(([name]) => name).join(","), ...calls.map((call) => columns.map(([, of]) => cell(of(call))).join(","))]
    .map((line) => `${line}\r\n`)
    .join("");
