// The specs of a copy with probes; GLASSGATE_CELL is what stands in the cell, GLASSGATE_SPECS names rooms where it is not all. Run in
// the copy's folder.
import { appendFileSync } from "node:fs";
import { hasCell, PROBE_LEVEL, withCell } from "./probe.mjs";

const cell = Number(process.env.GLASSGATE_CELL);
const path = process.env.GLASSGATE_PROBES;
const reached = new Set();
if (path !== undefined)
  process.on("exit", () => appendFileSync(path, `${JSON.stringify({ test: "specs", reached: [...reached] })}\n`));

export default {
  entries: (process.env.GLASSGATE_SPECS ?? "**").split(",").map((room) => `test/assembly/${room}/*.spec.ts`),
  include: [],
  disclude: [/node_modules/],
  outputBinary: false,
  async instantiate(memory, createImports, instantiate, binary) {
    const env = {
      memory,
      proxy_log(level, probe) {
        if (level === PROBE_LEVEL) reached.add(probe);
        return 0;
      },
    };
    // A spec of another room has no probes in it.
    const bytes = hasCell(binary) ? withCell(binary, cell) : binary;
    return instantiate(bytes, createImports({ env }));
  },
};
