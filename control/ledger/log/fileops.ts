/**
 * All that the log does to a disk, so that a test can take the power away between any two of these steps. Whatever is not said to be
 * on the disk here may be gone, or torn, after a crash.
 */
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir } from "node:fs/promises";
import { systemCode } from "../../base/errors.js";

export interface FileOps {
  /** Undefined where nothing has the name. @param bound bytes; more is an error */
  read(path: string, bound: number): Promise<Buffer | undefined>;
  /** A new file with this content, which is on the disk when this resolves. Its name is not, until its folder is synced. */
  create(path: string, bytes: Buffer): Promise<void>;
  /** Bytes in the middle of a file that is there, on the disk when this resolves; until then old, new or a mixture. */
  overwrite(path: string, offset: number, bytes: Buffer): Promise<void>;
  /** Whole or not at all, and on the disk once the folder of `to` is synced. */
  rename(from: string, to: string): Promise<void>;
  /** Puts the folder's names on the disk. */
  syncFolder(path: string): Promise<void>;
  /** @returns whether it was made just now; the folder above it is to be synced then */
  makeFolder(path: string): Promise<boolean>;
  /** The names in it; none where it does not exist. */
  list(path: string): Promise<string[]>;
  /** No error where there is none. */
  remove(path: string): Promise<void>;
  removeFolder(path: string): Promise<void>;
}

const isMissing = (error: unknown): boolean => ["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "");

async function using<T>(path: string, flags: string | number, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags, 0o644);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** A system's write may be short: on a full disk the rest is the error. */
async function writeAll(file: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

export const nodeFiles: FileOps = {
  async read(path, bound) {
    try {
      return await using(path, constants.O_RDONLY | constants.O_NONBLOCK, async (file) => {
        const found = await file.stat();
        if (!found.isFile() || found.size > bound) throw new Error(`${path} is no file, or too large to be read`);
        return file.readFile();
      });
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },
  create: (path, bytes) =>
    using(path, "wx", async (file) => {
      await writeAll(file, bytes, 0);
      await file.sync();
    }),
  overwrite: (path, offset, bytes) =>
    using(path, "r+", async (file) => {
      await writeAll(file, bytes, offset);
      await file.datasync();
    }),
  rename,
  async syncFolder(path) {
    if (process.platform === "win32") return; // Folders cannot be opened there; the system sees to it.
    await using(path, "r", async (folder) => {
      try {
        await folder.sync();
      } catch (error) {
        if (systemCode(error) !== "EINVAL") throw error; // Some network file systems have no fsync for folders.
      }
    });
  },
  async makeFolder(path) {
    try {
      await mkdir(path);
      return true;
    } catch (error) {
      if (systemCode(error) === "EEXIST") return false;
      throw error;
    }
  },
  async list(path) {
    try {
      return await readdir(path);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  },
  remove: (path) => rm(path, { force: true }),
  async removeFolder(path) {
    try {
      await rmdir(path);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  },
};
