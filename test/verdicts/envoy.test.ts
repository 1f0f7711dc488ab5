import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { FAILING, filterThatCalls } from "../kit/failing-host.js";
import { envoyGateway } from "./envoy-gateway.js";
import { AS_ENVOY, runSuite } from "./suite.js";

/** An access log as somebody careless might have it: the filter must have removed the grant before anything is logged. */
const careless = (config: string): string =>
  config.replace(
    'method: "%REQ(:METHOD)%"',
    'method: "%REQ(:METHOD)%"\n                          leak: "%REQ(X-BREAK-GLASS)%"',
  );

const folder = mkdtempSync(join(tmpdir(), "glassgate-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

runSuite({
  name: "Envoy",
  ...AS_ENVOY,
  start: async (world, { require = false, failing }) => {
    if (failing === undefined) return envoyGateway(world, { edit: careless, render: { require } });
    const wasmPath = join(folder, `${failing}.wasm`);
    writeFileSync(wasmPath, filterThatCalls(...FAILING[failing]));
    return envoyGateway(world, { render: { wasmPath } });
  },
});
