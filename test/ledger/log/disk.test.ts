/** Disks that are full, read-only or broken: an error that says so, nothing lost, and it goes on once that is mended. */
import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { UserError } from "../../../control/base/errors.js";
import { newLogFiles, openFilesLog } from "../../../control/ledger/log/files.js";
import { entriesOf, entryOf } from "../tlog/memory.js";
import { logKey, logSigner, ORIGIN } from "./made.js";
import { SimDisk } from "./sim-disk.js";

const foundSchema = z.object({
  errors: z.array(z.object({ message: z.string(), hint: z.string() })),
  filled: z.int(),
  reopened: z.int(),
  lost: z.array(z.int()),
  size: z.int(),
  last: z.int(),
  temporaries: z.array(z.string()),
});

const isolated = ["-Urm", process.execPath, fileURLToPath(new URL("full.mjs", import.meta.url))];
const canIsolate = spawnSync("unshare", ["-Urm", "mount", "-t", "tmpfs", "tmpfs", tmpdir()]).status === 0;
if (!canIsolate)
  process.stderr.write("Not tried: a full and a read-only disk: there is no mount namespace (unshare -Urm).\n");

describe("a log on a disk", () => {
  it.skipIf(!canIsolate)("that fills up, and then is read-only, loses nothing and goes on", () => {
    const root = mkdtempSync(join(tmpdir(), "ledger-full-"));
    const run = spawnSync("unshare", [...isolated, JSON.stringify({ root, key: logKey, origin: ORIGIN })], {
      encoding: "utf8",
    });
    expect(run.stderr).toBe("");
    const found = foundSchema.parse(JSON.parse(run.stdout));
    const [full, again, locked, readOnly, unopened] = found.errors;
    expect(full?.message).toMatch(/takes nothing more: the disk is full\. What it has acknowledged is safe\.$/);
    expect(full?.hint).toMatch(/Make room/);
    expect(again).toEqual(full);
    expect(locked?.message).toMatch(/the disk is full/);
    expect(readOnly?.message).toMatch(/the file system is read-only/);
    expect(unopened?.message).toMatch(/read-only|writes to this ledger/);
    expect(found.filled).toBeGreaterThan(5);
    expect(found.reopened).toBeGreaterThanOrEqual(found.filled);
    expect(found.lost).toEqual([]);
    expect(found.last).toBe(found.size - 1);
    expect(found.temporaries).toEqual([]);
  });

  it("that fails at any step of any kind: nothing acknowledged is lost, and nothing is taken until it is opened anew", async () => {
    const options = { folder: "/data/log", signer: logSigner, signedPath: "/keys/log.signed" };
    const open = (disk: SimDisk) =>
      openFilesLog(options, { files: disk, takeLock: async () => ({ release: async () => {} }) });
    const base = new SimDisk();
    for (const { path, text } of newLogFiles(options)) base.put(path, Buffer.from(text));
    const before = await open(base);
    await before.append(entriesOf(0, 254));
    await before.close();
    let failures = 0;
    for (const code of ["ENOSPC", "EIO", "EROFS"]) {
      for (let nth = 1; ; nth++) {
        const disk = base.afterKill();
        const log = await open(disk);
        await log.append([entryOf(254)]);
        let left = nth;
        let failed = "";
        disk.fault = (step, path) => {
          left -= 1;
          if (left > 0) return undefined;
          failed ||= `${step} ${path}`;
          return Object.assign(new Error(`${code}: ${step}`), { code });
        };
        const result = await log.append([entryOf(255), entryOf(256)]).catch((error: unknown) => error);
        disk.fault = undefined;
        if (result instanceof UserError) {
          expect(result.message).toMatch(
            /takes nothing more: (?:the disk is full|the device reports an error|the file system is read-only)\./,
          );
          await expect(log.append([entryOf(0)])).rejects.toBe(result);
          failures += 1;
        } else expect(result).toEqual([255, 256]);
        const known = log.size;
        await log.close();
        const anew = await open(disk);
        expect(anew.size, failed).toBeGreaterThanOrEqual(result instanceof UserError ? 255 : known);
        const [index] = await anew.append([entryOf(1000)]);
        expect(index).toBe(anew.size - 1);
        await anew.close();
        if (failed === "") break;
      }
    }
    expect(failures).toBeGreaterThan(30);
  });
});
