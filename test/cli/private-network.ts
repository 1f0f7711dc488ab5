/** A network namespace of one's own: the default ports are free there, whatever else runs on the machine. */
import { execFileSync } from "node:child_process";

const ENTER = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];

function canUnshare(): boolean {
  try {
    execFileSync(ENTER[0] ?? "", [...ENTER.slice(1), "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false; // macOS, or not allowed here: the machine's own default ports must be free.
  }
}

/** The program and arguments that run a command there, or as it is where that cannot be. */
export const privately = (command: readonly string[]): string[] => [...(canUnshare() ? ENTER : []), ...command];
