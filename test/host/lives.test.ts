import { describe, it } from "vitest";
import { FilterHost, type OpenRequest } from "../../control/host/host.js";
import { fixture } from "./compile.js";
import { LIVES, type Life } from "./lives.js";
import { type Gateway, lineOf, play } from "./play.js";

async function nodeGateway(life: Life): Promise<Gateway> {
  const host = await FilterHost.load({ wasm: await fixture("script"), failurePolicy: life.policy ?? "closed" });
  let rejections = 0;
  const configure = (listener: string, text: string, vmId = "glassgate"): void => {
    if (!host.configure(text, listener, { vmId, vmConfiguration: "vmconf" }).acknowledged) rejections += 1;
  };
  for (const [listener, text] of Object.entries(life.begin)) configure(listener, text);
  let held: OpenRequest | undefined;
  return {
    push: async (listener, text, vmId) => configure(listener, text, vmId),
    send: async (listener, headers) => {
      const { kind, reply } = host.request({ listener, headers });
      return { status: reply?.status ?? 200, body: reply?.body ?? (kind === "continue" ? "upstream" : kind) };
    },
    hold: async (listener, headers) => {
      held = host.open({ listener, headers });
    },
    drop: async () => held?.close(),
    rejections: () => rejections,
    settleMs: 0,
    wait: async (milliseconds) => host.advance(milliseconds),
    lines: () =>
      host.process.log.map(({ thread, level, text }) => ({
        thread: thread.startsWith("worker") ? "worker" : "main",
        text: level === "error" ? (lineOf(text) ?? text) : text,
      })),
  };
}

describe("lives as Envoy's", () => {
  for (const life of LIVES) it(life.name, async () => play(life, await nodeGateway(life)));
});
