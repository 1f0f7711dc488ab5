/** Data from outside checked by a schema, with errors that say where, what, and the nearest right name. */
import type { z } from "zod";
import { UserError } from "./errors.js";
import { nearest, visible } from "./text.js";
import { type Path, readYaml, type Yaml } from "./yaml.js";

/** The member names that the schema allows where an unknown one was found, from a sibling's error or the schema itself. */
export type KnownNames = (path: Path) => readonly string[];

export interface Finding {
  readonly path: Path;
  readonly message: string;
  /** An unknown member's name: the error points at the name, not its value. */
  readonly member?: string;
}

const SHOWN = 5;
/** Zod's words for what was expected, in ours. */
const KINDS: Readonly<Record<string, string>> = {
  object: "a mapping (name: value)",
  array: "a list",
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};

function kindOf(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return "text";
  return typeof value === "object" ? "a mapping" : `a ${typeof value}`;
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = Reflect.get(at, part);
  }
  return at;
}

function unknownMember(path: Path, member: string, known: KnownNames): Finding {
  const near = nearest(member, known(path));
  const guess = near === undefined ? `known here: ${known(path).join(", ")}` : `did you mean "${near}"?`;
  return { path, member, message: `unknown member "${visible(member)}"; ${guess}` };
}

/** Of the alternatives that all failed: the one that fits the value's kind, else the first that is more than a constant. */
function likeliest(alternatives: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] {
  const misses = (issues: readonly z.core.$ZodIssue[], codes: readonly string[]): boolean =>
    issues.some(({ code, path }) => path.length === 0 && codes.includes(code));
  return (
    alternatives.find((issues) => !misses(issues, ["invalid_type", "invalid_value"])) ??
    alternatives.find((issues) => !misses(issues, ["invalid_value"])) ??
    alternatives[0] ??
    []
  );
}

/** A scalar of another type where text is wanted: YAML took it for a number, a boolean or nothing. */
function misread(yaml: Yaml, path: Path, value: unknown): string | undefined {
  if (typeof value !== "number" && typeof value !== "boolean" && value !== null) return undefined;
  const source = visible(yaml.sourceAt(path) ?? "");
  if (source === "") return undefined;
  return `${source} is read as ${value === null ? "nothing" : `the ${typeof value} ${String(value)}`} here; for text write it in quotes: "${source}"`;
}

function wrongType(yaml: Yaml, path: Path, expected: string): string {
  const value = valueAt(yaml.value, path);
  if (value === undefined) return "is missing";
  if (expected === "string") {
    const sentence = misread(yaml, path, value);
    if (sentence !== undefined) return sentence;
  }
  return `must be ${KINDS[expected] ?? expected}, and is ${kindOf(value)}`;
}

function findingsOf(issues: readonly z.core.$ZodIssue[], above: Path, yaml: Yaml, known: KnownNames): Finding[] {
  return issues.flatMap((issue): Finding[] => {
    const path = [...above, ...issue.path];
    switch (issue.code) {
      case "unrecognized_keys":
        return issue.keys.map((key) => unknownMember(path, key, known));
      case "invalid_union":
        if (issue.errors.length === 0) break;
        return findingsOf(likeliest(issue.errors), path, yaml, known);
      case "invalid_type":
        // A schema's own words stand; zod's are put plainly.
        if (!issue.message.startsWith("Invalid input")) break;
        return [{ path, message: wrongType(yaml, path, issue.expected) }];
      case "invalid_value":
        return [{ path, message: `must be ${issue.values.map(String).join(" or ")}` }];
      case "too_big":
        if (issue.origin !== "array") break;
        return [
          {
            path: [...path, Number(issue.maximum)],
            message: `is one too many: at most ${issue.maximum} are allowed here`,
          },
        ];
      case "too_small":
        if (issue.origin !== "array") break;
        return [{ path, message: `needs at least ${issue.minimum}` }];
      default:
    }
    return [{ path, message: visible(issue.message) }];
  });
}

const showPath = (path: Path): string =>
  path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${visible(String(part))}`))
    .join("")
    .replace(/^\./, "");

/** Throws a UserError with `file:line:column` of up to five faults. */
export function refuseFindings(yaml: Yaml, findings: readonly Finding[], hint: string): never {
  // One fault a place: what follows from it says nothing more.
  const places = new Map(
    findings.map((finding) => [JSON.stringify([finding.path, finding.member]), finding] as const).reverse(),
  );
  const distinct = [...places.values()].reverse();
  const shown = distinct.slice(0, SHOWN).map(({ path, message, member }) => {
    const words = showPath(path);
    return `${yaml.at(path, member)}: ${words === "" ? "" : `${words}: `}${message}`;
  });
  if (distinct.length > shown.length) shown.push(`... and ${distinct.length - shown.length} more`);
  throw new UserError(shown.join("\n"), { hint });
}

/**
 * Parses YAML (or JSON) text by the schema. Throws a UserError with `file:line:column` of up to five faults.
 * @param first what is looked for before the schema is: faults that it would explain badly
 */
export function parseYaml<T>(
  text: string,
  file: string,
  schema: z.ZodType<T>,
  known: KnownNames,
  hint: string,
  first: (value: unknown) => Finding[] = () => [],
): T {
  const yaml = readYaml(text, file, hint);
  const early = first(yaml.value);
  if (early.length > 0) refuseFindings(yaml, early, hint);
  const result = schema.safeParse(yaml.value);
  if (result.success) return result.data;
  return refuseFindings(yaml, findingsOf(result.error.issues, [], yaml, known), hint);
}

/** Parses JSON of a machine-made file by the schema. */
export function parseJson<T>(text: string, file: string, schema: z.ZodType<T>, hint: string): T {
  return parseYaml(text, file, schema, () => [], hint);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
