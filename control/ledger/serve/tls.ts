/** The ledger's certificate: what TLS is asked for, and how it is renewed while the ledger runs. */
import { constants } from "node:crypto";
import type { Server as TlsServer } from "node:https";
import { messageOf } from "../../base/errors.js";
import { visible } from "../../base/text.js";
import { isSameTls, readTls, type TlsContent } from "../certificates.js";
import type { Listen } from "../config.js";

export type Tls = NonNullable<Listen["tls"]>;

/** @throws UserError */
export const contentOf = ({ client_ca: ca, ...files }: Tls): TlsContent => readTls({ ...files, ca }, "the ledger's");

export function tlsOptions(content: TlsContent): object {
  return {
    ...content,
    handshakeTimeout: 10_000,
    requestCert: true,
    // Without an authority a certificate is known by its hash alone: the key behind it was proven in the handshake.
    rejectUnauthorized: false,
    minVersion: "TLSv1.2",
    // A session that is taken up again would need no certificate.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** A certificate is renewed while the ledger runs: connections from then on are shown the new one. @returns what ends it */
export function renewing(
  tls: Tls,
  first: TlsContent,
  servers: readonly TlsServer[],
  say: (sentence: string) => void,
  everyMs: number,
): () => void {
  let last = first;
  let told = "";
  const look = (): void => {
    try {
      const now = contentOf(tls);
      if (!isSameTls(now, last)) for (const server of servers) server.setSecureContext(tlsOptions(now));
      last = now;
      told = "";
    } catch (error) {
      // Half exchanged, for a moment or for good: it goes on with what it has.
      const sentence = `The ledger's certificate cannot be read anew: ${messageOf(error)} It goes on with the one that it has.`;
      if (sentence !== told) say(visible(sentence));
      told = sentence;
    }
  };
  const timer = setInterval(look, everyMs).unref();
  return () => clearInterval(timer);
}
