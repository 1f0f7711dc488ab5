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

## Receiving them

A **webhook** is a POST by the scheme of [Standard Webhooks](https://www.standardwebhooks.com): any library for it verifies \`webhook-id\`,
\`webhook-timestamp\` and \`webhook-signature\` (\`v1,\` and the HMAC-SHA256 over \`id.timestamp.body\`). \`text\` in the body is for Slack and its kin;
what is from outside stands in it in a code span. A **command** gets the same JSON on standard input. In \`ledger.yaml\`, read when the
ledger starts:

\`\`\`yaml
alarms:
  webhooks:
    - { url: "https://hooks.example.com/glassgate", secret_file: ../webhook.secret }
  commands:
    - run: [ /usr/local/bin/page-somebody, --from, glassgate ]      # no shell; a path counts from the folder of ledger.yaml
\`\`\`

\`\`\`json
{"type":"glassgate.ledger.alarm","timestamp":"2026-11-26T17:20:00.123Z","text":"[critical] Records are missing (gap) ...",
 "data":{"code":"gap","severity":"critical","title":"...","operator":"...","origin":"ledger.example/eu-2026","entry":4711,"about":[4690],
         "vm":"gateway-1/1767225000123456789/3","seq":41,"ranges":[[41,44]],"says":"..."}}
\`\`\`

- The secret is \`whsec_\` and 24 to 64 bytes in base64, in a file that nobody else may read:
  \`(umask 077; printf 'whsec_%s\\n' "$(head -c 32 /dev/urandom | base64)" > webhook.secret)\`.
- To **rotate** it, add the new one as another line of that file (four at most) and start the ledger anew: each signs, with a space
  between the signatures in the header. Give the receiver the new one; then take the old line out, and start the ledger anew.
- No redirect is followed. Addresses that are not of the public internet, and plain http, need \`allow_private: true\`; a name is resolved
  once, and what was judged is connected to.
- An alarm goes out after its entry is durable, **at least once**: after a restart what was not delivered is sent again under the same
  \`webhook-id\`. It is tried six times within a quarter of an hour. The first failure of a receiver is said on the ledger's terminal, and
  when it works again; one that is given up is said, and counts in \`glassgate_ledger_alarms_lost_total\`.

Try it before there is an alarm. Each receiver gets a test (\`"code":"test"\`, and \`null\` as its entry), and one that did not take it ends
the command with 1. Nothing is entered:

\`\`\`sh
glassgate ledger test-alarms ledger
\`\`\`
`,
};
