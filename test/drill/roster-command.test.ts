/** `glassgate drill roster` as people run it: by the very lines of docs/drills.md, and with what they get wrong. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { type Challenge, challengeText, findChallenges, newChallenge, signProof } from "../../control/drill/roster.js";
import { inside } from "../cli/inside.js";
import { makeProject, type Project } from "../cli/project.js";
import { atTerminal, type Ran, shell } from "../cli/run.js";

const DAY = 86_400;
let project: Project;
const options = () => ({
  cwd: project.folder,
  env: { GLASSGATE_KEYS: project.keys, GLASSGATE_PASSPHRASE: project.passphrase },
});
const roster = (...args: string[]): Promise<Ran> => inside(["drill", "roster", ...args], options());
const path = (name: string): string => join(project.folder, name);
const text = (name: string): string => readFileSync(path(name), "utf8");

beforeAll(async () => {
  project = await makeProject();
});
afterAll(() => project.remove());

const lines = [
  ...(/^## Who still has their key$[\s\S]*?(?=^## )/m
    .exec(readFileSync(new URL("../../docs/drills.md", import.meta.url), "utf8"))?.[0]
    .matchAll(/```sh\n([\s\S]*?)```/g) ?? []),
].flatMap(([, block = ""]) => block.trim().split("\n"));

it("goes as the page says", async () => {
  expect(lines).toHaveLength(4);
  let last: Ran | undefined;
  for (const line of lines) {
    const command = line.replace("glassgate ", "npx glassgate ");
    const isAsked = line.includes(" sign ");
    last = await (isAsked ? atTerminal(command, [[/stop: $/, "yes"]], options()) : shell(command, options()));
    expect(last.code, `${line}\n${last.stdout}${last.stderr}`).toBe(line.includes(" check ") ? 1 : 0);
    if (line.includes("--key adam")) {
      expect(last.stdout).toMatch(/asked by .*nobody has signed that.*environment +production.*"adam has this key"/s);
      expect(last.stdout).not.toContain("asked by     root");
      expect(last.stdout).toContain(project.key("adam").kid);
    }
  }
  const { stdout = "", stderr = "" } = last ?? {};
  expect(stdout).toMatch(/^good +adam .*challenged \d{4}-\d\d-\d\d, 0 days ago$/m);
  expect(stdout).toMatch(/^good +root 1 /m);
  expect(stdout).toMatch(/^NEVER +rita /m);
  expect(stdout).toMatch(/^NO KEY +rita-admin \(rita\) +none that is good now$/m);
  // Who has not answered yet can still answer what was sent.
  expect(stderr).toMatch(/may be answered until .*Next: send them its line again:\n {2}bg-challenge\./s);
  expect(stderr).toContain(text("challenge.txt").trim());
  expect(stderr).toMatch(/2 keys proved; without a proof in time: .*rita-admin.*rita, anna, root 2, root 3\./);
});

const reportSchema = z.object({
  overdue: z.array(z.string()),
  refused: z.array(z.object({ who: z.string(), why: z.string() })),
  keys: z.array(z.object({ who: z.string(), state: z.string() })),
});

it("tells machines the same, takes a whole chat, and writes nothing for what does not count", async () => {
  const [challenge] = findChallenges(text("challenge.txt"));
  if (challenge === undefined) throw new Error("no challenge");
  const now = Math.floor(Date.now() / 1000);
  const stale = newChallenge({ aud: "production", iat: now - 60, exp: now + DAY, by: "a stranger" });
  const stolen = await signProof(stale, "anna", now, project.key("anna"));
  const before = text("drills/roster.json");
  const refused = await roster("check", "--json", stolen);
  expect(refused).toMatchObject({ code: 1 });
  expect(reportSchema.parse(JSON.parse(refused.stdout))).toMatchObject({
    refused: [{ who: "anna", why: "it answers no challenge that was made here" }],
  });
  expect(text("drills/roster.json")).toBe(before);
  const all = await Promise.all(
    [
      ["rita", "rita"] as const,
      ["anna", "anna"] as const,
      ["root-2", undefined] as const,
      ["root-3", undefined] as const,
    ].map(async ([key, sub]) => `> ${key}: ${await signProof(challenge, sub, now, project.key(key))}`),
  );
  writeFileSync(path("chat.txt"), all.join("\n"));
  const taken = reportSchema.parse(JSON.parse((await roster("check", "chat.txt", "--json")).stdout));
  expect(taken.refused).toEqual([]);
  // Of the drills' own people nothing is due: the sample roster has no keys of theirs here, and nobody waits for them at night.
  expect(taken.overdue).toEqual(["rita-admin"]);
  expect(taken.keys).toContainEqual(expect.objectContaining({ who: "drill-rita", state: "drill" }));
  expect(taken.keys.filter(({ state }) => state === "proven")).toHaveLength(6);
});

it("knows a challenge that was given for a proof", async () => {
  const ran = await roster("check", "challenge.txt");
  expect(ran).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/Proof 1 is the challenge itself\..*roster sign/s),
  });
});

it("signs no challenge of another environment or time, and nothing that is none", async () => {
  const now = Math.floor(Date.now() / 1000);
  const challenge = newChallenge({ aud: "production", iat: now, exp: now + DAY, by: "\u001b[2Jolga\u202e" });
  const refusals: [Challenge | string, RegExp, string?][] = [
    [{ ...challenge, aud: "staging" }, /for staging, and your anchors are of production/],
    [{ ...challenge, iat: now + 3600 }, /made (?:1 hour|59 minutes).* in the future.*your clock says/],
    [{ ...challenge, iat: now - DAY, exp: now - 1 }, /The challenge ended at .*your clock says/],
    [challengeText(challenge).slice(0, 90), /cut short or was changed/],
    [`${challengeText(challenge)}\n${challengeText({ ...challenge, iat: now - 1 })}`, /holds 2 challenges/],
    [await project.ask(), /it is an ask/],
    [challenge, /neither in the trust bundle .* nor a root/, "spare"],
  ];
  expect(await inside(["key", "new", "spare"], options())).toMatchObject({ code: 0 });
  for (const [given, why, key = "adam"] of refusals) {
    const { stdout, stderr, code } = await roster(
      "sign",
      typeof given === "string" ? given : challengeText(given),
      "--key",
      key,
    );
    expect({ stdout, stderr }).toEqual({ stdout: "", stderr: expect.stringMatching(why) });
    expect([1, 2]).toContain(code);
  }
  writeFileSync(path("asked.txt"), challengeText(challenge));
  const sign = "npx glassgate drill roster sign asked.txt --key adam > made.proof";
  const no = await atTerminal(sign, [[/stop: $/, "y"]], { ...options(), columns: 200 });
  expect(no).toMatchObject({ code: 1 });
  expect(no.stdout).toContain("asked by     \\u{1b}[2Jolga\\u{202e} (so it says");
  expect(text("made.proof")).toBe("");
  expect(await roster("sign", "asked.txt", "--key", "adam")).toMatchObject({ code: 2, stdout: "" }); // Nobody to ask.
});

it("says of an approval's place what a proof is, and of a proof's what an ask is", async () => {
  const approve = await inside(["approve", "adam.proof", "--key", "anna"], options());
  expect(approve).toMatchObject({ code: 2, stdout: "" });
  expect(approve.stderr).toContain("it holds a roster proof");
  const check = await roster("check", await project.ask());
  expect(check).toMatchObject({ code: 2, stdout: "" });
  expect(check.stderr).toContain("Proof 1 is not a roster proof: it is an ask by rita");
});

it("does not judge by a clock that is behind, or by a book that is none", async () => {
  const book = text("drills/roster.json");
  const now = Math.floor(Date.now() / 1000);
  const ahead = newChallenge({ aud: "production", iat: now + 3600, exp: now + DAY, by: "olga" });
  writeFileSync(path("drills/roster.json"), JSON.stringify({ v: 1, challenges: [ahead], proofs: [] }));
  expect((await roster("check")).stderr).toMatch(/This machine's clock says .*a challenge was made after that/);
  writeFileSync(path("drills/roster.json"), book.slice(0, -20));
  const broken = await roster("challenge");
  expect(broken).toMatchObject({ code: 2, stdout: "" });
  expect(text("drills/roster.json")).toBe(book.slice(0, -20));
  rmSync(path("drills"), { recursive: true });
  expect((await roster("check")).code).toBe(1);
  expect(existsSync(path("drills"))).toBe(false);
});
