/** `glassgate gateway render|run|stop|verify`. */
import type { Command } from "commander";
import { addGatewayRender } from "./gateway-render.js";
import { addGatewayRun } from "./gateway-run.js";
import { addGatewayStop } from "./gateway-stop.js";
import { addGatewayVerify } from "./gateway-verify.js";

export function addGateway(program: Command): void {
  const gateway = program.command("gateway").description("render, run, stop and verify a gateway");
  addGatewayRender(gateway);
  addGatewayRun(gateway);
  addGatewayStop(gateway);
  addGatewayVerify(gateway);
}
