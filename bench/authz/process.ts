/** Starts the external authorizer. */
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Child } from "../base/child.js";
import type { World } from "../tokens/world.js";

export interface AuthzServer {
  readonly pid: number;
  readonly port: number;
  emptyLog(): void;
  stop(): Promise<void>;
}

export async function startAuthzServer(world: World, folder: string): Promise<AuthzServer> {
  const [bundlePath, recordPath] = [join(folder, "bundle.json"), join(folder, "authz.log")];
  writeFileSync(bundlePath, JSON.stringify(world.bundleClaims()));
  writeFileSync(recordPath, "");
  const child = await Child.start("authz/server.ts", [bundlePath, world.anchors.audience, recordPath]);
  const { port } = z.object({ port: z.int().positive() }).parse(child.hello);
  return { pid: child.pid, port, emptyLog: () => truncateSync(recordPath), stop: () => child.stop() };
}
