import { it } from "vitest";
import { begin, movesFrom, wrongIn } from "./model.js";
import { search } from "./search.js";
import { FAULTS, type Setting } from "./setting.js";
const run = (name: string, s: Setting) => { const t = performance.now(); let r; try { r = search(begin(s), (x) => movesFrom(s, x), (x) => wrongIn(s, x), 40000);} catch (e) { r = String(e); } console.log(name, s.fault ?? "", JSON.stringify(r, null, 1), Math.round(performance.now() - t)); };
const one = [{ domain: 0, threshold: 1 }];
const p2 = { listener: 0, version: 2, signers: 1, text: 0 };
const settings: Record<string, Setting> = {
 pushes: { listeners: one, workers: 2, tasks: [p2, { listener: 0, version: 3, signers: 1, text: 0 }], restarts: 1 },
 revoke: { listeners: one, workers: 2, tasks: [p2, { listener: 0, version: 0, signers: 0, text: 1 }, { listener: 0, version: 0, signers: 0, text: 2 }], restarts: 1 },
 losses: { listeners: one, workers: 2, tasks: [p2, { listener: 0, version: 0, signers: 0, text: 1 }], restarts: 1, losses: 1 },
 streams: { listeners: one, workers: 1, tasks: [p2, { listener: 0, version: 0, signers: 0, text: 1 }], streams: true, putsBack: true, losses: 1 },
 thresholds: { listeners: [{ domain: 0, threshold: 1 }, { domain: 0, threshold: 2 }], workers: 1, tasks: [p2, { listener: 1, version: 3, signers: 1, text: 1 }, { listener: 1, version: 3, signers: 2, text: 0 }], losses: 1 },
 domains: { listeners: [{ domain: 0, threshold: 1 }, { domain: 1, threshold: 1 }], workers: 1, tasks: [p2, { listener: 1, version: 3, signers: 1, text: 0 }], losses: 1, putsBack: true },
};
it("x", () => { for (const [n, s] of Object.entries(settings)) { run(n, s); }

}, 600000);
