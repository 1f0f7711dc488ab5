/** Data from outside checked by a schema, with errors that say where, what, and the nearest right name. */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import type { z } from "zod";
import { UserError } from "./errors.js";
import { nearest } from "./text.js";

type Path = readonly PropertyKey[];

/** The member names that the schema allows where an unknown one was found, from a sibling's error or the schema itself. */
export type KnownNames = (path: Path) => readonly string[];

interface Finding {
  readonly path: Path;
  readonly message: string;
  /** An unknown member's name: the error points at the name, not its value. */
  readonly member?: string;
}

function findingsOf(error: z.ZodError, known: KnownNames): Finding[] {
  return error.issues.flatMap((issue): Finding[] => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => {
        const near = nearest(key, known(issue.path));
        const guess = near === undefined ? `known here: ${known(issue.path).join(", ")}` : `did you mean "${near}"?`;
        return { path: issue.path, member: key, message: `unknown member "${key}"; ${guess}` };
      });
    }
    if (issue.code === "invalid_union") {
      const inner = issue.errors.flat().at(-1);
      return [{ path: [...issue.path, ...(inner?.path ?? [])], message: inner?.message ?? issue.message }];
    }
    return [{ path: issue.path, message: issue.message }];
  });
}

const showPath = (path: Path): string =>
  path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");

/** The node at the path, or the nearest one above it. */
function nodeAt(root: Node | null, path: Path, member: string | undefined): Node | null {
  let node: Node | null = root;
  for (const part of path) {
    let child: unknown;
    if (isMap(node)) child = node.get(part, true);
    else if (isSeq(node) && typeof part === "number") child = node.get(part, true);
    if (!isScalar(child) && !isMap(child) && !isSeq(child)) break;
    node = child;
  }
  if (member !== undefined && isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && item.key.value === member);
    if (pair !== undefined && isScalar(pair.key)) return pair.key;
  }
  return node;
}

/** Parses YAML (or JSON) text by the schema. Throws a UserError with `file:line:column` of up to five faults. */
export function parseYaml<T>(text: string, file: string, schema: z.ZodType<T>, known: KnownNames, hint: string): T {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const where = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const syntax = document.errors[0];
  if (syntax !== undefined) {
    const sentence = syntax.message.split("\n", 1)[0]?.replace(/ at line .*$/, "") ?? "not YAML";
    throw new UserError(`${where(syntax.pos[0])}: ${sentence}.`, { hint });
  }
  const result = schema.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (result.success) return result.data;
  const findings = findingsOf(result.error, known);
  const shown = findings.slice(0, 5).map((finding) => {
    const node = nodeAt(document.contents, finding.path, finding.member);
    const path = showPath(finding.path);
    return `${where(node?.range?.[0] ?? 0)}: ${path === "" ? "" : `${path}: `}${finding.message}`;
  });
  if (findings.length > shown.length) shown.push(`... and ${findings.length - shown.length} more`);
  throw new UserError(shown.join("\n"), { hint });
}

/** Parses JSON of a machine-made file by the schema. */
export function parseJson<T>(text: string, file: string, schema: z.ZodType<T>, hint: string): T {
  return parseYaml(text, file, schema, () => [], hint);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
