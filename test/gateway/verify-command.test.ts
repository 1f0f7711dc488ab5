/** `glassgate gateway verify` as a person runs it: shapes of other gateways, hostile files, names to accept, widths. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { UserError } from "../../control/base/errors.js";
import { findEnvoy } from "../../control/gateway/find.js";
import { renderGateway } from "../../control/gateway/render.js";
import { verifyGateway } from "../../control/gateway/verify/index.js";
import { wasmPath } from "../../control/host/wasm.js";
import { newKey, publicPart } from "../../control/signer/jwk.js";
import { inside } from "../cli/inside.js";
import { glassgate, type Ran, run } from "../cli/run.js";
import { anchorsOf } from "../kit/envoy.js";
import { World } from "../kit/world.js";
import { texts } from "./verify/files.js";

let folder: string;
beforeAll(async () => {
  await findEnvoy(); // `verify` asks the Envoy that is there, and never fetches one.
  folder = mkdtempSync(join(tmpdir(), "glassgate-verify-test-"));
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true }));

const verify = (text: string | Buffer, ...options: readonly string[]): Promise<Ran> => {
  writeFileSync(join(folder, "gateway.yaml"), text);
  return inside(["gateway", "verify", "gateway.yaml", ...options], { cwd: folder });
};
const shape = (name: string): string => readFileSync(new URL(`verify/${name}`, import.meta.url), "utf8");
const messages = (text: string): string[] =>
  verifyGateway(text, "f").map(({ level, line, message }) => `${line} ${level}: ${message}`);

describe("gateways without the filter, and dumps of others", () => {
  it("a front proxy: what to wrap, where the filter goes, which ways lead past", () => {
    const found = messages(shape("front-proxy.yaml"));
    expect(found).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^\d+ danger: no glassgate filter/),
        expect.stringMatching(
          /warning: edge: the glassgate filter goes here, before envoy\.filters\.http\.jwt_authn \(line \d+\)/,
        ),
        expect.stringMatching(/warning: edge: wrap envoy\.filters\.http\.jwt_authn \(line \d+\)/),
        expect.stringMatching(/warning: edge: wrap envoy\.filters\.http\.ext_authz \(line \d+\)/),
        expect.stringMatching(
          /warning: .*jwt_authn does not guard this route \(it is disabled\), which reaches no upstream/,
        ),
        expect.stringMatching(/danger: this leads to orders, which is guarded elsewhere, past the guard/),
      ]),
    );
  });

  it("a bootstrap whose listeners come by xDS: says so, and how to see them", async () => {
    const { code, stdout } = await verify(shape("xds-bootstrap.yaml"), "--no-envoy");
    expect(code).toBe(1);
    expect(stdout).toMatch(/not understood: listeners come by xDS and are not in this file/);
    expect(stdout).toContain("config_dump?include_eds");
  });

  it("a bootstrap whose listeners come by xDS: that first, with its own admin address, whatever else is found", async () => {
    const { code, stdout } = await verify(`hidden: 1\n${shape("xds-bootstrap.yaml")}`, "--no-envoy");
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^gateway\.yaml:\d+: not understood: listeners come by xDS .*curl '127\.0\.0\.1:19000\/config_dump\?include_eds' > /,
    );
    expect(stdout).not.toContain("no-filter@");
    for (const [address, curl] of [
      ['{ pipe: { path: "/run/admin.sock" } }', "curl --unix-socket /run/admin.sock 'http://localhost/config_dump"],
      ['{ socket_address: { address: "::1", port_value: 9 } }', "curl '[::1]:9/config_dump"],
      ['{ socket_address: { address: "a\'$(x)", port_value: 9 } }', "curl 'ADMIN/config_dump"],
    ] as const) {
      const text = shape("xds-bootstrap.yaml").replace(/admin: .*/, `admin: { address: ${address} }`);
      expect(messages(text)[0]).toContain(curl);
    }
    const without = texts.standard
      .replace("- name: glassgate\n", "- name: other\n")
      .replaceAll("http.wasm", "http.lua");
    const guarded = `${without}\ndynamic_resources: { lds_config: { resource_api_version: V3, ads: {} } }\n`;
    expect(messages(guarded)[0]).toMatch(/listeners come by xDS/);
    expect(messages(guarded)).toContainEqual(
      expect.stringMatching(/danger: no glassgate filter stands in this file's/),
    );
  });

  it("a cluster that may come by xDS is not checked; where nothing comes by xDS, Envoy's refusal stands", async () => {
    const local = `cluster_manager: { local_cluster_name: local_cluster }\n`;
    const { code, stdout, stderr } = await verify(local + shape("xds-bootstrap.yaml"));
    expect(code).toBe(1);
    expect(stdout).not.toContain("danger");
    expect(stderr).toMatch(/not checked: .*could not be checked here: .*'local_cluster' must be defined/);
    expect((await verify(local + texts.standard)).stdout).toMatch(
      /refuses this file: .*'local_cluster' must be defined/,
    );
  });

  it("the templates: their placeholder alone is not understood, and what it would say is not guessed", () => {
    for (const name of ["envoy.yaml", "config/envoy-require.yaml"]) {
      const text = readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
      const bad = messages(text).filter((message) => !message.includes(" warning: "));
      expect(bad).toEqual([
        expect.stringMatching(/not understood: this is the template's placeholder; `glassgate gateway/),
      ]);
      const other = messages(text.replace("GLASSGATE_CONFIGURATION", "SOMETHING"));
      expect(other).toContainEqual(expect.stringMatching(/not understood: the filter's configuration is no JSON/));
    }
  });

  it("a sidecar's dump: what is open, and what is missing", () => {
    const found = messages(shape("sidecar-dump.json"));
    for (const message of [
      /danger: the filter fails open/,
      /danger: vm_id is not set/,
      /danger: jwt_authn lets \/ pass without a valid token: allow_missing/,
      /danger: x-break-glass-grant is not removed early/,
      /danger: use_remote_address is not true/,
      /danger: no access log writes the audit record/,
      /not understood: the filter mesh\.exchange/,
    ])
      expect(found).toContainEqual(expect.stringMatching(message));
  });
});

describe("the command", () => {
  it("passes the project's own files, with and without an Envoy", async () => {
    const rendered = renderGateway({
      anchors: anchorsOf(new World(Math.floor(Date.now() / 1000))),
      wasmPath,
      ecdsPath: join(folder, "none.json"),
      jwks: { inline: JSON.stringify({ keys: [{ ...publicPart(newKey("Ed25519")), alg: "EdDSA" }] }) },
    });
    for (const text of [...Object.values(texts), rendered]) {
      expect((await verify(text)).code).toBe(0);
      expect((await verify(text, "--no-envoy")).code).toBe(0);
    }
  });

  it("reads 130 aliases", async () => {
    const rules = Array.from(
      { length: 130 },
      (_, i) => `                            - { match: { prefix: /p${i} }, requires: *rq }`,
    );
    const head = "                            - { match: { prefix: /p }, requires: &rq { provider_name: idp } }";
    const text = texts.standard.replace(/( +)rules:\n/, (line) => `${line}${head}\n${rules.join("\n")}\n`);
    expect((await verify(text, "--no-envoy")).code).toBe(0);
  });

  it("accepts by name what was looked at, that alone, and says which names match nothing", async () => {
    const lua = texts.standard.replace(
      "                  # 4. ",
      `                  - name: script
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua }
                  # 4. `,
    );
    const first = await verify(lua, "--json", "--no-envoy");
    expect(first.code).toBe(1);
    const found: { level: string; name: string; line: number }[] = JSON.parse(first.stdout);
    const [unknown] = found.filter(({ level }) => level === "not understood");
    expect(unknown?.name).toBe("filter:script:envoy.extensions.filters.http.lua.v3.Lua@api");
    const accepted = await verify(lua, "--no-envoy", "--accept", unknown?.name ?? "", "--accept", "nothing@api");
    expect(accepted.code).toBe(0);
    expect(accepted.stderr).toMatch(/accepted, but not found: nothing@api/);
    const worse = lua.replace("FAIL_RELOAD", "FAIL_OPEN");
    expect((await verify(worse, "--no-envoy", "--accept", unknown?.name ?? "")).code).toBe(1);
  });

  it("names anchors that are not ours, and is silent about ours", async () => {
    const world = new World(Math.floor(Date.now() / 1000));
    const anchors = anchorsOf(world);
    const gateway = renderGateway({ anchors, wasmPath, ecdsPath: join(folder, "ecds.json"), require: true });
    writeFileSync(join(folder, "anchors.json"), JSON.stringify(anchors));
    expect((await verify(gateway, "--anchors", "anchors.json")).code).toBe(0);
    writeFileSync(join(folder, "other.json"), JSON.stringify({ ...anchors, audience: "staging", threshold: 1 }));
    const { code, stdout } = await verify(gateway, "--anchors", "other.json");
    expect(code).toBe(1);
    expect(stdout).toMatch(/danger: the anchors in this file are not yours: audience test; threshold 2/);
  });

  it("says what Envoy itself refuses, with its line", async () => {
    const text = texts.standard.replace("stat_prefix: api", "stat_prefix: api\n                normalise_path: true");
    const { code, stdout } = await verify(text);
    expect(code).toBe(1);
    expect(stdout).toMatch(/gateway\.yaml:\d\d: danger: Envoy itself refuses this file: .*normalise_path/);
  });

  it("says what the filter itself refuses, which Envoy's own check does not see", async () => {
    const anchors = anchorsOf(new World(Math.floor(Date.now() / 1000)));
    const options = { anchors, wasmPath, ecdsPath: join(folder, "ecds.json"), require: true };
    const refusals: [object, RegExp][] = [
      [{ keep: ["authorization"] }, /keep holds a credential/],
      [{ keep: ["x-user"] }, /keep holds a header that is not stripped anyway/],
      [{ leeway: 61 }, /leeway is not a whole number from 0 to 60/],
      [{ anchors: { ...anchors, threshold: 9 } }, /threshold/],
    ];
    for (const [change, reason] of refusals) {
      const { code, stdout } = await verify(renderGateway({ ...options, ...change }), "--accept", "keep@api");
      expect(code).toBe(1);
      expect(stdout).toMatch(/gateway\.yaml:\d+: danger: the filter refuses its configuration: /);
      expect(stdout).toMatch(reason);
    }
  });

  it("reads the ECDS file where it is", async () => {
    const ecds = join(folder, "served.json");
    const text = texts.standard.replace("/var/lib/glassgate/ecds/glassgate.json ", `${ecds} `);
    const config = parseDocument(text).toJS().static_resources.listeners[0].filter_chains[0].filters[0].typed_config;
    const { on_match } = config.http_filters[0].typed_config.xds_matcher.matcher_list.matchers[0];
    const wasm = on_match.action.typed_config.dynamic_config.config_discovery.default_config;
    wasm.config.failure_policy = "FAIL_OPEN";
    writeFileSync(ecds, JSON.stringify({ resources: [{ name: "glassgate", typed_config: wasm }] }, null, 1));
    const { code, stdout } = await verify(text, "--no-envoy");
    expect(code).toBe(1);
    expect(stdout).toMatch(/served\.json:\d+: danger: the filter fails open/);
  });

  it("names an ECDS file on this machine that pins other anchors than the file's default", async () => {
    const ecds = join(folder, "pinned.json");
    const anchors = anchorsOf(new World(Math.floor(Date.now() / 1000)));
    const other = anchorsOf(new World(Math.floor(Date.now() / 1000)));
    const render = (pinned: typeof anchors): string =>
      renderGateway({ anchors: pinned, wasmPath, ecdsPath: ecds, require: true });
    const serve = (pinned: typeof anchors): void => {
      const config = parseDocument(render(pinned)).toJS().static_resources.listeners[0].filter_chains[0].filters[0];
      const wasm = config.typed_config.http_filters[0].config_discovery.default_config;
      writeFileSync(ecds, JSON.stringify({ resources: [{ name: "glassgate", typed_config: wasm }] }));
    };
    const [first] = anchors.roots;
    for (const [pinned, says] of [
      [{ ...anchors, threshold: 1 }, /threshold 1 here, 2 there$/m],
      [{ ...anchors, audience: "staging" }, /audience staging here, test there$/m],
      [{ ...anchors, roots: other.roots }, /file: roots /],
      [{ ...anchors, roots: anchors.roots.map((root) => ({ ...root, x: first?.x ?? "" })) }, /file: roots /],
    ] as const) {
      serve(pinned);
      const { code, stdout } = await verify(render(anchors), "--no-envoy");
      expect(code).toBe(1);
      expect(stdout).toMatch(/pinned\.json:\d+: danger: what serves here is pinned to other anchors/);
      expect(stdout).toMatch(/name: stale-anchors@api$/m);
      expect(stdout).toMatch(says);
    }
    serve({ ...anchors, roots: anchors.roots.toReversed() });
    expect((await verify(render(anchors), "--no-envoy")).code).toBe(0);
  });

  it("fits a terminal of 80 and of 40 columns", async () => {
    writeFileSync(join(folder, "gateway.yaml"), texts.standard.replace("FAIL_RELOAD", "FAIL_OPEN"));
    for (const columns of [80, 40]) {
      const script = `import pty,os,sys,fcntl,termios,struct
pid,fd=pty.fork()
if pid==0: os.execv(sys.argv[1],sys.argv[1:])
fcntl.ioctl(fd,termios.TIOCSWINSZ,struct.pack("HHHH",24,${columns},0,0))
out=b""
while True:
  try: part=os.read(fd,65536)
  except OSError: break
  if not part: break
  out+=part
sys.stdout.write(out.decode())`;
      const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;
      const { stdout } = await run(
        "python3",
        ["-c", script, process.execPath, main, "gateway", "verify", "gateway.yaml", "--no-envoy"],
        { cwd: folder },
      );
      expect(stdout.replace(/\s+/g, " ")).toContain("danger: the filter fails open: after a trap every request");
      for (const line of stdout.split(/\r?\n/))
        if (!/^\S{40,}$/.test(line.trim())) expect(line.length).toBeLessThanOrEqual(columns);
    }
  });
});

describe("hostile files", () => {
  const deep = (n: number): string => `${"[".repeat(n)}${"]".repeat(n)}`;
  const laughs = (): string => {
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let i = 1; i < 30; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(", ")}]`,
      );
    return lines.join("\n");
  };
  const hostile: readonly (readonly [string, string | Buffer, RegExp])[] = [
    ["empty", "", /is empty/],
    ["only a comment", "# nothing\n", /is empty/],
    ["a list", "- a\n- b\n", /no map/],
    ["a word", "hello", /no map/],
    [
      "binary",
      Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) % 256)),
      /is not text|not YAML|cannot be read/,
    ],
    ["a program", readFileSync(wasmPath), /is not text/],
    ["deep nesting", deep(200_000), /nested/],
    ["deep enough for YAML", `a: ${deep(150)}`, /nested more than 100 deep/],
    ["100 MB", Buffer.alloc(100 * 1024 * 1024, "a: b\n"), /larger than 32 MiB/],
    ["a cycle", "a: &a { b: [ *a ] }", /inside its own anchor/],
    ["a billion laughs", laughs(), /aliases stand for more than/],
    ["an alias without anchor", "a: *b", /alias/],
    ["a map as a key", "? { a: b }\n: c", /neither text nor number/],
    ["control characters", 'node: { id: "a\\e[2J" }\n"\\e[31m": 1\nstatic_resources: { "\\u202e": 2 }', /^$/],
  ];
  for (const [name, text, says] of hostile) {
    it(name, () => {
      let said = "";
      try {
        said = JSON.stringify(verifyGateway(text.toString(), "f"));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        said = error.message;
        expect(said).toMatch(says);
      }
      expect(said).not.toMatch(/\p{Cc}|\u202e/u);
    });
  }

  it("by the command: one error, no stack, never 70", async () => {
    for (const [text, wanted] of [
      [readFileSync(wasmPath), 2],
      [deep(200_000), 2],
      [laughs(), 2],
      ['node: { id: "a\\e[2J" }\n"\\e[31m": 1\nstatic_resources: { "\\u202e": 2 }', 1],
    ] as const) {
      const { code, stdout, stderr } = await verify(text, "--no-envoy");
      expect(code).toBe(wanted);
      for (const out of [stdout, stderr]) {
        expect(out.replaceAll("\n", "")).not.toMatch(/\p{Cc}|\u202e/u);
        expect(out).not.toMatch(/\n\s+at |went wrong/);
      }
    }
  });

  it("what is no file at all", async () => {
    for (const argument of [".", "missing.yaml"]) {
      const { code, stderr } = await glassgate(["gateway", "verify", argument], { cwd: folder });
      expect(code).toBe(2);
      expect(stderr).toMatch(/Cannot read the gateway's configuration/);
    }
  });
});
