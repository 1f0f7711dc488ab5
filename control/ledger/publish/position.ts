/** How far a store is known to have everything: a small file in `state/`. It may be lost; then the store is asked, file by file. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { readTextIfThere, writeText } from "../../base/files.js";

const positionSchema = z.strictObject({
  store: z.string(),
  origin: z.string(),
  /** A multiple of 256: all full files of the tree of this size are there. */
  full: z.int().nonnegative(),
  /** The size of the tree whose superseded partial files have been removed. */
  cleaned: z.int().nonnegative(),
});
type Saved = z.infer<typeof positionSchema>;

export type Progress = Pick<Saved, "full" | "cleaned">;

export interface Position {
  /** Undefined where nothing is known. */
  read(): Progress | undefined;
  write(progress: Progress): void;
}

/** @param store its name */
export function positionIn(folder: string, store: string, origin: string): Position {
  const name = createHash("sha256").update(store).digest("hex").slice(0, 12);
  const path = join(folder, "state", `published-${name}.json`);
  return {
    read() {
      const text = readTextIfThere(path, "the position of publishing");
      if (text === undefined) return undefined;
      let parsed: unknown;
      try {
        parsed = JSON.parse(text);
      } catch {
        return undefined; // As if it were lost.
      }
      const found = positionSchema.safeParse(parsed);
      return found.success && found.data.store === store && found.data.origin === origin ? found.data : undefined;
    },
    write: (progress) => writeText(path, `${JSON.stringify({ store, origin, ...progress })}\n`),
  };
}
