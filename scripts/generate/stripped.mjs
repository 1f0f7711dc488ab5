// The table of headers that every allowed request loses (config/stripped.json): the filter's list, the verifier's, the docs' lines.
import { readFileSync } from "node:fs";
import { between } from "./write.mjs";

/** `says`: what an upstream reads in it. `replaces`: set for no other reason than to be read instead of the request's own. */
const headers = JSON.parse(readFileSync("config/stripped.json", "utf8"));
const by = "Generated from config/stripped.json by scripts/generate.mjs. Do not edit.";

const KINDS = {
  credential: "credentials",
  method: "another method",
  url: "another path",
  host: "another host",
};
const ofKind = (kind) => headers.filter(({ says }) => says === kind).map(({ name }) => `\`${name}\``);

export const strippedOutputs = {
  "assembly/filter/stripped.gen.ts": `/** ${by} */
import { Ascii, ascii } from "../host/ascii";

/** Headers that every allowed request loses. */
export const alwaysStripped: StaticArray<Ascii> = [
${headers.map(({ name }) => `  ascii("${name}"),`).join("\n")}
];

/** How many those are. */
export const ALWAYS_STRIPPED_COUNT: i32 = ${headers.length};
`,
  "control/gateway/stripped.gen.ts": `/** ${by} */

/** Headers that every allowed request loses, whatever \`strip\` says. \`replaces\`: set for no other reason than to be read instead of the request's own. */
export const strippedHeaders = [
${headers.map(({ name, replaces = false }) => `  { name: "${name}", replaces: ${replaces} },`).join("\n")}
] as const;
`,
  "docs/request.md": between(
    "docs/request.md",
    "stripped",
    Object.entries(KINDS).map(([kind, words]) => `- ${words}: ${ofKind(kind).join(", ")};`),
  ),
};
