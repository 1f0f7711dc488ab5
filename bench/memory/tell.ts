/** The section of bench/RESULTS.md, and the same on the terminal. */
import type { Measured } from "./measure.js";
import type { Options, TableKib } from "./options.js";

const MIB = 1024 ** 2;
const mib = (bytes: number): string => (bytes / MIB).toFixed(1);
const kibText = (tableKib: TableKib): string => (tableKib === undefined ? "not set" : String(tableKib));

function labelOf({ state, tableKib }: Measured): string {
  if (state === "none") return "no filter";
  return state === "empty" ? "no key has signed yet" : `full, \`table_memory_kib\` ${kibText(tableKib)}`;
}

/** The same case with the fewest and with the most workers: what one more costs. */
function slope(found: readonly Measured[], one: Measured): number | undefined {
  const same = found.filter((other) => other.state === one.state && other.tableKib === one.tableKib);
  const [first, last] = [same.at(0), same.at(-1)];
  if (first === undefined || last === undefined || first.workers === last.workers) return undefined;
  return (last.resident - first.resident) / (last.workers - first.workers);
}

export function memoryTable(found: readonly Measured[]): string {
  const rows = found.map((one) => {
    const none = found.find(({ workers, state }) => workers === one.workers && state === "none");
    const more = none === undefined || one === none ? "" : mib(one.resident - none.resident);
    const vms = one.vms === 0 ? "" : `${one.vms}`;
    const linear = one.vms === 0 ? "" : mib(one.linear);
    const tables = one.state === "full" ? String(one.tables) : "";
    return `| ${one.workers} | ${labelOf(one)} | ${mib(one.resident)} | ${mib(one.proportional)} | ${more} | ${vms} | ${linear} | ${tables} |`;
  });
  return [
    "| workers | | RSS, MiB | PSS, MiB | above no filter | VMs | their linear memory, touched | tables |",
    "|--:|---|--:|--:|--:|--:|--:|--:|",
    ...rows,
  ].join("\n");
}

export function slopeTable(found: readonly Measured[]): string {
  const seen = new Set<string>();
  const rows = found.flatMap((one) => {
    const label = labelOf(one);
    const each = slope(found, one);
    if (seen.has(label) || each === undefined) return [];
    seen.add(label);
    return [`| ${label} | ${mib(each)} |`];
  });
  return ["| one worker more costs | MiB |", "|---|--:|", ...rows].join("\n");
}

export function markdown(found: readonly Measured[], { keys }: Options, envoy: string): string {
  return `## Memory

\`npm run bench:memory\`, ${new Date().toISOString().slice(0, 10)}: Envoy ${envoy}, envoy.yaml as rendered. Each line is an Envoy of its own; RSS
and PSS are those of its process (\`/proc/PID/smaps\`), taken when every VM is configured, all workers have answered requests and,
where it says full, ${keys} keys have signed on each worker until no more tables of multiples were built. "No filter" has jwt_authn.

${memoryTable(found)}

${slopeTable(found)}

What to make of it: docs/sizing.md.
`;
}
