/**
 * A context that an open stream keeps alive can be the gateway's choice again: the bytes that it was configured with are offered
 * anew, and Envoy takes the context that is there, without configuring it. What was revoked meanwhile stays revoked.
 */
import { expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { headersOf } from "../kit/headers.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
const [first, second] = world.roots;

async function start() {
  const host = await FilterHost.load();
  const grant = world.alone();
  const open = (listener = "api") => host.open({ headers: headersOf([grant]), listener });
  const ask = (listener = "api"): string | undefined => {
    const opened = open(listener);
    opened.close();
    return opened.outcome.filterState.get("wasm.glassgate.verdict");
  };
  return { host, open, ask };
}

const revoking = () => world.configuration({ bundle: world.bundleClaims({ revoked: { sub: ["rita"] } }) });

it("A, B, A with a stream open under A: what B revoked stays revoked, also where A has the grant in its cache", async () => {
  const { host, open, ask } = await start();
  const a = world.configuration();
  host.configure(a);
  expect(ask()).toBe("allow");
  const stream = open();
  expect(host.configure(revoking()).accepted).toBe(true);
  expect(ask()).toBe("revoked");
  expect(host.configure(a)).toMatchObject({ accepted: true, failedThreads: [] });
  expect(ask()).toBe("revoked");
  stream.close();
  expect(ask()).toBe("revoked");
  // And the contexts that held them leave nothing behind.
  expect(host.configure(world.configuration()).accepted).toBe(true);
  expect(ask()).toBe("allow");
});

it("a listener whose own push is still to come is not behind its domain's other one", async () => {
  const { host, open, ask } = await start();
  host.configure(world.configuration(), "early");
  host.configure(world.configuration(), "late");
  expect(ask("late")).toBe("allow");
  host.configure(world.configuration(), "early");
  // Under another bundle the grant is checked and proved anew.
  const { outcome } = open("late");
  expect(outcome.filterState.get("wasm.glassgate.audit")).toMatch(/"cached":false.*\n\{"evidence":/);
  host.configure(revoking(), "early");
  expect(ask("late")).toBe("revoked");
});

it("a bundle that fewer roots signed takes over from none, and a context without a bundle takes none", async () => {
  const { host, open, ask } = await start();
  const a = world.configuration();
  host.configure(a);
  host.configure(world.configuration({ bundle: null }), "bare");
  const stream = open();
  const thin = world.bundleClaims({ revoked: { sub: ["rita"] } });
  host.configure(world.configuration({ bundle: thin, signedBy: [first], configuration: { threshold: 1 } }));
  host.configure(a);
  expect(ask()).toBe("allow");
  expect(ask("bare")).toBe("no_trust");
  host.configure(world.configuration({ bundle: thin, signedBy: [first, second] }), "other");
  expect(ask()).toBe("revoked");
  expect(ask("bare")).toBe("no_trust");
  stream.close();
});

it("A, B, then a bundle that too few roots signed for this listener, A: what B revoked stays revoked", async () => {
  const { host, open, ask } = await start();
  const a = world.configuration();
  host.configure(a);
  const stream = open();
  expect(host.configure(revoking()).accepted).toBe(true);
  expect(ask()).toBe("revoked");
  const thin = world.configuration({ signedBy: [first], configuration: { threshold: 1 } });
  expect(host.configure(thin, "other").accepted).toBe(true);
  expect(ask("other")).toBe("allow");
  expect(host.configure(a)).toMatchObject({ accepted: true, failedThreads: [] });
  expect(ask()).toBe("revoked");
  stream.close();
});
