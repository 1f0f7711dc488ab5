/** `gateway render --receipts`, `gateway verify`, `bundle build` and `explain` of entitlements that demand a ledger's receipt. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseReceiptSource, receiptCall } from "../../control/gateway/receipts.js";
import { verifyGateway } from "../../control/gateway/verify/index.js";
import { newKey, publicPart } from "../../control/signer/jwk.js";
import { lint } from "../../control/trust/lint.js";
import { glassgate, type Ran } from "../cli/run.js";
import { detail, entitlement, nowSeconds, Party } from "../kit/party.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-receipts-"));
const run = (...args: string[]): Promise<Ran> =>
  glassgate(args, { cwd: base, env: { GLASSGATE_KEYS: join(base, "keys"), GLASSGATE_PASSPHRASE: "x" } });
const render = (...args: string[]): Promise<Ran> => run("gateway", "render", "--require", ...args);
let party: Party;

beforeAll(async () => {
  expect(await run("init", ".")).toMatchObject({ code: 0 });
  for (const file of ["ca.pem", "me.pem", "me.key"]) writeFileSync(join(base, file), "");
  party = await Party.make();
}, 120_000);
afterAll(() => {
  rmSync(base, { recursive: true, force: true });
  party.end();
});

describe("render", () => {
  it("writes the cluster and what the filter is told, of each kind of address, and verify understands it", async () => {
    const kinds: readonly (readonly [string, RegExp, readonly string[]])[] = [
      ["/run/glassgate/receipts.sock", /path: \/run\/glassgate\/receipts\.sock/, []],
      ["http://127.0.0.1:8081", /type: STATIC[\s\S]*address: 127\.0\.0\.1\s+port_value: 8081/, []],
      ["http://[::1]:8081/r", /type: STATIC[\s\S]*address: ::1\s+port_value: 8081/, []],
      [
        "https://ledger.internal/in?x=1",
        /type: STRICT_DNS[\s\S]*port_value: 443[\s\S]*exact: ledger\.internal/,
        ["--receipts-ca", "ca.pem"],
      ],
      [
        "https://ledger.internal:8443",
        /certificate_chain:\s+filename: \S+me\.pem\s+private_key:\s+filename: \S+me\.key/,
        ["--receipts-ca", "ca.pem", "--receipts-cert", "me.pem", "--receipts-key", "me.key"],
      ],
    ];
    for (const [url, cluster, more] of kinds) {
      const { code, stdout, stderr } = await render("--receipts", url, ...more);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toMatch(cluster);
      const source = parseReceiptSource(url);
      expect(source).toBeDefined();
      if (source !== undefined) expect(stdout).toContain(`"receipt":${JSON.stringify(receiptCall(source))}`);
      expect(verifyGateway(stdout, "gateway.yaml")).toEqual([]);
    }
  });

  it("says what is wrong or missing", async () => {
    const refused: readonly (readonly [RegExp, ...string[]])[] = [
      [/must be a URL or the absolute path/, "--receipts", "ledger:8443"],
      [/must be a URL or the absolute path/, "--receipts", "https://user:secret@ledger"],
      [/Whose certificates are believed/, "--receipts", "https://ledger"],
      [
        /--receipts-key stands alone/,
        "--receipts",
        "https://ledger",
        "--receipts-ca",
        "ca.pem",
        "--receipts-key",
        "me.key",
      ],
      [/none\.pem is not there/, "--receipts", "https://ledger", "--receipts-ca", "none.pem"],
      [/to another machine in clear[\s\S]*--receipts-ca FILE/, "--receipts", "http://ledger.example.com:8081"],
      [/to another machine in clear/, "--receipts", "http://10.0.0.7"],
      [/to another machine in clear/, "--receipts", "http://[2001:db8::1]:80/r"],
      [/to another machine in clear/, "--receipts", "http://localhost.example.com"],
      [/--receipts-ca says nothing/, "--receipts", "http://ledger", "--receipts-ca", "ca.pem"],
      [/--receipts says nothing of a Kong gateway/, "--for", "kong", "--receipts", "http://ledger"],
    ];
    for (const [says, ...args] of refused) {
      const { code, stdout, stderr } = await render(...args);
      expect({ code, stdout }, args.join(" ")).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(says);
    }
  });
});

describe("verify", () => {
  it("names a cluster that is not there, and what it does not know of one that is", async () => {
    const { stdout } = await render("--receipts", "/run/receipts.sock");
    const findings = (text: string): string[] => verifyGateway(text, "gateway.yaml").map(({ message }) => message);
    expect(findings(stdout.replace("- name: glassgate-ledger", "- name: other"))).toEqual([
      expect.stringContaining("receipts come from the cluster glassgate-ledger, which is not in this file"),
    ]);
    expect(
      findings(stdout.replace("    connect_timeout: 0.25s", "    connect_timeout: 0.25s\n      not_known_here: 1")),
    ).toEqual([expect.stringContaining("not_known_here")]);
  });
});

describe("an entitlement with audit", () => {
  it("is warned of where nobody could sign its receipts", () => {
    const claims = (ledgers: { ledgers?: ReturnType<typeof publicPart>[] }) => ({
      ...{ schema: 1 as const, version: 1, iat: nowSeconds(), exp: nowSeconds() + 86_400, aud: ["production"] },
      ...{ principals: party.principals(), entitlements: [entitlement({ audit: "receipt" })], ...ledgers },
    });
    const warning = expect.stringContaining("can never be used: it demands a ledger's receipt");
    expect(lint(claims({}))).toContainEqual(warning);
    expect(lint(claims({ ledgers: [] }))).toContainEqual(warning);
    expect(lint(claims({ ledgers: [publicPart(newKey("Ed25519"))] }))).not.toContainEqual(warning);
  });

  it("has complete grants, and explain says what a gateway would ask for, or on Kong cannot", async () => {
    const ledgers = [publicPart(newKey("Ed25519"))];
    await party.pin({ entitlements: [entitlement({ approvals: [], audit: "receipt" })], ledgers });
    const made = await party.run(["grant", await party.ask({ details: [detail] }), "--key", "rita"]);
    expect(made).toMatchObject({ code: 0 });
    const explain = (...more: string[]) =>
      party.run(["explain", made.stdout, "GET", "https://api.example.com/orders/42", ...more]);
    const envoy = await explain();
    expect(envoy.code).toBe(0);
    expect(envoy.stdout).toMatch(/^audit_unavailable: [\s\S]*all else is allowed: its entitlement has audit: receipt/);
    const kong = await explain("--host", "kong");
    expect(kong.code).toBe(1);
    expect(kong.stdout).toMatch(/^audit_unavailable: [\s\S]*opens nothing on Kong/);
  });
});
