import { envoyGateway } from "./envoy-gateway.js";
import { runSuite } from "./suite.js";

/** An access log as somebody careless might have it: the filter must have removed the grant before anything is logged. */
const careless = (config: string): string =>
  config.replace(
    'method: "%REQ(:METHOD)%"',
    'method: "%REQ(:METHOD)%"\n                          leak: "%REQ(X-BREAK-GLASS)%"',
  );

runSuite("Envoy", (world, require) => envoyGateway(world, { edit: careless, render: { require } }));
