/** Tessera with files, by our personality, as the log beside ours. */
import { goMissing, goVerify, startTessera } from "../../test/kit/go.js";
import { noteKey } from "../../test/kit/note-key.js";
import { type Appends, bytesOnDisk, type Load, type Measured, measureAppends } from "./appends.js";
import { httpTarget } from "./http.js";

/** How long Tessera's first entry of a batch waits for others: short for a client that waits alone, longer for many. */
const batchAge = ({ clients }: Load): string => (clients === 1 ? "1ms" : clients < 100 ? "10ms" : "50ms");

/** Why it cannot be measured here. */
export const tesseraMissing = goMissing;

/** @param folder new, on the disk that is measured */
export async function measureTessera(folder: string, load: Load): Promise<Measured> {
  const key = noteKey("bench.example/tessera");
  const options = ["--checkpoint-interval", "1s", "--batch", "1024", "--batch-age", batchAge(load)];
  const tessera = await startTessera(folder, key, { options });
  const target = httpTarget("Tessera", tessera.url, tessera.token);
  let appends: Appends;
  try {
    appends = await measureAppends(target, load);
  } finally {
    target.close();
    await tessera.stop();
  }
  const { verified, text } = await goVerify(folder, key.vkey);
  if (!verified || !text.includes(`size ${appends.entries},`))
    throw new Error(`Tessera's log does not verify:\n${text}`);
  return { ...appends, ...bytesOnDisk(folder) };
}
