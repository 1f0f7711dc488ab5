/** The section of bench/RESULTS.md, and the same on the terminal. */
import type { Measured, Probes } from "./measure.js";
import type { Ticks } from "./tick.js";

const mib = (bytes: number): string => (bytes / 1024 ** 2).toFixed(1);
const probes = ({ p50, max }: Probes): string => `${p50.toFixed(1)}, ${max.toFixed(1)}`;

export function streamTable(found: readonly Measured[]): string {
  const rows = found.map(({ name, streams, idle, linear, before, ending }) => {
    const [time, meanwhile] = ending === undefined ? ["", ""] : [ending.milliseconds.toFixed(0), probes(ending.probes)];
    return `| ${streams} ${name} | ${idle.toFixed(2)} | ${mib(linear)} | ${probes(before)} | ${time} | ${meanwhile} |`;
  });
  return [
    "| open | CPU ms in an idle second | linear memory, MiB | a normal request beside them: p50, max ms | push that revokes all to the last end, ms | a normal request meanwhile: p50, max ms |",
    "|---|--:|--:|--:|--:|--:|",
    ...rows,
  ].join("\n");
}

export function tickTable(found: readonly Ticks[]): string {
  const rows = found.map(
    ({ streams, grants, median, slowest, round }) =>
      `| ${streams} | ${grants} | ${median.toFixed(3)} | ${slowest.toFixed(3)} | ${round} |`,
  );
  return [
    "| streams | grants | a tick: median ms | slowest ms | ticks until each grant is judged |",
    "|--:|--:|--:|--:|--:|",
    ...rows,
  ].join("\n");
}

export function markdown(
  found: readonly Measured[],
  inNode: readonly Ticks[],
  { seconds, envoy }: { readonly seconds: number; readonly envoy: string },
): string {
  return `## Open streams under grants

\`npm run bench:streams\`, ${new Date().toISOString().slice(0, 10)}: Envoy ${envoy}, one worker, envoy.yaml as rendered (without \`access_log_flush_interval\`); gRPC
streams through which nothing goes, 500 on a connection. Each line is an Envoy of its own; its idle CPU is that of the whole process
over ${seconds} s. Then a bundle revokes the requester of all. Client, upstream and probe share one Node process, whose own work is in
all times to the right.

${streamTable(found)}

The release filter alone in Node, whose engine is Envoy's, with nothing to end:

${tickTable(inNode)}
`;
}
