// The table of verdicts (config/verdicts.json): the filter's enum and table, the command's table, the docs page.
import { readFileSync } from "node:fs";
import { pascal } from "./write.mjs";

const verdicts = JSON.parse(readFileSync("config/verdicts.json", "utf8"));
const by = "Generated from config/verdicts.json by scripts/generate.mjs. Do not edit.";

const pick = (fallback, value) =>
  `  switch (verdict) {\n${verdicts.map((v) => `    case Verdict.${pascal(v.code)}:\n      return ${value(v)};`).join("\n")}\n    default:\n      return ${fallback};\n  }`;

export const verdictOutputs = {
  "assembly/decide/verdict.gen.ts": `/** ${by} */

/** The closed list of verdicts (docs/verdicts.md). */
export const enum Verdict {
${verdicts.map((v, i) => `  ${pascal(v.code)} = ${i},`).join("\n")}
}

/** How many verdicts there are. */
export const VERDICT_COUNT: i32 = ${verdicts.length};

/** The code as written in records, replies and filter state. */
export function verdictCode(verdict: i32): string {
${pick('"internal"', (v) => JSON.stringify(v.code))}
}

/** The HTTP status of a reply with this verdict. */
export function verdictStatus(verdict: i32): i32 {
${pick("503", (v) => String(v.status))}
}

/** The \`error\` of WWW-Authenticate (RFC 6750, section 3.1, extended), or the empty string. */
export function verdictError(verdict: i32): string {
${pick('"temporarily_unavailable"', (v) => JSON.stringify(v.error))}
}

/** One sentence for the caller (\`title\` of RFC 9457). */
export function verdictTitle(verdict: i32): string {
${pick('"The filter could not decide"', (v) => JSON.stringify(v.title))}
}
`,
  "control/base/verdicts.gen.ts": `/** ${by} */

/** One row of the verdict table: \`operator\` says what to do. */
export interface VerdictRow {
  readonly status: number;
  readonly error: string;
  readonly title: string;
  readonly operator: string;
}

/** Every verdict code, in the order of the table. */
export const verdictCodes = ${JSON.stringify(
    verdicts.map((v) => v.code),
    null,
    2,
  )} as const;
export type VerdictCode = (typeof verdictCodes)[number];

export const verdicts: Readonly<Record<VerdictCode, VerdictRow>> = {
${verdicts.map((v) => `  ${v.code}: { status: ${v.status}, error: ${JSON.stringify(v.error)}, title: ${JSON.stringify(v.title)}, operator: ${JSON.stringify(v.operator)} },`).join("\n")}
};
`,
  "docs/verdicts.md": `<!-- ${by} -->
# Verdicts

Every decision on a presented grant ends in one of these codes. It stands in the reply (\`code\`), in the audit record
(\`verdict\`) and in the metric \`glassgate_decisions\`. Only where no key of the bundle has signed the request, reply and metric say
\`signature\` whatever the reason, so that they tell nobody which keys there are; record and filter state have the reason.

| code | HTTP | \`error\` | meaning | what to do |
|---|---|---|---|---|
${verdicts.map((v) => `| \`${v.code}\` | ${v.code === "allow" ? "" : v.status} | ${v.error} | ${v.title} | ${v.operator.replaceAll("|", "\\|")} |`).join("\n")}
`,
};
