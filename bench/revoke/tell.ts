/** The section of bench/RESULTS.md, and the same on the terminal. */
import { median, quantile } from "../base/statistics.js";
import type { Round, Setting } from "./measure.js";

const row = (what: string, samples: readonly number[]): string => {
  const figures = [median(samples), quantile(samples, 0.95), Math.max(...samples)].map((ms) => ms.toFixed(0));
  return `| ${what} | ${samples.length} | ${figures.join(" | ")} |`;
};

export function revokeTable(rounds: readonly Round[]): string {
  return [
    "| from the signature to | samples | median ms | 95 % | worst |",
    "|---|--:|--:|--:|--:|",
    row(
      "the first denial, at each gateway",
      rounds.flatMap(({ firstDenial }) => firstDenial),
    ),
    row(
      "the first denial, at the last gateway",
      rounds.map(({ firstDenial }) => Math.max(...firstDenial)),
    ),
    row(
      "the last answer that the grant still opened, anywhere",
      rounds.map(({ lastAllowed }) => lastAllowed),
    ),
    row(
      '"applied" of the last gateway',
      rounds.map(({ applied }) => applied),
    ),
    row(
      "(before it: from the command's start to the signature)",
      rounds.map(({ untilSigned }) => untilSigned),
    ),
  ].join("\n");
}

export function markdown(rounds: readonly Round[], setting: Setting, envoy: string): string {
  const { gateways, workers, connections, pauseMs } = setting;
  return `## From a revocation to the first denial

\`npm run bench:revoke\`, ${new Date().toISOString().slice(0, 10)}: ${rounds.length} times \`glassgate revoke --grant\` at ${gateways} gateways (Envoy ${envoy}, ${workers} workers each,
envoy.yaml as rendered), by one revoker, each time a process of its own. Meanwhile ${connections} connections at each gateway use the grant
and another one by turns, with ${pauseMs} ms between; the other grant is never denied. Gateways, traffic and command share one machine,
so an answer is seen up to ${pauseMs} ms late and more where the cores are busy.

${revokeTable(rounds)}
`;
}
