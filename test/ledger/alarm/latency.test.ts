/** How long commits took is counted where they happen, and shown where Prometheus reads it. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { writeNewTexts } from "../../../control/base/files.js";
import { Latency } from "../../../control/ledger/alarm/latency.js";
import { parseLedgerConfig } from "../../../control/ledger/config.js";
import { newLogFiles } from "../../../control/ledger/log/files.js";
import { openLogSigner } from "../../../control/ledger/log/key.js";
import { openLedgerFolder } from "../../../control/ledger/serve/open.js";
import { runLedger } from "../../../control/ledger/serve/run.js";
import { newKey } from "../../../control/signer/jwk.js";
import { newToken } from "../http-kit.js";

let folder = "";
afterEach(() => {
  if (folder !== "") rmSync(folder, { recursive: true });
  folder = "";
});

it("counts each in every bucket that holds it, and the slowest in none", () => {
  const latency = new Latency();
  for (const seconds of [0.001, 0.004, 0.3, 60]) latency.took(seconds);
  const { buckets, sum, count } = latency.histogram;
  const below = new Map(buckets);
  expect([0.001, 0.0025, 0.005, 0.25, 0.5, 10].map((le) => below.get(le))).toEqual([1, 1, 2, 2, 3, 3]);
  expect([count, sum]).toEqual([4, expect.closeTo(60.305)]);
});

it("a ledger that is served shows its commits", async () => {
  folder = mkdtempSync(join(tmpdir(), "glassgate-latency-"));
  const ledger = join(folder, "ledger");
  const signer = openLogSigner(newKey("Ed25519"), "ledger.example/latency");
  writeNewTexts(newLogFiles({ folder: ledger, signer, signedPath: join(folder, "key.signed") }));
  const token = newToken();
  const config = parseLedgerConfig(
    `origin: ledger.example/latency
key: ${join(folder, "key")}
senders: [{ name: eu, tokens: [${createHash("sha256").update(token).digest("hex")}], speaks_for: [], reads: true }]
listen: { address: "127.0.0.1:0" }
`,
    "ledger.yaml",
  );
  const say = (): void => {};
  const opened = await openLedgerFolder({
    ...{ folder: ledger, config, signer, holder: "test", clock: Date.now, onAlarm: say, say },
  });
  const running = await runLedger({ folder: ledger, config, opened, say, isServing: true });
  try {
    const at = `http://${running.listening[0]?.address.replace(/^http:\/\//, "")}`;
    const headers = { authorization: `Bearer ${token}` };
    const commits = async (name: string): Promise<number> => {
      const text = await (await fetch(`${at}/metrics`, { headers })).text();
      return Number(new RegExp(`^glassgate_ledger_append_seconds_${name} (\\S+)$`, "m").exec(text)?.[1]);
    };
    const before = await commits("count");
    const posted = await fetch(`${at}/v1/lines`, { method: "POST", headers, body: "no line of a gateway's\n" });
    expect(posted.status).toBe(200);
    expect(await commits("count")).toBeGreaterThan(before);
    expect(await commits("sum")).toBeGreaterThan(0);
    expect(await commits('bucket{le="\\+Inf"}')).toBe(await commits("count"));
  } finally {
    await running.stop();
  }
});
