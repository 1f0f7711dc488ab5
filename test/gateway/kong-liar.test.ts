/** `push --kong` and `revoke` against a Kong that lies, stalls or is raced: what is said is true, it ends, and no other Kong suffers. */
import { readFileSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { KongAdmin } from "../../control/gateway/kong/admin.js";
import { KongFile } from "../../control/gateway/kong/file.js";
import { KongNode } from "../../control/gateway/kong/node.js";
import { probe, probeOnce } from "../../control/gateway/kong/probe.js";
import { type KongPushResult, pushKong } from "../../control/gateway/kong/push.js";
import { renderKong } from "../../control/gateway/kong/render.js";
import { kongStanding } from "../../control/gateway/kong/revoke.js";
import { readAnchors } from "../../control/trust/anchors.js";
import { readClaims } from "../../control/trust/bundle.js";
import { FakeKong } from "../kit/fake-kong.js";
import { Party } from "../kit/party.js";

let party: Party;
const kongs: FakeKong[] = [];
let number = 0;
let file: string;

beforeAll(async () => {
  party = await Party.make();
  await party.pin({ revokers: ["security"] });
});
afterAll(() => party.end());
afterEach(() => {
  for (const kong of kongs.splice(0)) kong.close();
});

const path = (): string => join(party.folder, file);
const text = (): string => readFileSync(path(), "utf8");
const anchors = () => readAnchors(join(party.folder, "anchors.json"));

async function another(database: "off" | "postgres", changes: Partial<FakeKong> = {}): Promise<FakeKong> {
  const kong = Object.assign(new FakeKong(database), changes);
  kongs.push(kong);
  await kong.listen();
  if (kongs.length === 1) {
    file = `liar-${++number}.yaml`;
    const rendered = renderKong({
      ...{ anchors: anchors(), host: "api.example.com", port: kong.proxyPort },
      upstream: { host: "api.internal", port: 8080 },
    });
    writeFileSync(path(), rendered.text, { mode: 0o600 });
  }
  kong.boot(text());
  return kong;
}

function push(...admins: readonly KongAdmin[]): Promise<KongPushResult> {
  const bundle = readFileSync(join(party.folder, "bundle.jws"), "utf8").trim();
  return pushKong({
    ...{ file: path(), admins, anchors: anchors(), timeoutMs: 300 },
    bundle: { text: bundle, version: readClaims(bundle, "the bundle").version },
  });
}
const outcomesOf = (result: KongPushResult): string[] =>
  result.nodes.map(({ outcome }) =>
    outcome.kind === "stored" ? "stored" : `${outcome.kind}: ${outcome.error.message}`,
  );

it("never sends key or token in clear over a network, nor shows the token that a Kong sends back", async () => {
  for (const url of ["http://10.0.0.7:8001", "http://kong.example.com", "http://127.0.0.1.example.com:8001"])
    expect(() => new KongAdmin(url), url).toThrow(/in clear/);
  for (const url of ["https://kong.example.com", "http://127.0.0.1:8001", "http://[::1]:8001", "http://localhost:8001"])
    expect(() => new KongAdmin(url), url).not.toThrow();
  const kong = await another("postgres");
  kong.answer = (_, __, response) => {
    response.writeHead(400).end(JSON.stringify({ message: "bad token rbac-token-of-somebody\u001b[2J" }));
    return true;
  };
  const [outcome = ""] = outcomesOf(await push(new KongAdmin(kong.url, "rbac-token-of-somebody")));
  expect(outcome).toMatch(/refused: .*bad token/);
  for (const secret of ["rbac-token", "\u001b"]) expect(outcome).not.toContain(secret);
});

it("follows no redirect with key or token", async () => {
  const [kong, thief] = [await another("postgres"), await another("postgres")];
  kong.answer = (_, path, response) => {
    response.writeHead(307, { location: `${thief.url}${path}` }).end();
    return true;
  };
  const [outcome] = outcomesOf(await push(new KongAdmin(kong.url, "token-of-somebody")));
  expect(outcome).toMatch(/unseen/);
  expect(thief.asked).toEqual([]);
});

for (const database of ["off", "postgres"] as const) {
  it(`says so where a Kong (${database}) took the configuration and not its key`, async () => {
    const kong = await another(database);
    const admin = new KongAdmin(kong.url);
    kong.answer = (method, path) => {
      // After the write: another has taken the keys away.
      if (
        method === "GET" &&
        /config|key-auth|filter-chains/.test(path) &&
        kong.asked.some((one) => /^(?:POST .config|PATCH)/.test(one))
      )
        kong.rows.keyauth_credentials = (kong.rows.keyauth_credentials ?? []).slice(0, 1);
      return false;
    };
    expect(outcomesOf(await push(admin))[0]).toMatch(/refused: .*key/);
  });

  it(`overwrites nothing that came into a Kong (${database}) after it was looked at`, async () => {
    const kong = await another(database);
    await push(new KongAdmin(kong.url));
    const node = await KongNode.look(new KongAdmin(kong.url), KongFile.read(text(), file));
    const held = await node.held();
    await push(new KongAdmin(kong.url)); // Another one's, which may have taken something away.
    const stored = structuredClone(kong.rows);
    const older = {
      configuration: JSON.stringify({ ...held.deployed[0]?.configuration, generation: 99 }),
      key: "k".repeat(43),
    };
    expect(await node.write(older, held)).toBe(false);
    expect(kong.rows).toEqual(stored);
  });

  it(`survives what a Kong (${database}) shows in place of its configuration`, async () => {
    const [honest, liar] = [await another(database), await another(database)];
    const bomb = ["a0: &a0 [x, x]", ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`)];
    const shown = text()
      .replace(/^_format_version/m, `${bomb.join("\n")}\n_format_version`)
      .replace("config:\n          generation", "config:\n          bomb: *a30\n          generation");
    const deep = `_format_version: "3.0"\nx: ${"[".repeat(20_000)}`;
    for (const hostile of [shown, deep, `${text().split("filter_chains")[0]}filter_chains: *nothing\n`]) {
      liar.answer = (method, path, response) => {
        if (method !== "GET" || path === "/") return false;
        response.end(
          JSON.stringify(
            path === "/config" ? { config: hostile } : { filters: [{ name: "glassgate", config: hostile }] },
          ),
        );
        return true;
      };
      const [first, second] = outcomesOf(await push(new KongAdmin(liar.url), new KongAdmin(honest.url)));
      expect(first).toMatch(/^(?:refused|unseen): /);
      expect(second).toBe("stored");
    }
  });
}

/** What a Kong shows in place of its own. */
const showing = (kong: FakeKong, change: (configuration: Record<string, unknown>) => void) => {
  kong.answer = (method: string, path: string, response: ServerResponse): boolean => {
    if (method !== "GET" || path !== "/config") return false;
    const root = parse(text());
    change(root.filter_chains[0].filters[0].config);
    response.end(JSON.stringify({ config: stringify(root) }));
    return true;
  };
};

it.each([
  ["a min_version that nobody reaches", { min_version: Number.MAX_SAFE_INTEGER - 1 }],
  ["a generation behind which there is none", { generation: Number.MAX_SAFE_INTEGER }],
  ["other anchors", { audience: "staging" }],
  ["a newer bundle that nobody signed", undefined],
])("one Kong that shows %s keeps no revocation from the others, nor from the file", async (_, changes) => {
  const [honest, liar] = [await another("off"), await another("off")];
  await push(new KongAdmin(honest.url), new KongAdmin(liar.url));
  showing(liar, (configuration) => {
    const [head, , ...rest] = String(configuration.bundle).split(".");
    const payload = JSON.parse(Buffer.from(String(configuration.bundle).split(".")[1] ?? "", "base64url").toString());
    const forged = Buffer.from(JSON.stringify({ ...payload, version: payload.version + 1000 })).toString("base64url");
    Object.assign(configuration, changes ?? { bundle: [head, forged, ...rest].join(".") });
  });
  const args = ["--gateway", file, "--kong", honest.url, "--kong", liar.url];
  const { code, stdout } = await party.run(["revoke", "--incident", "INC-9", "--key", "anna", ...args]);
  expect(code).toBe(1);
  expect(stdout).toContain(new URL(liar.url).host);
  expect(honest.configuration.revocations).toHaveLength(1);
  expect(parse(text()).filter_chains[0].filters[0].config.revocations).toHaveLength(1);
});

it.each(["off", "postgres"] as const)(
  "drops no revocation that a Kong (%s) holds in a configuration that it cannot read",
  async (database) => {
    const kong = await another(database);
    const before = text();
    await push(new KongAdmin(kong.url));
    const args = ["--gateway", file, "--kong", kong.url];
    expect((await party.run(["revoke", "--incident", "INC-7", "--key", "anna", ...args])).code).toBe(0);
    writeFileSync(path(), before);
    const config = Object(kong.rows.filter_chains?.[0]?.filters)[0].config;
    config.leeway = 61; // By hand, in Kong Manager.
    const [outcome] = outcomesOf(await push(new KongAdmin(kong.url)));
    expect(outcome).toMatch(/cannot read/);
    expect(kong.configuration.revocations).toHaveLength(1);
  },
);

it("says stored of a Kong that holds all that the file does, and of no other", async () => {
  const kong = await another("postgres");
  const admin = new KongAdmin(kong.url);
  await push(admin);
  expect(await kongStanding(path(), [admin])).toMatch(/^stored as the file has it/);
  const [filter] = kong.rows.filter_chains?.flatMap(({ filters }) => (Array.isArray(filters) ? filters : [])) ?? [];
  const { config } = filter;
  for (const other of [{ ...config, revocations: ["x"] }, { ...config, bundle: undefined }, {}, null, "x"]) {
    filter.config = other;
    expect(await kongStanding(path(), [admin]), String(other).slice(0, 40)).toMatch(/^NO: /);
  }
});

it("comes to an end with a Kong that names endless workers and times, and a proxy that dribbles", async () => {
  const kong = await another("postgres");
  kong.takesUp = false;
  Object.assign(kong, { workers: 100_000 });
  kong.settings = { ...kong.settings, worker_state_update_frequency: 1e12 };
  const file = KongFile.read(text(), "kong.yaml");
  const node = await KongNode.look(new KongAdmin(kong.url), file);
  expect(node.workers).toBeLessThanOrEqual(256);
  expect(node.takesSeconds).toBeLessThanOrEqual(60);
  const probed = { host: "api.example.com", port: kong.proxyPort, path: "/" };
  kong.proxy.removeAllListeners("request");
  let dribble: NodeJS.Timeout | undefined;
  kong.proxy.on("request", (_, response: ServerResponse) => {
    dribble = setInterval(() => response.write("x"), 50);
  });
  expect(await probeOnce("127.0.0.1", probed, 300)).toBe("silent");
  clearInterval(dribble);
});

it("asks with no path or port that cannot be asked", async () => {
  for (const probed of [
    { host: "api.example.com", port: 99_999, path: "/" },
    { host: "api.example.com", port: 1, path: "/ä b" },
    { host: "a\nb", port: 1, path: "/" },
  ])
    expect(await probe("127.0.0.1", probed, 1, 100)).toMatchObject({ isUnseen: true });
});

it("tells of a chain that was changed before another was refused, and keeps the file that goes with it", async () => {
  const kong = await another("postgres");
  const root = parse(text());
  root.filter_chains.push({ ...structuredClone(root.filter_chains[0]), name: "two" });
  writeFileSync(path(), stringify(root));
  kong.boot(text());
  const before = text();
  kong.answer = (method, path, response) => {
    if (method !== "PATCH" || !path.endsWith("/two")) return false;
    response.writeHead(400).end(JSON.stringify({ message: "schema violation" }));
    return true;
  };
  const result = await push(new KongAdmin(kong.url));
  expect(outcomesOf(result)[0]).toMatch(/refused: .*schema violation.*break-glass.*changed/s);
  expect(kong.configuration.bundle).toBeDefined();
  expect(text()).not.toBe(before);
});
