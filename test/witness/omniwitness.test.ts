/** A witness of others' making over a growing log: it cosigns what continues, and nothing else. `npm run test:witness`. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeNewTexts } from "../../control/base/files.js";
import { newLogFiles, openFilesLog } from "../../control/ledger/log/files.js";
import { openLogSigner } from "../../control/ledger/log/key.js";
import { judge, parsePolicy } from "../../control/ledger/policy.js";
import { parseVkey } from "../../control/ledger/tlog/note.js";
import { consistencyProof } from "../../control/ledger/tlog/proof.js";
import { addCheckpoint, cosign, WitnessError } from "../../control/ledger/witness.js";
import { fsck, goVerify } from "../kit/go.js";
import { noteKey } from "../kit/note-key.js";
import { startWitness, type Witness, witnessMissing } from "../kit/omniwitness.js";
import { checkpointText, consistencyPath } from "../reference/merkle.js";

const log = noteKey("ledger.example/eu/2026");
const operator = noteKey("witness.example/w1");
const key = parseVkey(operator.witnessVkey);
const entries: readonly Buffer[] = Array.from({ length: 400 }, (_, i) => Buffer.from(`entry ${i}`));
const at = (size: number, all = entries): readonly Buffer[] => all.slice(0, size);

const witnessedAt = (size: number, all = entries) => ({
  size,
  checkpoint: log.sign(checkpointText(log.name, at(size, all))),
  prove: async (old: number) => consistencyPath(old, at(size, all)),
});

const name = witnessMissing === undefined ? "omniwitness" : `omniwitness (skipped: ${witnessMissing})`;
describe.skipIf(witnessMissing !== undefined)(name, () => {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-omniwitness-"));
  let witness: Witness;
  beforeAll(async () => {
    witness = await startWitness(folder, log.vkey, operator);
  });
  afterAll(async () => {
    await witness?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("cosigns a log as it grows, whatever size the log takes it to know, and again after its restart", async () => {
    const place = { url: witness.url, key };
    for (const [size, known] of [
      [1, 0],
      [1, 1],
      [256, 1],
      [257, 0],
      [300, 299],
    ] as const) {
      const before = Math.floor(Date.now() / 1000);
      const { time, line } = await cosign(place, witnessedAt(size), known);
      expect(time).toBeGreaterThanOrEqual(before);
      const checkpoint = `${witnessedAt(size).checkpoint}${line}\n`;
      const policy = `log ${log.vkey}\nwitness w1 ${operator.witnessVkey} ${witness.url}\nquorum w1\n`;
      expect(judge(parsePolicy(Buffer.from(policy), "policy"), checkpoint)).toMatchObject({ isMet: true });
    }
    await witness.stop();
    witness = await startWitness(folder, log.vkey, operator);
    await cosign({ url: witness.url, key }, witnessedAt(400), 300);
  });

  it("cosigns our log, over proofs from its tiles, and Go verifies the cosigned checkpoint", async () => {
    const ours = mkdtempSync(join(tmpdir(), "glassgate-witnessed-"));
    const options = {
      folder: join(ours, "log"),
      signer: openLogSigner(log.jwk, log.name),
      signedPath: join(ours, "signed"),
    };
    writeNewTexts(newLogFiles(options));
    const ledger = await openFilesLog(options);
    const own = await startWitness(ours, log.vkey, operator);
    let cosigned = 0;
    for (const size of [1, 7, 256, 300, 1000]) {
      await ledger.append(
        Array.from({ length: size - ledger.size }, (_, i) => Buffer.from(`entry ${ledger.size + i}`)),
      );
      const checkpoint = readFileSync(join(options.folder, "checkpoint"), "utf8");
      const prove = (old: number): Promise<Buffer[]> => consistencyProof(ledger, old, size);
      const { line } = await cosign({ url: own.url, key }, { size, checkpoint, prove }, cosigned);
      cosigned = size;
      writeFileSync(join(ours, "checkpoint"), `${checkpoint}${line}\n`);
    }
    await own.stop();
    await ledger.close();
    cpSync(join(ours, "checkpoint"), join(options.folder, "checkpoint"));
    expect((await goVerify(options.folder, log.vkey)).text).toContain("size 1000");
    expect((await fsck(options.folder, log.vkey)).verified).toBe(true);
    rmSync(ours, { recursive: true });
  });

  it("names the size that it cosigned last", async () => {
    expect(await addCheckpoint(witness.url, 7, [], witnessedAt(400).checkpoint)).toEqual({ size: 400 });
  });

  it("does not cosign a smaller tree, another one of the same size, one that was rebuilt, or another log", async () => {
    const place = { url: witness.url, key };
    await expect(cosign(place, witnessedAt(399))).rejects.toThrow("has cosigned 400 entries, and this log has 399");
    const rebuilt = [...at(100), Buffer.from("another"), ...entries.slice(101), Buffer.from("more")];
    for (const size of [400, 401])
      await expect(cosign(place, witnessedAt(size, rebuilt), 400)).rejects.toMatchObject({ status: 422 });
    const stranger = noteKey("ledger.example/us/2026");
    const strange = { ...witnessedAt(1), checkpoint: stranger.sign(checkpointText(stranger.name, at(1))) };
    // The specification's answers are 404 and 403; this version has 500 for both.
    await expect(cosign(place, strange)).rejects.toMatchObject({ status: expect.toBeOneOf([404, 500]) });
    const forged = { ...witnessedAt(400), checkpoint: noteKey(log.name).sign(checkpointText(log.name, at(400))) };
    await expect(cosign(place, forged, 400)).rejects.toMatchObject({ status: expect.toBeOneOf([403, 500]) });
    const other = parseVkey(noteKey(operator.name).witnessVkey);
    await expect(cosign({ url: witness.url, key: other }, witnessedAt(400), 400)).rejects.toThrow(WitnessError);
  });
});
