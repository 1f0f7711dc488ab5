#!/usr/bin/env node
/** The command `glassgate`. Exit codes: 0 done; 1 the answer is no; 2 the input was wrong; 130 interrupted. */
import { leaveHungTerminals } from "../base/terminal.js";
import { stopOnSignals } from "./ending.js";
import { hushTerminal } from "./hush.js";

// Before all else is loaded: what is typed meanwhile must not show up.
const args = process.argv.slice(2);
leaveHungTerminals();
stopOnSignals(args);
hushTerminal(args);

const { main } = await import("./run.js");
await main(args);
