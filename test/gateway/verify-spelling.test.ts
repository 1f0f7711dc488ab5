/** However it is written, what is dangerous is found, what is not is not; whatever is written, the answer is findings or one error. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDocument, stringify } from "yaml";
import { UserError } from "../../control/base/errors.js";
import { verifyGateway } from "../../control/gateway/verify/index.js";
import { changes } from "./verify/changes.js";
import { type Base, edited, texts } from "./verify/files.js";

/** Protobuf maps: their keys are the operator's. */
const MAPS =
  /^(?:providers|policies|typed_per_filter_config|requirement_map|map|static_layer|typed_extension_protocol_options|json_format|metadata)$/;
const ENUMS: Readonly<Record<string, number>> = {
  FAIL_RELOAD: 1,
  FAIL_OPEN: 3,
  REJECT_REQUEST: 2,
  DENY: 1,
  ALLOW: 0,
  OVERWRITE_IF_EXISTS_OR_ADD: 2,
};
const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The same configuration, each name and value by one of its spellings. @param choose a number below n, for each choice */
function respell(value: unknown, choose: (n: number) => number, inMap = false, key = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => respell(item, choose, false, key));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => {
        const spelt = !inMap && !name.startsWith("@") && choose(2) === 1 ? camel(name) : name;
        return [spelt, respell(inner, choose, MAPS.test(name), name)];
      }),
    );
  }
  if (typeof value === "boolean" && choose(3) === 1) return String(value);
  const isEnum = typeof value === "string" && ENUMS[value] !== undefined && key !== "headers_with_underscores_action";
  if (isEnum && choose(2) === 1) return choose(2) === 1 ? ENUMS[value] : String(ENUMS[value]);
  if (typeof value === "number" && choose(4) === 1) return String(value);
  return value;
}

/** Equal parts become one, which YAML writes as an anchor and aliases. */
function shared(value: unknown, seen = new Map<string, unknown>()): unknown {
  if (typeof value !== "object" || value === null) return value;
  const made = Array.isArray(value)
    ? value.map((item) => shared(item, seen))
    : Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shared(inner, seen)]));
  const text = JSON.stringify(made);
  const before = seen.get(text);
  if (before !== undefined) return before;
  seen.set(text, made);
  return made;
}

const spelling = fc.record({
  seeds: fc.array(fc.nat({ max: 11 }), { minLength: 40, maxLength: 80 }),
  form: fc.constantFrom("yaml", "json", "aliases", "flow", "typed struct"),
});

function write(text: string, { seeds, form }: { seeds: readonly number[]; form: string }): string {
  let at = 0;
  const choose = (n: number): number => (seeds[at++ % seeds.length] ?? 0) % n;
  const config = respell(parseDocument(text).toJS(), choose);
  if (form === "json") return JSON.stringify(config, null, 1);
  if (form === "aliases") return stringify(shared(config));
  if (form === "flow") return stringify(config, { collectionStyle: "flow", defaultStringType: "QUOTE_DOUBLE" });
  return stringify(config);
}

const bad = (text: string) => verifyGateway(text, "test.yaml").filter(({ level }) => level !== "warning");

describe("however it is written", () => {
  it("a good file is clean", () => {
    fc.assert(
      fc.property(spelling, fc.constantFrom<Base>("standard", "require"), (how, base) => {
        expect(bad(write(texts[base], how))).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it("a dangerous one is found", () => {
    fc.assert(
      fc.property(spelling, fc.constantFrom(...changes), (how, { edit, base = "standard", says, name }) => {
        const text = write(edited(texts[base], edit), how);
        expect(
          verifyGateway(text, "test.yaml").map(({ message }) => message),
          name,
        ).toContainEqual(expect.stringMatching(says));
      }),
      { numRuns: 100 },
    );
  });
});

describe("whatever is written", () => {
  const judge = (text: string): void => {
    try {
      for (const { message, mend, name } of verifyGateway(text, "test.yaml"))
        expect(`${message}${mend}${name}`).not.toMatch(/\p{Cc}/u);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      expect(error.message).not.toMatch(/\p{Cc}/u);
    }
  };

  it("values of any kind in any place give findings or one error", () => {
    const paths: (string | number)[][] = [];
    const collect = (value: unknown, path: (string | number)[]): void => {
      paths.push(path);
      if (typeof value !== "object" || value === null) return;
      for (const [name, inner] of Object.entries(value))
        collect(inner, [...path, Array.isArray(value) ? Number(name) : name]);
    };
    collect(parseDocument(texts.standard).toJS(), []);
    fc.assert(
      fc.property(fc.constantFrom(...paths.slice(1)), fc.jsonValue({ maxDepth: 3 }), (path, value) => {
        const document = parseDocument(JSON.stringify(parseDocument(texts.standard).toJS()));
        document.setIn(path, value);
        judge(document.toString());
      }),
      { numRuns: 80 },
    );
  });

  it("texts cut, joined and dirtied give findings or one error", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            at: fc.double({ min: 0, max: 1, noNaN: true }),
            cut: fc.nat(200),
            text: fc.string({ unit: "binary", maxLength: 12 }),
          }),
          {
            minLength: 1,
            maxLength: 5,
          },
        ),
        (edits) => {
          let text = texts.standard;
          for (const { at, cut, text: put } of edits) {
            const start = Math.floor(at * text.length);
            text = text.slice(0, start) + put + text.slice(start + cut);
          }
          judge(text);
        },
      ),
      { numRuns: 120 },
    );
  });
});
