// The table of alarms (config/alarms.json): the ledger's table and the docs page.
import { readFileSync } from "node:fs";

const alarms = JSON.parse(readFileSync("config/alarms.json", "utf8"));
const by = "Generated from config/alarms.json by scripts/generate.mjs. Do not edit.";

export const alarmOutputs = {
  "control/ledger/chain/codes.gen.ts": `/** ${by} */

export const severities = ["critical", "warning", "notice"] as const;
export type Severity = (typeof severities)[number];

/** One row of the table: \`operator\` says what to do. */
export interface AlarmRow {
  readonly severity: Severity;
  readonly title: string;
  readonly operator: string;
}

export const alarmCodes = ${JSON.stringify(
    alarms.map((a) => a.code),
    null,
    2,
  )} as const;
export type AlarmCode = (typeof alarmCodes)[number];

export const alarmRows: Readonly<Record<AlarmCode, AlarmRow>> = {
${alarms.map((a) => `  ${a.code}: { severity: ${JSON.stringify(a.severity)}, title: ${JSON.stringify(a.title)}, operator: ${JSON.stringify(a.operator)} },`).join("\n")}
};
`,
  "docs/alarms.md": `<!-- ${by} -->
# Alarms

What the [ledger](audit.md) finds wrong, or worth knowing, becomes an entry of type \`alarm\` with one of these codes, and goes out to
webhooks and commands once it is durable. \`about\` in it holds the indices of the entries that it labels. The same code about the same
subject (a VM, a grant, a sender) is told once; what follows within a minute is counted, and one alarm with \`count\` says how many there
were. What goes on is told in such sums, farther and farther apart, up to a day.

| code | severity | what it means | what to do |
|---|---|---|---|
${alarms.map((a) => `| \`${a.code}\` | ${a.severity} | ${a.title} | ${a.operator.replaceAll("|", "\\|")} |`).join("\n")}
`,
};
