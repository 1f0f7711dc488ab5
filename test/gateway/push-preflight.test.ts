/** What a push looks at before it writes: whatever answers at the admin address, there is one clear sentence and no write. */
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { Admin } from "../../control/gateway/admin.js";
import { defaultConfiguration, ecdsText, writeEcds } from "../../control/gateway/ecds.js";
import { type PushOptions, push } from "../../control/gateway/push.js";
import { goodPath } from "../../control/gateway/push-files.js";
import { renderGateway } from "../../control/gateway/render.js";
import { type RenderedFilter, readRenderedFilter } from "../../control/gateway/rendered.js";
import { domainOf } from "../../control/trust/anchors.js";
import { configurationText } from "../../control/trust/configuration.js";
import { anchorsOf, startTestEnvoy, type TestEnvoy } from "../kit/envoy.js";
import { ScriptedAdmin } from "../kit/scripted-admin.js";
import { World } from "../kit/world.js";

const world = new World(Math.floor(Date.now() / 1000));
const anchors = anchorsOf(world);
const domain = domainOf(anchors).slice(0, 16);
const BUNDLE = { version: 7, text: world.bundle(world.bundleClaims({ version: 7 })) };
const NOTHING = /Nothing was changed at the gateway\./;

let folder: string;
let filter: RenderedFilter;
let admin: ScriptedAdmin;
let address: string;
let before: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "glassgate-preflight-"));
  mkdirSync(join(folder, "ecds"));
  const rendered = renderGateway({
    anchors,
    wasmPath: "/nowhere/glassgate.wasm",
    ecdsPath: join(folder, "ecds", "glassgate.json"),
    nodeId: "test-gateway",
  });
  filter = readRenderedFilter(rendered, "gateway.yaml");
  writeEcds(filter.ecdsPath, ecdsText(filter, defaultConfiguration(filter), undefined, "0"));
  before = readFileSync(filter.ecdsPath, "utf8");
  admin = new ScriptedAdmin(filter, domain);
  address = await admin.listen();
});
afterEach(() => {
  expect(readFileSync(filter.ecdsPath, "utf8")).toBe(before);
  admin.server.closeAllConnections();
  admin.server.close();
  rmSync(folder, { recursive: true, force: true });
});

const options = (changes: Partial<PushOptions> = {}): PushOptions => ({
  filter,
  anchors,
  admin: new Admin(address),
  bundle: BUNDLE,
  timeoutMs: 500,
  ...changes,
});

/** The failure of a push that must write nothing. */
async function failureOf(changes: Partial<PushOptions> = {}): Promise<UserError> {
  try {
    await push(options(changes));
  } catch (error) {
    if (error instanceof UserError) {
      expect(error.hint).toMatch(NOTHING);
      expect(error.message).not.toMatch(/\p{Cc}/u);
      expect(error.message.length).toBeLessThan(700);
      return error;
    }
    throw error;
  }
  throw new Error("it was applied");
}

describe("an admin address that is no Envoy's", () => {
  const strangers: Record<string, (response: ServerResponse) => void> = {
    "a web page": (response) => response.end("<!doctype html><title>Welcome</title>"),
    "a web page that refuses": (response) => response.writeHead(401).end("no"),
    "a redirect": (response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
    "other JSON": (response) => response.end('{"status":"ok"}'),
    null: (response) => response.end("null"),
    "deep JSON": (response) => response.end("[".repeat(100_000)),
    "control characters": (response) => response.end("\u001b]0;owned\u0007\u001b[2J{}"),
    "ten megabytes": (response) => response.end("x".repeat(10_000_000)),
    "no end": (response) => {
      response.write("{");
      const timer = setInterval(() => response.write(" "), 100);
      response.on("close", () => clearInterval(timer));
    },
    "a cut answer": (response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write('{"version"');
      setTimeout(() => response.destroy(), 20);
    },
    "no HTTP": (response) => response.socket?.end("SSH-2.0-OpenSSH_9.9\r\n"),
    "numbers that cannot be": (response) =>
      response.end('{"state":"LIVE","uptime_current_epoch":"1s","command_line_options":{"concurrency":-1}}'),
  };
  for (const [name, answer] of Object.entries(strangers)) {
    it(name, async () => {
      admin.answer = (_, response) => {
        answer(response);
        return true;
      };
      const failure = await failureOf();
      expect(failure.message).toMatch(/is no admin interface of an Envoy|does not answer/);
      expect(failure).toMatchObject({ outcome: "unreached", standings: { serving: "unknown", restart: "none" } });
    }, 20_000);
  }

  it("nobody", async () => {
    expect((await failureOf({ admin: new Admin("127.0.0.1:1") })).message).toContain("127.0.0.1:1 does not answer");
  });

  it("stops answering before the write: nothing is written, and nothing is put back", async () => {
    admin.answer = (path, response) => {
      if (!path.startsWith("/stats") || admin.paths.filter((seen) => seen.startsWith("/stats")).length < 2)
        return false;
      response.socket?.destroy();
      return true;
    };
    expect((await failureOf()).message).toContain("does not answer");
  });
});

describe("another Envoy", () => {
  it("of another node", async () => {
    admin.nodeId = "other\u001b[2J";
    expect((await failureOf()).message).toMatch(
      /is not this gateway: its node is other\\u\{1b\}\[2J, the file's test-gateway/,
    );
  });
  it("whose filter reads another file", async () => {
    const other = { ...filter, ecdsPath: "/elsewhere/glassgate.json" };
    admin = Object.assign(admin, { filter: other });
    expect((await failureOf()).message).toContain("its filter reads /elsewhere/glassgate.json");
  });
  it("with another listener", async () => {
    expect((await failureOf({ filter: { ...filter, listeners: ["internal"] } })).message).toContain(
      "it has no listener internal with the filter",
    );
  });
});

describe("what is hidden", () => {
  for (const path of ["/server_info", "/config_dump", "/stats"]) {
    it(`${path} by admin.allow_paths`, async () => {
      admin.answer = (asked, response) => {
        if (!asked.startsWith(path)) return false;
        response.writeHead(403).end(`request to path ${path} not allowed`);
        return true;
      };
      const failure = await failureOf();
      expect(failure.message).toContain(`does not show ${path}`);
      expect(failure.message).toContain("admin.allow_paths");
      for (const name of ["/ready", "/listeners", "/server_info", "/config_dump", "/stats"])
        expect(failure.hint).toContain(name);
    });
  }
  it("the gauges by a stats_matcher", async () => {
    admin.statsConfig = { stats_matcher: { inclusion_list: {} } };
    admin.gauges = {};
    expect((await failureOf()).message).toContain("stats_config.stats_matcher of its configuration hides them");
  });
  it("the gauges, with VMs that run", async () => {
    admin.gauges = { "wasm.envoy.wasm.runtime.v8.active": 4 };
    expect((await failureOf()).message).toContain("does not show the filter's gauges");
  });
  it("the number of VMs", async () => {
    delete admin.gauges["wasm.envoy.wasm.runtime.v8.active"];
    expect((await failureOf()).message).toContain("does not show the number of VMs");
  });
  for (const lie of ["1e308", "-5", "18446744073709551615", "0.5"]) {
    it(`the truth: bundle_version is ${lie}`, async () => {
      admin.gauges[`wasmcustom.glassgate.bundle_version.domain=${domain}`] = Number(lie);
      expect((await failureOf()).message).toContain("shows a number that cannot be: bundle_version");
    });
  }
});

describe("the gateway's clock", () => {
  const at = (seconds: number) => (): string => new Date(Date.now() + seconds * 1000).toUTCString();
  it("is behind the bundle", async () => {
    admin.date = at(-120);
    expect((await failureOf()).message).toMatch(
      /does not hold yet at the gateway's clock: .* \(this machine's clock is .*2 minutes.* ahead of the gateway's\)/,
    );
  });
  it("is behind its end no more", async () => {
    const claims = world.bundleClaims({ version: 7, exp: world.now - 10 });
    expect((await failureOf({ bundle: { version: 7, text: world.bundle(claims) } })).message).toMatch(
      /has expired at the gateway's clock: .*\(this machine's clock agrees\)/,
    );
  });
  it("is behind a bundle of no calendar", async () => {
    const claims = world.bundleClaims({ version: 7, iat: 2 ** 53 - 2, exp: 2 ** 53 - 1 });
    expect((await failureOf({ bundle: { version: 7, text: world.bundle(claims) } })).message).toContain(
      "it was issued at second 9007199254740990",
    );
  });
  it("is not told", async () => {
    admin.answer = (path, response) => {
      if (path.startsWith("/server_info")) response.setHeader = () => response;
      return false;
    };
    expect((await failureOf()).message).toContain("does not tell its time");
  });
});

describe("the anchors", () => {
  const changed = { ...anchors, threshold: 3 };
  const bundle = { version: 7, text: world.bundle(world.bundleClaims({ version: 7 }), world.roots) };
  it("that differ from the gateway's are never swapped silently", async () => {
    expect((await failureOf({ anchors: changed, bundle })).message).toContain("threshold: 2 becomes 3");
  });
  it("are shown to the person who is asked, and whose no is a no", async () => {
    let shown: readonly string[] = [];
    const confirmAnchors = async (changes: readonly string[]): Promise<boolean> => {
      shown = changes;
      return false;
    };
    const roots = anchors.roots.slice(0, 2);
    await failureOf({ anchors: { ...anchors, roots }, confirmAnchors });
    expect(shown).toEqual([`a root less: ${anchors.roots[2]?.kid}`]);
  });
});

describe("the files of earlier pushes", () => {
  it("of a bundle that served and has expired: it is not brought in again, and nothing older follows it", async () => {
    const expired = world.bundle(world.bundleClaims({ version: 9, iat: world.now - 100, exp: world.now - 10 }));
    const served = configurationText(anchors, 5, { bundle: expired, min_version: 9 });
    mkdirSync(dirname(goodPath(filter.ecdsPath)));
    writeFileSync(goodPath(filter.ecdsPath), ecdsText(filter, served, undefined, "5"));
    expect((await failureOf()).message).toBe("Version 7 was overtaken by version 9.");
  });
  it("of a newer glassgate, with members that this one would drop", async () => {
    const newer = { ...JSON.parse(configurationText(anchors, 5, {})), receipt: { cluster: "ledger" } };
    before = ecdsText(filter, JSON.stringify(newer), undefined, "5");
    writeEcds(filter.ecdsPath, before);
    expect((await failureOf()).message).toContain("holds what this glassgate does not know: receipt");
  });
  it.each([
    ["mode", "audit"],
    ["keep", [{ name: "x-original-url", from: ["10.0.0.0/8"] }]],
    ["table_memory_kib", "8MiB"],
    ["min_version", { oncall: 9 }],
    ["threshold", 1.5],
    ["roots", "https://roots.example"],
  ])("of a newer glassgate, with %s in a form that this one cannot read, and so not keep", async (name, value) => {
    const newer = { ...JSON.parse(configurationText(anchors, 5, { min_version: 9 })), [name]: value };
    before = ecdsText(filter, JSON.stringify(newer), undefined, "5");
    writeEcds(filter.ecdsPath, before);
    expect((await failureOf()).message).toContain(`holds what this glassgate does not know: ${name}.`);
  });
  it("behind a symbolic link, which Envoy would not see change", async () => {
    const target = join(folder, "elsewhere.json");
    renameSync(filter.ecdsPath, target);
    symlinkSync(target, filter.ecdsPath);
    expect((await failureOf()).message).toContain("is a symbolic link");
    expect(lstatSync(filter.ecdsPath).isSymbolicLink()).toBe(true);
  });
});

it("the built-in filter tries the bundle, also for who calls the library", async () => {
  const text = `${BUNDLE.text.slice(0, -4)}AAAA`;
  expect((await failureOf({ bundle: { version: 7, text } })).message).toContain("The filter refuses this bundle");
});

describe("a hot restart", () => {
  it("is waited out: the parent's numbers are in the gauges", async () => {
    admin.epoch = 1;
    admin.gauges[`wasmcustom.glassgate.schema.domain=${domain}`] = 2;
    admin.gauges[`wasmcustom.glassgate.bundle_version.domain=${domain}`] = 16; // 8, twice
    const said: string[] = [];
    const pushing = failureOf({ progress: (line) => said.push(line) });
    await expect.poll(() => said).toEqual([expect.stringContaining("The gateway is in a hot restart")]);
    admin.gauges[`wasmcustom.glassgate.schema.domain=${domain}`] = 1;
    admin.gauges[`wasmcustom.glassgate.bundle_version.domain=${domain}`] = 8;
    expect((await pushing).message).toBe("Version 7 was overtaken by version 8.");
  }, 20_000);
  it("of which the parent's numbers may come yet", async () => {
    admin.epoch = 3;
    admin.uptime = "2s";
    const said: string[] = [];
    const pushing = failureOf({ progress: (line) => said.push(line) });
    await expect.poll(() => said.length).toBe(1);
    admin.gauges[`wasmcustom.glassgate.bundle_version.domain=${domain}`] = 8;
    admin.uptime = "40s";
    expect((await pushing).message).toContain("overtaken by version 8");
  }, 20_000);
});

describe("on a real Envoy", () => {
  let test: TestEnvoy | undefined;
  afterAll(() => test?.stop());
  const start = async (edit: (config: string) => string): Promise<TestEnvoy> => {
    await test?.stop();
    test = await startTestEnvoy(world, { concurrency: 1, edit });
    return test;
  };
  const target = ({ filter: own, envoy }: TestEnvoy): PushOptions => ({
    filter: own,
    anchors,
    admin: envoy.admin,
    bundle: BUNDLE,
  });

  it("with a mesh's stats_matcher nothing is rolled back, as nothing is written", async () => {
    const hidden = "stats_config:\n  stats_matcher: { inclusion_list: { patterns: [ { prefix: server } ] } }";
    const gateway = await start((config) => config.replace("stats_config:", hidden));
    const text = readFileSync(gateway.filter.ecdsPath, "utf8");
    await expect(push(target(gateway))).rejects.toMatchObject({
      outcome: "unreached",
      exitCode: 1,
      message: expect.stringContaining("stats_matcher"),
    });
    expect(readFileSync(gateway.filter.ecdsPath, "utf8")).toBe(text);
  });

  it("with admin.allow_paths that hides what is needed, and with one that does not", async () => {
    const allow = (paths: string) => (config: string) =>
      config.replace("admin:", `admin:\n  allow_paths: [ ${paths} ]\n  #`).replace("\n  #  ", "\n  # ");
    const base = "{ exact: /ready }, { prefix: /listeners }, { prefix: /server_info }, { prefix: /config_dump }";
    const closed = await start(allow(base));
    await expect(push(target(closed))).rejects.toMatchObject({ message: expect.stringContaining("/stats") });
    const open = await start(allow(`${base}, { prefix: /stats }`));
    expect(await push(target(open))).toMatchObject({ version: 7, servingVms: 2 });
  });

  it("a first push, before any VM was configured", async () => {
    const gateway = await start((config) => config);
    writeFileSync(join(gateway.folder, "unused"), "");
    expect(await push(target(gateway))).toMatchObject({ version: 7, healed: false, unchanged: false });
  });
});
