/** `gateway render`: what is missing or wrong is said then, not when Envoy starts. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkServerCertificate } from "../../control/gateway/server-certificate.js";
import { readSurroundings } from "../../control/gateway/surroundings.js";
import { inside } from "../cli/inside.js";
import { glassgate, type Ran, type RunOptions } from "../cli/run.js";
import { Certificates } from "../kit/certificates.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-render-"));
const options: RunOptions = {
  cwd: base,
  env: { GLASSGATE_KEYS: join(base, "keys"), GLASSGATE_PASSPHRASE: "x" },
};
const command = (...args: string[]): Promise<Ran> => glassgate(args, options);
const render = (...args: string[]): Promise<Ran> => command("gateway", "render", ...args);
const text = (file: string): string => readFileSync(join(base, file), "utf8");

beforeAll(async () => {
  expect(await command("init", ".")).toMatchObject({ code: 0 });
}, 60_000);
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Within this process: there are dozens of them. */
async function expectError(args: readonly string[], sentence: RegExp, next: RegExp): Promise<void> {
  const { code, stdout, stderr } = await inside(["gateway", "render", ...args, "--output", "refused.yaml"], options);
  expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: "", stderr: expect.stringMatching(sentence) });
  expect(stderr.slice(stderr.indexOf("next: "))).toMatch(next);
  expect(existsSync(join(base, "refused.yaml"))).toBe(false);
}

describe("--demo-idp", () => {
  it("makes an identity provider and a caller's header, once", async () => {
    expect(await render("--demo-idp", "--output", "gateway.yaml")).toMatchObject({ code: 0 });
    expect(text("idp-jwks.json")).not.toContain('"d"');
    expect(statSync(join(base, "caller.txt")).mode & 0o777).toBe(0o600);
    const [, token = ""] = /^authorization: Bearer (\S+)\n$/.exec(text("caller.txt")) ?? [];
    expect(decodeJwt(token)).toMatchObject({ iss: "https://idp.example.com", aud: "api" });
    expect(text("gateway.yaml")).toContain(`filename: ${join(base, "idp-jwks.json")}`);
    await expectError(["--demo-idp"], /idp-jwks\.json exists already/, /--jwks .*idp-jwks\.json/);
    expect(await render("--jwks", "idp-jwks.json", "--output", "again.yaml")).toMatchObject({ code: 0 });
  });
});

it("another gateway's id, ECDS file and logs are not taken without a word; a folder of its own has its own", async () => {
  const rendered = async (output: string, ...more: string[]): Promise<string> => {
    const args = ["gateway", "render", "--require", "--output", output, ...more];
    const { code, stderr } = await inside(args, options);
    expect(code, stderr).toBe(0);
    return stderr.replaceAll(/\s+/g, " ");
  };
  const own = ["--node-id", "west", "--port", "10001", "--admin-port", "9902"];
  expect(await rendered("two/east.yaml")).not.toContain("warning");
  expect(await rendered("two/east.yaml")).not.toContain("warning");
  expect(await rendered("two/west.yaml")).toContain(
    "warning: It has the id gateway-1, the file that `push` renames, the logs of east.yaml. For another gateway",
  );
  expect(await rendered("two/west.yaml", ...own)).toContain(
    "It has the file that `push` renames, the logs of east.yaml",
  );
  expect(await rendered("two/west/gateway.yaml", ...own)).not.toContain("warning");
});

describe("--keep", () => {
  it("takes a header in whatever letters, and none that the filter would refuse", async () => {
    const { stdout } = await render("--require", "--keep", "X-Forwarded-Host", "--keep", "x-forwarded-host");
    expect(stdout).toContain('"keep":["x-forwarded-host"]');
    for (const name of ["authorization", "DPoP", "x y"])
      await expectError(["--require", "--keep", name], /--keep .*(no credential|header's name)/, /--help/);
    await expectError(
      ["--require", "--keep", "x-user"],
      /would refuse .*not stripped anyway/,
      /every allowed request loses/,
    );
  });
});

describe("the logs", () => {
  const logs = async (...args: string[]) => {
    const { stdout } = await inside(["gateway", "render", "--require", ...args], options);
    return Object.fromEntries(readSurroundings(stdout, "it").logs.map(({ name, path }) => [name, path]));
  };

  it("are files beside the configuration, or where they are wanted", async () => {
    const files = (audit: string, access: string, answers: string) => ({
      audit: join(base, audit),
      access: join(base, access),
      answers: join(base, answers),
    });
    const beside = files("logs/audit.log", "logs/access.log", "logs/answers.log");
    expect(await logs()).toEqual(beside);
    expect(await logs("--log", "a/b.log")).toEqual(files("a/audit.log", "a/b.log", "a/answers.log"));
    const out = "/dev/stdout";
    expect(await logs("--log", out)).toEqual({ audit: out, access: out, answers: out });
    expect(await logs("--audit-log", "c.log")).toEqual({ ...beside, audit: join(base, "c.log") });
    expect(await logs("--answers-log", "d.log")).toEqual({ ...beside, answers: join(base, "d.log") });
    expect(await render("--require", "--output", "elsewhere/gateway.yaml")).toMatchObject({ code: 0 });
    expect(text("elsewhere/gateway.yaml")).toContain(join(base, "elsewhere/logs/audit.log"));
    expect(text("elsewhere/gateway.yaml")).toContain(join(base, "elsewhere/ecds/glassgate.json"));
  });
});

describe("--tls-cert and --tls-key", () => {
  const certificates = new Certificates();
  const gateway = certificates.selfSigned("gateway");
  const other = certificates.selfSigned("other");
  const ended = certificates.between("ended", "20200101000000Z", "20210101000000Z");
  afterAll(() => certificates.remove());
  const tls = (certificate: string, key: string): string[] => ["--tls-cert", certificate, "--tls-key", key];

  it("make a listener that binds grants to certificates, with which verify finds nothing wrong", async () => {
    for (const guard of [["--require"], ["--jwks", "idp-jwks.json"]]) {
      expect(await render(...guard, ...tls(gateway.certificate, gateway.key), "--output", "tls.yaml")).toMatchObject({
        code: 0,
      });
      const rendered = text("tls.yaml");
      expect(rendered).toContain(`certificate_chain: { filename: ${gateway.certificate} }`);
      expect(rendered).toContain(`private_key: { filename: ${gateway.key} }`);
      expect(rendered).toMatch(/# A resumed session keeps its first certificate/);
      const { code, stdout } = await command("gateway", "verify", "tls.yaml");
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/nothing dangerous/i) });
    }
    expect((await render("--require")).stdout).not.toContain("transport_socket");
  }, 120_000);

  it("take a certificate that has ended, and say so", async () => {
    const { code, stderr } = await render("--require", ...tls(ended.certificate, ended.key));
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/ended\.pem ended on Jan/) });
  });

  it("are refused where Envoy would refuse them", async () => {
    await expectError(["--require", "--tls-cert", gateway.certificate], /--tls-cert stands alone/, /--tls-key FILE/);
    await expectError(["--require", "--tls-key", gateway.key], /--tls-key stands alone/, /--tls-cert FILE/);
    const mixed = tls(gateway.certificate, other.key);
    await expectError(["--require", ...mixed], /other\.key is not that of the certificate .*gateway\.pem/, /its chain/);
    const locked = join(certificates.folder, "locked.key");
    execFileSync("openssl", ["pkey", "-in", gateway.key, "-aes128", "-passout", "pass:x", "-out", locked]);
    for (const [certificate, key, sentence] of [
      [gateway.key, gateway.key, /gateway\.key holds no certificate in PEM/],
      [gateway.certificate, gateway.certificate, /gateway\.pem holds no private key in PEM/],
      [gateway.certificate, locked, /locked\.key has a passphrase/],
      ["nowhere.pem", gateway.key, /certificate nowhere\.pem: it does not exist/],
      [gateway.certificate, "nowhere.key", /key of the gateway's certificate nowhere\.key: it does not exist/],
    ] as const)
      expect(() => checkServerCertificate(certificate, key)).toThrow(sentence);
  }, 120_000);
});

describe("refuses", () => {
  it("callers' keys that are missing or doubtful", async () => {
    await expectError([], /normal callers' keys are missing/, /--demo-idp/);
    await expectError(["--jwks", "nowhere.json"], /JWKS nowhere\.json: it does not exist/, /--demo-idp/);
    await expectError(["--jwks", "."], /it is a directory/, /jwks_uri/);
    await expectError(["--jwks", "anchors.json", "--demo-idp"], /exclude each other/, /all but one/);
    for (const [jwks, sentence] of [
      ["", /bad\.json/],
      ["<html>", /bad\.json/],
      ["[]", /bad\.json/],
      ["{}", /bad\.json/],
      ['{"keys":[]}', /bad\.json/],
      ['{"keys":[{"crv":"Ed25519"}]}', /bad\.json/],
      ['{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}', /private or a shared key/],
      ['{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}]}', /private or a shared key/],
    ] as const) {
      writeFileSync(join(base, "bad.json"), jwks);
      await expectError(["--jwks", "bad.json"], sentence, /jwks_uri/);
    }
  }, 120_000);

  it("a filter that is none", async () => {
    await expectError(["--require", "--wasm", "nowhere.wasm"], /The filter nowhere\.wasm is missing/, /npm run build/);
    await expectError(["--require", "--wasm", "anchors.json"], /anchors\.json/, /./);
    await expectError(
      ["--require", "--anchors", "none.json"],
      /anchors none\.json: it does not exist/,
      /glassgate init/,
    );
  });

  it("ports that are none", async () => {
    for (const option of ["--port", "--admin-port"])
      for (const value of ["0", "65536", "http"])
        await expectError(["--require", option, value], new RegExp(`${option} .*from 1 to 65535`), /--help/);
    await expectError(["--require", "--port", "9901"], /both 9901/, /its own/);
    for (const value of ["8080", "host", "host:0", "host:70000", ":80", "a b:80"])
      await expectError(["--require", "--upstream", value], /--upstream .*(host:port|from 1 to 65535)/, /--help/);
  }, 120_000);

  it("an upstream that is a URL, by what to write instead", async () => {
    await expectError(["--require", "--upstream", "https://api.internal:8080/x"], /without https:\/\//, /--help/);
    for (const value of ["[::1]", "::1:80", "[zz]:80", "[127.0.0.1]:80", "[::1]:0"])
      await expectError(["--require", "--upstream", value], /--upstream .*(host:port|from 1 to 65535)/, /--help/);
    for (const value of ["[::1]:8080", "my_service:80", "api.internal.:443"])
      expect(await inside(["gateway", "render", "--require", "--upstream", value], options)).toMatchObject({ code: 0 });
  }, 120_000);

  it("a place that cannot be written", async () => {
    const { code, stderr } = await render("--require", "--output", "anchors.json/gateway.yaml");
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("Cannot write anchors.json/gateway.yaml"),
    });
  });
});
