/** From the drill file to the faults that will be made. What cannot be undone is refused, with its line, before anything is sent. */
import { visible } from "../../base/text.js";
import type { DrillFile } from "../file.js";
import { type Prepared, refuse } from "../prepare.js";
import { plannedBuiltIn, type Unplanned } from "./builtin.js";
import { isThere, runCommand, shownCommand } from "./command.js";
import { journalPath } from "./journal.js";
import { faultNames } from "./names.js";
import { expectedOf, type PlannedFault } from "./planned.js";
import { shownUndo } from "./undo.js";

export type OwnFault = Exclude<DrillFile["faults"][number], string>;

export const nameOf = (fault: DrillFile["faults"][number]): string => (typeof fault === "string" ? fault : fault.name);

function planOwn(fault: OwnFault, index: number, prepared: Prepared): PlannedFault {
  const { source, gateways } = prepared;
  const refuseAt = (member: string, message: string): never =>
    refuse(source, [{ path: ["faults", index, member], message }]);
  const cwd = source.at(".");
  for (const member of ["do", "undo"] as const) {
    const [program = ""] = fault[member];
    if (!isThere(program, cwd)) refuseAt(member, `there is no command ${visible(program)}`);
  }
  if (faultNames.some((one) => one === fault.name))
    refuseAt("name", `${fault.name} is a fault that glassgate makes by itself: give yours another name`);
  const on = fault.gateways ?? gateways.map(({ id }) => id);
  for (const id of on)
    if (gateways.every((one) => one.id !== id)) refuseAt("gateways", `${visible(id)} is no gateway of this file`);
  const without = gateways.find(({ id, caller }) => on.includes(id) && caller === undefined);
  if (fault.expect === "normal" && without !== undefined)
    refuseAt("expect", `of normal callers nothing can be said: ${visible(without.id)} has no \`caller\``);
  const command = { argv: fault.do, cwd };
  return {
    ...{ name: fault.name, on, expect: fault.expect, withinMs: fault.within * 1000 },
    does: shownCommand(command),
    begin: async () => ({
      undo: { kind: "command", argv: fault.undo, cwd },
      act: (onProcess) => runCommand(command, onProcess),
    }),
  };
}

/** @param isChosen by name: which of them this run is for */
export async function planFaults(
  prepared: Prepared,
  isChosen: (name: string) => boolean,
): Promise<{ faults: readonly PlannedFault[]; notProbed: readonly Unplanned[] }> {
  const faults: PlannedFault[] = [];
  const notProbed: Unplanned[] = [];
  const names = new Set<string>();
  for (const [index, fault] of prepared.source.drill.faults.entries()) {
    const name = nameOf(fault);
    if (names.has(name))
      refuse(prepared.source, [{ path: ["faults", index], message: `the fault ${visible(name)} occurs twice` }]);
    names.add(name);
    const own = typeof fault === "string" ? undefined : planOwn(fault, index, prepared);
    if (!isChosen(name)) continue;
    if (own !== undefined) faults.push(own);
    const builtIn = faultNames.find((one) => one === fault);
    if (builtIn === undefined) continue;
    const { planned, not } = await plannedBuiltIn(builtIn, prepared);
    // A demo upstream that several gateways share is paused once.
    faults.push(...planned);
    notProbed.push(...not);
  }
  return { faults, notProbed };
}

/** For the dry run: how each is made and undone. Nothing is done. */
export async function shownFaults(prepared: Prepared, isChosen: (name: string) => boolean) {
  const { faults, notProbed } = await planFaults(prepared, isChosen);
  const journal = journalPath(prepared.source.name);
  const shown: { name: string; on: readonly string[]; does: string; undo: string; expected: string }[] = [];
  for (const { name, on, does, expect, begin } of faults)
    shown.push({ name, on, does, undo: shownUndo((await begin()).undo, journal), expected: expectedOf[expect] });
  return { faults: shown, notProbed };
}
