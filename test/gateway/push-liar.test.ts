/** A gateway that lies or is exchanged while a push looks at it: "applied" only for what was seen of the very Envoy that answers then. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Admin } from "../../control/gateway/admin.js";
import { defaultConfiguration, ecdsText, readEcds, writeEcds } from "../../control/gateway/ecds.js";
import { readHeld } from "../../control/gateway/held.js";
import { type PushOptions, type PushResult, push } from "../../control/gateway/push.js";
import { goodPath, PushFiles } from "../../control/gateway/push-files.js";
import { takeLock } from "../../control/gateway/push-lock.js";
import { PushFailure } from "../../control/gateway/push-outcome.js";
import { renderGateway } from "../../control/gateway/render.js";
import { type RenderedFilter, readRenderedFilter } from "../../control/gateway/rendered.js";
import { bringText } from "../../control/gateway/revoke.js";
import { FilterHost } from "../../control/host/host.js";
import { domainOf } from "../../control/trust/anchors.js";
import { configurationText } from "../../control/trust/configuration.js";
import { anchorsOf } from "../kit/envoy.js";
import { revocations } from "../kit/revocations.js";
import { ScriptedAdmin } from "../kit/scripted-admin.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
const anchors = anchorsOf(world);
const domain = domainOf(anchors).slice(0, 16);
const bundleOf = (version: number) => ({ version, text: world.bundle(world.bundleClaims({ version })) });
const BUNDLE = bundleOf(7);

let folder: string;
let filter: RenderedFilter;
let admin: ScriptedAdmin;
let address: string;
let stats = 0;

function gateway(name: string): RenderedFilter {
  const ecdsPath = join(folder, name, "glassgate.json");
  const text = renderGateway({ anchors, wasmPath: "/nowhere/glassgate.wasm", ecdsPath, nodeId: "test-gateway" });
  const rendered = readRenderedFilter(text, "gateway.yaml");
  writeEcds(ecdsPath, ecdsText(rendered, defaultConfiguration(rendered), undefined, "0"));
  return rendered;
}
/** Before each answer to /stats, which are counted. */
function onStats(change: (count: number) => void): void {
  admin.answer = (path) => {
    if (path.startsWith("/stats")) change(++stats);
    return false;
  };
}

beforeEach(async () => {
  stats = 0;
  folder = mkdtempSync(join(tmpdir(), "glassgate-liar-"));
  filter = gateway("ecds");
  admin = new ScriptedAdmin(filter, domain);
  address = await admin.listen();
});
afterEach(() => {
  vi.restoreAllMocks();
  admin.server.closeAllConnections();
  admin.server.close();
  rmSync(folder, { recursive: true, force: true });
});

const options = (changes: Partial<PushOptions> = {}): PushOptions => ({
  filter,
  anchors,
  admin: new Admin(address),
  bundle: BUNDLE,
  timeoutMs: 400,
  ...changes,
});
async function ended(changes: Partial<PushOptions> = {}): Promise<PushFailure | PushResult> {
  try {
    return await push(options(changes));
  } catch (error) {
    if (error instanceof PushFailure) return error;
    throw error;
  }
}

describe("a revocation of which the gateway says nothing, or nothing good", () => {
  const revoking = { by: world.roots[0], revoked: { sub: ["rita"] } } as const;
  it.each([
    ["hides its gauge", undefined, "unreached", "does not show the gauge revocations_applied"],
    ["says that its threads differ", 0, "refused", "not in force on every worker"],
  ])("%s", async (_, gauge, outcome, words) => {
    const text = revocations(world, revoking);
    const deployed = configurationText(anchors, 5, { bundle: BUNDLE.text, min_version: 7, revocations: [text] });
    writeEcds(filter.ecdsPath, ecdsText(filter, deployed, undefined, "5"));
    if (gauge !== undefined) admin.gauges[admin.gauge("revocations_applied")] = gauge;
    onStats(() => admin.serveFile());
    // It stands in the file already: the command is run again.
    const found = await ended({ text, timeoutMs: 8000 });
    expect(found).toMatchObject({ outcome, message: expect.stringContaining(words) });
    expect(readEcds(readFileSync(filter.ecdsPath, "utf8"))?.configuration.revocations).toEqual([text]);
  });
});

it("a gateway without a bundle keeps a root's text for the push of one, and nobody else's, which could hold that up", async () => {
  const held = await readHeld(filter);
  if (held === undefined) throw new Error("no configuration");
  for (const [by, count] of [
    [world.anna, 0],
    [world.stranger, 0],
    [world.roots[0], 1],
  ] as const) {
    const text = revocations(world, { by });
    const outcome = await bringText({ filter, admin: new Admin(address), held }, text);
    expect(outcome).toMatchObject({ kind: "refused", why: expect.stringContaining("no bundle") });
    expect(new PushFiles(filter.ecdsPath, anchors).read().texts).toHaveLength(count);
  }
});

describe("what serves is another Envoy's word", () => {
  it("that was restarted with more workers: all of them count", async () => {
    onStats(() => {
      admin.serveFile();
      if (readEcds(readFileSync(filter.ecdsPath, "utf8"))?.bundle !== undefined) admin.workers = 8;
    });
    const result = await ended();
    expect(result).toBeInstanceOf(PushFailure);
    expect(result).toMatchObject({ message: expect.stringContaining("Not every worker serves version 7") });
  }, 30_000);

  it("of another node", async () => {
    onStats(() => {
      admin.serveFile();
      if (readEcds(readFileSync(filter.ecdsPath, "utf8"))?.bundle !== undefined) admin.nodeId = "other";
    });
    expect(await ended()).toMatchObject({
      outcome: "unreached",
      message: expect.stringContaining("is not this gateway: its node is other"),
      standings: { serving: "unknown", restart: 7 },
    });
  });
});

describe("gauges that lie", () => {
  const lies: Record<string, (count: number) => void> = {
    "rise and fall": (count) => {
      admin.serveFile();
      admin.gauges[admin.gauge("generation_vms")] = count % 2 === 0 ? 3 : 1;
      admin.gauges["wasm.envoy.wasm.runtime.v8.active"] = count % 2 === 0 ? 1 : 4;
    },
    "are another domain's": () => {
      for (const label of ["generation", "generation_vms", "bundle_version"]) delete admin.gauges[admin.gauge(label)];
      admin.gauges["wasmcustom.glassgate.generation.domain=0000000000000000"] = 1;
      admin.gauges["wasmcustom.glassgate.bundle_version.domain=0000000000000000"] = 7;
    },
    "tell an older generation": () => {
      admin.gauges[admin.gauge("bundle_version")] = 7;
    },
    "tell another version of this generation": () => {
      admin.serveFile();
      admin.gauges[admin.gauge("bundle_version")] = 6;
    },
    "are words": () => {
      for (const name of Object.keys(admin.gauges)) admin.gauges[name] = "NaN";
    },
    "are too large": () => {
      admin.serveFile();
      admin.gauges[admin.gauge("generation_vms")] = "9223372036854775808";
    },
  };
  for (const [name, lie] of Object.entries(lies)) {
    it(`${name}: never applied`, async () => {
      onStats(lie);
      const result = await ended();
      expect(result).toBeInstanceOf(PushFailure);
    }, 60_000);
  }
});

it("VMs that trapped are counted for a while beside those that replaced them: no more VMs serve than there are", async () => {
  onStats(() => {
    admin.serveFile();
    admin.gauges[admin.gauge("generation_vms")] = 9;
  });
  expect(await ended()).toMatchObject({ version: 7, servingVms: 3 });
});

describe("clocks that are set while a push runs", () => {
  const days = (count: number) => (): number => now() + count * 86_400_000;
  const now = Date.now.bind(Date);
  it("a day ahead: a gateway that needs a moment is waited for", async () => {
    let polls = 0;
    const step = (name: string): void => {
      if (name === "polled" && ++polls === 3) vi.spyOn(Date, "now").mockImplementation(days(1));
      if (name === "polled" && polls === 6) admin.serveFile();
    };
    expect(await ended({ step, timeoutMs: 30_000 })).toMatchObject({
      version: 7,
      standings: { serving: 7, restart: 7 },
    });
  });
  it("a day back: the courtesy to a push that was stopped ends all the same", async () => {
    writeFileSync(`${filter.ecdsPath}.lock`, "pid 1 on elsewhere 00\n");
    const progress = (): void => void vi.spyOn(Date, "now").mockImplementation(days(-1));
    (await takeLock(filter.ecdsPath, { courtesyMs: 50, progress }))();
  });
});

describe("files beside the gateway's", () => {
  it("are not another gateway's, whose folder stands in the same one", async () => {
    const green = gateway("green");
    const theirs = new ScriptedAdmin(green, domain);
    const step = (name: string): void => {
      if (name === "polled") theirs.serveFile();
    };
    try {
      await push(options({ filter: green, admin: new Admin(await theirs.listen()), bundle: bundleOf(9), step }));
    } finally {
      theirs.server.close();
    }
    onStats(() => admin.serveFile());
    expect(await ended()).toMatchObject({ version: 7, standings: { serving: 7, restart: 7 } });
    expect(readEcds(readFileSync(green.ecdsPath, "utf8"))?.bundle?.version).toBe(9);
  });

  it("that are pipes, or folders, hold nobody up", async () => {
    onStats(() => admin.serveFile());
    const record = goodPath(filter.ecdsPath).replace(/good$/, "pushed");
    mkdirSync(record, { recursive: true });
    mkdirSync(dirname(goodPath(filter.ecdsPath)), { recursive: true });
    execFileSync("mkfifo", [goodPath(filter.ecdsPath), join(record, `${domain}-8`), `${filter.ecdsPath}.lock`]);
    mkdirSync(join(record, `${domain}-9`));
    const result = await ended({ courtesyMs: 50 });
    expect(result).toMatchObject({ version: 7, standings: { serving: 7, restart: 7 } });
  });
});

it("a gateway's own file with other anchors is warned of, though the deployed ones agree", async () => {
  onStats(() => admin.serveFile());
  await ended();
  const old = renderGateway({
    anchors: { ...anchors, threshold: 1 },
    wasmPath: "/nowhere/glassgate.wasm",
    ecdsPath: filter.ecdsPath,
    nodeId: "test-gateway",
  });
  expect(await ended({ filter: readRenderedFilter(old, "gateway.yaml") })).toMatchObject({
    unchanged: true,
    warnings: [expect.stringMatching(/pins other anchors, .*threshold: 1 becomes 2/)],
  });
});

describe("what nobody thought of at one gateway is that gateway's outcome, and the others are told", () => {
  const bring = async (sub: string, changes: Partial<RenderedFilter> = {}) => {
    const text = revocations(world, { by: world.roots[0], revoked: { sub: [sub] } });
    const deployed = configurationText(anchors, 5, { bundle: BUNDLE.text, min_version: 7 });
    writeEcds(filter.ecdsPath, ecdsText(filter, deployed, undefined, "5"));
    const held = await readHeld(filter);
    if (held === undefined) throw new Error("no configuration");
    return bringText({ filter: { ...filter, ...changes }, admin: new Admin(address), held }, text, 400);
  };

  it("files that the system does not give", async () => {
    const circle = join(folder, "circle");
    symlinkSync("circle", circle);
    expect(await bring("rita", { ecdsPath: join(circle, "glassgate.json") })).toMatchObject({
      kind: "refused",
      why: expect.stringContaining("its links lead in a circle"),
    });
  });

  it("a defect of ours", async () => {
    const spied = vi.spyOn(FilterHost, "load").mockRejectedValue(new TypeError("no such thing"));
    try {
      expect(await bring("adam")).toMatchObject({ kind: "unseen", why: expect.stringContaining("no such thing") });
    } finally {
      spied.mockRestore();
    }
    // And what could not be judged once is judged anew.
    onStats(() => admin.serveFile());
    expect(await bring("adam")).not.toMatchObject({ why: expect.stringContaining("no such thing") });
  });
});
