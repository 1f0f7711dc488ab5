/** Our log behind the same request as Tessera's, in a process of its own: what is compared is the log, not what a ledger does with a line. */
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { writeNewTexts } from "../../control/base/files.js";
import { newLogFiles, openFilesLog } from "../../control/ledger/log/files.js";
import { openLogSigner } from "../../control/ledger/log/key.js";
import { newKey } from "../../control/signer/jwk.js";

async function entriesOf(request: IncomingMessage): Promise<readonly Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const entries: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 2 + bytes.readUInt16BE(at);
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return entries;
}

/** @param args a new folder: the log goes below it, and the record of its key */
export async function main([home = ""]: readonly string[]): Promise<void> {
  const signer = openLogSigner(newKey("Ed25519"), "bench.example/ours");
  const options = { folder: join(home, "log"), signer, signedPath: join(home, "key.signed") };
  writeNewTexts(newLogFiles(options));
  const log = await openFilesLog(options);
  const server = createServer(async (request, response) => {
    try {
      const indices = await log.append(await entriesOf(request));
      response.end(JSON.stringify({ indices }));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  server.keepAliveTimeout = 600_000;
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    process.send?.({ url: `http://127.0.0.1:${port}`, vkey: log.vkey });
  });
  process.once("disconnect", () => void log.close().finally(() => process.exit()));
}
