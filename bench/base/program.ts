/** What every program here does the same way: it tells a person in lines, and a signal ends it with all that it has started. */

export const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** What was started (Envoy, commands, ledgers) ends with this process, which a signal alone would not let it do. */
export function endOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
}
