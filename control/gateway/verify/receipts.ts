/** The ledger's cluster, which no route leads to: the filter itself calls it. */
import { isRecord } from "../../base/schema.js";
import type { Upstreams } from "./clusters.js";
import type { Plugin } from "./filters/wasm.js";
import type { World } from "./world.js";

export function judgeReceipts(ours: readonly Plugin[], world: World, upstreams: Upstreams): void {
  const known = new Set(world.clusters.map((cluster) => cluster.text("name")));
  for (const { configuration, at } of ours) {
    const { receipt } = configuration;
    if (!isRecord(receipt) || typeof receipt.cluster !== "string") continue;
    if (known.has(receipt.cluster)) upstreams.judge(receipt.cluster);
    else
      at.warn(
        "receipt-cluster",
        `receipts come from the cluster ${receipt.cluster}, which is not in this file: grants under an entitlement with audit open nothing without it (audit_unavailable)`,
        "`glassgate gateway render --receipts` writes it",
      );
  }
}
