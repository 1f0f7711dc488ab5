/** Streams that are ended at random moments: by their grants' expiry, by revocation, or by their clients, whichever comes first. */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../control/base/errors.js";
import { type End, KINDS, type Kind, OPENERS } from "../../test/gateway/streams-kit.js";
import { becomeQuiet } from "../gateway/quiet.js";
import { leaksBetween, type Sample, takeSample } from "../soak/memory.js";
import { type StreamGateway, startStreamGateway } from "./gateway.js";

const WORKERS = 2;
/** Streams open at a time. */
const CROWD = 64;
/** Of a grant, in seconds. */
const LONGEST_LIFE = 4;
/** One stream in so many is closed by its client. */
const CLOSED = 5;
/** Streams between two revocations. */
const BETWEEN_PUSHES = 50;
const WARM_UP = 0.25;
const HTTP2_INTERNAL_ERROR = 2;

export interface Churned {
  readonly streams: number;
  readonly closed: number;
  readonly unopened: Readonly<Record<string, number>>;
  readonly ended: Readonly<Record<Kind, number>>;
  /** By the filter's own counter. */
  readonly counted: number;
  readonly pushes: number;
  readonly warm: Sample;
  readonly end: Sample;
  /** Whatever must not be, as sentences. */
  readonly faults: readonly string[];
}

const below = (limit: number): number => Math.floor(Math.random() * limit);

/** What the client of a stream that we ended must see; else what it saw. */
function surprise(kind: Kind, { status, rstCode }: End): string | undefined {
  if (kind === "upload") return status === 403 ? undefined : `an upload got ${status}`;
  if (kind === "grpc") return rstCode === HTTP2_INTERNAL_ERROR ? undefined : `gRPC was reset with ${rstCode}`;
  return status === undefined ? undefined : `a ${kind} was answered to its end`;
}

class Churn {
  readonly ended: Record<Kind, number> = { websocket: 0, grpc: 0, download: 0, upload: 0 };
  readonly faults: string[] = [];
  /** Streams that were answered otherwise, by that answer. */
  readonly unopened = new Map<string, number>();
  opened = 0;
  closed = 0;
  pushes = 0;
  private grants: { readonly jti: string; readonly text: string; readonly until: number }[] = [];
  private readonly revoked: string[] = [];

  constructor(private readonly gateway: StreamGateway) {}

  /** One that others use as well, or a new one. */
  private pickGrant(): string {
    const now = Date.now();
    this.grants = this.grants.filter(({ until, jti }) => until > now + 500 && !this.revoked.includes(jti));
    const known = this.grants[below(2 * this.grants.length + 1)];
    if (known !== undefined) return known.text;
    const seconds = 1 + below(LONGEST_LIFE);
    const jti = `churning-grant-${this.opened}`;
    const text = this.gateway.grant(jti, seconds);
    this.grants.push({ jti, text, until: now + 1000 * seconds });
    return text;
  }

  private async one(): Promise<void> {
    const kind = KINDS[below(KINDS.length)] ?? "download";
    this.opened += 1;
    const path = `/orders/${kind}-${this.opened}`;
    let opened: Awaited<ReturnType<(typeof OPENERS)[Kind]>>;
    try {
      opened = await OPENERS[kind](this.gateway.test.port, path, { "x-break-glass": this.pickGrant() });
    } catch (error) {
      // The grant ended on the way: a denial, or an end before the answer had begun.
      const why = messageOf(error);
      this.unopened.set(why, (this.unopened.get(why) ?? 0) + 1);
      return;
    }
    if (below(CLOSED) === 0) {
      await sleep(below(1000));
      opened.close();
      await opened.end;
      this.closed += 1;
      return;
    }
    const fault = surprise(kind, await opened.end);
    // An upload whose grant had ended on the way was denied like any request.
    if (fault !== undefined && !fault.endsWith("401")) this.faults.push(`${path}: ${fault}`);
    this.ended[kind] += 1;
  }

  private async push(): Promise<void> {
    const grant = this.grants[below(this.grants.length)];
    if (grant !== undefined) this.revoked.push(grant.jti);
    this.pushes += 1;
    await this.gateway.test.configure(this.gateway.configuration({ jti: this.revoked.slice(-100) }));
  }

  /** Until so many were opened, and all have ended. */
  async run(until: number): Promise<void> {
    let pushing = Promise.resolve();
    const client = async (): Promise<void> => {
      while (this.opened < until) {
        if (this.opened % BETWEEN_PUSHES === 0) pushing = pushing.then(() => this.push());
        await this.one();
      }
    };
    await Promise.all(Array.from({ length: CROWD }, client));
    await pushing;
  }
}

export async function churnStreams(streams: number, say: (line: string) => void): Promise<Churned> {
  const gateway = await startStreamGateway(WORKERS);
  try {
    const { envoy } = gateway.test;
    await gateway.test.configure(gateway.configuration());
    const churn = new Churn(gateway);
    const runTo = async (share: number): Promise<Sample> => {
      await churn.run(Math.ceil(streams * share));
      await becomeQuiet(envoy);
      const sample = await takeSample(envoy, { requests: churn.opened, rotations: churn.pushes });
      say(`${churn.opened} streams, ${churn.pushes} pushes, resident ${(sample.resident / 1024 ** 2).toFixed(1)} MiB`);
      return sample;
    };
    const warm = await runTo(WARM_UP);
    const end = await runTo(1);
    const counted = [...(await envoy.admin.stats("glassgate.streams_ended")).values()][0] ?? 0;
    const still = [...(await envoy.admin.stats("downstream_rq_active")).entries()].filter(([name]) =>
      /\.api\./.test(name),
    );
    const seen = Object.values(churn.ended).reduce((sum, count) => sum + count, 0);
    const faults = [...churn.faults, ...leaksBetween(warm, end)];
    if (counted > churn.opened) faults.push(`the filter ended ${counted} streams, of ${churn.opened}`);
    if (seen < churn.opened / 2) faults.push(`only ${seen} of ${churn.opened} streams were ended`);
    for (const [name, count] of still) if (count > 0) faults.push(`${name} is ${count} when all have ended`);
    return {
      ...{
        streams: churn.opened,
        closed: churn.closed,
        ended: churn.ended,
        counted,
        unopened: Object.fromEntries(churn.unopened),
        pushes: churn.pushes,
        warm,
        end,
        faults,
      },
    };
  } catch (error) {
    say(`Envoy's own log ends with:\n${gateway.test.envoy.log().trimEnd().split("\n").slice(-5).join("\n")}`);
    throw error;
  } finally {
    await gateway.stop();
  }
}
