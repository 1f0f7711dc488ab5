/** The figures of both soaks, for people. */
import { cpus } from "node:os";
import type { Latency } from "../base/statistics.js";
import { today } from "../report/page.js";
import type { FollowFigures } from "./follow.js";
import type { ReceiptFigures } from "./receipts.js";

const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const latency = ({ count, p50, p99, max }: Latency): string =>
  `${count}, half within ${ms(p50)}, 99 % within ${ms(p99)}, the longest ${ms(max)}`;
const table = (rows: readonly (readonly [string, string])[]): string =>
  ["| what | found |", "|---|---|", ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join("\n");
const countsOf = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");

export function receiptTable(found: ReceiptFigures): string {
  const { withReceipt, without } = found;
  return table([
    ["let in with a receipt", `${found.allowed}, ${found.perSecond.toFixed(0)} a second while the ledger was there`],
    ["with a receipt", latency(withReceipt)],
    ["without", latency(without)],
    ["a receipt adds", `${ms(withReceipt.p50 - without.p50)} at half, ${ms(withReceipt.p99 - without.p99)} at 99 %`],
    ...found.away.map(({ how, denied }): [string, string] => [`denied, ${how}`, latency(denied)]),
    ["denied otherwise", `${found.turning} while it came or went, ${found.late} while it was there`],
    ["lines", `${countsOf(found.counts)}; the audit log has ${(found.logBytes / 1024 ** 2).toFixed(1)} MiB`],
    ["the ledger", `${found.entries} entries; alarms: ${countsOf(found.alarms)}`],
    ["took", `${found.seconds.toFixed(0)} s; load of the machine ${found.load.toFixed(1)}`],
    ["ledger verify", found.verified],
  ]);
}

export function followTable(found: FollowFigures): string {
  return table([
    ["requests", `${found.answered} answered in ${found.lives} lives of Envoy`],
    ["happened", countsOf(found.happened)],
    ["lines", countsOf(found.counts)],
    [
      "missing",
      `${found.unrecorded} requests in no file and not in the ledger; ${found.named} records that alarms name`,
    ],
    ["unnamed", `${found.unnamed}: behind the last head that a killed Envoy had published`],
    ["the ledger", `${found.entries} entries; alarms: ${countsOf(found.alarms)}`],
    ["took", `${found.seconds.toFixed(0)} s; load of the machine ${found.load.toFixed(1)}`],
    ["ledger verify", found.verified],
  ]);
}

export const receiptSection = (found: ReceiptFigures): string => `## Receipts

\`npm run soak:receipts\`, ${today()}: a real Envoy and \`glassgate ledger serve\` on one machine of ${cpus().length} cores, with the clients;
the ledger is stopped, killed and restarted meanwhile. None was let in without its entry.

${receiptTable(found)}
`;

export const followSection = (found: FollowFigures): string => `## Following a gateway's files

\`npm run soak:follow\`, ${today()}: a real Envoy under load, its logs rotated in both ways, Envoy, agent and ledger killed at random
moments. Every line of the files is in the ledger, or an alarm names the gap.

${followTable(found)}
`;
