/** `glassgate drill roster`: who still has their key. */
import type { Command } from "commander";
import { addDrillRosterChallenge } from "./drill-roster-challenge.js";
import { addDrillRosterCheck } from "./drill-roster-check.js";
import { addDrillRosterSign } from "./drill-roster-sign.js";

export function addDrillRoster(drill: Command): void {
  const roster = drill
    .command("roster")
    .description("have everybody prove that they still have their key, before it is needed");
  addDrillRosterChallenge(roster);
  addDrillRosterSign(roster);
  addDrillRosterCheck(roster);
}
