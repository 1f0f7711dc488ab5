/** `glassgate revoke` on real gateways: three of them, with two workers each. */
import { readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readEcds } from "../../control/gateway/ecds.js";
import { textsIn } from "../../control/gateway/push-texts.js";
import { readRevocations } from "../../control/trust/revocations.js";
import type { TestEnvoy } from "../kit/envoy.js";
import { outcomes, Revoking, verdict } from "../kit/revoking.js";
import { inside } from "./inside.js";
import { freePort } from "./run.js";

let party: Revoking;
let all: TestEnvoy[];
const NAMES = ["east", "west", "north"];
const ALL = NAMES.flatMap((name) => ["--gateway", `${name}.yaml`]);
const textsAt = (test: TestEnvoy): string[] =>
  textsIn(readEcds(readFileSync(test.filter.ecdsPath, "utf8"))?.configuration);
const verdicts = (grant: string): Promise<string[]> => Promise.all(all.map(({ port }) => verdict(port, grant)));

beforeAll(async () => {
  party = await Revoking.make();
  all = [];
  for (const name of NAMES) all.push(await party.gateway(name));
  const text = await party.bundle(1);
  for (const test of all) await party.push(test, text, 1);
});
afterAll(() => party.end());

it("one grant, at all gateways at once, while they serve", async () => {
  const jti = "a-grant-to-be-revoked";
  const [grant, other] = [party.world.grant({ claims: { jti } }), party.world.grant()];
  expect([await verdicts(grant), await verdicts(other)]).toEqual([
    ["allow", "allow", "allow"],
    ["allow", "allow", "allow"],
  ]);
  let isOver = false;
  const denied = all.map(async ({ port }) => {
    while (!isOver) {
      if ((await verdict(port, grant)) === "revoked") return Date.now();
    }
    return Number.NaN;
  });
  const { code, stdout, stderr } = await party.run("revoke", "--grant", jti, "--key", "guard", "--json", ...ALL);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const { gateways, signer } = outcomes.parse(JSON.parse(stdout));
  expect(signer).toBe("guard");
  expect(gateways.map(({ outcome }) => outcome)).toEqual(["applied", "applied", "applied"]);
  const first = await Promise.all(denied);
  isOver = true;
  const times = gateways.map(({ at = "", milliseconds = 0 }, i) => {
    const signed = Date.parse(at) - milliseconds;
    return (first[i] ?? Number.NaN) - signed;
  });
  console.log(
    `revoke to the first denial: ${times.join(", ")} ms; applied after ${gateways.map((one) => one.milliseconds).join(", ")} ms`,
  );
  // What is said to be applied is: on every worker.
  for (let i = 0; i < 8; i++) expect(await verdicts(grant)).toEqual(["revoked", "revoked", "revoked"]);
  expect(await verdicts(other)).toEqual(["allow", "allow", "allow"]);
});

/** An answer that goes on for ever; open once the gateway says so. `end` is when it was cut. */
async function openStream({ port, envoy }: TestEnvoy, grant: string): Promise<{ end: Promise<unknown> }> {
  const request = get({
    ...{ host: "127.0.0.1", port, path: "/orders/7", agent: false },
    headers: { host: "api.example.com", "x-break-glass": grant, "x-drip-ms": "100" },
  });
  const end = new Promise((resolve) => request.on("close", resolve));
  request.on("error", () => {}); // It is cut: `end` tells.
  await new Promise<void>((resolve) =>
    request.on("response", (response) => {
      response.on("error", () => {}); // The same.
      response.resume();
      resolve();
    }),
  );
  const open = async (): Promise<number> => Math.max(0, ...(await envoy.admin.stats("glassgate\\.streams$")).values());
  await expect.poll(open, { timeout: 60_000 }).toBeGreaterThan(0);
  return { end };
}

const fail = (): never => {
  throw new Error("no gateway");
};

const ended = (ran: { stdout: string }): Record<string, string> =>
  Object.fromEntries(outcomes.parse(JSON.parse(ran.stdout)).gateways.map(({ gateway, outcome }) => [gateway, outcome]));
const revoke = (...args: string[]) => party.run("revoke", ...args, ...ALL);
/** The same without a process of its own: each start of one takes half a second. One at a time. */
const run = (...args: string[]) => inside(args, { cwd: party.folder, env: party.env });
const next = (...args: string[]) => run("revoke", ...args, ...ALL);
const ticket = (incident: string): string => party.world.alone({ claims: { incident } });

it("two revokers at the same moment: each gateway holds what both of them took away", async () => {
  const [a, b] = [ticket("INC-A"), ticket("INC-B")];
  const ran = await Promise.all([
    revoke("--incident", "INC-A", "--key", "guard", "--json"),
    revoke("--incident", "INC-B", "--key", "warden", "--json"),
  ]);
  const everywhere = { "east.yaml": "applied", "west.yaml": "applied", "north.yaml": "applied" };
  expect(ran.map(ended)).toEqual([everywhere, everywhere]);
  for (const grant of [a, b]) expect(await verdicts(grant)).toEqual(["revoked", "revoked", "revoked"]);
  for (const test of all) expect(textsAt(test)).toHaveLength(2);
});

it("what one revoked before goes on; another key's word is not his", async () => {
  const { stdout, stderr } = await next("--incident", "INC-C", "--key", "guard", "--json");
  const { claims } = readRevocations(outcomes.parse(JSON.parse(stdout)).text, "the text");
  expect(claims.revoked).toEqual({ jti: ["a-grant-to-be-revoked"], incident: ["INC-A", "INC-C"] });
  expect(stderr).toMatch(/as before {2}the grant a-grant-to-be-revoked/);
  expect(stderr).toMatch(/NEW {8}every grant for the incident INC-C/);
});

describe("a gateway that is down", () => {
  it("is not seen, the others are done, and the same command again finishes it with the same signature", async () => {
    const west = readFileSync(join(party.folder, "west.yaml"), "utf8");
    const away = west.replace(/(admin:[\s\S]*?port_value: )\d+/, `$1${await freePort()}`);
    const grant = ticket("INC-D");
    const command = ["--incident", "INC-D", "--key", "guard", "--json"] as const;
    writeFileSync(join(party.folder, "west.yaml"), away);
    const first = await revoke(...command);
    writeFileSync(join(party.folder, "west.yaml"), west);
    expect(first.code).toBe(1);
    expect(ended(first)).toEqual({ "east.yaml": "applied", "west.yaml": "unseen", "north.yaml": "applied" });
    expect(first.stderr).toContain("applied at 2 of 3; missing: west.yaml. Nothing was rolled back.");
    const { text, gateways } = outcomes.parse(JSON.parse(first.stdout));
    expect(gateways[1]?.error).toContain("The revocation stands in its file, and is in force as soon as it runs.");
    expect(textsAt(all[1] ?? fail())).toContain(text);

    const again = await next(...command);
    expect(again.code).toBe(0);
    expect(outcomes.parse(JSON.parse(again.stdout)).text).toBe(text);
    expect(again.stderr).toContain("nothing is signed anew");
    expect(again.stderr).not.toContain("Signed as version");
    const { stdout } = await revoke("--incident", "INC-D", "--key", "guard");
    // In whatever order they answer; when it was signed is another day's matter.
    expect(stdout.replaceAll(/^\w+\.yaml: applied, as seen at \d\S+ \S+ UTC.* on all 3 VMs\n/gm, "")).toBe("");
    expect(await verdicts(grant)).toEqual(["revoked", "revoked", "revoked"]);
  });
});

describe("stop", () => {
  it("shows what is in use, and leaves it where the answer is not yes", async () => {
    const grant = party.world.grant({ claims: { jti: "a-grant-that-is-in-use" } });
    expect(await verdicts(grant)).toEqual(["allow", "allow", "allow"]);
    for (const test of all) await expect.poll(() => [...test.audits()].length, { timeout: 30_000 }).toBeGreaterThan(0);
    await expect
      .poll(
        () =>
          all.every((test) =>
            [...test.audits().values()].some(({ record }) => record.includes("a-grant-that-is-in-use")),
          ),
        { timeout: 30_000 },
      )
      .toBe(true);
    const stream = await openStream(all[0] ?? fail(), grant);
    const before = all.map(textsAt);
    const line = `npx glassgate revoke stop --key warden ${ALL.join(" ")}`;
    const left = await party.atTerminal(line, [[/leave it: $/, "no"]]);
    expect(left.code).toBe(1);
    expect(left.stdout).toMatch(
      /ENDS {3}a-grant-that-is-in-use: rita for repair, approved by adam and anna; \d+ request/,
    );
    expect(left.stdout).toMatch(/^Used at east\.yaml, and may still live:/m);
    expect(left.stdout).toMatch(/Requests and streams with a grant that are open now, in the fullest worker: [1-9]/);
    for (const shown of ["ENDS", "in the fullest worker: "])
      expect(left.stdout.indexOf(shown)).toBeLessThan(left.stdout.indexOf('Type "yes" to stop them'));
    expect(left.stdout).toContain("leaves no trace here: it cannot be shown");
    expect(all.map(textsAt)).toEqual(before);
    expect(await verdicts(grant)).toEqual(["allow", "allow", "allow"]);

    const { code, stdout } = await party.atTerminal(line, [[/leave it: $/, "yes"]]);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(await verdicts(grant)).toEqual(["revoked", "revoked", "revoked"]);
    expect(stdout).toMatch(/EVERY GRANT asked for before /);
    await stream.end;
    // Who asks after that moment is let in again.
    const { at = 0 } = Object.fromEntries(
      textsAt(all[0] ?? fail()).flatMap((text) =>
        (readRevocations(text, "a text").claims.revoked.issued_before ?? []).map((one) => ["at", one.at]),
      ),
    );
    await expect
      .poll(() => verdicts(party.world.grant({ claims: { iat: at, exp: at + 60 }, approvals: [] })), {
        timeout: 30_000,
      })
      .toEqual(["quorum", "quorum", "quorum"]);
  });
});

describe("is refused, with the next step, and signs nothing", () => {
  it.each<[string, string[], number, RegExp]>([
    ["nothing named", ["--key", "guard"], 2, /Nothing is named that is to be taken away/],
    ["no key", ["--sub", "rita"], 2, /No key is named/],
    ["another word", ["everything", "--key", "guard"], 2, /There is no `glassgate revoke everything`/],
    [
      "a slip in a person's name",
      ["--person", "ritta", "--key", "guard"],
      2,
      /The person ritta is in no bundle .*Did you mean rita\?/,
    ],
    [
      "an account as a person",
      ["--person", "rita-admin", "--key", "guard"],
      2,
      /--person rita takes away all of that person's/,
    ],
    ["a stranger's key", ["--sub", "rita", "--key", "rita"], 2, /the key rita is no root's and nobody's/],
    ["a key that is none", ["--kid", "abc", "--key", "guard"], 2, /The key abc is in no bundle/],
    [
      "a grant that is none",
      ["--grant", "short", "--key", "guard"],
      2,
      /there is no file short, and it is no message either/,
    ],
    [
      "a gateway whose file is not there",
      ["--sub", "rita", "--key", "guard", "--gateway", "gone.yaml"],
      2,
      /gone\.yaml: it does not exist.*Of several, leave this one out/,
    ],
    ["an incident with a blank", ["--incident", " INC-1", "--key", "guard"], 2, /is none that a grant can name/],
    [
      "nobody's revocations to adopt",
      ["--sub", "rita", "--adopt", "adam", "--key", "guard"],
      2,
      /has revocations of adam to adopt/,
    ],
    ["nothing to take back", ["--take-back", "--sub", "temp", "--key", "guard"], 2, /has not revoked that/],
  ])("%s", async (_, args, code, words) => {
    const before = all.map(textsAt);
    const ran = await next(...args);
    expect({ code: ran.code, stderr: ran.stderr.replace(/\s+/g, " ") }).toEqual({
      code,
      stderr: expect.stringMatching(words),
    });
    expect(all.map(textsAt)).toEqual(before);
  });
});

it("a person is all accounts of that person, and a mistake is taken back", async () => {
  const bot = party.world.grant({ approvals: [{ by: party.world.alex }, { by: party.world.bot }] });
  const later = (): Promise<string[]> => verdicts(bot);
  const done = await next("--person", "adam", "--key", "root-1", "--json");
  expect(done.code).toBe(0);
  const { claims } = readRevocations(outcomes.parse(JSON.parse(done.stdout)).text, "the text");
  expect(claims.revoked).toEqual({ sub: ["adam", "bot"] });
  expect(await later()).toEqual(["revoked", "revoked", "revoked"]);
  const back = await next("--person", "adam", "--take-back", "--key", "root-1");
  expect(back.code).toBe(0);
  // What is let through again is shown, as all that is signed is.
  for (const account of ["adam", "bot"])
    expect(back.stderr).toMatch(new RegExp(`^ {2}NO MORE {4}every grant that ${account} `, "m"));
  const version = /^Signed as version (\d+)\.$/m.exec(back.stderr)?.[1];
  const [signed] = textsAt(all[0] ?? fail())
    .map((text) => readRevocations(text, "a text").claims)
    .filter((claims) => String(claims.version) === version);
  expect(signed?.revoked).toEqual({});
  expect(back.stdout).toMatch(/^east\.yaml: applied at .*, \d+ ms after signing, on all 3 VMs$/m);
  const list = await run("revoke", "--list", "--json", ...ALL);
  expect(list.code).toBe(0);
  const seen = JSON.parse(list.stdout);
  expect(seen).toHaveLength(3);
  for (const one of seen) {
    expect(one).toMatchObject({ in_force: true, bundle: 1 });
    expect(one.texts.find(({ signer }: { signer: string }) => signer === party.keys["root-1"].kid)).toMatchObject({
      revoked: {},
    });
  }
});

it("a root silences a revoker, and is told what falls with him", async () => {
  const { code, stderr } = await next("--sub", "warden", "--key", "root-1");
  expect(code).toBe(0);
  expect(stderr).toContain("this silences what warden revoked, and that takes away no more:");
  expect(stderr).toMatch(/every grant for the incident INC-B/);
  const silent = await next("--sub", "rita", "--key", "warden");
  expect(silent).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/the key warden is silenced there by the root/),
  });
  const adopted = await next("--sub", "warden", "--adopt", "warden", "--key", "root-1");
  expect(adopted.stderr).not.toContain("this silences");
  expect(await verdicts(ticket("INC-B"))).toEqual(["revoked", "revoked", "revoked"]);
  const shown = await run("revoke", "--list", "--gateway", "east.yaml");
  expect(shown.stdout).toMatch(/warden, version .*, takes away NOTHING; there stands in it:\n {4}SILENCED by/);
});
