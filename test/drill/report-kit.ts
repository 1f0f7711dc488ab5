/** A small drill that was held without gateways: calls that the release filter judged, entered into a ledger, and told by the drill's own code. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAuditLines } from "../../control/base/audit.js";
import { writeNewTexts } from "../../control/base/files.js";
import { verdictCodes, verdicts } from "../../control/base/verdicts.gen.js";
import { evidenceOf } from "../../control/drill/evidence.js";
import { judge } from "../../control/drill/judge.js";
import type { Assertion, Call, CallEvidence, Expectation, Report } from "../../control/drill/model.js";
import { followLedger } from "../../control/drill/record-source.js";
import { FilterHost } from "../../control/host/host.js";
import { openSource } from "../../control/ledger/audit/source.js";
import { newLedgerConfig, readLedgerConfig } from "../../control/ledger/config.js";
import { signDrill } from "../../control/ledger/drill.js";
import { newLogFiles, openFilesLog } from "../../control/ledger/log/files.js";
import { openLogSigner } from "../../control/ledger/log/key.js";
import type { Log } from "../../control/ledger/log.js";
import { type OpenedLedger, openLedgerFolder } from "../../control/ledger/serve/open.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { newKey, type PrivateKey, publicPart } from "../../control/signer/jwk.js";
import { writeKeyFile } from "../../control/signer/keyfile.js";
import { headersOf } from "../kit/headers.js";
import { World } from "../kit/world.js";
import { PASSPHRASE } from "../ledger/whole.js";

export const ORIGIN = "ledger.example/drill";
const GATEWAYS = ["gateway-1", "gateway-2"] as const;
const PATH = "/orders/7";

export interface HeldDrill {
  readonly folder: string;
  readonly report: Report;
  readonly rita: PrivateKey;
  /** He approves in earnest, and has no role of drills. */
  readonly carl: PrivateKey;
  /** Of a call under a real grant, with its proof. */
  readonly real: CallEvidence;
  readonly vkey: string;
  sign(claims: Parameters<typeof signDrill>[0]): Promise<string>;
  /** The ledger's folder, to write to; whoever opens it closes it. */
  open(): Promise<OpenedLedger>;
  /** Its log alone: whoever writes there enters what he likes. */
  openLog(): Promise<Log>;
  remove(): void;
}

function openIn(folder: string, key: PrivateKey): Promise<OpenedLedger> {
  const place = join(folder, "ledger");
  const config = readLedgerConfig(join(place, "ledger.yaml"));
  const quiet = (): void => {};
  const signer = openLogSigner(key, ORIGIN);
  return openLedgerFolder({
    ...{ folder: place, config, signer, holder: "test", clock: Date.now, onAlarm: quiet, say: quiet },
  });
}

async function newLedger(folder: string): Promise<PrivateKey> {
  const key = newKey("Ed25519");
  const keyPath = join(folder, "keys", "ledger.key.json");
  await writeKeyFile(keyPath, "ledger", key, PASSPHRASE, 1000);
  const signer = openLogSigner(key, ORIGIN);
  mkdirSync(join(folder, "ledger"));
  writeNewTexts(newLogFiles({ folder: join(folder, "ledger"), signer, signedPath: `${keyPath}.signed` }));
  const [head = ""] = newLedgerConfig(ORIGIN, "../keys/ledger.key.json").split("\n# The gateways");
  const senders = GATEWAYS.map(
    (name, i) => `{ name: ${name}, tokens: [${`${i}a`.repeat(32)}], speaks_for: [${name}] }`,
  );
  writeFileSync(
    join(folder, "ledger", "ledger.yaml"),
    `${head}\nanchors: [../anchors.json]\nsenders: [${senders.join(", ")}]\nlisten: { address: "127.0.0.1:0" }\n`,
  );
  writeFileSync(join(folder, "ledger.vkey"), `${signer.vkey}\n`);
  return key;
}

interface Tried {
  readonly name: string;
  readonly what: string;
  readonly grant: string;
  readonly expected: Expectation;
}

export async function holdDrill(): Promise<HeldDrill> {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-report-"));
  const now = Math.floor(Date.now() / 1000);
  const world = new World(now);
  const rita = newKey("Ed25519");
  const claims = world.bundleClaims();
  const carl = newKey("ES256");
  const people = [
    { id: "drill-rita", roles: ["drill-oncall"], keys: [publicPart(rita)] },
    { id: "carl", roles: ["lead"], keys: [publicPart(carl)] },
  ];
  const bundle = world.bundle({ ...claims, principals: [...[claims.principals].flat(), ...people] });
  const roots = world.roots.map(({ jwk }) => jwk);
  writeFileSync(join(folder, "anchors.json"), JSON.stringify({ audience: "test", threshold: 2, roots }));
  writeFileSync(join(folder, "bundle.jws"), bundle);
  await writeKeyFile(join(folder, "keys", "drill-rita.key.json"), "drill-rita", rita, PASSPHRASE, 1000);
  const key = await newLedger(folder);
  const { vkey } = openLogSigner(key, ORIGIN);
  const opened = await openIn(folder, key);
  const take = (sender: string, kind: "bundle" | "line", text: string) =>
    opened.ledger.take([{ kind, bytes: Buffer.from(text), sender: { sender, via: "token" } }]);
  await take("gateway-1", "bundle", bundle);
  const source = await followLedger(openSource(join(folder, "ledger")), parseVkey(vkey));
  const drill = { ent: "drill", drill: "quarterly", reason: "drill" };
  const tried: readonly Tried[] = [
    { name: "opens", what: "a good grant", grant: world.alone({ claims: drill }), expected: { kind: "allow" } },
    {
      name: "expired",
      what: "a grant that has expired",
      grant: world.alone({ claims: { ...drill, iat: now - 900, exp: now - 300 } }),
      expected: { kind: "verdict", verdict: "expired" },
    },
    {
      name: "scope-path",
      what: "a grant for another path",
      grant: world.alone({
        claims: {
          ...drill,
          authorization_details: [
            { type: "break_glass_http", locations: ["api.example.com"], actions: ["GET"], paths: ["/orders/8"] },
          ],
        },
      }),
      expected: { kind: "verdict", verdict: "scope_path" },
    },
  ];
  const inEarnest: Tried = { name: "real", what: "a real grant", grant: world.alone(), expected: { kind: "allow" } };
  const calls: { tried: Tried; call: Call }[] = [];
  for (const gateway of GATEWAYS) {
    const host = await FilterHost.load({ nodeId: gateway, workers: 1, clock: () => Date.now() });
    const { accepted, reason } = host.configure(world.configuration({ configuration: { bundle } }));
    if (!accepted) throw new Error(reason);
    for (const one of [...tried, ...(gateway === "gateway-1" ? [inEarnest] : [])]) {
      const requestId = `${gateway}-${one.name}`;
      const headers = [...headersOf([one.grant], PATH), ["x-request-id", requestId] as [string, string]];
      const { filterState } = host.request({ headers, worker: 0, sourceAddress: "192.0.2.1:5000" });
      const { record, evidence } = readAuditLines(filterState.get("wasm.glassgate.audit") ?? "");
      await take(gateway, "line", record);
      if (evidence !== undefined) await take(gateway, "line", JSON.stringify({ evidence }));
      const said = Object(JSON.parse(record)).verdict;
      const verdict = verdictCodes.find((code) => code === said);
      const status = said === "allow" || verdict === undefined ? 200 : verdicts[verdict].status;
      const code = said === "allow" ? undefined : verdict;
      const seen = {
        status,
        code,
        requestId,
        reached: said === "allow",
        upstream: undefined,
        endedAfterMs: undefined,
        error: undefined,
        ms: 3,
      };
      const jti = Object(JSON.parse(record)).jti;
      calls.push({
        tried: one,
        call: {
          gateway,
          method: "GET",
          host: "api.example.com",
          path: PATH,
          isPresented: true,
          jti,
          at: Date.now(),
          seen,
        },
      });
    }
  }
  await source.poll();
  const sealed = await source.seal();
  if (sealed === undefined) throw new Error("nothing is sealed");
  const assertions: Assertion[] = [];
  let real: CallEvidence | undefined;
  for (const {
    tried: { name, what, expected },
    call,
  } of calls) {
    const found = source.records.find(call);
    if (name === "real") {
      [real] = await evidenceOf(call, found, sealed);
      continue;
    }
    const judged = judge({ what, expected, call }, found, PATH);
    assertions.push({
      ...{ case: name, gateway: call.gateway, what, expected: judged.expected, seen: judged.seen },
      ok: judged.fault === undefined,
      ...(judged.fault === undefined ? {} : { fault: judged.fault, finding: `${call.gateway} is wrong.` }),
      calls: await evidenceOf(call, found, sealed),
    });
  }
  await opened.close();
  if (real === undefined) throw new Error("the real grant has no record");
  const failed = assertions.filter(({ ok }) => !ok).length;
  const report: Report = {
    v: 1,
    ...{ drill: "quarterly", name: "quarterly", audience: "test", origin: ORIGIN },
    ...{ began: new Date((now - 5) * 1000).toISOString(), ended: new Date(now * 1000).toISOString() },
    people: { requester: "drill-rita", approvers: ["drill-adam"], signer: "drill-rita" },
    gateways: GATEWAYS.map((id) => ({ id, url: "http://127.0.0.1:10000", bundle: Number(claims.version) })),
    assertions,
    notProbed: [{ what: "POST on gateway-1", why: "its upstream is not said to be harmless" }],
    measures: [{ name: "grant", unit: "ms", samples: [80, 90, 110], p50: 90, max: 110, limit: 10_000, ok: true }],
    faults: [],
    counts: { passed: assertions.length - failed, failed, notProbed: 1 },
    checkpoint: { text: sealed.checkpoint.text },
    dueNext: new Date((now + 90 * 86_400) * 1000).toISOString(),
  };
  return {
    ...{ folder, report, rita, carl, real, vkey },
    sign: (claimsToSign) => signDrill(claimsToSign, rita),
    open: () => openIn(folder, key),
    openLog: () => {
      const signer = openLogSigner(key, ORIGIN);
      const signedPath = join(folder, "keys", "ledger.key.json.signed");
      return openFilesLog({
        folder: join(folder, "ledger"),
        signer,
        signedPath,
        holder: "a ledger that lets everything in",
      });
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
