import { readFileSync } from "node:fs";
import { FilterHost, type Header } from "../control/host/host.js";
import { World, HOST, type Signatures } from "./world.js";
export async function main(args: readonly string[]): Promise<void> {
  const [wasm = "", sigs = "3", count = "60000"] = args;
  const world = new World();
  const host = await FilterHost.load({ wasm: readFileSync(wasm) });
  host.configure(JSON.stringify({ generation: 1, ...world.anchors, bundle: await world.bundle() }));
  const n = sigs === "3" ? 3 : sigs === "2" ? 2 : 1;
  const grants = Array.from({ length: 3000 }, () => world.grant("Ed25519", n as Signatures));
  const send = (g: string) => host.request({ headers: [[":method", "GET"], [":path", "/orders/7"], [":authority", HOST], ["x-request-id", "8c3a4f5e-14b6-4b40-9d53-8f5c1de7a001"], ["x-break-glass", g]] as readonly Header[] });
  send(grants[0] ?? "");
  for (let i = 0; i < 300; i++) host.tick();
  for (let i = 0; i < Number(count); i++) send(grants[i % 3000] ?? "");
}
