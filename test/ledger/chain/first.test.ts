import { expect, it } from "vitest";
import { line, open, other, play } from "./kit.js";

it("takes in what the filter made, without an alarm but for first uses", async () => {
  const { pins, bundle, lines, now } = await play({ requests: 30, workers: 2 });
  const opened = await open(pins, now);
  const { ledger, alarms, clock } = opened;
  await ledger.take([other("bundle", bundle)]);
  const taken = await ledger.take(lines.map((text) => line(text)));
  clock.now += 1_000_000;
  await ledger.tick();
  console.log(alarms.map((a) => `${a.code} ${a.says}`).join("\n"), ledger.status());
  const again = await ledger.take(lines.map((text) => line(text)));
  expect(again.map(({ index }) => index)).toEqual(taken.map(({ index }) => index));
  expect(again.some(({ isNew }) => isNew)).toBe(false);
});
