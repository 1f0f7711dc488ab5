/** The home folder, or undefined: a user whom the system does not know, as containers have, need not have one. */
import { homedir } from "node:os";

export function homeFolder(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined; // Neither HOME nor an entry in the password file.
  }
}
