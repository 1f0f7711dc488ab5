/** Small disks that can be full, without any right on this machine: each a tmpfs in a mount namespace, which processes enter. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";

export interface Disks {
  /** Stands before a command that is to see them, and lets it begin in a folder. */
  before(folder: string): readonly [string, ...string[]];
  /** Such a path, for this process. */
  seen(path: string): string;
  stop(): void;
}

const ISOLATED = ["-Urm", "sh", "-c"] as const;
/** It ends with its standard input, which is when we do; and its disks with it. */
const MOUNT =
  'while [ $# -gt 0 ]; do mount -t tmpfs -o size="$2" tmpfs "$1" || exit; shift 2; done; echo ready; read -r _';

/** @param sizes by the folder that each is mounted on, which is made. Undefined where user namespaces are not allowed. */
export async function makeDisks(sizes: Readonly<Record<string, string>>): Promise<Disks | undefined> {
  for (const path of Object.keys(sizes)) mkdirSync(path);
  if (spawnSync("unshare", [...ISOLATED, "nsenter --version"], { stdio: "ignore" }).status !== 0) return undefined;
  const holder = spawn("unshare", [...ISOLATED, MOUNT, "sh", ...Object.entries(sizes).flat()], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const [said] = await Promise.race([once(holder.stdout, "data"), once(holder, "exit")]);
  if (String(said) !== "ready\n") return undefined;
  const enter = ["-t", String(holder.pid), "-U", "-m", "--preserve-credentials"];
  return {
    before: (folder) => ["nsenter", ...enter, "sh", "-c", 'cd "$0" && exec "$@"', folder],
    seen: (path) => `/proc/${holder.pid}/root${path}`,
    stop: () => void holder.kill("SIGKILL"),
  };
}
