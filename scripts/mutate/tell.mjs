// What a run says.

const placeOf = ({ file, line, column }) => `${file}:${line}:${column}`;
const changeOf = ({ from, to }) => `${from}  ->  ${to}`;

export const lineOf = (mutant, { outcome, by }) =>
  `${outcome.padEnd(8)}  ${placeOf(mutant)}  ${changeOf(mutant)}  (${by})`;

/** By file, with all survivors. `percent`: killed, of those that were run and are not equivalent. */
export function summary(mutants, ledger, reasonOf) {
  const lines = [];
  const counts = { killed: 0, survived: 0, equivalent: 0, open: 0 };
  const byFile = groupByFile(mutants);
  const survivors = [];
  for (const [file, list] of byFile) {
    const here = { killed: 0, survived: 0, equivalent: 0, open: 0 };
    for (const mutant of list) {
      const result = ledger.get(mutant);
      const outcome = reasonOf(mutant) === undefined ? (result?.outcome ?? "open") : "equivalent";
      here[outcome] += 1;
      counts[outcome] += 1;
      if (outcome === "survived") survivors.push(`  ${placeOf(mutant)}  ${changeOf(mutant)}  (${result.by})`);
    }
    lines.push(`  ${file.padEnd(36)} ${shown(here)}`);
  }
  const run = counts.killed + counts.survived;
  const percent = run === 0 ? 0 : (100 * counts.killed) / run;
  const text = [
    "",
    ...lines,
    ...(survivors.length === 0 ? [] : ["", "survived:", ...survivors]),
    "",
    `${shown(counts)}: ${run === 0 ? "none was run yet" : `${percent.toFixed(1)} % of ${run} were noticed`}`,
  ].join("\n");
  return { text, percent };
}

const shown = ({ killed, survived, equivalent, open }) =>
  `${killed} killed, ${survived} survived, ${equivalent} equivalent, ${open} not run`;

function groupByFile(mutants) {
  const groups = new Map();
  for (const mutant of mutants) groups.set(mutant.file, [...(groups.get(mutant.file) ?? []), mutant]);
  return groups;
}
