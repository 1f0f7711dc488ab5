/** Several root holders, one folder, real clocks: no signature is lost without a word, and nothing is signed unread. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newKey, publicPart } from "../../control/signer/jwk.js";
import { readAnchors } from "../../control/trust/anchors.js";
import { signFirst, signFurther, verifyBundle } from "../../control/trust/bundle.js";
import { makeProject, type Project } from "./project.js";
import { atTerminal, glassgate, type Ran } from "./run.js";

let project: Project;
let env: Record<string, string>;
let first = "";
const path = (name: string): string => join(project.folder, name);
const read = (name: string): string => readFileSync(path(name), "utf8");
const run = (...args: string[]): Promise<Ran> => glassgate(args, { cwd: project.folder, env });
const sign = (key: string): Promise<Ran> =>
  atTerminal(`npx glassgate bundle sign --key ${key}`, [[/stop: $/, "yes"]], { cwd: project.folder, env });
const flat = (text: string): string => text.replace(/\s+/g, " ");

beforeAll(async () => {
  project = await makeProject();
  env = { GLASSGATE_KEYS: project.keys, GLASSGATE_PASSPHRASE: project.passphrase };
  first = read("bundle.jws");
  // `rotate` wants to know a gateway first; nobody listens there.
  const rendered = await run(
    "gateway",
    "render",
    "--require",
    "--port",
    "18080",
    "--admin-port",
    "19901",
    "--output",
    "gateway.yaml",
  );
  expect(rendered).toMatchObject({ code: 0 });
});
afterAll(() => project.remove());
beforeEach(() => {
  for (const name of ["bundle.next", "bundle.jws", "folder"]) rmSync(path(name), { recursive: true, force: true });
  writeFileSync(path("bundle.jws"), first);
});

describe("signing together", () => {
  it("two in one folder at the same moment make one complete bundle", async () => {
    expect(await run("bundle", "build")).toMatchObject({ code: 0 });
    const both = await Promise.all([sign("root-1"), sign("root-2")]);
    for (const ran of both) expect(ran).toMatchObject({ code: 0 });
    const { missing, claims } = await verifyBundle(
      read("bundle.jws").trim(),
      "bundle.jws",
      readAnchors(path("anchors.json")),
    );
    expect({ missing, version: claims.version }).toEqual({ missing: 0, version: 2 });
    expect(existsSync(path("bundle.next"))).toBe(false);
    expect(both.map(({ stdout }) => stdout.includes("Complete."))).toContain(true);
  });

  it("a build over signatures says that they are gone", async () => {
    await run("bundle", "build");
    expect(await sign("root-1")).toMatchObject({ code: 0 });
    expect(flat((await run("bundle", "build")).stderr)).toContain(
      "bundle.next had 1 signature by root holders: it is replaced, and they must sign the new one.",
    );
  });
});

describe("the bundle in force", () => {
  it("is missing only where nothing has its name", async () => {
    rmSync(path("bundle.jws"));
    expect(flat((await run("bundle", "build")).stderr)).toContain(
      "It is version 1, as no bundle is here: a gateway that serves a later one refuses it",
    );
    rmSync(path("bundle.next"));
    symlinkSync("elsewhere.jws", path("bundle.jws"));
    expect(await run("bundle", "build")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Cannot read the trust bundle bundle.jws: it does not exist"),
    });
    expect(existsSync(path("bundle.next"))).toBe(false);
  });

  it.skipIf(process.getuid?.() === 0)("in a folder that may not be looked into is an error", async () => {
    mkdirSync(path("folder"));
    renameSync(path("bundle.jws"), path("folder/bundle.jws"));
    chmodSync(path("folder"), 0);
    const ran = await run("bundle", "build", "--bundle", "folder/bundle.jws");
    chmodSync(path("folder"), 0o755);
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining("you may not access it") });
  });
});

describe("clocks", () => {
  it("a draft that has expired is not signed, and one from the future is called that", async () => {
    const now = Math.floor(Date.now() / 1000);
    const dated = (iat: number, exp: number): void =>
      writeFileSync(path("bundle.next"), JSON.stringify({ ...project.claims, version: 2, iat, exp }));
    dated(now - 90_000, now - 10);
    expect(await sign("root-1")).toMatchObject({ code: 2, stdout: expect.stringContaining("has expired on") });
    dated(now + 3600, now + 90_000);
    expect(flat((await sign("root-1")).stdout)).toMatch(
      /issued (?:1 hour|59 minutes .*) from now by this machine's clock/,
    );
    dated(now - 900_000, now + 3600);
    expect(flat((await sign("root-1")).stdout)).toMatch(/it ends in (?:1 hour|59 minutes[^:]*): build it again/);
  });
});

describe("rotate", () => {
  const key = JSON.stringify(publicPart(newKey("ES256")));
  const rotate = (): Promise<Ran> => run("rotate", "rita", "--new-key", key, "--root", "root-1", "--root", "root-2");

  it("compares with a bundle that the roots have signed, never with a forged one", async () => {
    const eve = newKey("Ed25519");
    const forged = {
      ...project.claims,
      principals: [...project.claims.principals, { id: "eve", roles: [], keys: [] }],
    };
    writeFileSync(path("bundle.jws"), await signFurther(await signFirst(forged, eve), newKey("Ed25519")));
    expect(await rotate()).toMatchObject({ code: 2, stderr: expect.stringContaining("lacks 2 of 2 root signatures") });
  });
});
