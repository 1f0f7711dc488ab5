/** The upstream in a process of its own, which counts what reaches it. Started by fleet.ts. */
import { writeFileSync } from "node:fs";
import { startUpstream } from "../../control/gateway/upstream.js";

const TAKE_MS = 500;

/** @param args where to write how often each path was asked for */
export async function main([file = ""]: readonly string[]): Promise<void> {
  const upstream = await startUpstream();
  const reached = new Map<string, number>();
  const take = (): void => {
    for (const { path } of upstream.take()) reached.set(path, (reached.get(path) ?? 0) + 1);
  };
  setInterval(take, TAKE_MS);
  process.on("message", () => {
    take();
    writeFileSync(file, JSON.stringify(Object.fromEntries(reached)));
    process.send?.({ paths: reached.size });
  });
  process.once("disconnect", () => process.exit());
  process.send?.({ port: upstream.port });
}
