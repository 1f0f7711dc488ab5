/** What is no drill of the user's own is refused before the first request, with its line and the mend. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { again } from "../../control/cli/drill-options.js";
import { parseDrill } from "../../control/drill/file.js";
import { castFrom } from "../../control/drill/init.js";
import type { Report } from "../../control/drill/model.js";
import { prepare } from "../../control/drill/prepare.js";
import { newLedgerConfig } from "../../control/ledger/config.js";
import { readKeyFile } from "../../control/signer/keyfile.js";
import { sha256Hex } from "../../control/signer/sign.js";
import { inside } from "../cli/inside.js";
import { glassgate, type Ran, type RunOptions } from "../cli/run.js";
import { type Fleet, PASSPHRASE, startFleet } from "./fleet.js";
import { withOpenRoute } from "./weaknesses.js";

let fleet: Fleet;
let good: string;
beforeAll(async () => {
  fleet = await startFleet({
    gateways: 2,
    weaken: (i) => (i === 2 ? { drift: withOpenRoute } : {}),
    // One that soon ends.
    bundle: (claims) => ({
      ...claims,
      iat: claims.iat - 29 * 86_400,
      entitlements: claims.entitlements.map((one) =>
        one.drill === true ? { ...one, require: ["cnf", "incident"] } : one,
      ),
    }),
  });
  const ran = await inside(["drill", "init"], { cwd: fleet.folder });
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  good = readFileSync(join(fleet.folder, "drill.yaml"), "utf8");
  expect(spawnSync("mkfifo", [join(fleet.folder, "pipe")]).status).toBe(0);
});
afterAll(() => fleet?.stop());

const sizes = (): number[] => [1, 2].map((i) => statSync(join(fleet.folder, `gateway-${i}`, "audit.log")).size);
type Road = (args: readonly string[], options: RunOptions) => Promise<Ran>;
/** @param road as a process, where that is what is shown */
async function refused(text: string, args: readonly string[] = [], road: Road = inside) {
  writeFileSync(join(fleet.folder, "bad.yaml"), text);
  const before = sizes();
  const env = { GLASSGATE_PASSPHRASE: PASSPHRASE };
  const ran = await road(["drill", "run", "bad.yaml", ...args], { cwd: fleet.folder, env });
  expect(ran.code, ran.stderr).toBe(2);
  expect(ran.stdout).toBe("");
  expect(sizes()).toEqual(before);
  expect(readdirSync(fleet.folder)).not.toContain("drills");
  return ran.stderr;
}
/** What the command says before it looks at a gateway. */
function fault(text: string): string {
  const name = "bad.yaml";
  const at = (path: string): string => join(fleet.folder, path);
  const kidOf = (key: string): string => readKeyFile(at(`keys/${key}.key.json`)).public.kid;
  try {
    prepare({ name, text, sha256: "", drill: parseDrill(text, name), at }, { bundle: fleet.claims, kidOf });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error).toMatchObject({ exitCode: 2, hint: expect.stringContaining("nothing was sent") });
    return error.message;
  }
  return "was taken";
}

/** Where a line of the good file stands. */
const lineOf = (text: string, part: string | RegExp): number =>
  text.split("\n").findIndex((line) => (typeof part === "string" ? line.includes(part) : part.test(line))) + 1;

const swap = (from: string | RegExp, to: string) => (text: string) => {
  expect(text).toMatch(from);
  return text.replace(from, to);
};

it("`drill init` names two gateways of one id, and writes nothing", async () => {
  const copy = join(fleet.folder, "gateway-1", "west.yaml");
  writeFileSync(copy, readFileSync(join(fleet.folder, "gateway-1", "gateway.yaml")));
  const ran = await inside(["drill", "init", "two.yaml"], { cwd: fleet.folder });
  rmSync(copy);
  expect(ran).toMatchObject({ code: 2, stdout: "" });
  expect(ran.stderr.replaceAll(/\s+/g, " ")).toMatch(
    /gateway-1\/gateway\.yaml and gateway-1\/west\.yaml are of one gateway, gateway-1: .*--node-id west --output/,
  );
  expect(readdirSync(fleet.folder)).not.toContain("two.yaml");
});

it("a report that could not be written is refused before the first request", async () => {
  const said = await refused(good, ["--only", "opens", "--output", "/proc/nowhere/reports"], glassgate);
  expect(said).toMatch(/No report can be written into \/proc\/nowhere\/reports: .*Nothing was sent\./);
});

describe("refused before the first request", () => {
  it.each<[name: string, change: (text: string) => string, at: RegExp | string, says: RegExp]>([
    ["an unknown member", swap("repeat: 3", "repat: 3"), "repat", /unknown member "repat"; did you mean "repeat"\?/],
    [
      "an unknown case",
      swap("repeat: 3", "cases: { skip: [no-credentials] }"),
      "cases:",
      /is no case: did you mean no-credential\?/,
    ],
    ["an unknown fault", swap("repeat: 3", "faults: [moon-away]"), "faults:", /faults\[0\]: is no fault/],
    [
      "a duration that is none",
      swap("every: 26d", "every: quarterly"),
      "every:",
      /every: must be seconds or a duration/,
    ],
    [
      "another node id",
      swap('id: "gateway-2"', 'id: "gateway-9"'),
      "gateway-9",
      /is gateway-9, and gateway-2\/gateway\.yaml is of the gateway gateway-2/,
    ],
    [
      "a gateway in clear",
      swap(/url: "http:\/\/127\.0\.0\.1:\d+"/, "url: http://api.example.com:80"),
      "api.example.com:80",
      /the grant would travel in clear/,
    ],
    [
      "a gateway twice",
      swap(/id: "gateway-2"([\s\S]*?)gateway-2\/gateway\.yaml/, 'id: "gateway-1"$1gateway-1/gateway.yaml'),
      /^ {2}- id: "gateway-1"$/,
      /occurs twice/,
    ],
    [
      "a production entitlement",
      swap('entitlement: "orders-drill"', "entitlement: orders-repair"),
      "entitlement:",
      /orders-repair is none of drills/,
    ],
    [
      "an entitlement that is none",
      swap('entitlement: "orders-drill"', "entitlement: orders-dril"),
      "entitlement:",
      /did you mean orders-drill\?/,
    ],
    [
      "a person with a real role",
      swap('requester: "drill-rita"', "requester: rita"),
      "requester:",
      /rita holds the role oncall, which may ask for orders-repair/,
    ],
    [
      "an approver with a real role",
      swap(/approvers: \[.*\]/, "approvers: [drill-adam, adam]"),
      "approvers:",
      /adam holds the role lead, which approves orders-repair/,
    ],
    [
      "too few approvers",
      swap(/approvers: \[.*\]/, "approvers: [drill-adam]"),
      "approvers:",
      /an approval as drill-security is missing/,
    ],
    [
      "a stranger who is none",
      swap(/stranger: .*/, "stranger: drill-rita"),
      "stranger:",
      /drill-rita may ask for orders-drill/,
    ],
    [
      "a command that is not there",
      swap("repeat: 3", "push: [./gone.sh]"),
      "gone.sh",
      /there is no command \.\/gone\.sh: a path counts from the drill file's folder/,
    ],
    [
      "a revocation of nothing",
      swap("repeat: 3", "revoke: [sh, revoke.sh]"),
      "revoke: [sh",
      /revoke: must name the grant: put \{jti\} where its name belongs/,
    ],
    [
      "a client certificate in clear",
      swap('config: "gateway-2', 'certificate: { cert: ledger.vkey, key: ledger.vkey }\n    config: "gateway-2'),
      "certificate: { cert",
      /is shown over TLS alone/,
    ],
    [
      "a client certificate that is none",
      swap(/url: "http:(\S+)"/, 'url: "https:$1"\n    certificate: { cert: ledger.vkey, key: ledger.vkey }'),
      "certificate: { cert",
      /The certificates or the key cannot be used/,
    ],
    [
      "a member of a certificate that is unknown",
      swap('config: "gateway-2', 'certificate: { cert: a, kee: b }\n    config: "gateway-2'),
      "certificate: { cert",
      /unknown member "kee"; did you mean "key"\?/,
    ],
    ...["ca: pipe", "caller: pipe", "certificate: { cert: pipe, key: ledger.vkey }"].map(
      (line): [string, (text: string) => string, string, RegExp] => [
        `a pipe in the place of a file (${line})`,
        (text) =>
          text.replace(/( {4})caller: .*\n/g, "").replace(/config: "gateway-2/, `${line}\n    config: "gateway-2`),
        line,
        /: \S+pipe is no plain file/,
      ],
    ),
    [
      "a gateway's file that is not there",
      swap("gateway-2/gateway.yaml", "gateway-2/gone.yaml"),
      "gone.yaml",
      /there is no file/,
    ],
  ])("%s", (_, change, at, says) => {
    const text = change(good);
    const said = fault(text);
    expect(said).toMatch(says);
    expect(said).toMatch(/^bad\.yaml:\d+:\d+: /);
    if (typeof at === "string") expect(said).toContain(`bad.yaml:${lineOf(text, at)}:`);
  });

  it("the admin interface of another gateway", async () => {
    const other = /port_value: (\d+)/.exec(readFileSync(join(fleet.folder, "gateway-1", "gateway.yaml"), "utf8"))?.[1];
    const text = swap(/( {4}config: "gateway-2\/gateway\.yaml")/, `$1\n    admin: "127.0.0.1:${other}"`)(good);
    expect(await refused(text)).toMatch(
      /gateway-2, and the Envoy whose admin interface is 127\.0\.0\.1:\d+ is gateway-1: it is another gateway/,
    );
  });

  it("a gateway of another environment", () => {
    const config = readFileSync(join(fleet.folder, "gateway-2", "gateway.yaml"), "utf8");
    mkdirSync(join(fleet.folder, "staging"), { recursive: true });
    writeFileSync(
      join(fleet.folder, "staging", "gateway.yaml"),
      config
        .replaceAll('"audience":"production"', '"audience":"staging"')
        .replaceAll('\\"audience\\":\\"production\\"', '\\"audience\\":\\"staging\\"'),
    );
    const said = fault(swap("gateway-2/gateway.yaml", "staging/gateway.yaml")(good));
    expect(said).toMatch(/staging\/gateway\.yaml is for the audience staging, and the project for production/);
  });

  it("a key of nobody, a case that is none, a ledger with another key", async () => {
    expect(await refused(swap('requester: "drill-rita"', "requester: drill-rota")(good))).toContain(
      "Did you mean drill-rita?",
    );
    expect(await refused(good, ["--only", "expird"])).toContain("Did you mean expired?");
    expect(await refused(good, ["--only", "zzzzzz"])).toMatch(
      /There are: gateway-state, .*, http2-fields, .*, two-pushing\./s,
    );
    const ledger = swap(/^ledger: .*$/m, 'ledger: { at: ledgr/, key: "ledger.vkey" }')(good);
    expect(await refused(ledger)).toMatch(/^error: bad\.yaml:\d+:15: ledger\.at: there is no file .*ledgr\/checkpoint/);
    const vkey = swap(/^ledger: .*$/m, 'ledger: { at: "ledger/", key: ledgr.vkey }')(good);
    expect(await refused(vkey)).toMatch(/^error: bad\.yaml:\d+:31: ledger\.key: there is no file .*ledgr\.vkey/);
    const pipe = swap(/^ledger: .*$/m, 'ledger: { at: "ledger/", key: pipe }')(good);
    expect(await refused(pipe)).toMatch(/ledger\.key: \S+pipe is no plain file/);
    const own = join(fleet.folder, "ledger", "ledger.yaml");
    const head = newLedgerConfig("ledger.example.com/drill", "../ledger.key.json").split("\n# The gateways")[0];
    writeFileSync(own, `${head}\ngateways: [{ id: gateway-1 }]\n`);
    expect(await refused(good)).toMatch(/the ledger gets no records of gateway-2, which \S+ledger\.yaml names neither/);
    rmSync(own);
    writeFileSync(
      join(fleet.folder, "other.vkey"),
      `${readFileSync(join(fleet.folder, "ledger.vkey"), "utf8").trim().slice(0, -4)}AAA=\n`,
    );
    writeFileSync(join(fleet.folder, "bad.yaml"), swap("ledger.vkey", "other.vkey")(good));
    const env = { GLASSGATE_PASSPHRASE: PASSPHRASE };
    const ran = await inside(["drill", "run", "bad.yaml"], { cwd: fleet.folder, env });
    expect([1, 2]).toContain(ran.code);
    expect(ran.stderr).toMatch(/key|signature|signed/);
  });
});

it("nothing that could be tried is no drill: there is no report of it", async () => {
  const made = swap("repeat: 3", "faults: [gateway-restarted]")(good);
  expect(await refused(made, ["--only", "gateway-restarted"])).toMatch(
    /Nothing was tried, so there is no report:.*the fault gateway-restarted on gateway-2: `gateway run` did not start it here/s,
  );
});

describe("refused before anybody is asked for a passphrase", () => {
  const unasked = async (...args: string[]) => {
    // Not inside: there an earlier passphrase is known.
    const ran = await glassgate(["drill", "run", ...args], { cwd: fleet.folder, env: {} });
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).not.toMatch(/passphrase/i);
    return ran.stderr;
  };

  it("a gateway whose admin interface is away", async () => {
    const text = good.replace(/^( +)config: .*$/m, (line, indent: string) => `${line}\n${indent}admin: "127.0.0.1:1"`);
    writeFileSync(join(fleet.folder, "bad.yaml"), text);
    expect(await unasked("bad.yaml")).toMatch(/gateway-1: .*127\.0\.0\.1:1.*take that gateway out of the drill file/s);
  });

  it("a report that cannot be written", async () => {
    expect(await unasked("drill.yaml", "--output", "drill.yaml/reports")).toMatch(
      /No report can be written into drill\.yaml\/reports: .*Nothing was sent\./,
    );
  });
});

it("an entitlement that demands a key and an incident is drilled with both, and a plain grant is denied", async () => {
  const only = ["opens", "plain-bearer", "stolen-grant", "path-tricks", "scope-path"].flatMap((name) => [
    "--only",
    name,
  ]);
  const env = { GLASSGATE_PASSPHRASE: PASSPHRASE };
  // From elsewhere: the report stands beside the drill file all the same, where the next drill and `due` look.
  const ran = await inside(["drill", "run", "../drill.yaml", ...only], {
    cwd: join(fleet.folder, "gateway-1"),
    env,
  });
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  expect(readdirSync(join(fleet.folder, "drills"))).toHaveLength(1);
  expect(ran.stderr).toContain("reading the records of these calls, for 30 s at most");
  expect(ran.stdout).toMatch(/^ok {4}plain-bearer .*: 2 checks on 2 gateways$/m);
  expect(ran.stdout).toContain("all other cases: this run was for some of them alone (--only)");
});

it("a route that runs and is not in the gateway's file is looked at too, and told", async () => {
  const env = { GLASSGATE_PASSPHRASE: PASSPHRASE };
  const only = ["--only", "gateway-state", "--only", "no-credential"];
  const ran = await inside(["drill", "run", "drill.yaml", ...only], { cwd: fleet.folder, env });
  expect(ran.code, ran.stdout + ran.stderr).toBe(1);
  expect(ran.stdout).toContain(
    "gateway-2 runs a route that the file in `config` does not have: api.example.com /status. The drill looked there as well.",
  );
  expect(ran.stdout).toContain("gateway-2 serves GET api.example.com/status to callers without a credential (200)");
  expect(ran.stdout).not.toMatch(/gateway-1 (?:runs|serves)/);
});

it("a route that the file leaves open is not looked at, and the signed report names it", async () => {
  const env = { GLASSGATE_PASSPHRASE: PASSPHRASE };
  const open = swap('config: "gateway-2', 'open: [/status]\n    accept: [own]\n    config: "gateway-2')(good);
  writeFileSync(join(fleet.folder, "open.yaml"), swap(/^expects:[\s\S]*?\n\n/m, "")(open));
  const names = ["--only", "no-credential", "--only", "opens", "--only", "gateway-state"];
  const only = ["drill", "run", "open.yaml", "--output", "open", ...names];
  // What sends nothing has a name all the same.
  const dry = await inside([...only, "--dry-run"], { cwd: fleet.folder, env });
  expect(dry.stdout).toMatch(/^no request of gateway-state: What each gateway serves$/m);
  expect(dry.stdout).not.toMatch(/^no request of (?:opens|ledger)/m);
  const ran = await inside(only, { cwd: fleet.folder, env });
  expect(ran.stdout).not.toContain("without a credential (200)");
  const [folder = ""] = readdirSync(join(fleet.folder, "open"));
  const verified = await inside(["drill", "verify", `open/${folder}`, "--key", "ledger.vkey"], { cwd: fleet.folder });
  for (const [name, where] of Object.entries({ run: ran.stdout, verify: verified.stdout })) {
    expect(where, name).toContain("gateway-2: the route api.example.com/status");
    expect(where, name).toContain("gateway-2: the finding own");
    expect(where, name).toContain("whether the entitlement opens more than it is meant to");
  }
  expect(verified.stdout).toContain(sha256Hex(readFileSync(join(fleet.folder, "open.yaml"), "utf8")));
});

it("what went wrong ends in the next step: the cases to play again", async () => {
  const away = swap(/url: "http:\/\/127\.0\.0\.1:\d+"/, 'url: "http://127.0.0.1:1"')(good);
  writeFileSync(join(fleet.folder, "bad.yaml"), away);
  const env = { GLASSGATE_PASSPHRASE: PASSPHRASE };
  const ran = await glassgate(["drill", "run", "bad.yaml", "--only", "opens"], { cwd: fleet.folder, env });
  expect(ran.code, ran.stderr).toBe(1);
  expect(ran.stderr).toMatch(
    /^Next: mend .*report\.html has all of it\), then again:\n {2}glassgate drill run bad\.yaml --only opens$/m,
  );
  expect(ran.stderr).toMatch(
    /^warning: The trust bundle of the project \(version \d+\) ends in 2\d hours .*glassgate push`\.$/m,
  );
  // Where nothing was allowed, nothing says how long that took.
  expect(ran.stdout).toMatch(/from the ask to the grant: .* at most \(6\)/);
  expect(ran.stdout).toMatch(/to the first allowed call: .* at most on gateway-2 \(3\)/);
});

/** Plays one case, and does something once its first call was made. */
async function meanwhile(act: () => void, ...args: string[]): Promise<Ran> {
  writeFileSync(join(fleet.folder, "kept.yaml"), good.replace(/^name: .*$/m, "name: kept"));
  const before = sizes();
  const timer = setInterval(() => {
    if (sizes().join() === before.join()) return;
    clearInterval(timer);
    act();
  }, 2);
  const env = { GLASSGATE_PASSPHRASE: PASSPHRASE };
  const ran = await inside(["drill", "run", "kept.yaml", "--only", "expired", ...args], { cwd: fleet.folder, env });
  clearInterval(timer);
  return ran;
}
const keptIn = (...path: string[]): string[] =>
  readdirSync(join(fleet.folder, ...path)).filter((name) => name.endsWith("-kept"));

describe("what was seen is kept", () => {
  it("beside the drill file, where the place of its report is gone meanwhile", async () => {
    const output = join(fleet.folder, "reports");
    mkdirSync(output);
    const ran = await meanwhile(
      () => {
        rmSync(output, { recursive: true });
        writeFileSync(output, "");
      },
      ...["--output", "reports"],
    );
    expect(ran.code, ran.stderr).toBe(1);
    expect(ran.stderr).toMatch(/error: The report is not in its place: Cannot write /);
    expect(ran.stdout).toMatch(/^ok {4}expired /m);
    const [name = ""] = keptIn(".");
    expect(ran.stderr).toContain(`: ${join(fleet.folder, name)}\n`);
    expect(readdirSync(join(fleet.folder, name))).toContain("report.jws");
  });

  it("also where the clock is set back", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const ran = await meanwhile(() => vi.setSystemTime(Date.now() - 3_600_000)).finally(() => vi.useRealTimers());
    expect(ran.stdout, ran.stderr).toContain("expired");
    const [name = ""] = keptIn("drills");
    const report: Report = JSON.parse(readFileSync(join(fleet.folder, "drills", name, "report.json"), "utf8"));
    expect(Date.parse(report.ended)).toBeGreaterThanOrEqual(Date.parse(report.began));
  });
});

it("to be played again is what was asked for, where more went wrong than a line holds", () => {
  const wrong = (names: readonly string[]) => ({
    assertions: names.map((name) => ({
      ...{ case: name, gateway: "g", what: "", expected: "", seen: "" },
      ok: false,
      calls: [],
    })),
    faults: [],
  });
  const options = { only: ["a", "b", "c", "d", "e", "f"], keys: "my keys", output: "out" };
  const line = "glassgate drill run d.yaml --keys 'my keys' --output out";
  expect(again("d.yaml", wrong(["a", "b"]), options)).toBe(`${line} --only a --only b`);
  expect(again("d.yaml", wrong(options.only), options)).toBe(
    `${line} ${options.only.map((one) => `--only ${one}`).join(" ")}`,
  );
  expect(again("d.yaml", wrong(options.only), {})).toBe("glassgate drill run d.yaml");
});

describe("drill init", () => {
  const init = (cwd: string, ...args: string[]) => inside(["drill", "init", ...args], { cwd });

  it("says where the project's folder is wanted, and what a name may be, before there is a file", async () => {
    const elsewhere = await init(join(fleet.folder, "gateway-1"));
    expect(elsewhere).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/There is no anchors\.json in .*PROJECT/s),
    });
    const named = await init(fleet.folder, "new.yaml", "--name", "Quarter 1");
    expect(named).toMatchObject({ code: 2, stderr: expect.stringMatching(/option '--name <id>' .* must be a name/) });
  });

  it("tells a key that is lost from one that the bundle does not have yet", () => {
    const hintOf = (keys: Parameters<typeof castFrom>[1]): string | undefined => {
      try {
        castFrom(fleet.claims, keys, Math.floor(Date.now() / 1000), "/keys/here");
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        expect(error.message).toContain("no keys in /keys/here");
        return error.hint;
      }
      return "a cast";
    };
    expect(hintOf([])).toContain("glassgate key new drill-rita");
    expect(hintOf([{ name: "drill-rita", kid: "another" }])).toMatch(
      /does not have the key here of drill-rita.*key show NAME/,
    );
    expect(hintOf([{ name: "root-1", kid: "another" }])).toContain("glassgate key new drill-rita");
  });
});
