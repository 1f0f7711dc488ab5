/** Reads an operator's own envoy.yaml and names what is missing or dangerous, with the line and the mend. */
import { type Document, LineCounter, type Node, parseDocument, visit, type YAMLMap } from "yaml";
import { UserError } from "../base/errors.js";
import { isRecord } from "../base/schema.js";
import {
  child,
  headersOfSkippedFilters,
  isSkippedOnVerdict,
  items,
  mapsOfType,
  scalar,
  VERDICT_STATE,
} from "./config.js";
import { type Finding, Findings } from "./findings.js";
import { checkAuditLog, checkLeaks } from "./verify-logs.js";

const NORMALISATION: readonly (readonly [string, unknown, string])[] = [
  ["normalize_path", true, "the filter and the upstream may read `/a/../b` differently"],
  ["merge_slashes", true, "the filter and the upstream may read `//` differently"],
  ["path_with_escaped_slashes_action", "REJECT_REQUEST", "`%2F` may be a slash to the upstream"],
];

function checkManager(document: Document, manager: YAMLMap, found: Findings): void {
  for (const [key, wanted, why] of NORMALISATION) {
    if (scalar(document, manager, key) !== wanted)
      found.add("danger", manager, `${key} is not ${String(wanted)}: ${why}`, `add ${key}: ${String(wanted)}`);
  }
  if (scalar(document, manager, "use_remote_address") !== true) {
    found.add(
      "danger",
      manager,
      "use_remote_address is not true: a client's X-Forwarded-For becomes `source` in the audit record",
      "add use_remote_address: true",
    );
  }
  if (
    scalar(document, manager, "common_http_protocol_options", "headers_with_underscores_action") !== "REJECT_REQUEST"
  ) {
    found.add(
      "warning",
      manager,
      "headers with underscores pass: some upstreams read them as dashes",
      "add common_http_protocol_options: { headers_with_underscores_action: REJECT_REQUEST }",
    );
  }
  const early = JSON.stringify(child(document, manager, "early_header_mutation_extensions")?.toJS(document) ?? []);
  if (!early.includes('"remove":"x-break-glass-grant"')) {
    found.add(
      "danger",
      manager,
      "x-break-glass-grant is not removed early: with the filter missing, a client can forge it to the upstream",
      "add early_header_mutation_extensions as in envoy.yaml",
    );
  }
  if (items(document, manager, "upgrade_configs").length > 0) {
    found.add(
      "warning",
      child(document, manager, "upgrade_configs"),
      "upgrades are on: a tunnel is judged once, when it opens",
      "grant the action CONNECT only where you mean it",
    );
  }
}

/** The plugin configuration of a Wasm filter, as far as it can be read here. */
function configurationOf(document: Document, wasm: YAMLMap): Record<string, unknown> {
  const value = scalar(document, wasm, "config", "configuration", "value");
  if (typeof value === "string") {
    try {
      const parsed: unknown = JSON.parse(value);
      if (isRecord(parsed)) return parsed;
    } catch {
      return {}; // A placeholder: nothing can be said about it.
    }
  }
  const literal: unknown = child(document, wasm, "config", "configuration")?.toJS(document);
  return isRecord(literal) ? literal : {};
}

function checkWasm(document: Document, wasm: YAMLMap, found: Findings): void {
  const policy = scalar(document, wasm, "config", "failure_policy");
  if (policy === "FAIL_OPEN" || scalar(document, wasm, "config", "fail_open") === true) {
    found.add(
      "danger",
      wasm,
      "the filter fails open: after a trap every request passes unjudged",
      "set failure_policy: FAIL_RELOAD",
    );
  } else if (policy !== "FAIL_RELOAD") {
    found.add(
      "warning",
      wasm,
      "failure_policy is not FAIL_RELOAD: after a trap everybody gets 503 until the next push",
      "set failure_policy: FAIL_RELOAD",
    );
  }
  if (scalar(document, wasm, "config", "vm_config", "vm_id") === undefined) {
    found.add(
      "danger",
      wasm,
      "vm_id is not set: the filter shares its data with every other plugin without one",
      "set a vm_id of its own under vm_config",
    );
  }
}

function checkSkipping(document: Document, filters: readonly Node[], filterAt: number, found: Findings): void {
  filters.forEach((filter, index) => {
    const text = JSON.stringify(filter.toJS(document));
    const skips = text.includes(".SkipFilter");
    if (skips && text.includes("HttpRequestHeaderMatchInput")) {
      found.add(
        "danger",
        filter,
        "this filter is skipped on a request header: any client can send it",
        `skip on the filter state ${VERDICT_STATE} only`,
      );
    }
    if (text.includes("filter_state_rules") && text.includes('"wasm.')) {
      found.add(
        "danger",
        filter,
        "jwt_authn's filter_state_rules cannot read a wasm.* key and let everything pass",
        "use ExtensionWithMatcher with FilterStateInput, as in envoy.yaml",
      );
    }
    if (skips && isSkippedOnVerdict(document, filter) && index < filterAt) {
      found.add(
        "danger",
        filter,
        "this filter is skipped on the verdict but stands before the glassgate filter",
        "move the glassgate filter to the front",
      );
    }
  });
}

function checkGuard(
  document: Document,
  filters: readonly Node[],
  wasm: YAMLMap,
  configuration: Record<string, unknown>,
  found: Findings,
): void {
  const isSkipping = filters.some(
    (filter) =>
      isSkippedOnVerdict(document, filter) && !JSON.stringify(filter.toJS(document)).includes("header_mutation"),
  );
  const hasGuard = filters.some((filter) => {
    const text = JSON.stringify(filter.toJS(document));
    return (
      text.includes(".RBAC") &&
      text.includes(VERDICT_STATE) &&
      text.includes('"exact":"allow"') &&
      text.includes('"ALLOW"')
    );
  });
  if (configuration.require === true && !hasGuard) {
    found.add(
      "danger",
      wasm,
      "`require` is on and no RBAC filter demands the verdict: with the filter missing every request passes",
      `add the RBAC guard of config/envoy-require.yaml`,
    );
  }
  if (configuration.require !== true && !isSkipping && !hasGuard) {
    found.add(
      "warning",
      wasm,
      "no authentication filter is skipped on the verdict: a grant opens nothing here",
      "wrap jwt_authn in ExtensionWithMatcher as in envoy.yaml, or set `require`",
    );
  }
  const strip = new Set(Array.isArray(configuration.strip) ? configuration.strip : []);
  for (const header of headersOfSkippedFilters(document)) {
    if (header !== "authorization" && !strip.has(header)) {
      found.add(
        "danger",
        wasm,
        `the skipped filter would have set or removed ${header}; a client's own passes with a grant`,
        `add "${header}" to the filter's strip`,
      );
    }
  }
}

function checkFilters(document: Document, manager: YAMLMap, found: Findings): boolean {
  const filters = items(document, manager, "http_filters");
  const filterAt = filters.findIndex(
    (filter) =>
      JSON.stringify(filter.toJS(document)).includes("glassgate") &&
      JSON.stringify(filter.toJS(document)).includes("filters.http.wasm"),
  );
  const filter = filters[filterAt];
  if (filter === undefined) return false;
  checkManager(document, manager, found);
  checkSkipping(document, filters, filterAt, found);
  const discovery = child(document, filter, "config_discovery");
  if (discovery !== undefined && child(document, discovery, "default_config") === undefined) {
    found.add(
      "warning",
      discovery,
      "no default_config: with a bad ECDS file every request gets 500, normal callers included",
      "add the filter without a bundle as default_config, as in envoy.yaml",
    );
  }
  const wasm = mapsOfType(document, ".wasm.v3.Wasm").find((map) => isWithin(document, filter, map));
  if (wasm !== undefined) {
    checkWasm(document, wasm, found);
    checkGuard(document, filters, wasm, configurationOf(document, wasm), found);
  }
  checkAuditLog(document, manager, found);
  return true;
}

function isWithin(document: Document, outer: Node, inner: Node): boolean {
  let within = false;
  visit(document, {
    Map(_, node, path) {
      if (node === inner && path.includes(outer)) within = true;
    },
  });
  return within;
}

/** @param file names the text in errors. An empty list: nothing found. */
export function verifyGateway(text: string, file: string): Finding[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const syntax = document.errors[0];
  if (syntax !== undefined) {
    const { line, col } = lines.linePos(syntax.pos[0]);
    throw new UserError(`${file}:${line}:${col}: ${syntax.message.split("\n", 1)[0]}`, {
      hint: "The file is not YAML; mend it there.",
    });
  }
  const found = new Findings(lines);
  const root = document.contents;
  const managers = mapsOfType(document, ".HttpConnectionManager");
  const withFilter = managers.filter((manager) => checkFilters(document, manager, found));
  if (withFilter.length === 0)
    found.add(
      "danger",
      root,
      "no glassgate filter was found in any http_filters",
      "start from `glassgate gateway render`",
    );
  for (const key of ["id", "cluster"]) {
    if (scalar(document, root, "node", key) === undefined)
      found.add(
        "danger",
        child(document, root, "node") ?? root,
        `node.${key} is not set: ECDS needs it, and records name the gateway by node.id`,
        `set node.${key}`,
      );
  }
  const admin = scalar(document, root, "admin", "address", "socket_address", "address");
  if (typeof admin === "string" && !/^(127\.|::1$|localhost$)/.test(admin)) {
    found.add(
      "danger",
      child(document, root, "admin"),
      `the admin interface listens on ${admin}: whoever reaches it can stop the gateway`,
      "bind it to 127.0.0.1",
    );
  }
  checkLeaks(document, found);
  return found.list.sort((a, b) => a.line - b.line);
}
