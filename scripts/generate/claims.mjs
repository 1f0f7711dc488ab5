// The claims of a grant (config/claims.json, in the order in which they are shown): the filter's enum, struct, readers and
// description, the command's schemas and display, the rows of the docs.
import { readFileSync } from "node:fs";
import { claimKinds } from "./kinds.mjs";
import { between, camel, identifiers, pascal } from "./write.mjs";

const claims = JSON.parse(readFileSync("config/claims.json", "utf8")).map((row) => ({
  ...row,
  field: row.field ?? camel(row.name),
  id: pascal(row.name),
  of: claimKinds[row.kind],
}));
const by = "Generated from config/claims.json by scripts/generate.mjs. Do not edit.";

for (const { name, kind, of, optional } of claims) {
  if (of === undefined)
    throw new Error(`config/claims.json: ${name} is of the kind ${kind}, which scripts/generate/kinds.mjs lacks`);
  if (optional === true && /^[iu]\d/.test(of.type))
    throw new Error(`config/claims.json: ${name} is a number, which cannot be absent`);
}
if (claims.length > 31 || claims[0].optional === true)
  throw new Error("config/claims.json: at most 31, the first required");

/** What the filter's side imports, by file: once each. */
const imports = new Map([
  ["../limits", claims.flatMap(({ max }) => max ?? [])],
  ["../text/bytes", ["isLiteral"]],
  ["../text/json", ["JsonReader"]],
  ["../text/region", ["Region"]],
]);
for (const { of } of claims)
  for (const [path, names] of Object.entries(of.imports)) imports.set(path, [...(imports.get(path) ?? []), ...names]);
const importLines = [...imports]
  .filter(([, names]) => names.length > 0)
  .map(([path, names]) => `import { ${[...new Set(names)].sort().join(", ")} } from "${path}";`);
const required = claims.filter(({ optional }) => optional !== true);

const filterSide = `/** ${by} */
${importLines.join("\n")}

/** A bit each. */
export enum Claim {
${claims.map(({ id }, i) => `  ${id} = ${2 ** i},`).join("\n")}
}

export const REQUIRED_CLAIMS: i32 = ${required.reduce((mask, row) => mask + 2 ** claims.indexOf(row), 0)};

/** The claims, checked for type and bounds. Optional ones are 0 where they are absent; times are seconds since 1970. */
export class Claims {
${claims.map(({ field, of }) => `  ${field}: ${of.type} = ${/^[iu]\d/.test(of.type) ? "0" : `changetype<${of.type}>(0)`};`).join("\n")}
}

/** The claim of that name, or 0: an unknown one is never ignored, as it may be a restriction. */
export function claimOf(ptr: usize, len: i32): i32 {
${claims.map(({ name, id }) => `  if (isLiteral(ptr, len, "${name}")) return Claim.${id};`).join("\n")}
  return 0;
}

/** The name of one claim. */
export function claimName(claim: i32): string {
${claims.map(({ name, id }) => `  if (claim == Claim.${id}) return "${name}";`).join("\n")}
  return "";
}

/** What its value must be. */
export function claimRule(claim: i32): string {
${claims.map((row) => `  if (claim == Claim.${row.id}) return "${row.of.words(row).replaceAll("`", "")}";`).join("\n")}
  return "";
}

/** Reads the claim's value; whether it was good is \`reader.ok\`. */
export function readClaim(claim: i32, reader: JsonReader, region: Region, claims: Claims): void {
  switch (claim) {
${claims.map((row) => `    case Claim.${row.id}:\n      claims.${row.field} = ${row.of.read(row)};\n      break;`).join("\n")}
    default:
      reader.fail();
  }
}
`;

const writers = [...new Set(claims.map(({ of }) => of.write))].sort();
const writeOne = ({ name, field, of, optional }, i) => {
  const lines = [`writer.literal('${i === 0 ? "{" : ","}"${name}":');`, `${of.write}(writer, claims.${field});`];
  if (optional !== true) return lines.map((line) => `  ${line}`).join("\n");
  return `  if (changetype<usize>(claims.${field}) != 0) {\n${lines.map((line) => `    ${line}`).join("\n")}\n  }`;
};
const description = `/** ${by} */
import { Claims } from "../grant/claims.gen";
import { Writer } from "../text/writer";
import { ${writers.join(", ")} } from "./shown";

/** All claims as a JSON object. */
export function writeClaims(writer: Writer, claims: Claims): void {
${claims.map(writeOne).join("\n")}
  writer.byte(0x7d);
}
`;

const opt = (row, text) => (row.optional === true ? `${text}.optional()` : text);
const shapes = claims.map((row) => row.of.shape(row));
const kinds = [...new Set(claims.flatMap((row, i) => identifiers(`${shapes[i]}, ${row.of.told}`)))].sort();
const rows = claims.map(
  ({ name, kind, optional, label, flag, help }) =>
    `  ${JSON.stringify({ name, kind, label, ...(optional === true ? { optional } : {}), ...(flag === undefined ? {} : { flag, help }) })},`,
);
const commandSide = `/** ${by} */
import { z } from "zod";
import { ${kinds.join(", ")} } from "./kinds.js";

/** What may stand in an ask. */
export const claimShape = {
${claims.map((row, i) => `  ${row.name}: ${opt(row, shapes[i])},`).join("\n")}
};

/** The claims as the filter's own parser tells them: it has checked them, and they are all of them. */
export const toldShape = {
${claims.map((row) => `  ${row.name}: ${opt(row, row.of.told)},`).join("\n")}
};

/** Those that a person gives \`glassgate ask\` word for word. */
export const askedShape = {
${claims
  .filter(({ flag }) => flag !== undefined)
  .map((row) => `  ${row.name}: ${opt(row, "z.string()")},`)
  .join("\n")}
};

/** In the order in which they are shown. */
export const claimRows = [
${rows.join("\n")}
] as const;
`;

const docRow = (row) => `| \`${row.name}\`${row.optional === true ? "?" : ""} | ${row.of.words(row)} | ${row.says} |`;

export const claimOutputs = {
  "assembly/grant/claims.gen.ts": filterSide,
  "assembly/filter/claims.gen.ts": description,
  "control/grant/claims.gen.ts": commandSide,
  "docs/grant-format.md": between("docs/grant-format.md", "claims", [
    "| claim | type | meaning |",
    "|---|---|---|",
    ...claims.map(docRow),
  ]),
};
