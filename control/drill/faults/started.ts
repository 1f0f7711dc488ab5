/** How a gateway was started here: all that it takes to start it again as it was. */
import { readFileSync, readlinkSync } from "node:fs";
import { runningPid } from "../../gateway/pid.js";

/** Why a fault cannot be made there. */
export class Unfit extends Error {}

export interface Started {
  readonly pid: number;
  /** What stood behind `glassgate`. */
  readonly args: readonly string[];
  readonly cwd: string;
}

export interface Restartable extends Started {
  /** All of it, and it may hold secrets: no report and no terminal gets to see it. */
  readonly env: Readonly<Record<string, string>>;
}

const linkOf = (path: string): string => {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // Not to be seen: then it is not known.
  }
};

function textOf(pid: number, file: "cmdline" | "environ" | "status"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return ""; // It has ended, is another user's, or this is no Linux.
  }
}

export const wordsOf = (pid: number, file: "cmdline" | "environ"): string[] =>
  textOf(pid, file).split("\0").slice(0, -1);

/** As whom it runs: user, group, further groups. */
const userOf = (pid: number): string => (textOf(pid, "status").match(/^(?:Uid|Gid|Groups):.*$/gm) ?? []).join("\n");

/** The passphrase is nobody's to keep, and the channel to whoever started it is closed. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "GLASSGATE_PASSPHRASE",
  "NODE_CHANNEL_FD",
  "NODE_CHANNEL_SERIALIZATION_MODE",
]);

function environmentOf(pid: number): Record<string, string> {
  const words = wordsOf(pid, "environ");
  if (words.length === 0) throw new Unfit("the environment that it runs with cannot be seen");
  const pairs = words.map((one) => [one.slice(0, one.indexOf("=")), one.slice(one.indexOf("=") + 1)] as const);
  return Object.fromEntries(pairs.filter(([name]) => name !== "" && !LEFT_OUT.has(name)));
}

/** One in somebody's terminal, or another program's, is left alone. */
export function startedHere(config: string): Started {
  const pid = runningPid(config);
  if (pid === undefined) throw new Unfit("`gateway run` did not start it here");
  const words = wordsOf(pid, "cmdline");
  const from = words.findIndex((one, i) => one === "gateway" && words[i + 1] === "run");
  const isBackground = linkOf(`/proc/${pid}/fd/1`).endsWith("/logs/gateway.log");
  const cwd = linkOf(`/proc/${pid}/cwd`);
  if (from < 0 || !isBackground || cwd === "")
    throw new Unfit("it was not started with `gateway run --background`: it would not be as it was afterwards");
  return { pid, args: [...words.slice(from).filter((one) => one !== "--background"), "--background"], cwd };
}

/** Another user's is left alone: it would be ours afterwards. */
export function restartable(config: string): Restartable {
  const started = startedHere(config);
  if (userOf(started.pid) !== userOf(process.pid))
    throw new Unfit(
      "it runs as another user or with other groups than this drill: it would not be as it was afterwards",
    );
  return { ...started, env: environmentOf(started.pid) };
}
