/** What a drill file's own commands do on real Envoys: taken back, pushed and heard of everywhere; and who was forgotten is named. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Measure, Report } from "../../control/drill/model.js";
import { glassgate, quickMain, type Ran } from "../cli/run.js";
import { Certificates } from "../kit/certificates.js";
import { type Fleet, PASSPHRASE, startFleet } from "./fleet.js";

const env = { GLASSGATE_PASSPHRASE: PASSPHRASE };
const certificates = new Certificates();
const served = certificates.selfSigned("gateway");
const caller = certificates.selfSigned("caller");
const all = [1, 2];
let fleet: Fleet;
let good: string;
const at = (...path: string[]): string => join(fleet.folder, ...path);
const drill = (...args: string[]): Promise<Ran> => glassgate(["drill", ...args], { cwd: fleet.folder, env });
const only = ["revoked-everywhere", "pushed", "alerts"].flatMap((name) => ["--only", name]);

/** As people would write it; a passphrase of its own, as none comes from the drill. */
function script(name: string, command: string, gateways: readonly number[]): void {
  const named = gateways.map((i) => `--gateway gateway-${i}/gateway.yaml`).join(" ");
  writeFileSync(
    at(name),
    `test -z "$GLASSGATE_PASSPHRASE" || exit 9\n"${process.execPath}" "${quickMain}" ${command} ${named}\n`,
  );
}
function write(limits: string, ...commands: readonly string[]): void {
  const text = good.replace("repeat: 3", "repeat: 2").replace(/^limits: .*$/m, `limits: {${limits}}`);
  writeFileSync(at("drill.yaml"), `${text}${commands.map((one) => `${one}\n`).join("")}`);
}
function lastReport(): Report {
  const last = readdirSync(at("drills")).toSorted().at(-1) ?? "";
  return JSON.parse(readFileSync(at("drills", last, "report.json"), "utf8"));
}

beforeAll(async () => {
  const tls = { certificate: served.certificate, key: served.key };
  fleet = await startFleet({
    gateways: 2,
    isHeard: true,
    weaken: (i) => (i === 1 ? {} : { render: { tls } }),
  });
  expect(await drill("init")).toMatchObject({ code: 0 });
  good = readFileSync(at("drill.yaml"), "utf8")
    .replace(/^( +)(url: "https:.*)$/gm, `$1$2\n$1ca: ${JSON.stringify(served.certificate)}`)
    .replace(
      /( +)(config: "gateway-2.*)$/m,
      `$1$2\n$1certificate: ${JSON.stringify({ cert: caller.certificate, key: caller.key })}`,
    );
  writeFileSync(at("passphrase"), `${PASSPHRASE}\n`);
  script("revoke.sh", 'revoke --grant "$1" --key olga --keys keys --passphrase-fd 3 3< passphrase', all);
  script("revoke-some.sh", 'revoke --grant "$1" --key olga --keys keys --passphrase-fd 3 3< passphrase', [1]);
  script("push.sh", "push --anew", all);
  script("push-some.sh", "push --anew", [1]);
});
afterAll(async () => {
  await fleet?.stop();
  certificates.remove();
});

describe("the file's own commands", () => {
  it("take back, push and are heard of at every gateway, each measured to the last; certificates bind", async () => {
    write("", 'revoke: [sh, revoke.sh, "{jti}"]', "push: [sh, push.sh]", "alerts: [cat, alarms.log]");
    const dry = await drill("run", "drill.yaml", "--dry-run", ...only);
    expect(dry.stdout).toMatch(/^command of revoked-everywhere: cd \S+ && sh revoke\.sh '\{jti\}'$/m);
    expect(dry.stdout).toMatch(
      /^gateway-2 {2}revoked-everywhere: GET .*the same grant when it was taken back -> revoked$/m,
    );
    const ran = await drill("run", "drill.yaml", ...only, "--only", "certificate-bound");
    const report = lastReport();
    expect(report.assertions.flatMap(({ finding }) => finding ?? [])).toEqual([]);
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    expect(report.notProbed.map(({ what }) => what)).toEqual([
      "all other cases",
      "a grant bound to a certificate, over a connection with it",
      expect.stringMatching(/^how long it may take from the revoking command's start to the last gateway's denial; /),
    ]);
    // Which commands these were stands in what is signed.
    const seen = report.assertions.map((one) => `${one.case}: ${one.seen}`).join("\n");
    expect(seen).toMatch(/^revoked-everywhere: exit code 0 of: cd \S+ && sh revoke\.sh \S+$/m);
    expect(seen).toMatch(/^pushed: exit code 0 of: cd \S+ && sh push\.sh$/m);
    expect(seen).toMatch(/^alerts: shown after \d+ ms \(its last run: exit code 0 of: cd \S+ && cat alarms\.log\)$/m);
    const measured = new Map<string, Measure>(report.measures.map((one) => [one.name, one]));
    expect([...measured].map(([name, { samples }]) => [name, samples.length])).toEqual([
      ["revoked", 2],
      ["pushed", 2],
      ["recorded", expect.any(Number)],
      ["alarmed", 4],
      ["alerted", 4],
    ]);
    for (const one of measured.values()) expect(one.slowest).toMatch(/^gateway-[12]$/);
    const replays = report.assertions.filter(({ what }) => what.includes("once more") || what.includes("after a push"));
    for (const id of all)
      expect(replays.filter(({ gateway, ok }) => ok && gateway === `gateway-${id}`).length).toBeGreaterThan(12);
    const bound = report.assertions
      .filter((one) => one.case === "certificate-bound")
      .map(({ gateway, seen }) => [gateway, seen.split(",")[0]]);
    expect(bound).toEqual([
      ["gateway-1", "401 binding_missing"],
      ...["200", "401 binding_missing", "401 binding_mismatch"].map((seen) => ["gateway-2", seen]),
    ]);
  });

  it("that forget a gateway, fail, or show nothing are findings with its name", async () => {
    write(
      " revoked: 1s, pushed: 1s, alerted: 2s ",
      'revoke: [sh, revoke-some.sh, "{jti}"]',
      "push: [sh, push-some.sh]",
      'alerts: [sh, -c, "echo nothing; exit 3"]',
    );
    const ran = await drill("run", "drill.yaml", ...only);
    expect(ran.code).toBe(1);
    const found = lastReport().assertions.flatMap(({ finding }) => finding ?? []);
    const of = (pattern: RegExp): string[] => found.filter((one) => pattern.test(one));
    expect(
      of(
        /^gateway-2 let the same grant when it was taken back through on GET api\.example\.com\/drill\/orders, which must be denied with revoked \(200\), .*does the command `revoke` of the drill file reach this gateway/,
      ),
    ).toHaveLength(1);
    expect(of(/^gateway-2 was not reached by the push \(nothing new serves\)/)).toHaveLength(1);
    expect(
      of(/^Nobody was alarmed of a grant that was used on gateway-[12] .*exit code 3 of: cd \S+ && sh -c /),
    ).toHaveLength(4);
    expect(found).toHaveLength(6);
  });

  it("that change nothing are told as such, and one that fails with its exit code", async () => {
    write(" pushed: 1s ", 'revoke: [sh, -c, "echo no way >&2; exit 5", "{jti}"]', 'push: ["true"]');
    const ran = await drill("run", "drill.yaml", ...only);
    const { assertions, notProbed } = lastReport();
    expect(ran.code).toBe(1);
    const found = assertions.flatMap(({ finding }) => finding ?? []);
    expect(found[2]).toMatch(
      /^The command `revoke` of the drill file has failed: exit code 5 of: cd \S+ && sh -c .* It said: no way\. In an emergency/,
    );
    expect(notProbed.map(({ why }) => why)).toEqual(
      expect.arrayContaining([
        expect.stringContaining("`glassgate push --anew`"),
        expect.stringContaining("no command `alerts`"),
      ]),
    );
  });
});
