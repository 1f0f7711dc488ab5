import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { envoyGateway } from "./envoy-gateway.js";
import { runSuite } from "./suite.js";

/** An access log as somebody careless might have it: the filter must have removed the grant before anything is logged. */
const careless = (config: string): string =>
  config.replace(
    'method: "%REQ(:METHOD)%"',
    'method: "%REQ(:METHOD)%"\n                          leak: "%REQ(X-BREAK-GLASS)%"',
  );

const folder = mkdtempSync(join(tmpdir(), "glassgate-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

runSuite("Envoy", (world, { require = false, wasm }) => {
  if (wasm === undefined) return envoyGateway(world, { edit: careless, render: { require } });
  const wasmPath = join(folder, "other.wasm");
  writeFileSync(wasmPath, wasm);
  return envoyGateway(world, { render: { wasmPath } });
});
