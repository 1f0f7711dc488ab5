/** Asks a real Envoy what scripts.ts expects of it: the Node host is held against those answers. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixture } from "./compile.js";
import { RealGateway } from "./envoy.js";
import { LIVES, type Life } from "./lives.js";
import { type Gateway, play } from "./play.js";
import { CASES, CONFIGURATION, METHOD_AND_PATH } from "./scripts.js";

describe("Envoy", () => {
  let gateway: RealGateway | undefined;

  beforeAll(async () => {
    gateway = await RealGateway.start(await fixture("script"), { a: CONFIGURATION });
  });
  afterAll(() => gateway?.stop());

  for (const { name, script, headers = [], expected, status = 200, answers = [], lacks = [] } of CASES) {
    it(name, async () => {
      const reply = await gateway?.request("a", [...METHOD_AND_PATH, ...headers, ["x-script", script]]);
      expect(reply?.body).toBe(expected);
      expect(reply?.status).toBe(status);
      for (const [key, value] of answers) expect(reply?.headers.get(key), key).toBe(value);
      for (const key of lacks) expect(reply?.headers.has(key), key).toBe(false);
    });
  }
});

const POLICIES = { closed: "FAIL_CLOSED", open: "FAIL_OPEN", reload: "FAIL_RELOAD" } as const;
async function realGateway(life: Life): Promise<{ gateway: Gateway; stop: () => Promise<void> }> {
  const options = life.policy === undefined ? {} : { failurePolicy: POLICIES[life.policy] };
  const real = await RealGateway.start(await fixture("script"), life.begin, options);
  await sleep(200);
  const held: { destroy: () => void }[] = [];
  const gateway: Gateway = {
    push: async (listener, text, vmId) =>
      real.push(listener, text, { ...options, ...(vmId === undefined ? {} : { vmId }) }),
    rejections: () => real.rejections(),
    send: (listener, headers) => real.request(listener, headers),
    hold: async (listener, headers) => {
      const { request, reply } = real.open(listener, headers);
      reply.catch(() => {}); // It is dropped, never answered.
      held.push(request);
    },
    drop: async () => {
      for (const request of held) request.destroy();
    },
    settleMs: 150,
    wait: (milliseconds) => sleep(milliseconds),
    lines: () => real.lines(),
  };
  return { gateway, stop: () => real.stop() };
}

describe("lives in Envoy", () => {
  for (const life of LIVES) {
    it(life.name, async () => {
      const { gateway, stop } = await realGateway(life);
      try {
        await play(life, gateway);
      } finally {
        await stop();
      }
    });
  }
});
