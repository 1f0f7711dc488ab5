/** The two ways to verify, in the release binary: without and with a table of multiples. Every vector goes down both. */
import { FilterTools } from "../../control/host/tools.js";
import type { Algorithm } from "../kit/token.js";

export interface Way {
  readonly name: "generic" | "table";
  verify(algorithm: Algorithm, key: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean;
}

/** The default of a gateway. */
export const TABLE_BUDGET = 4 * 1024 * 1024;

export async function genericWay(): Promise<Way> {
  const tools = await FilterTools.load();
  return { name: "generic", verify: (...args) => tools.verify(...args) };
}

export interface TableWay extends Way {
  /** Keys that were not acceptable and so have no table. */
  readonly refused: ReadonlySet<string>;
  readonly built: ReadonlySet<string>;
}

/** Builds the key's table before its first signature. A key that no bundle may hold has none: the generic way refuses it. */
export async function tableWay(): Promise<TableWay> {
  const tools = await FilterTools.load();
  tools.setTableBudget(TABLE_BUDGET);
  const built = new Set<string>();
  const refused = new Set<string>();
  let last = "";
  return {
    name: "table",
    built,
    refused,
    verify: (algorithm, key, signature, message) => {
      const id = Buffer.from(key).toString("hex");
      if (id !== last) {
        (tools.buildTable(algorithm, key) ? built : refused).add(id);
        last = id;
      }
      return tools.verify(algorithm, key, signature, message);
    },
  };
}
