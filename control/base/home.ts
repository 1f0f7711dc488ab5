/** The home folder, or undefined: a user whom the system does not know, as containers have, need not have one. */
import { homedir } from "node:os";
import { isAbsolute } from "node:path";
import { systemCode } from "./errors.js";

export function homeFolder(): string | undefined {
  try {
    const home = homedir();
    return isAbsolute(home) ? home : undefined;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined; // Neither HOME nor an entry in the password file.
  }
}
