/** What was revoked urgently comes into the next bundle: by the command, from a gateway's own file and from files. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ecdsText, readEcds, writeEcds } from "../../control/gateway/ecds.js";
import { textsIn } from "../../control/gateway/push-texts.js";
import { renderGateway } from "../../control/gateway/render.js";
import { type RenderedFilter, readRenderedFilter } from "../../control/gateway/rendered.js";
import { wasmPath } from "../../control/host/wasm.js";
import { readClaims } from "../../control/trust/bundle.js";
import { type BundleClaims, bundleClaimsSchema } from "../../control/trust/claims.js";
import { configurationText } from "../../control/trust/configuration.js";
import { signRevocations } from "../../control/trust/revocations.js";
import { type Name, Revoking } from "../kit/revoking.js";
import { freePort } from "./run.js";

let party: Revoking;
let filter: RenderedFilter;
const NOW = Math.floor(Date.now() / 1000);

/** A gateway that is down: its own file and its ECDS file are all there is. */
beforeAll(async () => {
  party = await Revoking.make();
  const ecdsPath = join(party.folder, "ecds", "glassgate.json");
  mkdirSync(join(party.folder, "ecds"));
  const { anchors } = party;
  const rendered = renderGateway({ anchors, wasmPath, ecdsPath, nodeId: "away", adminPort: await freePort() });
  writeFileSync(join(party.folder, "gateway.yaml"), rendered);
  filter = readRenderedFilter(rendered, "gateway.yaml");
  writeRoster({});
  await deploy(1);
});
afterAll(() => party.end());

const write = (file: string, text: string): void => writeFileSync(join(party.folder, file), text);
function writeRoster(changes: Partial<BundleClaims>): void {
  const { principals, entitlements: all, revokers } = party.claims(1);
  const entitlements = all.filter(({ drill }) => drill !== true); // Its scope overlaps another's: no roster may say so.
  write("roster.yaml", JSON.stringify({ lifetime: "1d", principals, entitlements, revokers, ...changes }));
}
async function deploy(version: number, revocations: readonly string[] = []): Promise<void> {
  const bundle = await party.bundle(version);
  rmSync(join(party.folder, "ecds.push"), { recursive: true, force: true }); // As if it were another gateway.
  const texts = revocations.length === 0 ? {} : { revocations: [...revocations] };
  writeEcds(
    filter.ecdsPath,
    ecdsText(filter, configurationText(party.anchors, 1, { bundle, ...texts }), undefined, "1"),
  );
}
const text = (by: Name, revoked: BundleClaims["revoked"], version = NOW): Promise<string> =>
  signRevocations({ version, iat: version, aud: "test", revoked: revoked ?? {} }, party.keys[by]);
const next = (): BundleClaims =>
  bundleClaimsSchema.parse(JSON.parse(readFileSync(join(party.folder, "bundle.next"), "utf8")));
const plain = (said: string): string => said.replace(/\s+/g, " ");

it("from the gateway's own file: taken in, told, and named in the floor; signed and pushed, the text is gone", async () => {
  expect(
    (await party.run("revoke", "--incident", "INC-1", "--kid", party.keys.warden.kid, "--key", "guard")).code,
  ).toBe(1);
  const [held = ""] = textsIn(readEcds(readFileSync(filter.ecdsPath, "utf8"))?.configuration);
  const { version } = JSON.parse(Buffer.from(held.split(".")[1] ?? "", "base64url").toString());
  const { code, stderr } = await party.run("bundle", "build", "--gateway", "gateway.yaml");
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(next()).toMatchObject({
    version: 2,
    revoked: { incident: ["INC-1"], kid: [party.keys.warden.kid] },
    texts: { guard: version },
  });
  expect(plain(stderr)).toMatch(
    /Taken in from urgent revocations: every grant that the key .* of warden signed.* \(guard\)/,
  );

  const first = await party.atTerminal("npx glassgate bundle sign --key root-1 --gateway gateway.yaml", ["yes"]);
  expect({ code: first.code, stdout: first.stdout }).toMatchObject({ code: 0 });
  expect(first.stdout).not.toContain("LEAVES OUT");
  const second = await party.atTerminal("npx glassgate bundle sign --key root-2", ["yes"]);
  expect(plain(second.stdout)).toContain("urgent revocations of guard count no more with this bundle");
  const signed = readFileSync(join(party.folder, "bundle.jws"), "utf8").trim();
  expect(readClaims(signed, "bundle.jws").texts).toEqual({ guard: version });
});

it("goes on in the bundles after it, also where the roster does not name it, until it is taken back", async () => {
  const build = await party.run("bundle", "build");
  expect(build.code).toBe(0);
  expect(next()).toMatchObject({ version: 3, revoked: { incident: ["INC-1"] }, texts: { guard: expect.any(Number) } });
  expect(plain(build.stderr)).toContain("Still taken away, as in the bundle in force");
  // The roster says nothing of it, and the signer is not told that the draft is another one than the roster's.
  const sign = await party.atTerminal("npx glassgate bundle sign --key root-1", ["no"]);
  expect(sign.stdout).not.toContain("this draft is NOT what");
  const taken = await party.run("bundle", "build", "--take-back", "incident:INC-1");
  expect(plain(taken.stderr)).toContain("LEFT OUT, and so let through again: every grant for the incident INC-1");
  expect(next().revoked?.incident).toBeUndefined();
  expect(await party.run("bundle", "build", "--take-back", "INC-1")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("INC-1 names nothing that is revoked"),
  });
});

describe("a revoker", () => {
  it("who is demoted keeps what he revoked; his text is named in the floor", async () => {
    await deploy(4, [await text("guard", { incident: ["INC-2"] })]);
    const { principals } = party.claims(1);
    writeRoster({ principals: principals.map((one) => (one.id === "guard" ? { ...one, roles: [] } : one)) });
    const { code } = await party.run("bundle", "build", "--gateway", "gateway.yaml");
    expect(code).toBe(0);
    expect(next()).toMatchObject({ revoked: { incident: ["INC-2"] }, texts: { guard: NOW } });
  });

  it("who is removed, too, under his key's own name", async () => {
    writeRoster({ principals: party.claims(1).principals.filter(({ id }) => id !== "guard") });
    await party.run("bundle", "build", "--gateway", "gateway.yaml");
    expect(next()).toMatchObject({
      revoked: { incident: ["INC-2"] },
      texts: { guard: NOW, [party.keys.guard.kid]: NOW },
    });
  });

  it("gone bad is pushed out with all that he revoked, whatever number he signed with, and each signer is told", async () => {
    const far = NOW + 3_000_000_000;
    const file = await text("guard", { issued_before: [{ at: far }] }, far);
    write("bad.txt", `${file}\n`);
    const honest = await party.run("bundle", "build", "--texts", "bad.txt");
    expect(honest).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("push the signer out: --leave-out guard"),
    });
    const { code, stderr } = await party.run("bundle", "build", "--texts", "bad.txt", "--leave-out", "guard");
    expect(code).toBe(0);
    expect(plain(stderr)).toMatch(/LEFT OUT, and so let through again: EVERY GRANT asked for before/);
    expect(next().revoked).toBeUndefined();
    expect(next().texts).toEqual({ guard: Number.MAX_SAFE_INTEGER, [party.keys.guard.kid]: Number.MAX_SAFE_INTEGER });
    const sign = await party.atTerminal("npx glassgate bundle sign --key root-1 --texts bad.txt", ["no"]);
    expect(plain(sign.stdout)).toContain("this bundle LEAVES OUT what guard revoked urgently: EVERY GRANT");
  });
});

it("a text that is none, of a stranger, or bent, is named and nothing is built", async () => {
  writeRoster({});
  const bent = (await text("guard", { incident: ["INC-9"] })).replace(/.$/, (last) => (last === "A" ? "Q" : "A"));
  for (const [content, words] of [
    ["nonsense", /no signed text of revocations/],
    [await text("rita", {}), /no root's and nobody's in the bundle/],
    [bent, /its signature does not hold/],
  ] as const) {
    write("texts.txt", content);
    const ran = await party.run("bundle", "build", "--texts", "texts.txt");
    expect({ code: ran.code, said: plain(ran.stderr) }).toEqual({ code: 2, said: expect.stringMatching(words) });
  }
});
