import { readFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { FilterTools } from "../control/host/tools.js";
import { newSigner } from "./signer.js";
import { rawKey } from "./kernels.js";
import { median } from "./statistics.js";
export async function main(paths: readonly string[]): Promise<void> {
  for (const algorithm of ["Ed25519", "ES256"] as const) {
  const signer = newSigner(algorithm); const key = rawKey(signer.jwk);
  const all = [];
  for (const path of paths) { const tools = await FilterTools.load(readFileSync(path)); tools.setTableBudget(8 << 20); tools.buildTable(algorithm, key); all.push({ path, tools, times: [] as number[] }); }
  for (let r = -10; r < 60; r++) {
    const signed = Array.from({ length: 200 }, () => { const message = randomBytes(700); return { message, signature: signer.sign(message) }; });
    for (const { path, tools, times } of all) {
      const t = performance.now();
      for (const { message, signature } of signed) if (!tools.verify(algorithm, key, signature, message)) throw new Error(path);
      if (r >= 0) times.push((performance.now() - t) * 5);
    }
  }
  for (const { path, times } of all) console.log(algorithm, path, median(times).toFixed(2), Math.min(...times).toFixed(2));
  }
}
