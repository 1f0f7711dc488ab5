/** Commands that a drill file names for what a drill's people may not do: taking a grant back, pushing, and looking who was alarmed. */
import { visible } from "../../base/text.js";
import { type Command, isThere } from "../faults/command.js";
import { type DrillSource, JTI } from "../file.js";

export interface NamedCommands {
  /** With the grant's name in its place. */
  readonly revoke: ((jti: string) => Command) | undefined;
  readonly push: Command | undefined;
  readonly alerts: Command | undefined;
}

/** What is not there is refused, with its line. */
export function commandsOf(
  { drill, at }: DrillSource,
  refuseAt: (path: readonly string[], message: string) => never,
): NamedCommands {
  const cwd = at(".");
  const command = (member: "revoke" | "push" | "alerts"): Command | undefined => {
    const argv = drill[member];
    if (argv === undefined) return undefined;
    const [program = ""] = argv;
    if (!isThere(program, cwd))
      refuseAt([member], `there is no command ${visible(program)}: a path counts from the drill file's folder`);
    return { argv, cwd };
  };
  const revoke = command("revoke");
  return {
    revoke: revoke && ((jti) => ({ ...revoke, argv: revoke.argv.map((one) => one.replaceAll(JTI, () => jti)) })),
    push: command("push"),
    alerts: command("alerts"),
  };
}
