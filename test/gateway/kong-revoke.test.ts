/** Revoking at Kongs when things go wrong: one hangs, one is down, another machine was there before, the disk is full. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { KongAdmin } from "../../control/gateway/kong/admin.js";
import { KongFile } from "../../control/gateway/kong/file.js";
import { renderKong } from "../../control/gateway/kong/render.js";
import { bringTextToKong, kongClock, readKongHeld } from "../../control/gateway/kong/revoke.js";
import { readAnchors } from "../../control/trust/anchors.js";
import { signRevocations } from "../../control/trust/revocations.js";
import { shell } from "../cli/run.js";
import { FakeKong } from "../kit/fake-kong.js";
import { nowSeconds, Party } from "../kit/party.js";

let party: Party;
let kong: FakeKong;
let file: string;
let number = 0;

beforeAll(async () => {
  party = await Party.make();
  await party.pin({ revokers: ["security"] });
});
afterAll(() => party.end());

const inFile = (): unknown[] =>
  [KongFile.read(readFileSync(file, "utf8"), file).deployed[0]?.configuration.revocations ?? []].flat();
const args = (...more: string[]): string[] => ["--gateway", basename(file), "--kong", kong.url, ...more];

async function filled(database: "off" | "postgres"): Promise<FakeKong> {
  const one = new FakeKong(database);
  await one.listen();
  one.boot(readFileSync(file, "utf8"));
  return one;
}

beforeEach(async () => {
  file = join(party.folder, `kong-${++number}.yaml`);
  const { text } = renderKong({
    anchors: readAnchors(join(party.folder, "anchors.json")),
    host: "api.example.com",
    upstream: { host: "api.internal", port: 8080 },
    port: 8000,
  });
  writeFileSync(file, text, { mode: 0o600 });
  kong = await filled("off");
  const { code, stderr } = await party.run(["push", ...args()]);
  expect(code, stderr).toBe(0);
});
afterEach(() => kong.close());

/** Of an Admin API that hangs until the other has been asked. */
class Hanging extends KongAdmin {
  static release = (): void => {};
  private static readonly other = new Promise<void>((resolve) => {
    Hanging.release = resolve;
  });

  override async info(): ReturnType<KongAdmin["info"]> {
    await Hanging.other;
    throw new UserError("It has not answered.");
  }
}

class Watched extends KongAdmin {
  override async info(): ReturnType<KongAdmin["info"]> {
    Hanging.release();
    return super.info();
  }
}

it("waits at none for another that hangs, and names both", async () => {
  const held = await readKongHeld(file);
  if (held === undefined) throw new Error("nothing held");
  const now = nowSeconds();
  const claims = { version: now, iat: now, aud: ["production"], revoked: { incident: ["INC-1"] } };
  const text = await signRevocations(claims, party.keys.anna);
  const admins = [new Hanging("http://127.0.0.1:9"), new Watched(kong.url)];
  const outcome = await bringTextToKong(file, admins, held, text);
  expect(outcome).toMatchObject({ kind: "refused", why: expect.stringContaining(`It is stored at ${kong.url}.`) });
  expect(kong.configuration.revocations).toEqual([text]);
});

it("knows the clock of each that tells, whoever is down", async () => {
  const clock = await kongClock([new KongAdmin("http://127.0.0.1:9"), new KongAdmin(kong.url)]);
  expect(clock).toBeGreaterThan(nowSeconds() - 60);
  expect(await kongClock([new KongAdmin("http://127.0.0.1:9")])).toBeUndefined();
});

it("joins what the same person has brought there from another machine", async () => {
  const before = readFileSync(file, "utf8");
  const first = await party.run(["revoke", "--incident", "INC-1", "--key", "anna", ...args()]);
  expect(first.code, first.stderr).toBe(0);
  writeFileSync(file, before);
  const list = await party.run(["revoke", "--list", ...args()]);
  expect(list.stdout).toMatch(/NO: .* holds another configuration.*INC-1/s);
  const second = await party.run(["revoke", "--incident", "INC-2", "--key", "anna", "--json", ...args()]);
  expect(second.code, second.stderr).toBe(0);
  expect(JSON.parse(second.stdout).revoked.incident).toEqual(["INC-1", "INC-2"]);
  expect(kong.configuration.revocations).toEqual(inFile());
});

it("reaches Kong when the file cannot be written, and says what a start from it would undo", async () => {
  const line = `ulimit -f 1; npx glassgate revoke --incident INC-1 --key anna ${args().join(" ")}`;
  const { code, stdout, stderr } = await shell(line, { cwd: party.folder, env: party.env });
  expect(code, stderr).toBe(1);
  expect(kong.configuration.revocations).toHaveLength(1);
  expect(inFile()).toHaveLength(0);
  expect(stdout).toMatch(
    /REFUSED: It is stored at .* It is not in kong-\d+\.yaml, and a Kong that starts from there lets in again what it takes away: Cannot write/,
  );
  // With room again the same command finishes it.
  const again = await party.run(["revoke", "--incident", "INC-1", "--key", "anna", ...args()]);
  expect(again.code, again.stderr).toBe(0);
  expect(inFile()).toEqual(kong.configuration.revocations);
});

it("leaves no lock behind on a full disk, for which everybody would wait", async () => {
  const before = readFileSync(file, "utf8");
  const line = `ulimit -f 0; npx glassgate push ${args().join(" ")}`;
  const { code, stderr } = await shell(line, { cwd: party.folder, env: party.env });
  expect(code).toBe(2);
  expect(stderr).toMatch(/Cannot write/);
  expect(existsSync(`${file}.lock`)).toBe(false);
  expect(readFileSync(file, "utf8")).toBe(before);
});

it("promises no more of a start than a Kong takes from the file", async () => {
  const { stdout } = await party.run([
    "revoke",
    "--incident",
    "INC-1",
    "--key",
    "anna",
    ...args("--kong", "http://127.0.0.1:9"),
  ]);
  expect(stdout).toMatch(
    /NOT SEEN: .*127\.0\.0\.1:9.* It is stored at .* a Kong without database has it when it starts from there/i,
  );
});
