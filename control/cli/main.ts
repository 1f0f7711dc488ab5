#!/usr/bin/env node
/** The command `glassgate`. Exit codes: 0 done; 1 the answer is no; 2 the input was wrong. */
import { CommanderError } from "commander";
import { messageOf, UserError } from "../base/errors.js";
import { paint, say } from "./output.js";
import { buildProgram } from "./program.js";

/** Prints one clear error and the next step; a stack only for those who ask. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0; // --help and --version
    say(`${paint("red", "error:")} ${error.message.replace(/^error: /, "")}`);
    say(`${paint("cyan", "next: ")} see \`glassgate --help\`, or --help behind the command.`);
    return 2;
  }
  if (error instanceof UserError) {
    say(`${paint("red", "error:")} ${error.message}`);
    if (error.hint !== undefined) say(`${paint("cyan", "next: ")} ${error.hint}`);
    if (process.env.GLASSGATE_DEBUG !== undefined) say(error.stack ?? "");
    return error.exitCode;
  }
  say(`${paint("red", "error:")} something went wrong that should not: ${messageOf(error)}`);
  say(
    `${paint("cyan", "next: ")} run it again with GLASSGATE_DEBUG=1 and report what it prints. Nothing half-written was left.`,
  );
  if (process.env.GLASSGATE_DEBUG !== undefined && error instanceof Error) say(error.stack ?? "");
  return 70;
}

try {
  await buildProgram().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
