/** A commit of which a log that another program writes has taken the first part alone: what belongs to it is entered after the start. */
import { expect, it } from "vitest";
import { Auditor } from "../../../control/ledger/chain/auditor.js";
import { line, open } from "./kit.js";

const PINS = { anchors: [], gateways: ["gateway-1"], senders: { "gateway-1": ["gateway-1"], "gateway-2": [] } };

it("the alarms about the last entry are entered, once, and only where a log can tear", async () => {
  const record = (gateway: string): string =>
    `{"v":1,"vm":"${gateway}/1/1","seq":1,"prev":"${"0".repeat(64)}","ts":"2026-11-26T17:20:00.000Z","mode":"enforce","verdict":"malformed","source":"192.0.2.1:1","request_id":"r"}`;
  const now = Date.parse("2026-11-26T17:20:01Z");
  const first = await open(PINS, now, { mayTear: true });
  // Two alarms at least: a sender who may not speak for that gateway, twice bad.
  await first.ledger.take([line(record("gateway-1")), line(record("gateway-1"), "gateway-2")]);
  const whole = first.log.entries.length;
  const alarms = first.alarms.length;
  expect(alarms).toBeGreaterThan(0);
  for (let cut = 1; cut <= alarms; cut++) {
    const torn = first.log.entries.slice(0, whole - cut);
    first.log.entries = torn;
    await (await first.reopen({ mayTear: false })).ledger.tick();
    expect(first.log.entries.length).toBe(whole - cut);
    const again = await first.reopen();
    await again.ledger.tick();
    const untold = new Auditor({ anchors: [], origin: again.log.origin });
    for (const [index, entry] of again.log.decoded().entries()) untold.take(index, entry);
    expect(untold.end().filter(({ isUntold }) => isUntold === true)).toEqual([]);
    expect(again.log.entries.length).toBe(whole);
    expect(again.alarms.length).toBe(cut);
    await (await first.reopen()).ledger.tick();
    expect(again.log.entries.length).toBe(whole);
  }
});
