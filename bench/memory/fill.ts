/** Traffic until every worker has built all the tables of multiples that it may. */
import type { Gateway } from "../gateway/gateway.js";
import { becomeQuiet, tablesBuilt } from "../gateway/quiet.js";
import { Client, requestText } from "../load/client.js";

/** Each worker gets two of them (exact_balance). */
const CONNECTIONS_A_WORKER = 2;
/** A worker builds one table after the other, and a key waits for its own only while few do: so each asks again. */
const MOST_SWEEPS = 100;

/**
 * @param grants one of each key; each connection sends them all, over and over
 * @returns how many tables there are, in all VMs together
 */
export async function fillTables(gateway: Gateway, workers: number, grants: readonly string[]): Promise<number> {
  const texts = grants.map((grant) => requestText({ "x-break-glass": grant }));
  const clients = await Promise.all(
    Array.from({ length: workers * CONNECTIONS_A_WORKER }, () => Client.open(gateway.port("whole"), 1)),
  );
  try {
    for (let sweep = 0, before = -1; sweep < MOST_SWEEPS; sweep++) {
      for (const { statuses } of await Promise.all(clients.map((client) => client.load((i) => texts[i])))) {
        const [status, ...others] = statuses.keys();
        if (status !== 200 || others.length > 0) throw new Error(`a grant was answered ${[...statuses.keys()]}`);
      }
      gateway.emptyLog();
      await becomeQuiet(gateway.envoy);
      const tables = await tablesBuilt(gateway.envoy);
      if (tables === before) return tables;
      before = tables;
    }
    throw new Error("the tables of multiples are not all built after many requests");
  } finally {
    for (const client of clients) client.close();
  }
}
