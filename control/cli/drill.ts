/** `glassgate drill`: rehearse the whole path, and prove it. */
import type { Command } from "commander";
import { addDrillDue } from "./drill-due.js";
import { addDrillEnter } from "./drill-enter.js";
import { addDrillInit } from "./drill-init.js";
import { addDrillRoster } from "./drill-roster.js";
import { addDrillRun } from "./drill-run.js";
import { addDrillUndo } from "./drill-undo.js";
import { addDrillVerify } from "./drill-verify.js";

export function addDrill(program: Command): void {
  const drill = program
    .command("drill")
    .description(
      "rehearse the whole path on your own gateways: that it opens for the right people, and stays shut for all others",
    );
  addDrillInit(drill);
  addDrillRun(drill);
  addDrillUndo(drill);
  addDrillVerify(drill);
  addDrillDue(drill);
  addDrillEnter(drill);
  addDrillRoster(drill);
}
