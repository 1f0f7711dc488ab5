/** `glassgate drill`: rehearse the whole path, and prove it. */
import type { Command } from "commander";
import { addDrillInit } from "./drill-init.js";
import { addDrillRun } from "./drill-run.js";
import { addDrillUndo } from "./drill-undo.js";

export function addDrill(program: Command): void {
  const drill = program
    .command("drill")
    .description(
      "rehearse the whole path on your own gateways: that it opens for the right people, and stays shut for all others",
    );
  addDrillInit(drill);
  addDrillRun(drill);
  addDrillUndo(drill);
}
