/** A ledger whose grants have many calls: evidence and first records by the release filter, further calls chained as it chains them. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type AuditLines, readAuditLines } from "../../control/base/audit.js";
import { writeNewTexts } from "../../control/base/files.js";
import { FilterHost, type Header } from "../../control/host/host.js";
import { type EntryType, encodeEntry } from "../../control/ledger/entry.js";
import { newLogFiles, openFilesLog } from "../../control/ledger/log/files.js";
import { openLogSigner } from "../../control/ledger/log/key.js";
import type { Log } from "../../control/ledger/log.js";
import { newKey } from "../../control/signer/jwk.js";
import { type Anchors, anchorsSchema } from "../../control/trust/anchors.js";
import { HOST, World } from "../../test/kit/world.js";

const GATEWAY = "gateway-1";
const START = Date.UTC(2026, 0, 14, 8);
/** Of one grant: as many as a page of one review is to stay usable with. */
export const CALLS = 10_000;
/** From one grant's begin to the next one's, and how long each lives. */
const EVERY_SECONDS = 600;
const BATCH = 4096;

export interface ReviewLog {
  readonly folder: string;
  readonly vkeyFile: string;
  readonly anchorsFile: string;
  readonly entries: number;
  /** The SHA-256 of one grant's name, of those that have all their calls. */
  readonly grant: string;
}

class Maker {
  private seq = 0;
  private prev = "0".repeat(64);
  private waiting: Buffer[] = [];
  private calls = 0;
  now = START;

  constructor(private readonly log: Log) {}

  async enter(type: EntryType, text: string): Promise<void> {
    const received = new Date(this.now).toISOString();
    const head = { ledger: 1, type, received, sender: GATEWAY, via: "file" } as const;
    this.waiting.push(encodeEntry({ head, body: Buffer.from(text) }));
    if (this.waiting.length >= BATCH) await this.flush();
  }

  async flush(): Promise<void> {
    await this.log.append(this.waiting);
    this.waiting = [];
  }

  /** A call like the first one, and its answer. */
  async call(first: object, evidence: string | undefined): Promise<void> {
    this.seq += 1;
    this.calls += 1;
    const id = `7c1f0b0e-5b4c-4d1f-9a6e-${String(this.calls).padStart(12, "0")}`;
    const record = JSON.stringify({
      ...first,
      ...{ seq: this.seq, prev: this.prev, ts: new Date(this.now).toISOString(), request_id: id },
      path: `/orders/${this.calls % 5000}`,
    });
    this.prev = createHash("sha256").update(record).digest("hex");
    await this.enter("record", record);
    if (evidence !== undefined) await this.enter("evidence", JSON.stringify({ evidence }));
    const answer = {
      request_id: id,
      verdict: "allow",
      status: 200,
      bytes_received: 0,
      bytes_sent: 1432,
      duration_ms: 14,
    };
    await this.enter("answer", JSON.stringify(answer));
  }
}

/** @param home new @param size entries, about */
export async function makeReviewLog(home: string, size: number): Promise<ReviewLog> {
  const world = new World(START / 1000);
  const clock = { now: START };
  const host = await FilterHost.load({ nodeId: GATEWAY, clock: () => clock.now });
  const claims = { ...world.bundleClaims(), exp: START / 1000 + 30 * 86_400 };
  const configuration = world.configuration({ bundle: claims });
  const { accepted, reason } = host.configure(configuration);
  if (!accepted) throw new Error(reason);
  const anchors: Anchors = anchorsSchema.parse({
    audience: "test",
    threshold: 2,
    roots: world.roots.map(({ jwk }) => jwk),
  });
  const signer = openLogSigner(newKey("Ed25519"), "bench.example/review");
  const options = { folder: join(home, "log"), signer, signedPath: join(home, "key.signed") };
  writeNewTexts(newLogFiles(options));
  const [vkeyFile, anchorsFile] = [join(home, "log.vkey"), join(home, "anchors.json")];
  writeFileSync(vkeyFile, signer.vkey);
  writeFileSync(anchorsFile, JSON.stringify(anchors));
  const log = await openFilesLog(options);
  const { bundle }: { bundle: string } = JSON.parse(configuration);
  const maker = new Maker(log);
  await maker.enter("bundle", bundle);
  await maker.flush();
  let grant = "";
  while (log.size < size) {
    const iat = Math.floor(maker.now / 1000);
    clock.now = maker.now;
    const approvals = [world.anna, world.alex].map((by) => ({ by, iat }));
    const token = world.grant({ claims: { iat, exp: iat + EVERY_SECONDS }, approvals });
    const request = (): AuditLines => {
      const headers: Header[] = [
        [":method", "GET"],
        [":path", "/orders/7"],
        [":authority", HOST],
        ["x-break-glass", token],
      ];
      const { filterState } = host.request({ headers, sourceAddress: "192.0.2.1:5000" });
      return readAuditLines(filterState.get("wasm.glassgate.audit") ?? "");
    };
    const { record, evidence } = request();
    const first: { grant_sha256: string; vm: string } = JSON.parse(record);
    // The filter's cache knows it from here on, and its records name the evidence no more.
    const further: object = JSON.parse(request().record);
    const begin = maker.now;
    const calls = Math.min(CALLS, Math.ceil((size - log.size) / 2));
    for (let i = 0; i < calls; i++) {
      maker.now = begin + 1000 + Math.floor((i / CALLS) * (EVERY_SECONDS - 30) * 1000);
      await (i === 0 ? maker.call(first, evidence) : maker.call(further, undefined));
    }
    await maker.flush();
    if (calls === CALLS || grant === "") grant = first.grant_sha256;
    maker.now = begin + EVERY_SECONDS * 1000;
  }
  const entries = log.size;
  await log.close();
  return { folder: options.folder, vkeyFile, anchorsFile, entries, grant };
}
