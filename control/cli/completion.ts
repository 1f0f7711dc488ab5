/** `glassgate completion`: a script for the shell, generated from the commands themselves. */
import { Argument, type Command } from "commander";
import { UserError } from "../base/errors.js";
import { examples } from "./context.js";
import { result } from "./output.js";

/** Words that a shell completes; what is wrong is said by the command itself. */
export function offering(argument: Argument, words: readonly string[]): Argument {
  argument.argChoices = [...words];
  return argument;
}

/** Command path ("bundle sign") -> what can follow. */
function words(command: Command, path: readonly string[] = []): Map<string, string[]> {
  const options = command.options.flatMap(({ long }) => (long === undefined || long === null ? [] : [long]));
  const choices = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
  // As the help has them: without those that are for the command itself.
  const commands = command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== "help");
  const names = commands.map((child) => child.name());
  const found = new Map([[path.join(" "), [...names, ...choices, ...options, "--help"]]]);
  for (const child of commands) for (const entry of words(child, [...path, child.name()])) found.set(...entry);
  return found;
}

const asCase = (table: Map<string, string[]>, arm: (path: string, words: string[]) => string): string =>
  [...table].map(([path, list]) => arm(path, list)).join("\n");

function bash(table: Map<string, string[]>): string {
  return `_glassgate() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) case " ${[...table.keys()]
      .filter((key) => key !== "")
      .map((key) => key.replaceAll(" ", "_"))
      .join(" ")} " in *" \${path:+\${path}_}$word "*) path="\${path:+\${path}_}$word";; esac;; esac
  done
  local list=""
  case "$path" in
${asCase(table, (path, list) => `    "${path.replaceAll(" ", "_")}") list="${list.join(" ")}";;`)}
  esac
  COMPREPLY=($(compgen -W "$list" -- "$cur") $(compgen -f -- "$cur"))
}
complete -o filenames -F _glassgate glassgate
`;
}

function zsh(table: Map<string, string[]>): string {
  return `#compdef glassgate\nautoload -U +X bashcompinit && bashcompinit\n${bash(table)}`;
}

function fish(table: Map<string, string[]>): string {
  const lines = [...table].flatMap(([path, list]) => {
    const condition =
      path === ""
        ? "__fish_use_subcommand"
        : path
            .split(" ")
            .map((word) => `__fish_seen_subcommand_from ${word}`)
            .join("; and ");
    return list.map((word) =>
      word.startsWith("--")
        ? `complete -c glassgate -n "${condition}" -l ${word.slice(2)}`
        : `complete -c glassgate -n "${condition}" -a ${word}`,
    );
  });
  return `${lines.join("\n")}\n`;
}

export function addCompletion(program: Command): void {
  const command = program
    .command("completion")
    .description("print a completion script for your shell")
    .addArgument(offering(new Argument("<shell>", "bash, zsh or fish"), ["bash", "zsh", "fish"]))
    .action((shell: string) => {
      const table = words(program);
      if (shell === "bash") result(bash(table));
      else if (shell === "zsh") result(zsh(table));
      else if (shell === "fish") result(fish(table));
      else throw new UserError(`There is no completion for ${shell}.`, { hint: "bash, zsh or fish." });
    });
  examples(command, [
    "source <(glassgate completion bash)",
    "glassgate completion fish > ~/.config/fish/completions/glassgate.fish",
  ]);
}
