/** The command itself, as the demonstration runs it, and as a line that the reader copies. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";

const command = fileURLToPath(new URL("../cli/main.js", import.meta.url));
const failedSchema = z.object({ code: z.int(), stdout: z.string(), stderr: z.string() });

/** @returns what it said, whatever its exit code was */
export const runCommand = async (args: readonly string[]): Promise<z.infer<typeof failedSchema>> =>
  promisify(execFile)(process.execPath, [command, ...args]).then(
    (said) => ({ code: 0, ...said }),
    (error: unknown) => failedSchema.parse(error),
  );

/** The command may not be installed yet: this runs wherever it is copied to. */
export const lineOf = (args: readonly string[]): string => `  node ${command} ${args.join(" ")}`;
