/** Puts files under their names in the log's folder: each whole or not at all, all on the disk before anything else happens. */
import { dirname, join } from "node:path";
import type { TreeFile } from "../tlog/edge.js";
import type { FileOps } from "./fileops.js";

/** Of files that have no name of their own yet. One folder for all, so that what a crash left is found without a search. */
const TEMPORARY = ".tmp";

export class Placer {
  /** Folders whose names are on the disk. */
  private readonly known = new Set<string>();
  private count = 0;

  constructor(
    private readonly files: FileOps,
    private readonly folder: string,
  ) {}

  /** Takes away what a crash left. Only for the one who holds the lock. */
  async tidy(): Promise<void> {
    const folder = join(this.folder, TEMPORARY);
    await Promise.all((await this.files.list(folder)).map((name) => this.files.remove(join(folder, name))));
  }

  /** Writes all of them, side by side: contents, then names, then folders. */
  async place(placed: readonly TreeFile[]): Promise<void> {
    const folders = [TEMPORARY, ...placed.map(({ path }) => dirname(path))];
    const made = await this.makeFolders(folders);
    const named = placed.map(({ path, bytes }) => ({ path, bytes, temporary: this.temporary() }));
    try {
      await all(named.map(({ temporary, bytes }) => this.files.create(temporary, bytes)));
      await all(named.map(({ temporary, path }) => this.files.rename(temporary, join(this.folder, path))));
    } catch (error) {
      // The disk may be full: nothing of this is needed. What cannot be removed now is removed at the next start.
      await Promise.allSettled(named.map(({ temporary }) => this.files.remove(temporary)));
      throw error;
    }
    const changed = new Set([...made, ...placed.map(({ path }) => path)].map(dirname));
    await all([...changed].map((folder) => this.files.syncFolder(join(this.folder, folder))));
    // Not before: another file that is placed meanwhile must not rely on a folder whose name is not on the disk.
    for (const folder of made) this.known.add(folder);
  }

  /** For a folder that was removed. */
  forget(folder: string): void {
    this.known.delete(folder);
  }

  private temporary(): string {
    this.count += 1;
    return join(this.folder, TEMPORARY, String(this.count));
  }

  /** @returns those whose name may not be on the disk yet: also one that was there, as whoever made it may have ended before that */
  private async makeFolders(folders: readonly string[]): Promise<Set<string>> {
    const made = new Set<string>();
    for (const folder of folders) await this.makeFolder(folder, made);
    return made;
  }

  private async makeFolder(folder: string, made: Set<string>): Promise<void> {
    if (folder === "." || this.known.has(folder) || made.has(folder)) return;
    await this.makeFolder(dirname(folder), made);
    await this.files.makeFolder(join(this.folder, folder));
    made.add(folder);
  }
}

/** Waits for all of them, also when one fails: nothing goes on behind an error. */
async function all(steps: readonly Promise<void>[]): Promise<void> {
  for (const step of await Promise.allSettled(steps)) if (step.status === "rejected") throw step.reason;
}
