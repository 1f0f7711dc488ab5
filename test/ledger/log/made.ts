/** A new log in a folder of its own, with its key. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeNewTexts } from "../../../control/base/files.js";
import { type FilesLogOptions, newLogFiles } from "../../../control/ledger/log/files.js";
import { openLogSigner } from "../../../control/ledger/log/key.js";
import { newKey } from "../../../control/signer/jwk.js";

export const ORIGIN = "log.example/test";

export const logKey = newKey("Ed25519");
export const logSigner = openLogSigner(logKey, ORIGIN);

export function madeLog(
  root = mkdtempSync(join(tmpdir(), "ledger-log-")),
): FilesLogOptions & { readonly root: string } {
  const options = { folder: join(root, "log"), signer: logSigner, signedPath: join(root, "keys/log.key.json.signed") };
  writeNewTexts(newLogFiles(options));
  return { ...options, root };
}
