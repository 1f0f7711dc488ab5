/** Puts weaknesses in, one a gateway: the drill finds each, and names gateway and route. Where nothing was weakened it finds nothing. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeNewTexts } from "../../control/base/files.js";
import type { Assertion, Report } from "../../control/drill/model.js";
import { newKey, publicPart } from "../../control/signer/jwk.js";
import { sealKey } from "../../control/signer/keyfile.js";
import { glassgate } from "../cli/run.js";
import { Certificates } from "../kit/certificates.js";
import { makeClock } from "../kit/clock.js";
import { type Fleet, PASSPHRASE, startFleet } from "./fleet.js";
import { expectFound } from "./found.js";
import { honest, weaknesses } from "./weaknesses.js";

/** What is tried, where it is not all. */
export interface Smoke {
  readonly weaknesses: readonly string[];
  readonly honest: readonly string[];
  /** Cases that find none of these. */
  readonly skip: readonly string[];
}

export function tryWeaknesses(smoke?: Smoke): void {
  const certificates = new Certificates();
  const own = certificates.selfSigned("gateway");
  const clock = makeClock();
  const former = newKey("Ed25519");
  const chosen = <T extends { readonly name: string }>(every: readonly T[], names?: readonly string[]): readonly T[] =>
    names === undefined ? every : every.filter(({ name }) => names.includes(name));
  const good = chosen(honest(own), smoke?.honest);
  const bad = chosen(weaknesses(own, publicPart(former), clock), smoke?.weaknesses);
  const all = [...good, ...bad];
  const nameOf = (index: number): string => `gateway-${index + 1}`;
  /** What takes seconds, or many requests, and finds none of these. */
  const UNAFFECTED = ["dies-by-itself", "stream-cut", "path-tricks", "algorithm-confusion", "altered"];

  let fleet: Fleet;
  let report: Report;
  beforeAll(async () => {
    fleet = await startFleet({ gateways: all.length, weaken: (i) => all[i - 1]?.how ?? {} });
    const [cwd, env] = [fleet.folder, { GLASSGATE_PASSPHRASE: PASSPHRASE }];
    writeNewTexts([
      await sealKey(join(cwd, "keys", "drill-former.key.json"), "drill-former", former, PASSPHRASE, 1000),
    ]);
    expect(await glassgate(["drill", "init"], { cwd, env })).toMatchObject({ code: 0 });
    const file = join(cwd, "drill.yaml");
    writeFileSync(
      file,
      readFileSync(file, "utf8")
        .replace("recorded: 30s", "recorded: 12s")
        .replace("repeat: 3", "repeat: 1")
        .replace(/^people:$/m, "people:\n  former: drill-former")
        .replace(/^( +)(url: "https:.*)$/gm, `$1$2\n$1ca: ${JSON.stringify(own.certificate)}`)
        .concat(`cases: { skip: [${[...UNAFFECTED, ...(smoke?.skip ?? [])].join(", ")}] }\n`),
    );
    const ran = await glassgate(["drill", "run", "drill.yaml", "--json"], { cwd, env });
    expect(ran.code, ran.stderr).toBe(1);
    report = JSON.parse(ran.stdout);
  });
  afterAll(async () => {
    await fleet?.stop();
    certificates.remove();
    clock?.remove();
  });

  const failed = (gateway: string): readonly Assertion[] =>
    report.assertions.filter((one) => !one.ok && one.gateway === gateway);

  describe("the drill finds", () => {
    it.each(bad.map((one, i) => ({ ...one, gateway: nameOf(good.length + i) })))("$name", ({ gateway, ...weak }) => {
      expectFound(failed(gateway), gateway, weak);
    });
  });

  it.each(good.map(({ name }, i) => ({ name, gateway: nameOf(i) })))("finds nothing on $name", ({ gateway }) => {
    expect(failed(gateway).map(({ finding }) => finding)).toEqual([]);
  });
}
