/** Our log with files: over HTTP by the clients that Tessera has, and called in the process that measures. */
import { join } from "node:path";
import { z } from "zod";
import { writeNewTexts } from "../../control/base/files.js";
import { newLogFiles, openFilesLog } from "../../control/ledger/log/files.js";
import { openLogSigner } from "../../control/ledger/log/key.js";
import { openCheckpoint } from "../../control/ledger/tlog/checkpoint.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { fileSource, rootAt } from "../../control/ledger/tlog/read.js";
import { newKey } from "../../control/signer/jwk.js";
import { Child } from "../base/child.js";
import { type Appends, bytesOnDisk, type Load, type Measured, measureAppends } from "./appends.js";
import { httpTarget } from "./http.js";

/** @throws where the folder does not hold what was acknowledged */
async function checked(appends: Appends, folder: string, vkey: string): Promise<Measured> {
  const source = fileSource(folder);
  const { size, root } = openCheckpoint(String(await source.read("checkpoint")), parseVkey(vkey));
  if (size !== appends.entries || !(await rootAt(source, size)).equals(root))
    throw new Error("Our log does not verify.");
  return { ...appends, ...bytesOnDisk(folder) };
}

const hello = z.strictObject({ url: z.string(), vkey: z.string() });

/** @param home new, on the disk that is measured */
export async function measureOursOverHttp(home: string, load: Load): Promise<Measured> {
  const child = await Child.start("ledger/log-server.ts", [home]);
  const { url, vkey } = hello.parse(child.hello);
  const target = httpTarget("ours", url, "");
  let appends: Appends;
  try {
    appends = await measureAppends(target, load);
  } finally {
    target.close();
    await child.stop();
  }
  return await checked(appends, join(home, "log"), vkey);
}

/** @param home new, on the disk that is measured */
export async function measureOurs(home: string, load: Load): Promise<Measured> {
  const signer = openLogSigner(newKey("Ed25519"), "bench.example/ours");
  const options = { folder: join(home, "log"), signer, signedPath: join(home, "key.signed") };
  writeNewTexts(newLogFiles(options));
  const log = await openFilesLog(options);
  const appends = await measureAppends({ name: "ours, in process", append: (entries) => log.append(entries) }, load);
  await log.close();
  return await checked(appends, options.folder, log.vkey);
}
