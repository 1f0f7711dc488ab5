/** What the release filter writes for an allowed request: the floor's texts are as long, with as many quotes. */
import { FilterHost } from "../../control/host/host.js";
import type { Headers } from "../load/client.js";
import type { Tokens } from "../tokens/tokens.js";
import { HOST, type World } from "../tokens/world.js";
import { type CallSet, callSets, type Sample } from "./calls.js";

function sampleOf(host: FilterHost, headers: Headers): Sample {
  const request = { ":method": "GET", ":path": "/orders/7", ":authority": HOST, ...headers };
  const { reply, filterState, headers: passed } = host.request({ headers: Object.entries(request) });
  const audit = filterState.get("wasm.glassgate.audit");
  const attestation = passed.find(([name]) => name === "x-break-glass-grant")?.[1];
  if (reply !== undefined || audit === undefined || attestation === undefined)
    throw new Error(`the sample grant is not allowed: ${reply?.body ?? audit}`);
  return { audit, attestation };
}

export async function sampleCalls(world: World, wasm: Uint8Array, tokens: Tokens): Promise<readonly CallSet[]> {
  const host = await FilterHost.load({ wasm });
  const { anchors } = world;
  host.configure(JSON.stringify({ generation: 1, ...anchors, bundle: await world.bundle() }));
  const grant = tokens.grants.Ed25519[1][0] ?? "";
  const headers = { "x-break-glass": grant, "x-request-id": "8c3a4f5e-14b6-4b40-9d53-8f5c1de7a001" };
  const fresh = sampleOf(host, headers);
  return callSets(sampleOf(host, headers), fresh, grant);
}
