/** What a drill could not keep, or would get no record of, is refused before it; what goes wrong later costs nothing that was seen. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { stopped } from "../../control/base/stopped.js";
import { mustTakeJournal } from "../../control/drill/faults/play.js";
import { mustBeFollowed } from "../../control/drill/followed.js";
import { Held, startClock } from "../../control/drill/held.js";
import { mustTakeReport } from "../../control/drill/report/write.js";
import { newLedgerConfig } from "../../control/ledger/config.js";
import { takeLock } from "../../control/ledger/log/lock.js";
import { makeDisks } from "../kit/disk.js";
import { prepared } from "./prepared.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "glassgate-followed-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a ledger's folder on this machine", () => {
  const config = (gateways: string): void => {
    const [head = ""] = newLedgerConfig("ledger.example/drill", "ledger.key.json").split("\n# The gateways");
    writeFileSync(join(folder, "ledger.yaml"), `${head}\n${gateways}\n`);
  };
  const refusal = async (gateways = 1): Promise<unknown> =>
    mustBeFollowed(prepared({ gateways }), folder).catch((error: unknown) => error);

  it("that nobody serves is refused, with the command", async () => {
    config("gateways: [{ id: gateway-1 }]");
    expect(await refusal()).toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(`nobody serves or follows the ledger ${folder} now`),
      hint: `Start it: glassgate ledger serve ${folder}`,
    });
  });

  it("that does not follow a gateway is refused, with the gateway and the file", async () => {
    const lock = await takeLock(join(folder, "lock"), "test");
    config("gateways: [{ id: gateway-1 }]");
    expect(await refusal()).toBeUndefined();
    expect(await refusal(3)).toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/gets no records of gateway-2, gateway-3, which \S+ledger\.yaml names neither/),
    });
    const token = "0a".repeat(32);
    config(`gateways: []\nsenders: [{ name: gateway-1, tokens: [${token}], speaks_for: [gateway-2] }]`);
    expect(await refusal(2)).toBeUndefined();
    await lock.release();
  });

  it("that is a copy is somebody else's to fill", async () => {
    expect(await refusal()).toBeUndefined();
  });
});

it("a disk without room for the report or the journal is told before anything is sent", async () => {
  mkdirSync(folder, { recursive: true });
  const disks = await makeDisks({ [join(folder, "disk")]: "256k" });
  if (disks === undefined) return process.stderr.write("Not tried: full disks: there is no user namespace.\n");
  const disk = disks.seen(join(folder, "disk"));
  expect(() => mustTakeReport(join(disk, "drills"))).toThrow(
    /No report can be written into .*: the disk is full\. Nothing was sent/,
  );
  expect(() => mustTakeJournal(join(disk, "drill.yaml"))).toThrow(
    /Cannot write the journal of faults .*\.faults: the disk is full/,
  );
  disks.stop();
  expect(() => mustTakeJournal(join(folder, "drill.yaml"))).not.toThrow();
  return undefined;
});

it("what goes wrong after the cases is a finding, and no end but a person's", async () => {
  const held = new Held();
  const fail = (error: Error) => held.keep("judged", () => Promise.reject(error), "instead");
  expect(await held.keep("judged", async () => "it", "instead")).toBe("it");
  expect(await fail(new UserError("No room.", { hint: "Make some." }))).toBe("instead");
  expect(await fail(new TypeError("a fault of ours"))).toBe("instead");
  expect(held.assertions).toMatchObject([
    { ok: false, finding: "What was done could not be judged: No room. Make some." },
    { ok: false, finding: "What was done could not be judged: a fault of ours" },
  ]);
  await expect(fail(stopped("interrupt"))).rejects.toThrow("Stopped.");
});

it("a drill ends after it began, whatever is done to the clock", () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const { began, now } = startClock();
  vi.setSystemTime(began.getTime() - 3_600_000);
  expect(now().getTime()).toBeGreaterThanOrEqual(began.getTime());
  vi.setSystemTime(began.getTime() + 3_600_000);
  expect(now().getTime()).toBe(began.getTime() + 3_600_000);
  vi.useRealTimers();
});
