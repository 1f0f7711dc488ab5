#!/usr/bin/env node
/** The command `glassgate`. Exit codes: 0 done; 1 the answer is no; 2 the input was wrong; 130 interrupted. */
import { hushTerminal } from "./hush.js";

// Before all else is loaded: what is typed meanwhile must not show up.
hushTerminal(process.argv.slice(2));

const { main } = await import("./run.js");
await main(process.argv.slice(2));
