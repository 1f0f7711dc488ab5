/** Puts files under their names in the log's folder: each whole or not at all, all on the disk before anything else happens. */
import { dirname, join } from "node:path";
import type { TreeFile } from "../tlog/edge.js";
import type { FileOps } from "./fileops.js";

/** Of files that have no name of their own yet. One folder for all, so that what a crash left is found without a search. */
const TEMPORARY = ".tmp";

export class Placer {
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
    const changed = await this.makeFolders([TEMPORARY, ...placed.map(({ path }) => dirname(path))]);
    const named = placed.map(({ path, bytes }) => ({ path, bytes, temporary: this.temporary() }));
    try {
      await all(named.map(({ temporary, bytes }) => this.files.create(temporary, bytes)));
      await all(named.map(({ temporary, path }) => this.files.rename(temporary, join(this.folder, path))));
    } catch (error) {
      // The disk may be full: nothing of this is needed. What cannot be removed now is removed at the next start.
      await Promise.allSettled(named.map(({ temporary }) => this.files.remove(temporary)));
      throw error;
    }
    for (const { path } of placed) changed.add(dirname(path));
    await all([...changed].map((folder) => this.files.syncFolder(join(this.folder, folder))));
  }

  /** For a folder that was removed. */
  forget(folder: string): void {
    this.known.delete(folder);
  }

  private temporary(): string {
    this.count += 1;
    return join(this.folder, TEMPORARY, String(this.count));
  }

  /** @returns the folders that got a new name in them */
  private async makeFolders(folders: readonly string[]): Promise<Set<string>> {
    const changed = new Set<string>();
    for (const folder of folders) await this.makeFolder(folder, changed);
    return changed;
  }

  private async makeFolder(folder: string, changed: Set<string>): Promise<void> {
    if (folder === "." || this.known.has(folder)) return;
    await this.makeFolder(dirname(folder), changed);
    await this.files.makeFolder(join(this.folder, folder));
    // Also where it was there: whoever made it may have ended before its name was on the disk.
    changed.add(dirname(folder));
    this.known.add(folder);
  }
}

/** Waits for all of them, also when one fails: nothing goes on behind an error. */
async function all(steps: readonly Promise<void>[]): Promise<void> {
  for (const step of await Promise.allSettled(steps)) if (step.status === "rejected") throw step.reason;
}
