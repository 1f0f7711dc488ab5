/** `glassgate gateway render --receipts ...`: the ledger that signs receipts. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { UserError } from "../base/errors.js";
import { isLoopback } from "../base/loopback.js";
import { visible } from "../base/text.js";
import { parseReceiptSource, type ReceiptSource, type ReceiptTls } from "../gateway/receipts.js";

export interface ReceiptOptions {
  readonly receipts?: ReceiptSource;
  readonly receiptsCa?: string;
  readonly receiptsCert?: string;
  readonly receiptsKey?: string;
}

function parseReceipts(text: string): ReceiptSource {
  const source = parseReceiptSource(text);
  if (source === undefined)
    throw new InvalidArgumentError(
      "It must be a URL or the absolute path of a unix socket, for example https://ledger.internal:8443 or /run/glassgate/receipts.sock.",
    );
  return source;
}

/** A pending record says who wants what, before it is done: over plain http whoever is on the way reads it, and keeps it from being signed. */
function mustStayHere(source: ReceiptSource | undefined): void {
  if (source === undefined || "socket" in source.at || isLoopback(source.at.host)) return;
  throw new UserError(
    `--receipts http://${visible(source.at.host)}: records would go to another machine in clear, and they say who did what.`,
    { hint: "Name https://... with --receipts-ca FILE; plain http is for this machine alone." },
  );
}

/** The ledger, and what a connection by TLS needs. */
export function receiptsOf(options: ReceiptOptions): (ReceiptSource & { tls?: ReceiptTls }) | undefined {
  const { receipts, receiptsCa: ca, receiptsCert: certificate, receiptsKey: key } = options;
  if (receipts?.isTls !== true) {
    const given = Object.entries({ ca, cert: certificate, key }).find(([, file]) => file !== undefined);
    if (given !== undefined)
      throw new UserError(`--receipts-${given[0]} says nothing without --receipts https://...`, {
        hint: "Leave it out.",
      });
    mustStayHere(receipts);
    return receipts;
  }
  if (ca === undefined)
    throw new UserError("Whose certificates are believed for --receipts https://... is missing.", {
      hint: "Name the authority's file: --receipts-ca FILE. Receipts are verified in any case; records should reach nobody else.",
    });
  if ((certificate === undefined) !== (key === undefined))
    throw new UserError(`--receipts-${certificate === undefined ? "key" : "cert"} stands alone.`, {
      hint: "A client certificate takes both: --receipts-cert FILE --receipts-key FILE.",
    });
  for (const file of [ca, certificate, key])
    if (file !== undefined && !existsSync(file))
      throw new UserError(`${visible(file)} is not there.`, { hint: "Envoy would not start without it." });
  const own =
    certificate === undefined || key === undefined ? {} : { certificate: resolve(certificate), key: resolve(key) };
  return { ...receipts, tls: { ca: resolve(ca), ...own } };
}

export function addReceiptOptions(command: Command): void {
  command
    .option(
      "--receipts <url>",
      "the ledger that signs receipts, for entitlements with audit: a URL, or a unix socket's path",
      parseReceipts,
    )
    .option("--receipts-ca <file>", "believe the ledger's certificate by this authority's (PEM)")
    .option("--receipts-cert <file>", "show the ledger this client certificate (PEM)")
    .option("--receipts-key <file>", "the client certificate's key (PEM, without passphrase)");
}
