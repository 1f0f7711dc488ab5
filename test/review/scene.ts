/**
 * A small real world for reviews: the release filter decides, a ledger with the product's own rules takes its lines in, and the log is
 * written as files by the tests' own hand. Time is what the test says.
 */
import { createHash } from "node:crypto";
import { readAuditLines } from "../../control/base/audit.js";
import { FilterHost, type OpenRequest } from "../../control/host/host.js";
import type { Received } from "../../control/ledger/intake.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { hoursOf } from "../../control/review/hours.js";
import type { ReviewList } from "../../control/review/model.js";
import { type ReadOptions, readReviews } from "../../control/review/read.js";
import { base64url, payloadSegmentOf, type Signer, segment } from "../kit/token.js";
import { type GrantSpec, HOST, type Json, World } from "../kit/world.js";
import { anchorsOf, GATEWAY, line, type Opened, open, other } from "../ledger/chain/kit.js";
import { filesOf, type TestKey, testKey, writeLog } from "../ledger/make-log.js";

export const key: TestKey = testKey("ledger.example/test");

export interface Asked {
  readonly grant: string;
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly source?: string;
  readonly requestId?: string;
}

export interface Answered {
  readonly status?: number;
  readonly durationMs?: number;
  readonly details?: string;
}

const HOUR_MS = 3_600_000;

export class Scene {
  private serial = 0;
  private constructor(
    readonly world: World,
    readonly clock: { now: number },
    private readonly host: FilterHost,
    readonly ledger: Opened,
  ) {}

  /** @param start milliseconds; a Wednesday at noon, UTC, in the past: what has ended has ended */
  static async start(
    start = Date.UTC(2026, 0, 14, 12),
    claims: (world: World) => Json = (world) => world.bundleClaims(),
  ): Promise<Scene> {
    const world = new World(Math.floor(start / 1000));
    const clock = { now: start };
    const host = await FilterHost.load({ nodeId: GATEWAY, clock: () => clock.now });
    const configuration = world.configuration({ bundle: claims(world) });
    const { accepted, reason } = host.configure(configuration);
    if (!accepted) throw new Error(reason);
    const ledger = await open({ anchors: [anchorsOf(world)] }, start);
    const scene = new Scene(world, clock, host, ledger);
    await scene.hand(other("bundle", String(Reflect.get(Object(JSON.parse(configuration)), "bundle"))));
    return scene;
  }

  /** Something comes to the ledger. */
  async hand(...received: readonly Received[]): Promise<void> {
    this.ledger.clock.now = this.clock.now;
    await this.ledger.ledger.take(received);
  }

  pass(milliseconds: number): void {
    this.clock.now += milliseconds;
  }

  private open({
    grant,
    method = "GET",
    path = "/orders/7",
    host = HOST,
    source = "192.0.2.1:5000",
    requestId,
  }: Asked): [OpenRequest, string] {
    this.serial += 1;
    const id = requestId ?? `request-${this.serial}`;
    const opened = this.host.open({
      headers: [
        [":method", method],
        [":path", path],
        [":authority", host],
        ["x-break-glass", grant],
        ["x-request-id", id],
      ],
      sourceAddress: source,
    });
    return [opened, id];
  }

  private linesOf(audit: string): Received[] {
    const { record, evidence, settled, correction, ended } = readAuditLines(audit);
    const texts = [
      record,
      evidence === undefined ? undefined : JSON.stringify({ evidence }),
      settled,
      correction,
      ended,
    ];
    return texts.flatMap((text) => (text === undefined ? [] : [line(text)]));
  }

  /** What the gateway would hand in for one request. */
  linesOfCall(asked: Asked): Received[] {
    const [opened] = this.open(asked);
    opened.close();
    return this.linesOf(opened.outcome.filterState.get("wasm.glassgate.audit") ?? "");
  }

  /** A further bundle is pushed. */
  configure(bundle: Json): void {
    const { accepted, reason } = this.host.configure(this.world.configuration({ bundle }));
    if (!accepted) throw new Error(reason);
  }

  /** One request, decided and on record; answered, where it was let in and `answer` is not null. @returns its verdict */
  async call(asked: Asked, answer: Answered | null = {}): Promise<string> {
    const [opened, id] = this.open(asked);
    const { filterState } = opened.outcome;
    opened.close();
    await this.hand(...this.linesOf(filterState.get("wasm.glassgate.audit") ?? ""));
    const verdict = filterState.get("wasm.glassgate.verdict") === "allow" ? "allow" : "denied";
    if (verdict === "allow" && answer !== null) await this.answer(id, answer);
    this.pass(1000);
    return verdict;
  }

  async answer(
    requestId: string,
    { status = 200, durationMs = 12, details = "via_upstream" }: Answered,
  ): Promise<void> {
    const text = { time: new Date(this.clock.now).toISOString(), request_id: requestId, verdict: "allow", status };
    await this.hand(
      line(JSON.stringify({ ...text, bytes_received: 0, bytes_sent: 17, duration_ms: durationMs, details })),
    );
  }

  /** A stream that is open when its grant ends. */
  async cut(asked: Asked, endsAt: number): Promise<void> {
    const [opened, id] = this.open(asked);
    this.clock.now = endsAt;
    this.host.tick();
    const { filterState } = opened.look();
    opened.close();
    await this.hand(...this.linesOf(filterState.get("wasm.glassgate.audit") ?? ""));
    await this.answer(id, { status: 200, durationMs: 60_000, details: "glassgate_ended_expired" });
  }

  /** The log as files. @param later milliseconds that pass first, in which the ledger looks */
  async write(folder: string, later = HOUR_MS): Promise<void> {
    this.pass(later);
    this.ledger.clock.now = this.clock.now;
    await this.ledger.ledger.tick();
    writeLog(folder, filesOf(this.ledger.log.entries, key));
  }

  read(folder: string, more: Partial<ReadOptions> = {}): Promise<ReviewList> {
    return readReviews({
      where: folder,
      key: parseVkey(key.vkey),
      since: [],
      witnesses: undefined,
      anchors: [anchorsOf(this.world)],
      grace: 120,
      silence: 180,
      due: 86_400,
      hours: hoursOf("08:00-18:00", "UTC"),
      asks: [],
      isWanted: () => true,
      now: this.clock.now,
      progress: () => {},
      ...more,
    });
  }
}

/** The ask of a grant, signed by its requester: what went round before it was approved. */
export function askOf(grant: string, by: Signer): string {
  const input = `${segment({ alg: by.alg, kid: by.kid, typ: "bg-ask+jwt" })}.${payloadSegmentOf(grant)}`;
  return `${input}.${base64url(by.sign(Buffer.from(input)))}`;
}

export const hashOf = (grant: string): string => createHash("sha256").update(payloadSegmentOf(grant)).digest("hex");

/** Of rita, approved by adam and anna a minute after she asked, bent as the spec says. */
export function calmGrant({ world, clock }: Scene, spec: GrantSpec = {}): string {
  const iat = Math.floor(clock.now / 1000);
  const approvals = [world.adam, world.anna].map((by) => ({ by, iat: iat + 60 }));
  return world.grant({ approvals, ...spec, claims: { iat, exp: iat + 600, ...spec.claims } });
}

/** Nothing unusual: rita has used it before, uses all of it from one place in working hours, and everything is answered. */
export async function calmUse(scene: Scene, grant: string): Promise<void> {
  await scene.call({ grant });
  await scene.call({ grant, method: "POST" });
}
