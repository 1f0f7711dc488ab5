/** Urgent revocations and pushes on a real Envoy: whoever is stopped or killed, and when, none of them is lost. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ecdsText, readEcds, writeEcds } from "../../control/gateway/ecds.js";
import { readHeld } from "../../control/gateway/held.js";
import { type PushOptions, type PushStep, push } from "../../control/gateway/push.js";
import { PushFiles } from "../../control/gateway/push-files.js";
import { textsIn } from "../../control/gateway/push-texts.js";
import { bringText } from "../../control/gateway/revoke.js";
import { wasmPath } from "../../control/host/wasm.js";
import { configurationText } from "../../control/trust/configuration.js";
import { signRevocations } from "../../control/trust/revocations.js";
import { quickMain } from "../cli/run.js";
import type { TestEnvoy } from "../kit/envoy.js";
import { type Name, Revoking, verdict } from "../kit/revoking.js";
import type { Json } from "../kit/world.js";

let party: Revoking;
let test: TestEnvoy;
let wasmFolder: string;
let version = 100;
let serial = Math.floor(Date.now() / 1000) - 100_000;

beforeAll(async () => {
  party = await Revoking.make();
  wasmFolder = mkdtempSync(join(tmpdir(), "glassgate-texts-"));
  copyFileSync(wasmPath, join(wasmFolder, "glassgate.wasm"));
  test = await party.gateway("gateway", { render: { wasmPath: join(wasmFolder, "glassgate.wasm") } });
});
afterAll(async () => {
  await party.end();
  rmSync(wasmFolder, { recursive: true, force: true });
});

const texts = (): string[] => textsIn(readEcds(readFileSync(test.filter.ecdsPath, "utf8"))?.configuration);
const deployedVersion = (): number | undefined => readEcds(readFileSync(test.filter.ecdsPath, "utf8"))?.bundle?.version;
const target = async (number: number, changes: Json = {}): Promise<PushOptions> => ({
  filter: test.filter,
  anchors: party.anchors,
  admin: test.envoy.admin,
  bundle: { text: await party.bundle(number, changes), version: number },
  courtesyMs: 50,
});
/** Takes the tickets away; a later text of the same signer replaces it. */
function text(by: Name, incidents: readonly string[]): Promise<string> {
  serial += 1;
  return signRevocations(
    { version: serial, iat: serial, aud: "test", revoked: { incident: [...incidents] } },
    party.keys[by],
  );
}
async function bring(one: string): Promise<void> {
  const held = await readHeld(test.filter);
  if (held === undefined) throw new Error("no configuration");
  expect(await bringText({ filter: test.filter, admin: test.envoy.admin, held }, one)).toMatchObject({
    kind: "applied",
  });
}
const asked = (incident: string): Promise<string> => verdict(test.port, party.world.alone({ claims: { incident } }));

/** Resolves when a push gets to that step, and never lets it go on: as SIGKILL would. */
function killAt(options: PushOptions, at: PushStep, before: Partial<Record<PushStep, () => void>> = {}): Promise<void> {
  return new Promise((resolve) => {
    const step = (name: PushStep): Promise<void> | void => {
      before[name]?.();
      if (name !== at) return undefined;
      resolve();
      return new Promise(() => {});
    };
    void push({ ...options, step });
  });
}
/** The command in a process of its own, this one standing still meanwhile. */
const commandRevokes = (incident: string): string =>
  execFileSync(process.execPath, [quickMain, "revoke", "--incident", incident, "--key", "guard"], {
    cwd: party.folder,
    env: { ...process.env, ...party.env },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

beforeEach(async () => {
  version += 10;
  // A floor above all of them: each test begins with nothing revoked.
  const signers = ["guard", "warden", ...party.anchors.roots.map(({ kid }) => kid)];
  if (version > 110)
    await push(await target(version, { texts: Object.fromEntries(signers.map((name) => [name, serial])) }));
  else await push(await target(version));
  expect(texts()).toEqual([]);
});

it("a push keeps the texts that it finds, and removes those at the floor of its bundle", async () => {
  await bring(await text("guard", ["INC-1"]));
  await bring(await text("warden", ["INC-2"]));
  await push(await target(version + 1));
  expect(texts()).toHaveLength(2);
  expect([await asked("INC-1"), await asked("INC-2"), await asked("INC-3")]).toEqual(["revoked", "revoked", "allow"]);
  await push(await target(version + 2, { texts: { guard: serial }, revoked: { incident: ["INC-1"] } }));
  expect(texts()).toHaveLength(1);
  expect([await asked("INC-1"), await asked("INC-2")]).toEqual(["revoked", "revoked"]);
  // Nor does the record bring it in again.
  await push(await target(version + 3, { texts: { guard: serial } }));
  expect(texts()).toHaveLength(1);
  expect(await asked("INC-1")).toBe("allow");
});

describe("a bundle under which a text in force cannot be used", () => {
  it.each([
    ["a revoker demoted", { revokers: undefined }],
    ["a revoker removed", { principals: undefined }],
  ])("%s: refused before anything is written, with what to do", async (_, changes) => {
    await bring(await text("guard", ["INC-1"]));
    const before = readFileSync(test.filter.ecdsPath, "utf8");
    const principals = party.claims(1).principals.filter(({ id }) => id !== "guard");
    const bent = "principals" in changes ? { principals } : changes;
    await expect(push(await target(version + 1, bent))).rejects.toMatchObject({
      outcome: "refused",
      message: expect.stringMatching(/has revocations in force that cannot be used beside bundle \d+: version \d+ of /),
      hint: expect.stringContaining("glassgate bundle build --gateway FILE"),
    });
    expect(readFileSync(test.filter.ecdsPath, "utf8")).toBe(before);
    const floor = { guard: serial, [party.keys.guard.kid]: serial };
    await push(await target(version + 2, { ...bent, revoked: { incident: ["INC-1"] }, texts: floor }));
    expect(texts()).toEqual([]);
    expect(await asked("INC-1")).toBe("revoked");
  });
});

describe("a push that is stopped in the very moment of its rename, while somebody revokes", () => {
  it("puts the revocation back into its file", async () => {
    let said = "";
    const step = (name: PushStep): void => {
      if (name === "writing" && said === "") said = commandRevokes("INC-1");
    };
    await push({ ...(await target(version + 1)), step });
    expect(said).toContain("applied at");
    expect([deployedVersion(), texts().length, await asked("INC-1")]).toEqual([version + 1, 1, "revoked"]);
    serial = Math.floor(Date.now() / 1000) + 10;
  });

  it("and is killed right after it: the gateway remembers, and any later push puts it back", async () => {
    let said = "";
    await killAt(await target(version + 1), "written", {
      writing: () => {
        said ||= commandRevokes("INC-1");
      },
    });
    expect(said).toContain("applied at");
    expect(texts()).toEqual([]);
    expect(await asked("INC-1")).toBe("revoked");
    await push(await target(version + 1));
    expect(texts()).toHaveLength(1);
    serial = Math.floor(Date.now() / 1000) + 10;
  });
});

describe("a revocation that was killed", () => {
  for (const at of ["looked", "ready", "written", "served", "kept"] as const) {
    it(`at "${at}" is finished by the next push, whichever it is`, async () => {
      const held = await readHeld(test.filter);
      if (held?.bundle === undefined) throw new Error("no bundle");
      await killAt({ ...(await target(version)), bundle: held.bundle, text: await text("guard", ["INC-1"]) }, at);
      await push(await target(version + 1));
      expect([deployedVersion(), texts().length, await asked("INC-1")]).toEqual([version + 1, 1, "revoked"]);
    });
  }
});

it("a revocation while a push is under way: neither undoes the other", async () => {
  const revoked = text("guard", ["INC-1"]).then(bring);
  const pushed = target(version + 1).then(push);
  await Promise.all([revoked, pushed]);
  expect([deployedVersion(), texts().length, await asked("INC-1")]).toEqual([version + 1, 1, "revoked"]);
});

it("what is put back for a bundle that the gateway refused holds what was revoked meanwhile", async () => {
  const one = await text("guard", ["INC-1"]);
  const file = join(wasmFolder, "glassgate.wasm");
  rmSync(file);
  const step = (name: PushStep): void => {
    if (name === "restoring") new PushFiles(test.filter.ecdsPath, party.anchors, { text: one }).enterText();
  };
  await expect(push({ ...(await target(version + 1)), configuration: { leeway: 7 }, step })).rejects.toMatchObject({
    outcome: "refused",
  });
  copyFileSync(wasmPath, file);
  expect([deployedVersion(), texts()]).toEqual([version, [one]]);
});

it("a bundle that another push brought meanwhile stays where the gateway refuses the text", async () => {
  const [one, newer] = [await text("guard", ["INC-1"]), await party.bundle(version + 1)];
  const file = join(wasmFolder, "glassgate.wasm");
  rmSync(file);
  const step = (name: PushStep): void => {
    if (name !== "restoring") return;
    copyFileSync(wasmPath, file);
    const generation = Date.now() + 5;
    const beside = configurationText(party.anchors, generation, {
      bundle: newer,
      min_version: version + 1,
      revocations: [one],
    });
    writeEcds(test.filter.ecdsPath, ecdsText(test.filter, beside, undefined, String(generation)));
  };
  const held = { ...(await target(version)), text: one, step };
  await push({ ...held, bundle: (await readHeld(test.filter))?.bundle ?? held.bundle }).catch(() => {});
  expect(deployedVersion()).toBe(version + 1);
});

it("is never refused for time: the gateway's bundle has expired", async () => {
  const now = Math.floor(Date.now() / 1000);
  const bundle = await party.bundle(version + 1, { iat: now - 7200, exp: now - 3600 });
  test.offer(configurationText(party.anchors, Date.now(), { bundle, min_version: version + 1 }));
  await bring(await text("guard", ["INC-1"]));
  expect(texts()).toHaveLength(1);
  // And the push of a bundle that holds again keeps it.
  await push(await target(version + 2));
  expect([texts().length, await asked("INC-1")]).toEqual([1, "revoked"]);
});

it("a lock that is held is waited for a moment only, and left to its holder", async () => {
  const lock = `${test.filter.ecdsPath}.lock`;
  execFileSync("sh", ["-c", `echo "pid 1 on elsewhere abc" > ${lock}`]);
  await bring(await text("guard", ["INC-1"]));
  expect(readFileSync(lock, "utf8")).toContain("elsewhere");
  rmSync(lock);
});
