// Runs in a user and mount namespace of its own: a log on a small tmpfs that fills up, then is read-only, then is neither. What it
// found stands on standard output as JSON.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeNewTexts } from "../../../dist/base/files.js";
import { newLogFiles, openFilesLog } from "../../../dist/ledger/log/files.js";
import { openLogSigner } from "../../../dist/ledger/log/key.js";

const { root, key, origin } = JSON.parse(process.argv[2]);
const disk = join(root, "disk");
mkdirSync(disk);
execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]);
const signedPath = join(root, "log.signed");
const options = { folder: join(disk, "log"), signer: openLogSigner(key, origin), signedPath };
writeNewTexts(newLogFiles(options));

const acknowledged = [];
const found = { errors: [] };
const note = (error) => found.errors.push({ message: error.message, hint: error.hint });

async function appendUntilError(log) {
  for (;;) {
    const text = `entry ${acknowledged.length} ${"x".repeat(2000)}`;
    try {
      const [index] = await log.append([Buffer.from(text)]);
      acknowledged[index] = text;
    } catch (error) {
      return note(error);
    }
  }
}

// 1. Full: an error, and the same one from then on.
const first = await openFilesLog(options);
await appendUntilError(first);
found.filled = acknowledged.length;
await first.append([Buffer.from("more")]).catch(note);
await first.close();

// 2. So full that not even a lock can be written.
let room = statfsSync(disk);
if (room.bfree > 0) writeFileSync(join(disk, "rest"), Buffer.alloc(room.bfree * room.bsize));
await openFilesLog(options).then(
  (log) => log.append([Buffer.alloc(60_000)]).catch(note).then(() => log.close()),
  note,
);
rmSync(join(disk, "rest"), { force: true });

// 3. Room again: it goes on.
execFileSync("mount", ["-o", "remount,size=8m", disk]);
const second = await openFilesLog(options);
found.reopened = second.size;
const [index] = await second.append([Buffer.from("after")]);
acknowledged[index] = "after";

// 4. Read-only, under its feet.
execFileSync("mount", ["-o", "remount,ro", disk]);
await second.append([Buffer.from("never")]).catch(note);
await second.close().catch(() => {}); // Its lock cannot be removed: it is a dead process's soon.
await openFilesLog(options).catch(note);
execFileSync("mount", ["-o", "remount,rw", disk]);
rmSync(join(disk, "log/lock"), { force: true });

const third = await openFilesLog(options);
const [last] = await third.append([Buffer.from("the last")]);
acknowledged[last] = "the last";
const { readEntries } = await import("../../../dist/ledger/tlog/read.js");
found.lost = [];
const entries = [];
for await (const { bytes } of readEntries(third, third.size)) entries.push(bytes.toString());
acknowledged.forEach((text, i) => entries[i] === text || found.lost.push(i));
found.size = third.size;
found.last = last;
await third.close();
found.temporaries = readdirSync(join(options.folder, ".tmp"));
console.log(JSON.stringify(found));
