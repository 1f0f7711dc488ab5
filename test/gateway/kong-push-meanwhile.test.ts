/** Two pushes, or a push and a revocation, at one Kong at the same time: whatever comes in between, nothing is undone. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { KongAdmin } from "../../control/gateway/kong/admin.js";
import { KongFile } from "../../control/gateway/kong/file.js";
import { type KongPushed, pushKong } from "../../control/gateway/kong/push.js";
import { renderKong } from "../../control/gateway/kong/render.js";
import { bringTextToKong, kongStanding, readKongHeld } from "../../control/gateway/kong/revoke.js";
import { readAnchors } from "../../control/trust/anchors.js";
import { readClaims } from "../../control/trust/bundle.js";
import { signRevocations } from "../../control/trust/revocations.js";
import { FakeKong } from "../kit/fake-kong.js";
import { nowSeconds, Party } from "../kit/party.js";

let party: Party;
let kong: FakeKong;
let file: string;
let number = 0;

beforeAll(async () => {
  party = await Party.make();
});
afterAll(() => party.end());
afterEach(() => kong.close());

type Moment = "looked" | "read" | "writes";
const moments = ["looked", "read", "writes"] as const;

/** An Admin API at which something else happens in between, once. */
class Interrupted extends KongAdmin {
  private isOver = false;

  constructor(
    private readonly moment: Moment,
    private readonly meanwhile: () => Promise<unknown>,
  ) {
    super(kong.url);
  }

  private async happen(moment: Moment): Promise<void> {
    if (moment !== this.moment || this.isOver) return;
    this.isOver = true;
    await this.meanwhile();
  }

  override async info(): ReturnType<KongAdmin["info"]> {
    const info = await super.info();
    await this.happen("looked");
    return info;
  }

  override async exported(): Promise<string> {
    const text = await super.exported();
    await this.happen("read");
    return text;
  }

  override async chain(name: string): ReturnType<KongAdmin["chain"]> {
    const chain = await super.chain(name);
    await this.happen("read");
    return chain;
  }

  override async load(config: string): Promise<void> {
    await this.happen("writes");
    return super.load(config);
  }

  override async patchChain(...args: Parameters<KongAdmin["patchChain"]>): Promise<void> {
    await this.happen("writes");
    return super.patchChain(...args);
  }
}

const bundleText = (): string => readFileSync(join(party.folder, "bundle.jws"), "utf8").trim();

async function push(
  admin = new KongAdmin(kong.url),
  bundle = bundleText(),
  path = file,
): Promise<KongPushed["outcome"]> {
  const { nodes } = await pushKong({
    file: path,
    admins: [admin],
    anchors: readAnchors(join(party.folder, "anchors.json")),
    bundle: { text: bundle, version: readClaims(bundle, "the bundle").version },
    timeoutMs: 300,
    courtesyMs: 50,
  });
  const [node] = nodes;
  if (node === undefined) throw new Error("no outcome");
  return node.outcome;
}

/** What anna signs takes away the incident. */
async function revoke(
  incident: string,
  { admin = new KongAdmin(kong.url), path = file, who = "anna" as "anna" | "alex" } = {},
) {
  const held = await readKongHeld(path);
  if (held === undefined) throw new Error("nothing held");
  const now = nowSeconds();
  const claims = { version: now, iat: now, aud: ["production"], revoked: { incident: [incident] } };
  const outcome = await bringTextToKong(path, [admin], held, await signRevocations(claims, party.keys[who]));
  return outcome;
}

const count = (): number => [kong.configuration.revocations ?? []].flat().length;
const inFile = (): number =>
  [KongFile.read(readFileSync(file, "utf8"), file).deployed[0]?.configuration.revocations ?? []].flat().length;

describe.each(["off", "postgres"] as const)("with database %s", (database) => {
  async function start(): Promise<void> {
    kong = new FakeKong(database);
    await kong.listen();
    file = join(party.folder, `kong-${++number}.yaml`);
    const { text } = renderKong({
      anchors: readAnchors(join(party.folder, "anchors.json")),
      host: "api.example.com",
      upstream: { host: "api.internal", port: 8080 },
      port: kong.proxyPort,
    });
    writeFileSync(file, text, { mode: 0o600 });
    kong.boot(text);
    await party.pin({ revokers: ["security", "lead"] });
    expect(await push()).toMatchObject({ kind: "stored" });
  }

  it.each(moments)("a push that has %s undoes no revocation that comes then", async (moment) => {
    await start();
    const admin = new Interrupted(moment, () => revoke("INC-1"));
    expect(await push(admin)).toMatchObject({ kind: "stored" });
    expect([count(), inFile()]).toEqual([1, 1]);
    const { header } = KongFile.read(readFileSync(file, "utf8"), file);
    expect(kong.configuration.upstream_header).toEqual(header);
    expect(kong.keys).toContain(header.value);
  });

  it("a push undoes no revocation that another machine, with a file of its own, has brought since it looked", async () => {
    await start();
    const other = join(party.folder, `other-${number}.yaml`);
    writeFileSync(other, readFileSync(file, "utf8"), { mode: 0o600 });
    expect(await push(new Interrupted("read", () => revoke("INC-2", { path: other })))).toMatchObject({
      kind: "stored",
    });
    expect([count(), inFile()]).toEqual([1, 1]);
  });

  it.each(moments)("a revocation that has %s is refused for no push that comes then", async (moment) => {
    await start();
    const outcome = await revoke("INC-3", { admin: new Interrupted(moment, () => push()) });
    expect(outcome).toMatchObject({ kind: "stored" });
    expect([count(), inFile()]).toEqual([1, 1]);
  });

  it.each(moments)("two revocations at once are both in force (%s)", async (moment) => {
    await start();
    const outcome = await revoke("INC-4", { admin: new Interrupted(moment, () => revoke("INC-5", { who: "alex" })) });
    expect(outcome).toMatchObject({ kind: "stored" });
    expect([count(), inFile()]).toEqual([2, 2]);
  });

  it("a push that a newer one overtakes puts the newer one back, and says so", async () => {
    await start();
    const old = bundleText();
    await party.pin({ revokers: ["security", "lead"] });
    const outcome = await push(new Interrupted("writes", () => push()), old);
    expect(outcome).toMatchObject({
      kind: "refused",
      error: { message: expect.stringMatching(/overtaken by version/) },
    });
    expect(kong.configuration.bundle).toBe(bundleText());
  });

  it("is not said to stand as the file has it where Kong holds less", async () => {
    await start();
    const admins = [new KongAdmin(kong.url)];
    expect(await kongStanding(file, admins)).toMatch(/^stored as the file has it/);
    const whole = structuredClone(kong.rows);
    for (const spoil of [
      { enabled: false },
      { filters: [{ name: "glassgate", config: { ...kong.configuration, bundle: undefined } }] },
      { filters: [{ name: "glassgate", config: { ...kong.configuration, min_version: 1 } }] },
    ]) {
      kong.rows = structuredClone(whole);
      Object.assign(kong.rows.filter_chains?.[0] ?? {}, spoil);
      expect(await kongStanding(file, admins)).toMatch(/^NO: /);
    }
  });
});
