/** The memory of one Envoy after another, each with a listener that all its workers use. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { wasmPath } from "../../control/host/wasm.js";
import { processMemory } from "../base/process-memory.js";
import { type Gateway, startGateway } from "../gateway/gateway.js";
import { becomeQuiet } from "../gateway/quiet.js";
import { Client, requestText } from "../load/client.js";
import { IdentityProvider } from "../tokens/tokens.js";
import { World } from "../tokens/world.js";
import { fillTables } from "./fill.js";
import type { Options, TableKib } from "./options.js";

/** Without the filter, with it before any key has signed, and with all the tables of multiples that fit. */
export type State = "none" | "empty" | "full";

interface Case {
  readonly workers: number;
  readonly state: State;
  /** Where the state is "full". */
  readonly tableKib?: TableKib;
}

export interface Measured extends Case {
  /** Bytes of the process. */
  readonly resident: number;
  readonly proportional: number;
  /** VMs (a worker's each, and two more), and what was ever touched of their linear memories together. */
  readonly vms: number;
  readonly linear: number;
  /** Tables of multiples in all VMs together. */
  readonly tables: number;
}

const casesOf = ({ workers, tables }: Options): readonly Case[] =>
  workers.flatMap((count): Case[] => [
    { workers: count, state: "none" },
    { workers: count, state: "empty" },
    ...tables.map((tableKib): Case => ({ workers: count, state: "full", tableKib })),
  ]);

/** Some normal requests on each worker. */
async function useAll(gateway: Gateway, listener: string, workers: number, token: string): Promise<void> {
  const text = requestText({ authorization: `Bearer ${token}` });
  const client = await Client.open(gateway.port(listener), 2 * workers);
  const { statuses } = await client.load((i) => (i < 100 * workers ? text : undefined));
  client.close();
  if (statuses.get(200) !== 100 * workers) throw new Error(`normal requests were answered ${[...statuses.keys()]}`);
}

export async function measureMemory(
  options: Options,
  folder: string,
  progress: (line: string) => void,
): Promise<readonly Measured[]> {
  const world = new World({ requesters: options.keys, approversOfARole: 1 });
  const idp = new IdentityProvider();
  const grants = world.grantOfEach("Ed25519");
  const token = idp.token("Ed25519", { sub: "customer-7", exp: world.now + 7200 });
  const wasm = readFileSync(wasmPath);

  const measureOne = async (one: Case, own: string): Promise<Measured> => {
    mkdirSync(own);
    const { workers, state, tableKib } = one;
    const listener = state === "none" ? "jwt" : "whole";
    const gateway = await startGateway({
      ...{ world, jwks: idp.jwks, folder: own, wasm, modules: [], tableKib },
      ...{ listeners: [listener], workers },
    });
    try {
      // What Envoy starts with is replaced once: a VM's tables may take what the largest configuration in it allows.
      if (state !== "none") await gateway.configure(2);
      await useAll(gateway, listener, workers, token);
      const tables = state === "full" ? await fillTables(gateway, workers, grants) : 0;
      await becomeQuiet(gateway.envoy);
      const { resident, proportional, linear } = processMemory(gateway.envoy.pid);
      const touched = linear.reduce((sum, memory) => sum + memory.resident, 0);
      return { ...one, resident, proportional, vms: linear.length, linear: touched, tables };
    } finally {
      await gateway.envoy.stop();
    }
  };

  const found: Measured[] = [];
  for (const [i, one] of casesOf(options).entries()) {
    const tables = one.state === "full" ? `, full of tables, table_memory_kib ${one.tableKib ?? "not set"}` : "";
    progress(`${one.workers} workers, ${one.state === "none" ? "no filter" : `the filter${tables}`}`);
    found.push(await measureOne(one, join(folder, String(i))));
  }
  return found;
}
