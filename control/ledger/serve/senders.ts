/** Who sends a request: by a token whose hash the configuration has, or by a client certificate that it names. */
import { createHash, timingSafeEqual, X509Certificate } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import type { SenderConfig } from "../config.js";
import type { Sender } from "../entry.js";
import { Refused, tooMany } from "./answer.js";
import { QuotaMeter } from "./quota.js";

/** As `glassgate ledger token` makes them: 256 bits behind a name that leak scanners can know. */
export const TOKEN = /^ggl_[A-Za-z0-9_-]{43}$/;

export interface KnownSender {
  readonly sender: Sender;
  readonly config: SenderConfig;
  readonly quota: QuotaMeter;
  /** The same again for receipts: a backlog of lines must not use up what requests wait for. */
  readonly receipts: QuotaMeter;
  /** Bodies of his that are in memory. */
  readonly bodies: Bodies;
}

/** Of one sender at once. */
const MAX_BODIES = 32;

/** So that nobody fills the memory with what he has begun to send. */
export class Bodies {
  private count = 0;

  /** @throws Refused (429) */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    if (this.count >= MAX_BODIES) throw tooMany(1, "This sender sends too much at once.");
    this.count += 1;
    try {
      return await work();
    } finally {
      this.count -= 1;
    }
  }
}

interface Digest {
  readonly name: string;
  readonly bytes: Buffer;
}

const sha256 = (data: Buffer | string): Buffer => createHash("sha256").update(data).digest();

/** Compares with each of them, in a time that tells nothing of any. */
function find(digests: readonly Digest[], wanted: Buffer): string | undefined {
  let found: string | undefined;
  for (const { name, bytes } of digests) if (timingSafeEqual(bytes, wanted)) found = name;
  return found;
}

const unknown = (): Refused =>
  new Refused(401, "Nobody is known by this token or certificate.", {
    "www-authenticate": "Bearer",
    connection: "close",
  });

export class Senders {
  private readonly tokens: readonly Digest[];
  private readonly certificates: readonly Digest[];
  /** How often each was refused with 429. */
  readonly refused = new Map<string, number>();
  private readonly known = new Map<string, Omit<KnownSender, "sender">>();

  /** @param needsAuthority whether a certificate must also be one of the configured authority's */
  constructor(
    senders: readonly SenderConfig[],
    now: () => number,
    private readonly needsAuthority = false,
  ) {
    const digests = (pick: (sender: SenderConfig) => readonly string[]): Digest[] =>
      senders.flatMap((sender) => pick(sender).map((hex) => ({ name: sender.name, bytes: Buffer.from(hex, "hex") })));
    this.tokens = digests(({ tokens = [] }) => tokens);
    this.certificates = digests(({ certificates = [] }) => certificates);
    for (const config of senders) {
      const meter = (): QuotaMeter => new QuotaMeter(config.quota, now);
      this.known.set(config.name, { config, quota: meter(), receipts: meter(), bodies: new Bodies() });
      // A counter is there from the start: the first that is refused must be a rise.
      this.refused.set(config.name, 0);
    }
  }

  /** @throws Refused (401) */
  of(request: IncomingMessage, now: number): KnownSender {
    const { authorization } = request.headers;
    // A request with both is judged by its token: who sends one means it.
    if (authorization !== undefined) return this.get(this.byToken(authorization), "token");
    return this.get(this.byCertificate(request, now), "certificate");
  }

  /** Counts a 429. */
  noteRefused(name: string): void {
    this.refused.set(name, (this.refused.get(name) ?? 0) + 1);
  }

  private get(name: string | undefined, via: Sender["via"]): KnownSender {
    const found = name === undefined ? undefined : this.known.get(name);
    if (name === undefined || found === undefined) throw unknown();
    return { ...found, sender: { sender: name, via } };
  }

  private byToken(authorization: string): string | undefined {
    const [, token] = /^Bearer +([\x21-\x7e]{1,256})$/i.exec(authorization) ?? [];
    return token === undefined ? undefined : find(this.tokens, sha256(token));
  }

  private byCertificate(request: IncomingMessage, now: number): string | undefined {
    const { socket } = request;
    if (!(socket instanceof TLSSocket) || this.certificates.length === 0) return undefined;
    const der: Buffer | undefined = socket.getPeerCertificate().raw;
    if (der === undefined || (this.needsAuthority && !socket.authorized)) return undefined;
    const name = find(this.certificates, sha256(der));
    const { validFrom, validTo } = new X509Certificate(der);
    const isInTime = Date.parse(validFrom) <= now && now <= Date.parse(validTo);
    return isInTime ? name : undefined;
  }
}
