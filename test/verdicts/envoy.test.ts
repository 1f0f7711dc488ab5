import { envoyGateway } from "./envoy-gateway.js";
import { runSuite } from "./suite.js";

runSuite("Envoy", envoyGateway);
