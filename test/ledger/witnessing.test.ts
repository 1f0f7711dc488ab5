/** A growing log and its policy's witnesses. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { writeNewTexts } from "../../control/base/files.js";
import { verifyLedger } from "../../control/ledger/audit/verify.js";
import { newLogFiles, openFilesLog } from "../../control/ledger/log/files.js";
import { openLogSigner } from "../../control/ledger/log/key.js";
import type { Log } from "../../control/ledger/log.js";
import { judge, parsePolicy } from "../../control/ledger/policy.js";
import { startWitnessed } from "../../control/ledger/serve/witnessed.js";
import { parseCheckpoint } from "../../control/ledger/tlog/checkpoint.js";
import { parseNote, parseVkey } from "../../control/ledger/tlog/note.js";
import { keepWitnessed, Witnesses } from "../../control/ledger/witnessing.js";
import { startHonestWitness } from "../kit/honest-witness.js";
import { noteKey } from "../kit/note-key.js";
import { checkpointText } from "../reference/merkle.js";

const key = noteKey("ledger.example/eu/2026");
const keys = [noteKey("witness.example/1"), noteKey("witness.example/2"), noteKey("witness.example/3")];
const homes: string[] = [];
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function newLog(): Promise<Log> {
  const home = mkdtempSync(join(tmpdir(), "glassgate-witnessing-"));
  homes.push(home);
  const options = {
    folder: join(home, "log"),
    signer: openLogSigner(key.jwk, key.name),
    signedPath: join(home, "signed"),
  };
  writeNewTexts(newLogFiles(options));
  const log = await openFilesLog(options);
  ends.push(
    () => rmSync(home, { recursive: true }),
    () => log.close(),
  );
  return log;
}

async function policyOf(quorum: string) {
  const witnesses = await Promise.all(keys.map((each) => startHonestWitness(each, key.vkey)));
  for (const { stop } of witnesses) ends.push(stop);
  const lines = keys.map((each, i) => `witness w${i} ${each.witnessVkey} ${witnesses[i]?.url}`);
  const text = [`log ${key.vkey}`, ...lines, `group g ${quorum} w0 w1 w2`, "quorum g", ""].join("\n");
  return { witnesses, text, policy: parsePolicy(Buffer.from(text), "policy") };
}

const grow = (log: Log, size: number) =>
  log.append(Array.from({ length: size - log.size }, (_, i) => Buffer.from(`entry ${log.size + i}`)));

describe("a log that is shown to witnesses", () => {
  it("is cosigned by all, whatever each has seen before", async () => {
    const log = await newLog();
    const { witnesses, policy } = await policyOf("all");
    const asking = new Witnesses(log, policy);
    expect(await asking.ask()).toBeUndefined();
    for (const size of [1, 255, 256, 300]) {
      await grow(log, size);
      const round = await asking.ask();
      expect(round).toMatchObject({ size, isMet: true, wanted: "", failures: [] });
      expect(judge(policy, round?.checkpoint ?? "").cosignatures).toHaveLength(3);
      expect(await asking.ask(size)).toBeUndefined();
    }
    // Somebody who knows nothing of what they saw.
    await grow(log, 301);
    expect(await new Witnesses(log, policy).ask()).toMatchObject({ isMet: true });
    expect(witnesses.map(({ seen }) => seen())).toEqual([301, 301, 301]);
  });

  it("does with those that the policy wants, names who is away, and has all again when he is back", async () => {
    const log = await newLog();
    const { witnesses, policy } = await policyOf("2");
    await grow(log, 5);
    const asking = new Witnesses(log, policy);
    await witnesses[1]?.stop();
    expect(await asking.ask()).toMatchObject({ isMet: true, failures: [{ witness: { name: "w1" } }] });
    await witnesses[0]?.stop();
    const round = await asking.ask();
    expect(round).toMatchObject({ isMet: false, wanted: "1 of w0, w1" });
    expect(parseCheckpoint(round?.checkpoint ?? "").size).toBe(5);
  });

  it("is not cosigned when it is another log under the same key, nor one that lost its end", async () => {
    const [log, other] = [await newLog(), await newLog()];
    const { policy } = await policyOf("all");
    await grow(log, 9);
    expect(await new Witnesses(log, policy).ask()).toMatchObject({ isMet: true });
    await other.append([Buffer.from("another")]);
    const lost = await new Witnesses(other, policy).ask();
    expect(lost).toMatchObject({ isMet: false, wanted: "3 of w0, w1, w2" });
    expect(lost?.failures[0]?.error.message).toContain("has cosigned 9 entries, and this log has 1");
    await grow(other, 12);
    expect((await new Witnesses(other, policy).ask())?.failures[0]?.error.status).toBe(422);
  });

  it("is asked about again and again, placed when it is witnessed, and said once what is wrong", async () => {
    const log = await newLog();
    const { witnesses, policy } = await policyOf("all");
    const placed: number[] = [];
    const said: string[] = [];
    const stop = keepWitnessed(new Witnesses(log, policy), {
      intervalMs: 1,
      place: async (checkpoint) => void placed.push(parseCheckpoint(checkpoint).size),
      say: (line) => said.push(line),
    });
    await grow(log, 3);
    await expect.poll(() => placed, { timeout: 60_000 }).toEqual([3]);
    await witnesses[2]?.stop();
    await grow(log, 4);
    await expect.poll(() => said.length, { timeout: 60_000 }).toBeGreaterThan(0);
    await grow(log, 5);
    await expect.poll(() => said.at(-1), { timeout: 60_000 }).toContain("Not witnessed at 5 entries: it wants w2.");
    await stop();
    expect(new Set(said).size).toBe(said.length);
    expect(placed).toEqual([3]);
  });

  it("is verified under its policy by what stands beside it, also when it has grown since", async () => {
    const log = await newLog();
    const { policy, text } = await policyOf("2");
    const home = homes.at(-1) ?? "";
    const folder = join(home, "log");
    const policyFile = join(home, "policy");
    writeFileSync(policyFile, text);
    const verified = async () => {
      const { steps, problems, witnesses, witnessedSize } = await verifyLedger({
        where: folder,
        key: parseVkey(key.vkey),
        since: [],
        witnesses: ({ text: note }) => {
          const { isMet, cosignatures, wanted } = judge(policy, note);
          if (!isMet) throw new UserError(`it wants ${wanted}`, { exitCode: 1 });
          return cosignatures.map(({ key: { name } }) => name);
        },
        // What lines mean is not this test's.
        rules: { take: () => {}, end: () => [], open: () => [], undecided: () => [], faults: () => [] },
        threads: 1,
        progress: () => {},
      });
      const problem = problems.find(({ step }) => step === "witnesses");
      return { holds: steps.find(({ step }) => step === "witnesses")?.holds, problem, witnesses, witnessedSize };
    };
    await grow(log, 300);
    expect(await verified()).toMatchObject({
      holds: false,
      problem: { file: "checkpoint", says: "it wants 2 of w0, w1, w2" },
    });
    const stop = startWitnessed({ folder, log, policyFile, say: () => {} }, undefined, 1);
    const sizeBeside = (): number => parseCheckpoint(readFileSync(join(folder, "cosigned"), "utf8")).size;
    await expect.poll(() => existsSync(join(folder, "cosigned")) && sizeBeside(), { timeout: 60_000 }).toBe(300);
    await stop();
    await grow(log, 301);
    expect(await verified()).toMatchObject({ holds: true, problem: undefined, witnessedSize: 300 });
    expect((await verified()).witnesses).toHaveLength(3);
    // What they cosigned is another history, of this log's key.
    const entries = Array.from({ length: 300 }, (_, i) => Buffer.from(`another ${i}`));
    const other = key.sign(checkpointText(key.name, entries));
    const lines = keys.map((each) => `${each.cosign(parseNote(other).text, 1_767_225_600)}\n`);
    writeFileSync(join(folder, "cosigned"), other + lines.join(""));
    expect(await verified()).toMatchObject({
      holds: false,
      problem: { file: "cosigned" },
      witnesses: [],
      witnessedSize: undefined,
    });
    writeFileSync(join(folder, "cosigned"), "nothing of the kind\n");
    expect(await verified()).toMatchObject({ holds: false, problem: { file: "cosigned" }, witnesses: [] });
  });

  it("wants a policy that says where the witnesses are", async () => {
    const text = `witness w ${keys[0]?.witnessVkey}\nquorum w\n`;
    const log = await newLog();
    expect(() => new Witnesses(log, parsePolicy(Buffer.from(text), "policy"))).toThrow("no URL of any witness");
    expect(await new Witnesses(log, parsePolicy(Buffer.from("quorum none\n"), "policy")).ask()).toBeUndefined();
  });
});
