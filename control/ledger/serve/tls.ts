/** The ledger's certificate, which may be renewed while it runs: whoever connects next is shown what its files hold now. */
import { constants } from "node:crypto";
import { statSync } from "node:fs";
import { createServer, type Server, type ServerOptions } from "node:https";
import type { SecureContextOptions } from "node:tls";
import { reasonOf } from "../../base/errors.js";
import { readBytes } from "../../base/files.js";
import { visible } from "../../base/text.js";
import type { Listen } from "../config.js";

export type Tls = NonNullable<Listen["tls"]>;

/** What its files hold now. */
const secureContext = (tls: Tls): SecureContextOptions => ({
  cert: readBytes(tls.certificate, "the ledger's certificate"),
  key: readBytes(tls.key, "the key of the ledger's certificate"),
  ...(tls.client_ca === undefined ? {} : { ca: readBytes(tls.client_ca, "the clients' authority") }),
  minVersion: "TLSv1.2",
  // A session that is taken up again would need no certificate.
  secureOptions: constants.SSL_OP_NO_TICKET,
});

const HANDSHAKE = {
  handshakeTimeout: 10_000,
  requestCert: true,
  // Without an authority a certificate is known by its hash alone: the key behind it was proven in the handshake.
  rejectUnauthorized: false,
} as const;

/** They are renewed every few weeks, days before they end. */
const LOOK_MS = 60_000;

interface Renewable {
  setSecureContext(options: SecureContextOptions): void;
}

export class Renewal {
  private shown: string;
  private before: string;
  private readonly timer: NodeJS.Timeout;

  /** @param read what the files hold now, or throws @param say a sentence for the person */
  constructor(
    private readonly server: Renewable,
    private readonly files: readonly string[],
    private readonly read: () => SecureContextOptions,
    private readonly say: (sentence: string) => void,
    lookMs = LOOK_MS,
  ) {
    this.shown = this.state();
    this.before = this.shown;
    this.timer = setInterval(() => this.look(), lookMs).unref();
  }

  private state(): string {
    return this.files
      .map((file) => {
        const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
        return `${stat?.ino} ${stat?.size} ${stat?.mtimeNs}`;
      })
      .join();
  }

  private look(): void {
    const file = visible(this.files[0] ?? "");
    try {
      const state = this.state();
      // A certificate and its key are two files: they are taken once both have stood still for a while.
      const isStill = state === this.before;
      this.before = state;
      if (!isStill || state === this.shown) return;
      this.shown = state;
      this.server.setSecureContext(this.read());
      this.say(`The certificate ${file} was renewed, and is shown to whoever connects from now on.`);
    } catch (error) {
      this.say(
        `The certificate ${file} has changed and cannot be used: ${reasonOf(error)}. The one before is shown on.`,
      );
    }
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

/** @param renewalMs how often its files are looked at @throws UserError where one of them cannot be read */
export function tlsServer(
  tls: Tls,
  limits: ServerOptions,
  say: (sentence: string) => void,
  renewalMs?: number,
): { readonly server: Server; readonly renewal: Renewal } {
  const server = createServer({ ...limits, ...HANDSHAKE, ...secureContext(tls) });
  const files = [tls.certificate, tls.key, ...(tls.client_ca === undefined ? [] : [tls.client_ca])];
  return { server, renewal: new Renewal(server, files, () => secureContext(tls), say, renewalMs) };
}
