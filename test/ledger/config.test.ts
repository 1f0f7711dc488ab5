/** ledger.yaml and follow.yaml: the samples hold, and what is wrong is said with its place. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  newLedgerConfig,
  parseAgentConfig,
  parseLedgerConfig,
  readAgentConfig,
  readLedgerConfig,
} from "../../control/ledger/config.js";
import { nextConfig } from "../../control/ledger/shards/config.js";

const sample = (name: string): string => fileURLToPath(new URL(`../../config/ledger/${name}`, import.meta.url));
const HASH = "a".repeat(64);
const ledger = (more: string) => parseLedgerConfig(`origin: a.example/b\nkey: k.json\n${more}`, "ledger.yaml");
const fault = (more: string): string => {
  try {
    ledger(more);
    return "";
  } catch (error) {
    return String(error);
  }
};

describe("the samples", () => {
  it("hold, with their paths made whole and what they leave out filled in", () => {
    const config = readLedgerConfig(sample("ledger.yaml"));
    expect(config.key).toBe(sample("../keys/ledger.key.json"));
    expect(config.gateways.map(({ id, audit }) => [id, audit])).toEqual([
      ["gateway-1", [{ path: "/var/log/glassgate/audit.log", format: "plain", mixed: false }]],
      ["gateway-2", [{ path: "/var/log/pods/gateway/envoy/0.log", format: "cri", mixed: true }]],
    ]);
    expect([config.heartbeat, config.grace, config.silence]).toEqual([10, 120, 180]);
    expect(config.listen?.receipts).toBe("/run/glassgate/receipts.sock");
    const agent = readAgentConfig(sample("follow.yaml"));
    expect(agent.to.url).toBe("https://ledger.example.com:7070");
  });

  it("an alarm's program counts from the file's folder as every path does; a name alone is looked for on the PATH", () => {
    const folder = mkdtempSync(join(tmpdir(), "glassgate-config-"));
    try {
      const path = join(folder, "ledger.yaml");
      const commands = "[{ run: [./page.sh, ./as-it-is] }, { run: [logger, -t, x] }, { run: [/usr/bin/page] }]";
      const text = `origin: a.example/b\nkey: k.json\nalarms: { commands: ${commands} }\n`;
      writeFileSync(path, text);
      const programs = [[join(folder, "page.sh"), "./as-it-is"], ["logger", "-t", "x"], ["/usr/bin/page"]];
      const runs = (file: string) => readLedgerConfig(file).alarms?.commands?.map(({ run }) => run);
      expect(runs(path)).toEqual(programs);
      // So does the successor's, in a folder of its own.
      mkdirSync(join(folder, "next"));
      const next = join(folder, "next", "ledger.yaml");
      writeFileSync(next, nextConfig(text, path, { origin: "a.example/c", key: "/k.json" }));
      expect(runs(next)).toEqual(programs);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("a new ledger's text holds", () => {
    const config = parseLedgerConfig(newLedgerConfig("ledger.example.com/eu", "../keys/k.json"), "ledger.yaml");
    expect(config).toMatchObject({
      origin: "ledger.example.com/eu",
      gateways: [],
      listen: { address: "127.0.0.1:7070", read: "senders" },
    });
  });

  it("the JSON Schemas are there, closed", () => {
    for (const name of ["ledger", "ledger-follow"]) {
      const schema: unknown = JSON.parse(readFileSync(sample(`../${name}.schema.json`), "utf8"));
      expect(schema).toMatchObject({ type: "object", additionalProperties: false });
    }
  });
});

describe("faults", () => {
  it("have a line, and the nearest right name", () => {
    const cases: readonly [yaml: string, words: RegExp][] = [
      ["gateway: []", /ledger\.yaml:3:1: unknown member "gateway"; did you mean "gateways"\?/],
      [
        "gateways: [{ id: g, adit: x }]",
        /ledger\.yaml:3:\d+: gateways\[0\]: unknown member "adit"; did you mean "audit"\?/,
      ],
      ["gateways: [{ id: g, audit: { path: x, format: CRI } }]", /format: must be plain or cri or docker/],
      ["gateways: [{ id: g, audit: [{ path: x, fromat: cri }] }]", /did you mean "format"/],
      ["gateways: [{ id: g }, { id: g }]", /gateways\[1\]\.id: stands here twice/],
      ["gateways: [{ id: a b }]", /printable ASCII/],
      ["gateways: [{ id: g, admin: 9901 }]", /9901 is read as the number/],
      ["gateways: [{ id: g, admin: localhost }]", /must be host:port/],
      [`senders: [{ name: a, speaks_for: [] }]`, /needs tokens or certificates/],
      [`senders: [{ name: local, tokens: [${HASH}], speaks_for: [] }]`, /a name of the ledger's own/],
      [
        `senders: [{ name: a, tokens: [${HASH}], speaks_for: [] }, { name: b, tokens: [${HASH}], speaks_for: [] }]`,
        /senders\[1\]: has a token or certificate that stands here twice/,
      ],
      ['listen: { address: "0.0.0.0:80" }', /is not on this machine: that needs tls/],
      [
        'listen: { address: "127.0.0.1:80", receipts: "127.0.0.1:81" }',
        /is an address, and that needs tls: .*name its path/,
      ],
      ["silence: 30s", /silence: is too short/],
      ["silence: 3min", /did you mean 3m\?/],
      ["publish: { to: s3://a/b, evry: 10s }", /publish: unknown member "evry"; did you mean "every"\?/],
      ["alarms: { webhooks: [{ url: ftp://x, secret_file: f }] }", /must be an http:\/\/ or https:\/\/ URL/],
    ];
    for (const [yaml, words] of cases) expect(fault(yaml)).toMatch(words);
  });

  it("a token in the place of its hash is refused, and shown nowhere", () => {
    const token = `ggl_${"x".repeat(43)}`;
    const told = fault(`senders: [{ name: a, tokens: [${token}], speaks_for: [] }]`);
    expect(told).toMatch(/senders\[0\]\.tokens\[0\]: must be a SHA-256 in 64 hex digits, never a token itself/);
    expect(told).not.toContain("xxxx");
  });

  it("of an agent: somebody it can be known by", () => {
    const agent = (to: string) => (): unknown => parseAgentConfig(`to: ${to}\nstate: s\n`, "follow.yaml");
    expect(agent("{ url: https://x }")).toThrow("needs token_file, or certificate and key");
    expect(agent("{ url: https://x, certificate: c }")).toThrow("certificate and key together");
    expect(agent("{ url: https://x, token: secret }")).toThrow('unknown member "token"; known here: url, token_file');
    expect(agent("{ url: https://x, certificate: c, key: k }")).not.toThrow();
  });
});
