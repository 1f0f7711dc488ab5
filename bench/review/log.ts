/** A ledger whose grants have many calls: evidence and first records by the release filter, further calls chained as it chains them. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type AuditLines, readAuditLines } from "../../control/base/audit.js";
import { writeNewTexts } from "../../control/base/files.js";
import { FilterHost, type Header } from "../../control/host/host.js";
import { type Ledger, openLedger } from "../../control/ledger/chain/ledger.js";
import type { Received } from "../../control/ledger/intake.js";
import { newLogFiles, openFilesLog } from "../../control/ledger/log/files.js";
import { openLogSigner } from "../../control/ledger/log/key.js";
import { newKey } from "../../control/signer/jwk.js";
import { type Anchors, anchorsSchema } from "../../control/trust/anchors.js";
import { HOST, World } from "../../test/kit/world.js";

const GATEWAY = "gateway-1";
const START = Date.UTC(2026, 0, 14, 8);
/** Of one grant: as many as a page of one review is to stay usable with. */
export const CALLS = 10_000;
/** From one grant's begin to the next one's, and how long each lives. */
const EVERY_SECONDS = 600;
const BATCH = 2048;

export interface ReviewLog {
  readonly folder: string;
  readonly vkeyFile: string;
  readonly anchorsFile: string;
  readonly entries: number;
  /** The SHA-256 of one grant's name, of those that have all their calls. */
  readonly grant: string;
}

const received = (kind: Received["kind"], text: string): Received => ({
  kind,
  bytes: Buffer.from(text),
  sender: { sender: GATEWAY, via: "file" },
});

class Maker {
  private seq = 0;
  private prev = "0".repeat(64);
  private waiting: Received[] = [];
  private calls = 0;
  now = START;

  constructor(
    private readonly ledger: Ledger,
    private readonly clock: { now: number },
  ) {}

  async flush(): Promise<void> {
    this.clock.now = this.now;
    await this.ledger.take(this.waiting);
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
    this.waiting.push(received("line", record));
    if (evidence !== undefined) this.waiting.push(received("line", JSON.stringify({ evidence })));
    const answer = {
      request_id: id,
      verdict: "allow",
      status: 200,
      bytes_received: 0,
      bytes_sent: 1432,
      duration_ms: 14,
    };
    this.waiting.push(received("line", JSON.stringify(answer)));
    if (this.waiting.length >= BATCH) await this.flush();
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
  const ledger = await openLedger({ log, pins: { anchors: [anchors] }, clock: () => clock.now, onAlarm: () => {} });
  const { bundle }: { bundle: string } = JSON.parse(configuration);
  await ledger.take([received("bundle", bundle)]);
  const maker = new Maker(ledger, clock);
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
  await ledger.close();
  const entries = log.size;
  await log.close();
  return { folder: options.folder, vkeyFile, anchorsFile, entries, grant };
}
