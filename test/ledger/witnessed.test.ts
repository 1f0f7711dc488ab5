/** What witnesses cosigned: what `verify` makes of it, and the proof of an entry that carries their lines. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { inside } from "../cli/inside.js";
import type { Ran } from "../cli/run.js";
import { checkpointOf, cosign, entry, filesOf, records, testKey, witnessKey, writeLog } from "./make-log.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-witnessed-"));
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(base, { recursive: true, force: true });
});

const key = testKey("ledger.example.com/eu/2026-11");
const witness = testKey("witness.example", 21);
const entries = records(300).map((line) => entry(line));
const file = (name: string, text: string): string => {
  writeFileSync(join(base, name), text);
  return join(base, name);
};
const policyOf = (...lines: string[]): string => `${[`log ${key.vkey}`, ...lines, "quorum w"].join("\n")}\n`;
const policy = file("w.policy", policyOf(`witness w ${witnessKey(witness)}`));
const TIME = 1_764_178_200;
const cosignedAt = (size: number, of = entries): Buffer =>
  Buffer.from(cosign(checkpointOf(of.slice(0, size), key), witness, TIME));
const logOf = (size: number, cosigned?: Buffer): Map<string, Buffer> =>
  new Map([...filesOf(entries.slice(0, size), key), ...(cosigned ? ([["cosigned", cosigned]] as const) : [])]);

let serial = 0;
function folderOf(files: ReadonlyMap<string, Buffer>): string {
  const folder = join(base, `log-${serial++}`);
  writeLog(folder, files);
  return folder;
}

async function serve(read: (path: string) => Buffer | undefined): Promise<string> {
  const server = createServer((request, response) => {
    const bytes = read((request.url ?? "").slice(1));
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const verify = (where: string, by = policy): Promise<Ran> =>
  inside(["ledger", "verify", where, "--key", key.vkey, "--policy", by, "--threads", "1"], { cwd: base });

describe("verify with a policy", () => {
  it("is not misled by a log that goes on, and is cosigned, while it is read", async () => {
    let isLater = false;
    const [now, later] = [logOf(280, cosignedAt(270)), logOf(300, cosignedAt(299))];
    const url = await serve((path) => {
      const bytes = (isLater ? later : now).get(path) ?? now.get(path);
      isLater ||= path === "checkpoint";
      return bytes;
    });
    const { code, stdout } = await verify(url);
    expect(stdout).toMatch(/witness\.example \(.*\) saw this same history, up to size 270\./);
    expect(code).toBe(0);
  });

  it("says of which entries nobody witnessed anything", async () => {
    const { code, stdout } = await verify(folderOf(logOf(300, cosignedAt(1))));
    expect(code).toBe(0);
    expect(stdout).toContain("that they saw entries 1 to 299: what they cosigned last is older");
    const none = await verify(folderOf(logOf(300, cosignedAt(0))));
    expect(none.stdout).not.toContain("saw this same history");
    expect(none.stdout).toContain("that everybody was shown this one history: --policy FILE asks witnesses");
  });

  it("finds a cosigned tree that is larger than the log, or another", async () => {
    const cut = await verify(folderOf(logOf(280, cosignedAt(300))));
    expect(cut.code).toBe(1);
    expect(cut.stdout).toContain("300 entries were there and were signed; now there are 280: the tail was cut off");
    const other = [entry("another"), ...entries.slice(1)];
    const forged = await verify(folderOf(logOf(300, cosignedAt(200, other))));
    expect(forged.code).toBe(1);
    expect(forged.stdout).toContain("Wrong: cosigned: entries 0 to 199 are not what was signed then");
  });

  it("does not take the log's own key for a witness", async () => {
    const own = policyOf(`witness w ${witnessKey(key)}`);
    const named = await verify(folderOf(logOf(3)), file("own.policy", own));
    expect(named.code).toBe(2);
    expect(named.stderr).toContain("once more");
    const without = own.split("\n").slice(1).join("\n");
    const unnamed = await verify(folderOf(logOf(3)), file("unnamed.policy", without));
    expect(unnamed.code).toBe(2);
    expect(unnamed.stderr).toContain("has the log's own key");
  });
});

describe("the proof of an entry", () => {
  const run = (cwd: string, ...args: string[]): Promise<Ran> =>
    inside(["ledger", "prove", ...args, "--key", key.vkey], { cwd });

  function newFolder(): string {
    const cwd = join(base, `cwd-${serial++}`);
    mkdirSync(cwd);
    return cwd;
  }

  it.each([
    ["from a folder", (files: Map<string, Buffer>) => folderOf(files)],
    ["from an address", (files: Map<string, Buffer>) => serve((path) => files.get(path))],
  ])("has the witnesses' lines where they cosigned a tree with it, and the policy judges them: %s", async (_, make) => {
    const cwd = newFolder();
    // No partial tile of the cosigned size is there any more.
    const log = await make(logOf(300, cosignedAt(290)));
    for (const index of ["0", "260", "289"]) {
      const made = await run(cwd, log, index, "--out", `p${index}.tlog-proof`);
      expect(made, made.stderr).toMatchObject({ code: 0 });
      expect(made.stderr).toContain("under the checkpoint of 290 entries, with the witnesses' lines");
      const proof = readFileSync(join(cwd, `p${index}.tlog-proof`), "utf8");
      expect(proof.endsWith(cosignedAt(290).toString())).toBe(true);
      const check = ["--check", `p${index}.tlog-proof`, `p${index}.entry`];
      const judged = await run(cwd, ...check, "--policy", policy);
      expect(judged, judged.stderr).toMatchObject({ code: 0 });
      expect(judged.stdout).toMatch(
        new RegExp(
          `is entry ${index} of .*tree of 290, which witness\\.example \\(.*\\) cosigned, as the policy demands`,
        ),
      );
      expect((await run(cwd, ...check)).stdout).not.toContain("cosigned");
      const json = await run(cwd, ...check, "--policy", policy, "--json");
      expect(JSON.parse(json.stdout)).toMatchObject({
        holds: true,
        size: 290,
        witnesses: [expect.stringContaining("witness.example")],
      });
    }
    const late = await run(cwd, log, "290", "--out", "late.tlog-proof");
    expect(late.stderr).toContain("under the checkpoint of 300 entries. Check one");
    const judged = await run(cwd, "--check", "late.tlog-proof", "late.entry", "--policy", policy);
    expect(judged.code).toBe(1);
    expect(judged.stderr).toContain("The policy's witnesses have not all cosigned it: it wants w");
  });

  it("does not pass under a policy with a line that was taken from elsewhere, or changed", async () => {
    const cwd = newFolder();
    await run(cwd, folderOf(logOf(300, cosignedAt(290))), "5", "--out", "p.tlog-proof");
    const proof = readFileSync(join(cwd, "p.tlog-proof"), "utf8");
    const other = cosignedAt(291).toString().trimEnd().split("\n").at(-1) ?? "";
    writeFileSync(join(cwd, "p.tlog-proof"), [...proof.trimEnd().split("\n").slice(0, -1), other, ""].join("\n"));
    const { code, stderr } = await run(cwd, "--check", "p.tlog-proof", "p.entry", "--policy", policy);
    expect(code).toBe(1);
    expect(stderr).toContain("The cosignature of witness.example does not verify");
  });

  it("is not made under what witnesses cosigned of another history, or what is no checkpoint", async () => {
    const cwd = newFolder();
    const other = [entry("another"), ...entries.slice(1)];
    const forged = await run(cwd, folderOf(logOf(300, cosignedAt(290, other))), "5");
    expect(forged.code).toBe(1);
    expect(forged.stderr).toContain("does not prove its entry 5");
    const none = await run(cwd, folderOf(logOf(300, Buffer.from("nothing"))), "5");
    expect(none.code).toBe(1);
    expect(none.stderr).toContain("cosigned: This is no signed note");
    // Of a larger tree than is here: of that nothing can be proved.
    const ahead = await run(cwd, folderOf(logOf(280, cosignedAt(300))), "5");
    expect(ahead.stderr).toContain("under the checkpoint of 280 entries. Check one");
  });

  it("is judged only where it is checked", async () => {
    const { code, stderr } = await run(newFolder(), folderOf(logOf(3)), "0", "--policy", policy);
    expect(code).toBe(2);
    expect(stderr).toContain("it goes with --check");
  });
});
