/** A witness that does what tlog-witness says, for one log, in this process. A real one: test/kit/omniwitness.ts. */
import { once } from "node:events";
import { createServer } from "node:http";
import { openCheckpoint } from "../../control/ledger/tlog/checkpoint.js";
import { parseNote, parseVkey } from "../../control/ledger/tlog/note.js";
import { verifyConsistency } from "../../control/ledger/tlog/proof.js";
import type { NoteKey } from "./note-key.js";

export interface HonestWitness {
  readonly url: string;
  /** The tree that it cosigned last. */
  readonly seen: () => number;
  stop(): Promise<void>;
}

export async function startHonestWitness(key: NoteKey, logVkey: string): Promise<HonestWitness> {
  let seen: { readonly size: number; readonly root: Buffer } = { size: 0, root: Buffer.of() };
  const judge = (body: string): [number, string] => {
    const split = body.indexOf("\n\n");
    const [first = "", ...hashes] = body.slice(0, split).split("\n");
    const note = body.slice(split + 2);
    const { size, root } = openCheckpoint(note, parseVkey(logVkey));
    const old = Number(first.replace("old ", ""));
    if (old > size) return [400, ""];
    if (old !== seen.size) return [409, `${seen.size}\n`];
    const proof = hashes.map((hash) => Buffer.from(hash, "base64"));
    if (old > 0 && !verifyConsistency(old, seen.root, size, root, proof)) return [422, ""];
    seen = { size, root };
    return [200, `${key.cosign(parseNote(note).text, 1_767_225_600)}\n`];
  };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const [status, text] = judge(body);
    response.writeHead(status).end(text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    seen: () => seen.size,
    stop: async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
