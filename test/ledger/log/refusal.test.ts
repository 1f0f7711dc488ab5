/** A log that is not the one that its key signed last: it is never signed again, and the error says what is what. */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { writeNewTexts } from "../../../control/base/files.js";
import { newLogFiles, openFilesLog } from "../../../control/ledger/log/files.js";
import { openLogSigner } from "../../../control/ledger/log/key.js";
import { newKey } from "../../../control/signer/jwk.js";
import { entriesOf } from "../tlog/memory.js";
import { madeLog, ORIGIN } from "./made.js";

let made: ReturnType<typeof madeLog>;
const at = (path: string): string => join(made.folder, path);

async function append(...batches: readonly number[]): Promise<void> {
  const log = await openFilesLog(made);
  for (const count of batches) await log.append(entriesOf(log.size, log.size + count));
  await log.close();
}

const refused = async (pattern: RegExp): Promise<void> => {
  const before = readFileSync(made.signedPath, "utf8");
  await expect(openFilesLog(made)).rejects.toThrow(pattern);
  // It is refused for good, and nothing was signed by trying.
  await expect(openFilesLog(made)).rejects.toThrow(pattern);
  expect(readFileSync(made.signedPath, "utf8")).toBe(before);
};

const backup = (): void => cpSync(made.folder, at("../backup"), { recursive: true });
const restore = (path = ""): void => {
  rmSync(at(path), { recursive: true });
  cpSync(join(made.root, "backup", path), at(path), { recursive: true });
};

beforeEach(() => {
  made = madeLog();
});

describe("a log is not signed again", () => {
  it("when its folder was restored from a backup", async () => {
    await append(3, 2);
    backup();
    await append(3, 1);
    restore();
    await refused(/holds 5 entries, but its key has signed 9: this is an older copy/);
    await expect(openFilesLog(made)).rejects.toMatchObject({ hint: expect.stringContaining("glassgate ledger init") });
  });

  it("when its first, empty, state was restored", async () => {
    backup();
    await append(1, 1);
    restore();
    await refused(/holds 0 entries, but its key has signed 2/);
  });

  it("when one step was taken back whole: the tree that was signed is not there", async () => {
    await append(3);
    backup();
    await append(3);
    restore();
    await refused(/tile\/0\/000\.p\/6 is missing/);
  });

  it("when its checkpoint alone was put back", async () => {
    await append(3);
    backup();
    await append(3, 1);
    restore("checkpoint");
    await refused(/holds 3 entries, but its key has signed 7/);
  });

  it("but goes on where only the last checkpoint was not published: what was signed is never taken back", async () => {
    await append(3);
    const before = readFileSync(at("checkpoint"));
    await append(3);
    const after = readFileSync(at("checkpoint"), "utf8");
    writeFileSync(at("checkpoint"), before);
    const log = await openFilesLog(made);
    expect(log.size).toBe(6);
    expect(readFileSync(at("checkpoint"), "utf8")).toBe(after);
    await log.close();
  });

  it("when its tiles are those of another history of the same size, with its checkpoint or without", async () => {
    await append(5);
    const other = madeLog();
    const log = await openFilesLog(other);
    await log.append(entriesOf(100, 105));
    await log.close();
    cpSync(join(other.folder, "tile"), at("tile"), { recursive: true });
    await refused(/are not those of the tree of 5 entries that was signed/);
    cpSync(join(other.folder, "checkpoint"), at("checkpoint"));
    await refused(/holds another history of 5 entries than the one that its key signed/);
  });

  it("when an entry was edited in the bundle that it would go on with", async () => {
    await append(5);
    const path = at("tile/entries/000.p/5");
    const bytes = readFileSync(path);
    bytes.write("X", bytes.length - 1);
    writeFileSync(path, bytes);
    await refused(/Entry 4 in tile\/entries\/000\.p\/5 is not the one of its tile/);
  });

  it("when the record beside the key is missing, older, damaged, or another log's", async () => {
    await append(2);
    const older = readFileSync(made.signedPath);
    await append(2, 1);
    const right = readFileSync(made.signedPath);
    writeFileSync(made.signedPath, older);
    await refused(/has 5 entries, but the record beside its key knows of 2/);
    for (const damaged of [
      "",
      "{}",
      String(right).replaceAll('"size":5', '"size":6').replaceAll('"size":4', '"size":3'),
    ]) {
      writeFileSync(made.signedPath, damaged);
      await refused(/is damaged/);
    }
    rmSync(made.signedPath);
    await expect(openFilesLog(made)).rejects.toThrow(/no record of what the ledger's key signed/);
    const [record] = newLogFiles({ ...made, signer: openLogSigner(newKey("Ed25519"), "log.example/other") });
    writeFileSync(made.signedPath, record?.text ?? "");
    await refused(/is of the ledger log.example\/other, not of log.example\/test/);
  });

  it("when a torn write left half of the newest line: then the one before counts", async () => {
    await append(2);
    const bytes = readFileSync(made.signedPath);
    const [first, second] = [bytes.subarray(0, 4096), bytes.subarray(4096)];
    const older = String(first).includes('"size":0') ? first : second;
    older.write('{"origin":"log.exa');
    writeFileSync(made.signedPath, bytes);
    await append(1);
  });

  it("with another key, or without its checkpoint", async () => {
    await append(2);
    const signer = openLogSigner(newKey("Ed25519"), ORIGIN);
    await expect(openFilesLog({ ...made, signer })).rejects.toThrow(/No key that is known here has signed this/);
    rmSync(at("checkpoint"));
    await refused(/is no ledger: it has no checkpoint/);
  });

  it("when somebody published beside it", async () => {
    const log = await openFilesLog(made);
    await log.append(entriesOf(0, 2));
    writeFileSync(at("checkpoint"), made.signer.signCheckpoint(0, Buffer.alloc(32)));
    await expect(log.append(entriesOf(2, 3))).rejects.toThrow(/Somebody else has written this ledger's checkpoint/);
    await expect(log.append(entriesOf(2, 3))).rejects.toThrow(/takes nothing more/);
    await log.close();
  });

  it("when somebody signed with its key", async () => {
    const log = await openFilesLog(made);
    await log.append(entriesOf(0, 2));
    const [record] = newLogFiles(made);
    rmSync(made.signedPath);
    writeNewTexts([{ path: made.signedPath, text: record?.text ?? "" }]);
    await expect(log.append(entriesOf(2, 3))).rejects.toThrow(/another ledger signs with this key/);
    await log.close();
  });
});
