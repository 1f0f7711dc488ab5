/** Kong's arrangement of routes on such an nginx: what a client sends, what the upstream gets, and what a log plugin sees. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nginxConf } from "./nginx-conf.js";
import { freePorts, nginx, startNginx, until } from "./process.js";
import {
  exchange,
  type RawAnswer,
  type RawUpstream,
  type ReceivedLines,
  type RequestLines,
  requestText,
  startRawUpstream,
} from "./raw.js";

/** What a suite is called that cannot run. */
export const named = (name: string): string =>
  nginx === undefined ? `${name} (skipped: GLASSGATE_NGINX names no nginx with ngx_wasm_module)` : name;

export const kongWasm = fileURLToPath(new URL("../../build/glassgate-kong.wasm", import.meta.url));
export const KEY = { name: "x-break-glass-upstream", value: "the-key-of-the-second-route" } as const;

export interface Exchange extends RawAnswer {
  /** What the upstream received; undefined: nothing. */
  readonly upstream: ReceivedLines | undefined;
  /** What the filter set in `kong.ctx.shared`. */
  readonly shared: ReadonlyMap<string, string>;
}

export interface ModuleOptions {
  /** Default: one. */
  readonly workers?: number;
  /** Further modules, or others than the filter under its name. */
  readonly modules?: Readonly<Record<string, string>>;
  readonly headerBuffers?: string;
  /** The chain at start; default: none. */
  readonly filter?: string;
  readonly configuration?: string;
}

/** What became of a chain in a worker. */
export type Applied = "built" | "failed" | "none";

export interface KongModule {
  readonly port: number;
  readonly guardPort: number;
  readonly upstream: RawUpstream;
  /**
   * Another chain for the running workers; `""`: none. Waits for all of them. A single worker then has Lua collect the chain of before,
   * with which the host frees every instance: in the midst of a request it may die of it (rotation.test.ts).
   */
  apply(filter: string, configuration?: string): Promise<readonly Applied[]>;
  /** New workers, as `kong reload` or a crash makes them. */
  reload(filter: string, configuration?: string): Promise<readonly Applied[]>;
  send(request: RequestLines): Promise<Exchange>;
  /** The worker processes. */
  pids(): readonly number[];
  log(): string;
  stop(): Promise<void>;
}

export async function startKongModule(options: ModuleOptions = {}): Promise<KongModule> {
  const {
    workers = 1,
    modules = {},
    headerBuffers,
    filter: first = "",
    configuration: firstConfiguration = "",
  } = options;
  const folder = mkdtempSync(join(tmpdir(), "glassgate-kong-"));
  const upstream = await startRawUpstream();
  const [gateway = 0, guard = 0, control = 0] = await freePorts(3);
  let version = 0;
  const offer = (how: "apply" | "reload", name: string, configuration: string): void => {
    version += 1;
    writeFileSync(join(folder, "chain.new"), `${version} ${how}\n${name}\n${configuration}`);
    renameSync(join(folder, "chain.new"), join(folder, "chain"));
  };
  offer("reload", first, firstConfiguration);
  const conf = nginxConf({
    folder,
    ports: { gateway, guard, control },
    upstreamPort: upstream.port,
    workers,
    modules: { glassgate: kongWasm, ...modules },
    key: KEY,
    headerBuffers,
  });
  writeFileSync(join(folder, "requests.log"), "");
  const running = startNginx(folder, conf);
  const { log } = running;

  const statusLines = async (): Promise<readonly (readonly [number, number, Applied])[]> => {
    if (running.hasEnded()) throw new Error(`nginx ended: ${log().slice(-2000)}`);
    // Nobody listens yet, or the worker that did has just ended.
    const answer = await exchange(control, requestText({})).catch(() => undefined);
    return [...(answer?.body ?? "").matchAll(/(\d+) (\d+) (built|failed|none)/g)].map(
      ([, pid, of, result]) =>
        [Number(pid), Number(of), result === "built" || result === "failed" ? result : "none"] as const,
    );
  };
  const applied = (isNew: (pid: number) => boolean): Promise<readonly Applied[]> =>
    until("the chain", log, async () => {
      const alive = running.pids();
      const now = (await statusLines()).filter(([pid, of]) => of === version && isNew(pid) && alive.includes(pid));
      return now.length >= workers ? now.map(([, , result]) => result) : undefined;
    });
  const stop = async (): Promise<void> => {
    await running.stop();
    await upstream.stop();
    rmSync(folder, { recursive: true, force: true });
  };

  const collect = (): Promise<unknown> => exchange(control, requestText({ target: "/collect" }));
  const logLines = (): string[] => readFileSync(join(folder, "requests.log"), "latin1").split("\n").slice(0, -1);
  const module: KongModule = {
    port: gateway,
    guardPort: guard,
    upstream,
    apply: async (name, configuration = "") => {
      offer("apply", name, configuration);
      const results = await applied(() => true);
      if (workers === 1) await collect();
      return results;
    },
    reload: async (name, configuration = "") => {
      const before = running.pids();
      offer("reload", name, configuration);
      running.signal("SIGHUP");
      const results = await applied((pid) => !before.includes(pid));
      await until("the end of the old workers", log, async () =>
        running.pids().some((pid) => before.includes(pid)) ? undefined : true,
      );
      return results;
    },
    send: async (request) => {
      upstream.take();
      const before = logLines().length;
      const answer = await exchange(gateway, requestText(request));
      if (answer.status === 0) throw new Error(`no answer: ${log().slice(-2000)}`);
      const line = await until("the log line", log, async () => logLines()[before]);
      const shared = line
        .split(" ")
        .slice(1)
        .map((part): [string, string] => {
          const at = part.indexOf("=");
          return [part.slice(0, at), Buffer.from(part.slice(at + 1), "base64").toString("latin1")];
        });
      return { ...answer, upstream: upstream.take()[0], shared: new Map(shared) };
    },
    pids: running.pids,
    log,
    stop,
  };
  try {
    await applied(() => true);
  } catch (error) {
    await stop();
    throw error;
  }
  return module;
}
