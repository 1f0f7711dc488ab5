// One thread of `npm run fuzz`: says how far it is twice a second, and for the last time at its end.
import { resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { runnerImport } from "vite";

const TELL_MS = 500;

const { module } = await runnerImport(resolve("test/fuzz/run.ts"), { configFile: false, logLevel: "error" });
const loop = await module.FuzzLoop.load(workerData);
let isStopped = false;
parentPort.on("message", () => {
  isStopped = true;
});
let told = 0;
while ((await loop.go()) && !isStopped) {
  // So that a message to stop is heard.
  await setImmediate();
  if (performance.now() - told < TELL_MS) continue;
  told = performance.now();
  parentPort.postMessage(loop.progress);
}
parentPort.postMessage(loop.progress);
parentPort.close();
