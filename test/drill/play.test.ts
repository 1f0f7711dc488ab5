/** Cases follow each other on a gateway; one that mostly waits holds up none, and what it comes to stands in its own place. */
import { expect, it } from "vitest";
import { allow } from "../../control/drill/cases/kit.js";
import type { Case, Stage } from "../../control/drill/model.js";
import { playOn } from "../../control/drill/play.js";
import { players, prepared } from "./prepared.js";

const one = (name: string, act: () => Promise<void>, isPatient = false): Case => ({
  ...{ name, title: name, where: "fleet", isPatient },
  play: async (stage: Stage) => {
    await act();
    return [{ what: name, expected: allow, call: await stage.send({}) }];
  },
});

async function played(cases: readonly Case[]): Promise<string[]> {
  const plan = prepared();
  const [gateway] = plan.gateways;
  if (gateway === undefined) throw new Error("there is a gateway");
  const setting = { prepared: plan, players: players(), isDry: true, onCall: () => {} };
  const { outcomes } = await playOn(gateway, setting, cases, () => {});
  return outcomes.map((outcome) => outcome.case.name);
}

it("goes on while a case waits, and keeps the order", async () => {
  const begun: string[] = [];
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const note = (name: string) => async (): Promise<void> => void begun.push(name);
  const waits = one("waits", () => note("waits")().then(() => released), true);
  const slow = one("slow", () => note("slow")().then(() => new Promise<void>((resolve) => setImmediate(resolve))));
  const last = one("last", async () => {
    await note("last")();
    release();
  });
  expect(await played([waits, slow, last])).toEqual(["waits", "slow", "last"]);
  expect(begun).toEqual(["waits", "slow", "last"]);
});

it("throws what went wrong in a case that waits, also where the others went well", async () => {
  const fails = one("fails", () => Promise.reject(new Error("gone")), true);
  await expect(played([fails, one("other", async () => {})])).rejects.toThrow("gone");
});
