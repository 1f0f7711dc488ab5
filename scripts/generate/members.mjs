// The members of a bundle's objects and of the plugin configuration (config/members.json): the filter's enums and lookups, its
// reader of the configuration's plain members, the command's schemas, the rows of the docs.
import { readFileSync } from "node:fs";
import { memberKinds, shapeOf } from "./kinds.mjs";
import { camel, identifiers, limit, pascal } from "./write.mjs";

const by = "Generated from config/members.json by scripts/generate.mjs. Do not edit.";
const tables = JSON.parse(readFileSync("config/members.json", "utf8"));
for (const [object, rows] of Object.entries(tables)) {
  for (const row of rows) {
    row.of_kind = memberKinds[row.kind];
    if (row.of_kind === undefined)
      throw new Error(
        `config/members.json: ${object}.${row.name} is of the kind ${row.kind}, which scripts/generate/kinds.mjs lacks`,
      );
    row.id = pascal(row.name);
    row.field ??= camel(row.name);
  }
}

/** How the filter speaks of one. */
const subject = (object) =>
  ["configuration", "bundle", "revocations"].includes(object)
    ? "it"
    : `${/^[aeiou]/.test(object) ? "an" : "a"} ${object}`;
/** The objects inside one: those of a bundle are read in trust/, those of the configuration in filter/. */
const inside = (object) => tables[object].flatMap(({ of }) => (of === undefined ? [] : [...inside(of), of]));
const list = (names) => names.join(", ");

/** What must be there, and how the filter says that it is not. */
function missing(object, rows) {
  const needed = rows.filter(({ optional }) => optional !== true);
  if (needed.length === 0) return "";
  const [name, mask] = [object.toUpperCase(), needed.reduce((sum, row) => sum + 2 ** rows.indexOf(row), 0)];
  return `export const REQUIRED_OF_${name}: i32 = ${mask};
export const ${name}_LACKS: string = "${subject(object)} lacks one of ${list(needed.map((row) => row.name))}";
`;
}

const reader = (object, { id }) => `read${pascal(object)}${id}`;
/** The reader of a whole number within its bounds. */
function integerReader(object, row) {
  const [most, shown] = row.max === undefined ? ["MAX_SAFE_INTEGER", "2^53 - 1"] : [row.max, limit(row.max)];
  return `
export function ${reader(object, row)}(loading: Loading): i64 {
  return loading.integer(${row.min}, ${most}, "${row.name} is not a whole number from ${row.min} to ${shown}");
}
`;
}

/** Enum, mask of what must be there, lookup, and the readers of whole numbers of one object. */
function lookup(object, rows) {
  const type = `${pascal(object)}Member`;
  return `export enum ${type} {
${rows.map(({ id }, i) => `  ${id} = ${2 ** i},`).join("\n")}
}
${missing(object, rows)}
/** The member of that name, or 0. */
export function ${camel(object)}Member(ptr: usize, len: i32): i32 {
${rows.map(({ name, id, only }) => `  if (${only === undefined ? "" : `${only} && `}isLiteral(ptr, len, "${name}")) return ${type}.${id};`).join("\n")}
  return 0;
}
${rows
  .filter(({ kind }) => kind === "integer")
  .map((row) => integerReader(object, row))
  .join("")}`;
}

/** What is read in trust/: a bundle, and texts of revocations. */
const inBundle = new Set([...inside("bundle"), "bundle", "revocations"]);
const inConfiguration = [...new Set(["configuration", ...inside("configuration")])].filter(
  (name) => !inBundle.has(name),
);
const { configuration } = tables;
const lost = Object.keys(tables).find((object) => !inBundle.has(object) && !inConfiguration.includes(object));
if (lost !== undefined) throw new Error(`config/members.json: no member is of ${lost}`);
/** A file of the filter: its imports are what its text uses. */
function filterFile(objects, loading, more = "") {
  const text = `${objects.map((object) => lookup(object, tables[object])).join("\n")}${more}`;
  const limits = [...new Set(text.match(/\b(?:MAX|DEFAULT)_\w+/g))].sort();
  // A member that only some hosts have use for is unknown in a build for another.
  const only = [...new Set(objects.flatMap((object) => tables[object].flatMap((row) => row.only?.match(/\w+/) ?? [])))];
  const host = only.length === 0 ? "" : `import { ${list(only)} } from "../host/gateway";\n`;
  return `/** ${by} */
${host}import { ${list(limits)} } from "../limits";
import { isLiteral } from "../text/bytes";
import { Loading } from "${loading}";

${text}`;
}
/** How the filter holds the configuration's plain members; all others are read where their structs are filled. */
const PLAIN = { integer: { type: "i64", zero: "0" }, boolean: { type: "bool", zero: "false" } };
const plain = configuration.filter(({ kind, hand }) => PLAIN[kind] !== undefined && hand !== true);
const readPlain = (row) =>
  row.kind === "integer" ? `${reader("configuration", row)}(loading)` : `loading.reader.${row.kind}()`;

const settings = `
/** Members that are a number or a boolean. */
export class PlainSettings {
${plain.map(({ field, kind }) => `  ${field}: ${PLAIN[kind].type} = ${PLAIN[kind].zero};`).join("\n")}
}

export function setDefaults(into: PlainSettings): void {
${plain
  .filter((row) => row.default !== undefined)
  .map((row) => `  into.${row.field} = ${row.default};`)
  .join("\n")}
}

/** Reads the member's value if it is plain; false where it is not. */
export function readPlain(member: i32, loading: Loading, into: PlainSettings): bool {
  switch (member) {
${plain.map((row) => `    case ConfigurationMember.${row.id}:\n      into.${row.field} = ${readPlain(row)};\n      return true;`).join("\n")}
    default:
      return false;
  }
}
`;

const shape = ({ name, optional, says, of_kind, ...row }) =>
  `  ${name}: ${of_kind.shape({ name, ...row })}${optional === true ? ".optional()" : ""}.describe(${JSON.stringify(says.replaceAll("`", ""))}),`;
// Keys are a room below, and two shapes: signer/jwk.ts.
const schemas = Object.entries(tables).filter(([object]) => object !== "key");
const shapes = schemas.map(
  ([object, rows]) => `export const ${shapeOf(object)} = z.strictObject({\n${rows.map(shape).join("\n")}\n});`,
);
const names = schemas.flatMap(([, rows]) => rows.flatMap((row) => identifiers(row.of_kind.shape(row))));
const commandSide = `/** ${by} */
import { z } from "zod";
import { publicKeySchema, windowedKeySchema } from "../signer/jwk.js";
import { ${list([...new Set(names)].sort())} } from "./names.js";

/** The names, for "did you mean". */
export const memberNames = {
${Object.entries(tables)
  .map(([object, rows]) => `  ${object}: ${JSON.stringify(rows.map(({ name }) => name))},`)
  .join("\n")}
} as const;

/** Members of the configuration that a push sets, and those that the gateway's own file decides: all others stay as they are deployed. */
export const setByPush = ${JSON.stringify(configuration.filter((row) => row.by === "push").map(({ name }) => name))} as const;
export const setByRender = ${JSON.stringify(configuration.filter((row) => row.by === "render").map(({ name }) => name))} as const;

${shapes.join("\n\n")}
`;

const docRow = ({ name, optional, says }) => `| \`${name}\`${optional === true ? "?" : ""} | ${says} |`;

export const memberOutputs = {
  "assembly/filter/members.gen.ts": filterFile(inConfiguration, "../trust/loading", settings),
  "assembly/trust/members.gen.ts": filterFile([...inBundle], "./loading"),
  "control/trust/members.gen.ts": commandSide,
  "docs/members.md": `<!-- ${by} -->
# Members of bundles and of the plugin configuration

Each object is closed: a member that is not here is refused, by the filter and by the command. A \`?\` stands behind what may be left out.
People write a [roster](roster.md), of which a bundle is made; \`glassgate gateway render\` and \`glassgate push\` write the configuration.

${Object.entries(tables)
  .map(([object, rows]) => `## ${pascal(object)}\n\n| member | what |\n|---|---|\n${rows.map(docRow).join("\n")}\n`)
  .join("\n")}`,
};
