/** Nobody has to trust our verifier: Go's sumdb and Tessera's fsck verify our log, a Tessera takes it over, and we read a Tessera's. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeNewTexts } from "../../control/base/files.js";
import { newLogFiles, openFilesLog } from "../../control/ledger/log/files.js";
import { openLogSigner } from "../../control/ledger/log/key.js";
import { openCheckpoint } from "../../control/ledger/tlog/checkpoint.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { inclusionProof, makeTlogProof } from "../../control/ledger/tlog/proof.js";
import { fileSource, readEntries, rootAt } from "../../control/ledger/tlog/read.js";
import { fsck, goMissing, goProof, goVerify, migrate, serveFolder, startTessera, withGo } from "../kit/go.js";
import { noteKey } from "../kit/note-key.js";

const key = noteKey("ledger.example/eu/2026");
const vkey = parseVkey(key.vkey);

/** Of any length, with any bytes: the longest, the empty, what is no text. */
function entryAt(index: number): Buffer {
  if (index === 5) return Buffer.alloc(65_535, index);
  if (index === 258) return Buffer.of();
  return Buffer.concat([Buffer.from(`{"ledger":1}\nentry ${index} `), Buffer.from([index % 256, 0xff, 0, 10])]);
}

/** Around the ends of bundles, of a tile of the second level, and one behind it. */
const SIZES = [0, 1, 2, 255, 256, 257, 511, 600, 65_535, 65_536, 65_537, 66_000] as const;
const LAST = 66_000;

describe.skipIf(goMissing !== undefined)(withGo("our log, in the eyes of others"), () => {
  const home = mkdtempSync(join(tmpdir(), "glassgate-ledger-ours-"));
  const folder = join(home, "log");
  const keptAt = (size: number): string => join(home, `checkpoint-${size}`);

  /** What the folder was at that size, as a copy that somebody took. */
  const copyAt = (size: number): string => join(home, `log-${size}`);

  beforeAll(async () => {
    const options = { folder, signer: openLogSigner(key.jwk, key.name), signedPath: join(home, "key.signed") };
    writeNewTexts(newLogFiles(options));
    const log = await openFilesLog(options);
    for (const size of SIZES) {
      await log.append(Array.from({ length: size - log.size }, (_, i) => entryAt(log.size + i)));
      cpSync(join(folder, "checkpoint"), keptAt(size));
      if (size <= 600) cpSync(folder, copyAt(size), { recursive: true });
    }
    await log.close();
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it.each(SIZES.filter((size) => size <= 600))("is verified at a size of %i", async (size) => {
    expect((await goVerify(copyAt(size), key.vkey)).text).toContain("VERIFIED\n");
    expect((await goVerify(copyAt(size), noteKey(key.name).vkey)).verified).toBe(false);
    expect((await fsck(copyAt(size), key.vkey)).text).toContain(`Successfully fsck'd log with size ${size} `);
  });

  it("is verified as it is now, with two levels of tiles, against every checkpoint that was kept", async () => {
    expect((await fsck(folder, key.vkey)).text).toContain(`Successfully fsck'd log with size ${LAST} `);
    for (const size of SIZES) {
      const { text } = await goVerify(folder, key.vkey, {
        since: keptAt(size),
        index: [0, 5, 258, 65_535, 65_536, LAST - 1],
      });
      expect(text).toContain(`what the kept checkpoint of size ${size} covers is unchanged\nVERIFIED\n`);
    }
  });

  it("is verified under each checkpoint that it published, though its partial tiles of then are gone", async () => {
    for (const size of [255, 600, 65_537]) {
      const old = mkdtempSync(join(home, "old-"));
      symlinkSync(join(folder, "tile"), join(old, "tile"));
      cpSync(keptAt(size), join(old, "checkpoint"));
      expect((await goVerify(old, key.vkey)).text).toContain(`size ${size},`);
      expect((await fsck(old, key.vkey)).text).toContain(`Successfully fsck'd log with size ${size} `);
    }
  });

  it("is verified with a witness's line in its checkpoint", async () => {
    const cosigned = copyAt(600);
    const checkpoint = readFileSync(keptAt(600), "utf8");
    const text = checkpoint.slice(0, checkpoint.indexOf("\n\n") + 1);
    const line = noteKey("witness.example/w1").cosign(text, 1_767_225_600);
    writeFileSync(join(cosigned, "checkpoint"), `${checkpoint}${line}\n`);
    expect((await goVerify(cosigned, key.vkey)).text).toContain("VERIFIED\n");
    expect((await fsck(cosigned, key.vkey)).verified).toBe(true);
  });

  it("has proofs of its entries that a stranger checks", async () => {
    const source = fileSource(folder);
    for (const size of [1, 257, 600, 65_537, LAST]) {
      const checkpoint = readFileSync(keptAt(size), "utf8");
      for (const index of new Set([0, 5, 256, 258, size - 1].filter((index) => index < size))) {
        const proof = await inclusionProof(source, index, size);
        const extra = index === 5 ? { extra: Buffer.from("extra") } : {};
        const text = makeTlogProof({ index, proof, checkpoint, ...extra });
        expect((await goProof(key.vkey, text, entryAt(index))).text).toContain(`its entry ${index}\nVERIFIED\n`);
        expect((await goProof(key.vkey, text, entryAt(index + 7))).verified).toBe(false);
      }
    }
  });

  it("is taken over by a Tessera, which goes on under the same key; and we read that", async () => {
    const served = await serveFolder(copyAt(600));
    const taken = join(home, "taken");
    await migrate(served.url, taken);
    await served.stop();
    const tessera = await startTessera(taken, key);
    const more = Array.from({ length: 300 }, (_, i) => entryAt(600 + i));
    expect(await tessera.add(more)).toEqual(more.map((_, i) => 600 + i));
    await tessera.stop();
    expect((await goVerify(taken, key.vkey, { since: keptAt(600) })).text).toContain("VERIFIED\n");
    const source = fileSource(taken);
    const checkpoint = openCheckpoint(readFileSync(join(taken, "checkpoint"), "utf8"), vkey);
    expect(checkpoint.size).toBe(900);
    expect((await rootAt(source, 900)).equals(checkpoint.root)).toBe(true);
    let index = 0;
    for await (const { bytes } of readEntries(source, 900)) expect(bytes.equals(entryAt(index++))).toBe(true);
    // It is the log that ours has become: the same entries have the same root.
    expect((await rootAt(fileSource(folder), 900)).equals(checkpoint.root)).toBe(true);
  });
});
