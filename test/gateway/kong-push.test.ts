/** `push --kong` against an Admin API with Kong's own validations and answers: what is stored, in which order, and what is said of it. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { UserError } from "../../control/base/errors.js";
import { KongAdmin } from "../../control/gateway/kong/admin.js";
import { KongFile } from "../../control/gateway/kong/file.js";
import { pushKong } from "../../control/gateway/kong/push.js";
import { renderKong } from "../../control/gateway/kong/render.js";
import { verifyKong } from "../../control/gateway/kong/verify/index.js";
import { readAnchors } from "../../control/trust/anchors.js";
import { readClaims } from "../../control/trust/bundle.js";
import type { Ran } from "../cli/run.js";
import { FakeKong } from "../kit/fake-kong.js";
import { entitlement, Party } from "../kit/party.js";

let party: Party;
let kong: FakeKong;
let number = 0;
let file: string;

beforeAll(async () => {
  party = await Party.make();
});
afterAll(() => party.end());
afterEach(() => kong.close());

const path = (): string => join(party.folder, file);
const text = (): string => readFileSync(path(), "utf8");
/** The command itself. */
const command = (...more: string[]): Promise<Ran> => party.run(["push", "--gateway", file, ...more]);

/** What the command does, and what it would say. */
async function push(bundleFile = "bundle.jws"): Promise<Ran> {
  const bundle = readFileSync(join(party.folder, bundleFile), "utf8").trim();
  const lines = (error: UserError): string => `${error.message} ${error.hint ?? ""}`;
  try {
    const { nodes, warnings } = await pushKong({
      file: path(),
      admins: [new KongAdmin(kong.url)],
      anchors: readAnchors(join(party.folder, "anchors.json")),
      bundle: { text: bundle, version: readClaims(bundle, "the bundle").version },
      timeoutMs: 300,
    });
    const [outcome] = nodes.map((node) => node.outcome);
    if (outcome?.kind === "stored") return { code: 0, stdout: outcome.says, stderr: warnings.join("\n") };
    const error = outcome === undefined ? "" : lines(outcome.error);
    return { code: outcome?.error.exitCode ?? 0, stdout: "", stderr: [...warnings, error].join("\n") };
  } catch (error) {
    if (error instanceof UserError) return { code: error.exitCode, stdout: "", stderr: lines(error) };
    throw error;
  }
}

async function start(database: "off" | "postgres", changes: Partial<FakeKong> = {}, asText = false): Promise<void> {
  kong = Object.assign(new FakeKong(database), changes);
  await kong.listen();
  file = `kong-${++number}.yaml`;
  const { text: rendered } = renderKong({
    anchors: readAnchors(join(party.folder, "anchors.json")),
    host: "api.example.com",
    upstream: { host: "api.internal", port: 8080 },
    port: kong.proxyPort,
    asText,
  });
  writeFileSync(path(), rendered, { mode: 0o600 });
  kong.boot(text());
}

const keyInFile = (): string => {
  const root = parse(text());
  return String(root.filter_chains[0].filters[0].config.upstream_header.value);
};
const headerKey = (): unknown => Object(kong.configuration.upstream_header).value;

for (const database of ["off", "postgres"] as const)
  describe(`a Kong ${database === "off" ? "without" : "with a"} database`, () => {
    beforeEach(() => start(database));

    it("gets bundle and a new key, is read back, and says how far it was seen", async () => {
      const before = keyInFile();
      const mode = statSync(path()).mode & 0o777;
      const { code, stdout, stderr } = await command("--kong", kong.url);
      expect(code, stderr).toBe(0);
      expect(stdout).toMatch(
        /^stored: version \d+ .*read back as it was written.*judged by the filter under a bundle; under which one Kong does not tell/s,
      );
      expect(kong.configuration.bundle).toBe(readFileSync(join(party.folder, "bundle.jws"), "utf8").trim());
      expect(headerKey()).not.toBe(before);
      expect(headerKey()).toBe(keyInFile());
      expect(new Set(kong.keys)).toEqual(new Set([before, keyInFile()]));
      expect(statSync(path()).mode & 0o777).toBe(mode);
      for (const key of [before, keyInFile()]) expect(stdout + stderr).not.toContain(key);
      expect((await party.run(["gateway", "verify", file])).code).toBe(0);
    });

    it("keeps the key in use beside the new one, and ends the one before with the next push", async () => {
      const first = keyInFile();
      await push();
      const second = keyInFile();
      const { code } = await push();
      expect(code).toBe(0);
      expect(new Set(kong.keys)).toEqual(new Set([second, keyInFile()]));
      expect(kong.keys).not.toContain(first);
      expect(text()).not.toContain(first);
    });

    it("refuses what is older than what runs there, and writes nothing", async () => {
      const old = readFileSync(join(party.folder, "bundle.jws"), "utf8");
      await party.pin();
      await push();
      const [before, stored] = [text(), structuredClone(kong.rows)];
      party.write("older.jws", old);
      const { code, stderr } = await push("older.jws");
      expect(code).toBe(1);
      expect(stderr).toMatch(/overtaken by version/);
      expect(text()).toBe(before);
      expect(kong.rows).toEqual(stored);
    });

    it("takes the versions from what runs, also where the file was put back", async () => {
      const rendered = text();
      const old = readFileSync(join(party.folder, "bundle.jws"), "utf8");
      await party.pin();
      await push();
      writeFileSync(path(), rendered);
      party.write("older.jws", old);
      const { code, stderr } = await push("older.jws");
      expect(code).toBe(1);
      expect(stderr).toMatch(/overtaken by version/);
    });

    it("puts the file back where Kong refuses, and shows no key that Kong's answer has", async () => {
      const before = text();
      kong.answer = (method, _, response) => {
        if (method === "GET") return false;
        response.writeHead(400, { "content-type": "application/json" });
        response.end(JSON.stringify({ message: `UNIQUE violation detected on '{key="${keyInFile()}"}'` }));
        return true;
      };
      const { code, stderr, stdout } = await push();
      expect(code).toBe(1);
      expect(stderr).toMatch(/refuses to take .*\(a key\)/s);
      expect(stderr + stdout).not.toMatch(/key="[A-Za-z0-9_-]{43}/);
      expect(text()).toBe(before);
    });

    it("is told when the filter does not judge", async () => {
      kong.takesUp = false;
      const { code, stderr } = await push();
      expect(code).toBe(1);
      expect(stderr).toMatch(/not in force: .*no bundle in force/);
    });

    it("is told when the chain is disabled there", async () => {
      const [chain] = kong.rows.filter_chains ?? [];
      if (chain !== undefined) chain.enabled = false;
      const { code, stderr } = await push();
      expect(code).toBe(1);
      expect(stderr).toMatch(/a filter chain there is disabled/);
    });

    it("leaves everything else in the file and in Kong as it is", async () => {
      const other = `${text()}\nplugins:\n  - name: prometheus # ours\n`;
      writeFileSync(path(), other);
      kong.boot(other);
      const plugins = structuredClone(kong.rows.plugins);
      await push();
      expect(kong.rows.plugins?.map(({ name }) => name)).toEqual(plugins?.map(({ name }) => name));
      expect(text()).toMatch(/- name: prometheus # ours/);
      expect(text()).toMatch(/^# Break-glass access beside an API on Kong Gateway/);
    });
  });

/** Another API on the same Kong: services, upstream and chain again, under other names; the consumer stays one. */
function second(rendered: string): string {
  const root = parse(rendered);
  const again = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value).replaceAll("break-glass-upstream", "bg2-up").replaceAll('"break-glass"', '"bg2"'));
  const [chain] = root.filter_chains;
  const [copy] = Object([again([chain])])[0];
  copy.filters[0].config = chain.filters[0].config;
  root.filter_chains.push(copy);
  const services = Object(again(root.services));
  services[0].routes[0].hosts = ["other.example.com"];
  services[1].routes[0].plugins[1].config.allow = ["break-glass-upstream"];
  root.services.push(...services);
  root.upstreams.push(...Object(again(root.upstreams)));
  return stringify(root);
}

for (const database of ["off", "postgres"] as const)
  it(`brings one configuration and key to several chains (${database})`, async () => {
    await start(database);
    writeFileSync(path(), second(text()));
    expect((await verifyKong(text(), file)).findings).toEqual([]);
    kong.boot(text());
    const { code, stdout, stderr } = await push();
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/\(api\.example\.com\).*\(other\.example\.com\)/);
    const configs = KongFile.read(text(), file).deployed.map(({ configuration }) => configuration);
    expect(configs).toHaveLength(2);
    expect(configs[1]).toEqual(configs[0]);
    const held = (kong.rows.filter_chains ?? []).map(({ filters }) => Object(filters)[0].config);
    expect(held).toEqual(configs);
    const broken = text().replace(/value: [\w-]{43}/, `value: ${"q".repeat(43)}`);
    writeFileSync(path(), broken);
    expect((await push()).stderr).toMatch(/send different keys/);
  });

describe("before anything is written", () => {
  it("names a Kong that runs no filters", async () => {
    await start("off");
    kong.version = "3.11.0";
    expect((await push()).stderr).toMatch(/Kong 3\.11\.0: only 3\.4 to 3\.9/);
    kong.version = "3.9.1";
    kong.filters = ["other"];
    expect((await push()).stderr).toMatch(/has no filter glassgate/);
  });

  it("warns of kong.conf's settings that take the record, or loopback, away", async () => {
    await start("off");
    Object.assign(kong.settings, {
      untrusted_lua_sandbox_environment: ["kong.ctx.shared"],
      trusted_ips: ["0.0.0.0/0"],
    });
    const { stderr } = await push();
    expect(stderr).toMatch(/no record leaves/);
    expect(stderr).toMatch(/trusted_ips holds every address/);
  });

  it("takes no address at which others on the way could read the key", () => {
    for (const open of ["http://kong.internal:8001", "http://10.0.0.7:8001", "http://127.evil.example"])
      expect(() => new KongAdmin(open), open).toThrow(/would travel in clear/);
    for (const closed of ["https://kong.internal:8444", "http://127.0.0.1:8001", "http://[::1]:8001"])
      expect(new KongAdmin(closed).address).toBe(closed);
  });

  it("names what answers in a Kong's place", async () => {
    await start("off");
    kong.answer = (_, __, response) => {
      response.end("<html>Welcome</html>");
      return true;
    };
    const { code, stderr } = await push();
    expect(code).toBe(2);
    expect(stderr).toMatch(/no Admin API of a Kong/);
    expect((await command("--kong", "http://127.0.0.1:1")).stderr).toMatch(/does not answer/);
    expect((await command("--kong", "ftp://x")).stderr).toMatch(/no address of an Admin API/);
  });

  it("refuses a bundle of which this gateway can serve nothing, and names single entitlements", async () => {
    await start("off");
    await party.pin({ entitlements: [entitlement({ require: ["cnf"] })] });
    const refused = await push();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/can serve no entitlement of this bundle: .*orders-repair/s);
    await party.pin({ entitlements: [entitlement(), entitlement({ id: "bound", require: ["cnf"] })] });
    const { code, stderr } = await push();
    expect(code).toBe(0);
    expect(stderr).toMatch(/cannot serve bound: .*binding_missing/);
    await party.pin();
  });
});

describe("forms", () => {
  it("writes a text where a Kong 3.4 has one, and says so where it has not", async () => {
    await start("postgres", { hasMeta: false, version: "3.4.2" }, true);
    const { code, stderr } = await push();
    expect(code, stderr).toBe(0);
    expect(typeof Object(kong.rows.filter_chains?.[0]?.filters)[0].config).toBe("string");
    expect(stderr).toMatch(/no record leaves: a Kong 3\.4\.2 takes it/);
  });

  it("says what to do where an object is refused for want of glassgate.meta.json", async () => {
    await start("postgres");
    kong.hasMeta = false;
    const { code, stderr } = await push();
    expect(code).toBe(1);
    expect(stderr).toMatch(/--config-as-text/);
    expect(kong.keys).toHaveLength(1);
  });

  it("brings one key to two nodes of one database", async () => {
    await start("postgres");
    const { code, stdout, stderr } = await command(
      "--kong",
      kong.url,
      "--kong",
      kong.url.replace("127.0.0.1", "localhost"),
    );
    expect(code, stderr).toBe(0);
    expect(stdout.match(/stored: version/g)).toHaveLength(2);
    expect(kong.keys).toHaveLength(2);
  });

  it("pushes one file to several Kongs with one key, and names the one that is missing", async () => {
    await start("off");
    const second = new FakeKong("off");
    await second.listen();
    second.boot(text());
    const urls = ["--kong", kong.url, "--kong", second.url];
    const { code, stdout } = await command(...urls);
    expect(code).toBe(0);
    expect(stdout.match(/stored: version/g)).toHaveLength(2);
    expect(second.keys).toEqual(kong.keys);
    second.close();
    const half = await command(...urls, "--json");
    expect(half.code).toBe(1);
    expect(JSON.parse(half.stdout).map(({ outcome }: { outcome: string }) => outcome)).toEqual(["stored", "unseen"]);
  });
});

describe("revoking at a Kong", () => {
  it("brings a root's text into Kong and file, with what was there, and says how far that was seen", async () => {
    await start("off");
    await push();
    const before = keyInFile();
    const args = ["--key", "anna", "--gateway", file, "--kong", kong.url];
    await party.pin({ revokers: ["security"] });
    await push();
    const first = await party.run(["revoke", "--incident", "INC-1", ...args]);
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toMatch(/stored at .* ms after signing: .*read back as it was written/);
    expect(kong.configuration.revocations).toHaveLength(1);
    const second = await party.run(["revoke", "--incident", "INC-2", ...args, "--json"]);
    expect(second.code, second.stderr).toBe(0);
    const told = JSON.parse(second.stdout);
    expect(told.gateways).toMatchObject([{ outcome: "stored" }]);
    expect(told.revoked.incident).toEqual(["INC-1", "INC-2"]);
    expect(kong.configuration.revocations).toEqual([told.text]);
    expect(parse(text()).filter_chains[0].filters[0].config.revocations).toEqual([told.text]);
    expect(kong.keys).not.toContain(before);
    expect(first.stderr + second.stderr + second.stdout).not.toContain(keyInFile());
    const list = await party.run(["revoke", "--list", "--gateway", file, "--kong", kong.url]);
    expect(list.stdout).toMatch(/stored as the file has it; which of it each worker has Kong does not tell/);
    expect(list.stdout).toMatch(/INC-2/);
    // A push brings it along.
    await push();
    expect(kong.configuration.revocations).toEqual([told.text]);
  });

  it("writes it into the file where Kong is down, and says so", async () => {
    await start("postgres");
    await party.pin({ revokers: ["security"] });
    await push();
    const { url } = kong;
    kong.close();
    const { code, stdout } = await party.run([
      "revoke",
      "--incident",
      "INC-3",
      "--key",
      "anna",
      "--gateway",
      file,
      "--kong",
      url,
    ]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/NOT SEEN: .*does not answer.* The revocation stands in kong-\d+\.yaml/);
    expect(parse(text()).filter_chains[0].filters[0].config.revocations).toHaveLength(1);
  });
});

it("is clean as Kong itself exports it, with every member set or null", async () => {
  await start("off");
  const exported = await new KongAdmin(kong.url).exported();
  expect(exported).toContain("ws_id");
  expect((await verifyKong(exported, "what runs")).findings).toEqual([]);
});

it("writes what Kong's YAML 1.1 reads as it was meant", async () => {
  await start("off");
  const read = KongFile.read(text().replaceAll("production", '"on"'), "kong.yaml");
  const configuration = read.deployed[0]?.configuration;
  read.setConfiguration(JSON.stringify({ ...configuration, audience: "no", strip: ["off", "x-1"] }));
  const written = read.toString();
  expect(written).toMatch(/audience: "no"/);
  expect(written).toMatch(/- "off"/);
});

it("leaves what it does not change as it was written, for Kong's YAML 1.1 to read", async () => {
  await start("off");
  const own = [
    ...[
      "a: no",
      "b: Yes",
      "c: on",
      "d: y",
      "e: 12:30:45",
      "f: 010",
      "g: 0x1F",
      "h: 1_000",
      'i: "no"',
      "j: ~",
      "k: 1e3",
    ],
    ...[
      "l: 99999999999999999999",
      "m: 0b11",
      "n: &x off",
      "o: *x",

      "on: 1",
      "q: [yes, 010, {r: no}]",
    ],
  ];
  const block = `x-own:\n${own.map((line) => `  ${line}\n`).join("")}`;
  const read = KongFile.read(`${text().replace(/strip_path: false/g, "strip_path: no")}\n${block}`, "kong.yaml");
  read.setConfiguration(JSON.stringify({ ...read.written[0], audience: "no", generation: 7 }));
  read.setKeys([read.header.value, "another"]);
  for (const written of [read.toString(), KongFile.read(read.toString(), "kong.yaml").toString()]) {
    for (const line of own)
      expect(written).toContain(`  ${line.replace(/\[(.*)\]/, "[ $1 ]").replace("{r: no}", "{ r: no }")}\n`);
    expect(written.match(/strip_path: no\b/g)).toHaveLength(2);
    expect(written).toContain('audience: "no"');
    expect(written).toContain("generation: 7");
    expect(parse(written).filter_chains[0].filters[0].config.generation).toBe(7);
  }
});

it("revokes beside the newest bundle, also where the file has an older one", async () => {
  await start("off");
  await party.pin({ revokers: ["security"] });
  await push();
  const older = text();
  await party.pin({ revokers: ["security"] });
  await push();
  const { bundle } = kong.configuration;
  writeFileSync(path(), older);
  const { code, stderr } = await party.run([
    "revoke",
    "--incident",
    "INC-4",
    "--key",
    "anna",
    "--gateway",
    file,
    "--kong",
    kong.url,
  ]);
  expect(code, stderr).toBe(0);
  expect(kong.configuration.bundle).toBe(bundle);
  expect(kong.configuration.revocations).toHaveLength(1);
  expect(KongFile.read(text(), "kong.yaml").deployed[0]?.configuration.bundle).toBe(bundle);
});
