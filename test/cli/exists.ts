/** Whether a command that somebody wrote down exists, with its options. */
import type { Command } from "commander";
import { buildProgram } from "../../control/cli/program.js";

const program = await buildProgram();

/** Why the words behind `glassgate` are no command, or undefined. */
export function commandFault(words: readonly string[]): string | undefined {
  let command: Command = program;
  for (const word of words) {
    if (/^--[a-z]/.test(word)) {
      const flag = word.split("=")[0];
      if (flag !== "--help" && !command.options.some(({ long }) => long === flag))
        return `${command.name()} has no ${flag}`;
      continue;
    }
    const next = command.commands.find((child) => child.name() === word);
    if (next !== undefined) command = next;
    else if (command.commands.length > 0) return `${command.name()} has no command ${word}`;
  }
  return undefined;
}
