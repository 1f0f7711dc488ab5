/**
 * Envoy remembers its canary's verdict on a configuration for as long as the VM lives, so a revert to the same bytes reaches
 * main thread and workers without a canary. They took themselves for one once its hash had been forgotten, refused the older
 * bundle, and requests passed unjudged.
 */
import { expect, it } from "vitest";
import { Status } from "../../control/host/abi.js";
import { FilterHost } from "../../control/host/host.js";
import { World } from "../kit/world.js";

it("a revert to an old configuration after many others is ignored on every thread, and nobody loses the filter", async () => {
  const world = new World(Math.floor(Date.now() / 1000));
  const host = await FilterHost.load({ workers: 2 });
  const first = world.configuration();
  expect(host.configure(first).reason).toBeUndefined();
  // Without a bundle, which would take most of the time.
  for (let i = 0; i < 300; i++) expect(host.configure(world.configuration({ bundle: null })).reason).toBeUndefined();
  const newest = world.configuration({ bundle: world.bundleClaims({ revoked: { sub: ["rita"] } }) });
  expect(host.configure(newest).reason).toBeUndefined();

  const reverted = host.configure(first);
  expect(reverted).toMatchObject({ accepted: true, failedThreads: [] });
  for (const worker of [0, 1]) {
    const headers = [
      [":method", "GET"],
      [":path", "/orders/7"],
      [":authority", "api.example.com"],
      ["x-break-glass", world.alone()],
    ] as const;
    const outcome = host.request({ headers, worker });
    // The newest bundle, which revokes rita, goes on deciding.
    expect({ isUnjudged: outcome.isUnjudged, verdict: outcome.filterState.get("wasm.glassgate.verdict") }).toEqual({
      isUnjudged: false,
      verdict: "revoked",
    });
  }
});

it("a thread that was configured before is no canary, also where it cannot read what the canary left for it", async () => {
  const world = new World(Math.floor(Date.now() / 1000));
  const host = await FilterHost.load({
    intercept: ({ name, thread }) =>
      name === "proxy_get_shared_data" && thread === "worker 0" ? Status.NotFound : undefined,
  });
  const first = world.configuration();
  for (const text of [first, world.configuration(), first])
    expect(host.configure(text)).toMatchObject({ accepted: true, failedThreads: [] });
});
