/**
 * An nginx with Kong's ngx_wasm_module and its Lua bridge, which the project neither has nor builds: `GLASSGATE_NGINX` names one, and
 * `GLASSGATE_NGINX_LUA_PATH` its Lua libraries (resty.core, resty.lrucache, resty.wasmx) where it does not find them by itself.
 */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const nginx = process.env.GLASSGATE_NGINX;

export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, "127.0.0.1", () => {
            const address = server.address();
            resolve(typeof address === "object" && address !== null ? address.port : 0);
          }),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** What every configuration begins with: in the foreground, and as whoever runs the tests. */
export const preamble = (folder: string, workers: number): string => {
  const { uid, username } = userInfo();
  return `
${uid === 0 ? `user ${username};` : ""}
daemon off;
pid ${folder}/nginx.pid;
worker_processes ${workers};
error_log ${folder}/error.log info;
events { worker_connections 1024; }
`;
};

/** `wasm {}`: the modules by name. */
export const wasmBlock = (modules: Readonly<Record<string, string>>): string => `wasm {
${Object.entries(modules)
  .map(([name, path]) => `  module ${name} ${path};`)
  .join("\n")}
}`;

/** The first lines of `http {}`. */
export const httpPreamble = (folder: string): string => {
  const luaPath = process.env.GLASSGATE_NGINX_LUA_PATH;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
  access_log off;
  ${temporary.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join("\n  ")}
  ${luaPath === undefined ? "" : `lua_package_path "${luaPath};;";`}
`;
};

export interface NginxProcess {
  readonly hasEnded: () => boolean;
  log(): string;
  /** The worker processes. */
  pids(): readonly number[];
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}

/** @param conf written into the folder, which is nginx's own */
export function startNginx(folder: string, conf: string): NginxProcess {
  if (nginx === undefined) throw new Error("GLASSGATE_NGINX is not set");
  const path = join(folder, "nginx.conf");
  const logPath = join(folder, "error.log");
  writeFileSync(path, conf);
  const child = spawn(nginx, ["-p", folder, "-c", path, "-e", logPath], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  let ended = false;
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const closed = new Promise<void>((resolve) =>
    child.once("close", () => {
      ended = true;
      resolve();
    }),
  );
  child.once("error", (error) => {
    stderr += `${error.message}\n`;
    ended = true;
  });
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", kill);
  return {
    hasEnded: () => ended,
    log: () => `${stderr}${readFileSync(logPath, { encoding: "utf8", flag: "a+" })}`,
    pids: () =>
      ended ? [] : readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ").map(Number),
    signal: (name) => {
      child.kill(name);
    },
    stop: async () => {
      child.kill("SIGTERM");
      await closed;
      process.off("exit", kill);
    },
  };
}

const LIMIT_MS = 120_000;
export async function until<T>(what: string, log: () => string, find: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + LIMIT_MS;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`${what} did not come: ${log().slice(-2000)}`);
    await sleep(10);
  }
}
