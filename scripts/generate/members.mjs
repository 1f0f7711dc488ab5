// The members of a bundle's objects and of the plugin configuration (config/members.json): the filter's enums and lookups, its
// reader of the configuration's plain members, the command's schemas, the rows of the docs.
import { readFileSync } from "node:fs";
import { memberKinds } from "./kinds.mjs";
import { camel, pascal } from "./write.mjs";

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
const LACKS = {
  configuration: "it",
  bundle: "it",
  principal: "a principal",
  role: "a role",
  key: "a key",
  entitlement: "an entitlement",
  approval: "an approval",
  revoked: "revoked",
};
const list = (names) => names.join(", ");
const required = (rows) => rows.filter(({ optional }) => optional !== true);

/** Enum, mask of what must be there, and lookup of one object. */
function lookup(object, rows) {
  const type = `${pascal(object)}Member`;
  const mask = required(rows).reduce((sum, row) => sum + 2 ** rows.indexOf(row), 0);
  return `export enum ${type} {
${rows.map(({ id }, i) => `  ${id} = ${2 ** i},`).join("\n")}
}
export const REQUIRED_OF_${object.toUpperCase()}: i32 = ${mask};
export const ${object.toUpperCase()}_LACKS: string = "${LACKS[object]} lacks one of ${list(required(rows).map(({ name }) => name))}";

/** The member of that name, or 0. */
export function ${camel(object)}Member(ptr: usize, len: i32): i32 {
${rows.map(({ name, id }) => `  if (isLiteral(ptr, len, "${name}")) return ${type}.${id};`).join("\n")}
  return 0;
}
`;
}

const { configuration, ...signed } = tables;
const plain = configuration.filter(({ of_kind, hand }) => of_kind.plain !== undefined && hand !== true);
const limits = [
  ...new Set(
    plain.flatMap((row) =>
      [...`${row.of_kind.plain.read(row)} ${row.default ?? ""}`.matchAll(/\b(?:MAX|DEFAULT)_\w+/g)].map(
        ([name]) => name,
      ),
    ),
  ),
].sort();

const filterSide = `/** ${by} */
import { ${list(limits)} } from "../limits";
import { isLiteral } from "../text/bytes";
import { Loading } from "../trust/loading";
import { readInteger } from "./plain";

${lookup("configuration", configuration)}
/** Members that are a number or a boolean. */
export class PlainSettings {
${plain
  .map(
    ({
      field,
      of_kind: {
        plain: { type },
      },
    }) => `  ${field}: ${type} = ${type === "bool" ? "false" : "0"};`,
  )
  .join("\n")}
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
${plain.map((row) => `    case ConfigurationMember.${row.id}:\n      into.${row.field} = ${row.of_kind.plain.read(row)};\n      return true;`).join("\n")}
    default:
      return false;
  }
}
`;

const trustSide = `/** ${by} */
import { isLiteral } from "../text/bytes";

${Object.entries(signed)
  .map(([object, rows]) => lookup(object, rows))
  .join("\n")}`;

const shape = ({ name, optional, says, of_kind, ...row }) =>
  `  ${name}: ${of_kind.shape({ name, ...row })}${optional === true ? ".optional()" : ""}.describe(${JSON.stringify(says.replaceAll("`", ""))}),`;
// Keys are a room below, and two shapes: signer/jwk.ts.
const schemas = Object.entries(tables).filter(([object]) => object !== "key");
const commandSide = `/** ${by} */
import { z } from "zod";
import { publicKeySchema, windowedKeySchema } from "../signer/jwk.js";
import { entitlementDetails, headerName, integer, keptHeader, name, numericDate, requirements, revokedName } from "./names.js";

/** The names, for "did you mean". */
export const memberNames = {
${Object.entries(tables)
  .map(([object, rows]) => `  ${object}: ${JSON.stringify(rows.map(({ name }) => name))},`)
  .join("\n")}
} as const;

/** Members of the configuration that a push sets, and those that the gateway's own file decides: all others stay as they are deployed. */
export const setByPush = ${JSON.stringify(configuration.filter((row) => row.by === "push").map(({ name }) => name))} as const;
export const setByRender = ${JSON.stringify(configuration.filter((row) => row.by === "render").map(({ name }) => name))} as const;

${schemas.map(([object, rows]) => `export const ${object}Schema = z.strictObject({\n${rows.map(shape).join("\n")}\n});`).join("\n\n")}
`;

const docRow = ({ name, optional, says }) => `| \`${name}\`${optional === true ? "?" : ""} | ${says} |`;

export const memberOutputs = {
  "assembly/filter/members.gen.ts": filterSide,
  "assembly/trust/members.gen.ts": trustSide,
  "control/trust/members.gen.ts": commandSide,
  "docs/members.md": `<!-- ${by} -->
# Members of bundles and of the plugin configuration

Each object is closed: a member that is not here is refused, by the filter and by the command. A \`?\` stands behind what may be left out.
People write a [roster](roster.md), of which a bundle is made; \`glassgate gateway render\` and \`glassgate push\` write the configuration.

${Object.entries(tables)
  .map(([object, rows]) => `## ${pascal(object)}\n\n| member | what |\n|---|---|\n${rows.map(docRow).join("\n")}\n`)
  .join("\n")}`,
};
