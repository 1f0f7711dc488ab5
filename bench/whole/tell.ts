/** The section of bench/RESULTS.md, and the same on the terminal. */
import { cpus } from "node:os";
import type { Latency } from "../base/statistics.js";
import { today } from "../report/page.js";
import type { WholeFigures, WholeOptions } from "./measure.js";

const number = (value: number): string => Math.round(value).toLocaleString("en-US");
const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const mib = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
const spent = ({ p50, p99, max }: Latency): string => `p50 ${ms(p50)}, p99 ${ms(p99)}, max ${ms(max)}`;
const countsOf = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${number(count)} ${name}`)
    .join(", ");

function rowsOf(found: WholeFigures): readonly (readonly [string, string])[] {
  const { seconds, normal, allowed, denied, forged, revocations } = found;
  const of = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((sum, one) => sum + one, 0);
  const calls = normal.count + allowed.count + of(denied) + of(forged);
  return [
    ["calls", `${number(calls)} in ${seconds.toFixed(0)} s, ${number(calls / seconds)} a second`],
    ["normal callers", `${number(normal.count)}, ${spent(normal)}`],
    ["grants", `${number(found.grants)} asked, approved by two and completed`],
    ["let in by them", `${number(allowed.count)} calls, ${spent(allowed)}`],
    ["denied of them", `${number(of(denied))}: ${countsOf(denied)}`],
    ["forged", `${number(of(forged))}: ${countsOf(forged)}`],
    ["bundles", `${number(found.rotations)} pushed to each gateway, ${spent(found.push)} a push`],
    ["revocations", `${revocations.grants} of one grant, ${revocations.people} of a person`],
    ["from the signature to the last gateway denying", spent(found.lastDenying)],
    ['from the signature to "applied" of the last', spent(found.applied)],
    ["from the command's start to the signature", spent(found.untilSigned)],
    ["from a decision to the ledger", spent(found.recordToLedger)],
    [
      "lines of the gateways",
      `${countsOf(found.counts)}; ${number(found.dropped)} denials more by \`records_dropped\``,
    ],
    ["the ledger", `${number(found.entries)} entries; alarms: ${countsOf(found.alarms)}`],
    ["ledger verify", `${found.proved}, in ${found.verifySeconds.toFixed(0)} s`],
    ["load of the machine", found.load.toFixed(1)],
  ];
}

const usedRows = ({ used }: WholeFigures): string[] =>
  used.map(
    ({ name, cores, begin, end }) => `| ${name} | ${(100 * cores).toFixed(0)} % | ${mib(begin)} | ${mib(end)} |`,
  );

export const wholeTable = (found: WholeFigures): string =>
  [
    ...["| what | found |", "|---|---|", ...rowsOf(found).map(([name, value]) => `| ${name} | ${value} |`)],
    ...["", "| process | CPU, of one core | memory at the start | at the end |", "|---|--:|--:|--:|"],
    ...usedRows(found),
  ].join("\n");

export function wholeSection(
  found: WholeFigures,
  { rates, revokeEverySeconds }: WholeOptions,
  command: string,
): string {
  const { gateways } = found;
  return `## The whole under load

\`${command}\`, ${today()}: ${gateways} real Envoys of one worker each, \`ledger serve\` and \`ledger follow\`, the upstream and the load on one
machine of ${cpus().length} cores. Meant are ${rates.normal} normal calls a second, ${rates.grants} new grants with 12 calls each, ${rates.forged} forged ones from other
networks, a bundle each second to each gateway, and a \`glassgate revoke\` every ${revokeEverySeconds} s of a grant in use at all of them. Envoy flushes
its logs every 30 ms. In the end every call was held against its answer, its record, its entry in the ledger, the upstream's count and the filter's
counters, and everything reconciled: no normal caller lost anything, no forged, expired or revoked grant opened anything, no record is missing.

${wholeTable(found)}
`;
}
