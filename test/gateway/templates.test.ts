/** What both of the project's own configurations write down of each request, as docs/operator-guide.md says. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { renderGateway } from "../../control/gateway/render.js";
import { readSurroundings } from "../../control/gateway/surroundings.js";
import { anchorsOf } from "../kit/envoy.js";
import { World } from "../kit/world.js";
import { ACCESS, ANSWERS, AUDIT, BRANCH, MANAGER, type Path, texts } from "./verify/files.js";

const anchors = anchorsOf(new World(0));
const guide = readFileSync(new URL("../../docs/operator-guide.md", import.meta.url), "utf8");
/** Of the answers' log, as the guide's table has them. */
const [, cell = ""] = /^\| `answers\.log` .*\|([^|]*)\|$/m.exec(guide) ?? [];
const members = [...cell.matchAll(/`([a-z_]+)`/g)].map(([, member]) => member);
const ended = { log_type_filter: { types: ["DownstreamEnd"] } };

for (const base of ["standard", "require"] as const)
  describe(base, () => {
    const document = parseDocument(texts[base], { merge: true });
    const at = (path: Path, ...more: Path): unknown => {
      const config: unknown = document.toJS();
      return [...path, ...more].reduce<unknown>((value, name) => Reflect.get(Object(value), name), config);
    };

    it("writes open streams every five seconds", () => {
      expect(at(MANAGER, "access_log_options")).toEqual({ access_log_flush_interval: "5s" });
    });

    it("has every record in the audit log, a line as it is", () => {
      expect(at(AUDIT)).toMatchObject({ name: "audit" });
      expect(at(AUDIT, "filter")).toBeUndefined();
      expect(at(AUDIT, "typed_config", "log_format")).toEqual({
        omit_empty_values: true,
        text_format_source: { inline_string: "%FILTER_STATE(wasm.glassgate.audit:PLAIN)%" },
      });
    });

    it("has each request once in the access log, and each allowed one once in the answers' log", () => {
      expect(at(ACCESS)).toMatchObject({ name: "access", filter: ended });
      expect(at(ANSWERS)).toMatchObject({ name: "answers" });
      const attested = { header_filter: { header: { name: "x-break-glass-grant", present_match: true } } };
      expect(at(ANSWERS, "filter")).toEqual({ and_filter: { filters: [attested, ended] } });
      const answer = at(ANSWERS, "typed_config", "log_format", "json_format");
      expect(Object.keys(Object(answer))).toEqual(members);
      expect(answer).toMatchObject({
        request_id: "%REQ(X-REQUEST-ID)%",
        verdict: "%FILTER_STATE(wasm.glassgate.verdict:PLAIN)%",
        bytes_received: "%BYTES_RECEIVED%",
      });
    });
  });

it("all logs go where the access log goes, but those that are sent elsewhere", () => {
  const logs = (paths: object): readonly string[] =>
    readSurroundings(renderGateway({ anchors, wasmPath: "/g.wasm", ecdsPath: "/e/g.json", ...paths }), "it").logs.map(
      ({ path }) => path,
    );
  expect(logs({ accessLogPath: "/a" })).toEqual(["/a", "/a", "/a"]);
  expect(logs({ accessLogPath: "/a", auditLogPath: "/b" })).toEqual(["/b", "/a", "/a"]);
  expect(logs({ accessLogPath: "/a", answersLogPath: "/c" })).toEqual(["/a", "/a", "/c"]);
});

it("the standard one asks the filter about x-break-glass, whatever its bytes", () => {
  const document = parseDocument(texts.standard);
  const predicate = [...BRANCH, "predicate", "single_predicate"];
  expect(document.getIn([...predicate, "input", "typed_config", "header_name"])).toBe("x-break-glass");
  // Not `.*`, which for some versions of Envoy leaves out what is no UTF-8.
  expect(document.getIn([...predicate, "value_match", "safe_regex", "regex"])).toBe("\\C*");
});
