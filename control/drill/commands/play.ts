/** Plays what is of all gateways at once, after their cases and before any fault: taking back, pushing, alarms. */
import { ALERTS, PUSHED, REVOKED } from "../cases/index.js";
import { shownCommand } from "../faults/command.js";
import { JTI } from "../file.js";
import { type Choice, isChosen } from "../play.js";
import { makeStage, type Setting } from "../stage.js";
import { playAlerts } from "./alerts.js";
import { type CommandPlay, type CommandsRunning, nothingPlayed } from "./kit.js";
import { playPushes } from "./push.js";
import { playRevocations } from "./revoke.js";

export async function playCommands(
  setting: Setting,
  choice: Choice,
  rest: Pick<CommandsRunning, "workers" | "source" | "say">,
  onCase: (name: string) => void = () => {},
): Promise<CommandPlay> {
  const stages = setting.prepared.gateways.map((gateway) => makeStage(gateway, setting).stage);
  const running = { ...rest, setting, stages };
  const chosen = (name: string): boolean => {
    const isIt = isChosen(choice, name);
    if (isIt) onCase(name);
    return isIt;
  };
  const revoked = chosen(REVOKED) ? await playRevocations(running) : { ...nothingPlayed, last: undefined };
  const pushed = chosen(PUSHED) ? await playPushes(running, revoked) : nothingPlayed;
  const alerted = chosen(ALERTS) ? await playAlerts(running) : nothingPlayed;
  const all = [revoked, pushed, alerted];
  return {
    outcomes: all.flatMap(({ outcomes }) => outcomes),
    samples: all.flatMap(({ samples }) => samples),
    assertions: all.flatMap(({ assertions }) => assertions),
    notProbed: all.flatMap(({ notProbed }) => notProbed),
  };
}

/** For the dry run: each as a person would type it. */
export function shownCommands({ prepared }: Setting, choice: Choice): { name: string; command: string }[] {
  const { revoke, push, alerts } = prepared.commands;
  const all = [
    [REVOKED, revoke?.(JTI)],
    [PUSHED, push],
    [ALERTS, alerts],
  ] as const;
  return all.flatMap(([name, command]) =>
    command === undefined || !isChosen(choice, name) ? [] : [{ name, command: shownCommand(command) }],
  );
}
