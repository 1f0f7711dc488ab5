/** Heartbeats: what a gateway published of its VMs, against what came; and silence. */
import { beforeAll, expect, it } from "vitest";
import { Auditor } from "../../../control/ledger/chain/auditor.js";
import { ownHead } from "../../../control/ledger/chain/due.js";
import type { Entry } from "../../../control/ledger/entry.js";
import {
  bend,
  type Chain,
  chained,
  GATEWAY,
  heartbeatOf,
  isRecord,
  line,
  memberOf,
  type Opened,
  open,
  other,
  play,
  sha256,
} from "./kit.js";

let made: Chain;
let now: number;
let records: string[];
/** Started when the ledger knew the gateway already. */
let vm: string;

beforeAll(async () => {
  made = await play({ requests: 12 });
  ({ now } = made);
  vm = `${GATEWAY}/${now + 1000}000000/7`;
  records = chained(
    vm,
    made.lines
      .filter((text) => isRecord(text) && memberOf(text, "evidence") === undefined)
      .map((text) => bend(text, { verdict: "expired" })),
  );
});

const beat = (seqs: Readonly<Record<string, readonly [number, string]>>, gateway = GATEWAY) =>
  other(
    "heartbeat",
    JSON.stringify({
      gateway,
      at: 1,
      vms: Object.entries(seqs).map(([name, [seq, head]]) => ({ vm: name, seq, head })),
    }),
    gateway,
  );
const headOf = (seq: number): readonly [number, string] => [seq, sha256(records[seq - 1] ?? "").slice(0, 12)];
const start = async (): Promise<Opened> => {
  const opened = await open({ anchors: [] }, now, { grace: { silence: 60 } });
  await opened.ledger.take([beat({})]);
  return opened;
};
const send = (opened: Opened, from: number, to: number) =>
  opened.ledger.take(records.slice(from - 1, to).map((text) => line(text)));
/** Time passes, and the gateway goes on publishing. */
const wait = async (opened: Opened, seconds: number, heartbeat = beat({ [vm]: headOf(5) })) => {
  for (let passed = 0; passed < seconds; passed += 30) {
    opened.clock.now += Math.min(30, seconds - passed) * 1000;
    await opened.ledger.take([heartbeat]);
    await opened.ledger.tick();
  }
};
const codes = (opened: Opened): string[] => opened.codes().filter((code) => code !== "anchors");

it("that agree with what came give no alarm, whichever came first", async () => {
  const opened = await start();
  await send(opened, 1, 3);
  await opened.ledger.take([beat({ [vm]: headOf(3) }), beat({ [vm]: headOf(5) })]);
  await send(opened, 4, 5);
  await opened.ledger.take([beat({ [vm]: headOf(4) })]);
  // As follow may hand it in: without the node id.
  await opened.ledger.take([beat({ [vm.slice(GATEWAY.length + 1)]: headOf(5) })]);
  await wait(opened, 150);
  expect(codes(opened)).toEqual([]);
  expect(opened.ledger.status().gateways).toMatchObject([{ gateway: GATEWAY, isSilent: false, heartbeatAge: 0 }]);
});

it("catch a file that was rewritten behind a published head, in either order, and name both entries", async () => {
  const rewritten = chained(
    vm,
    records.slice(0, 5).map((text, i) => (i === 2 ? bend(text, { path: "/orders/nothing" }) : text)),
  );
  for (const isFirst of [true, false]) {
    const opened = await start();
    const lines = rewritten.map((text) => line(text));
    const published = beat({ [vm]: headOf(4) });
    await opened.ledger.take(isFirst ? [published, ...lines] : [...lines, published]);
    expect(codes(opened)).toEqual(["head_mismatch"]);
    const named = opened.alarms.at(-1)?.about.map((index) => opened.log.decoded()[index]?.head.type);
    expect(named).toEqual(["record", "heartbeat"]);
    expect(opened.alarms.at(-1)).toMatchObject({ vm, seq: 4 });
  }
  const opened = await start();
  await opened.ledger.take([beat({ [vm]: headOf(4) }), beat({ [vm]: [4, "0123456789ab"] })]);
  expect(codes(opened)).toEqual(["head_mismatch"]);
});

it("name the records that never came: the last ones, and a whole VM", async () => {
  const tail = await start();
  await send(tail, 1, 3);
  await wait(tail, 150);
  expect(tail.alarms.filter(({ code }) => code === "gap")).toMatchObject([{ vm, ranges: [[4, 5]] }]);
  const whole = await start();
  await wait(whole, 150);
  expect(codes(whole)).toEqual(["missing_vm"]);
  expect(whole.alarms.at(-1)).toMatchObject({ vm, ranges: [[1, 5]] });
  await send(whole, 1, 5);
  expect(codes(whole)).toEqual(["missing_vm", "gap_filled"]);
});

it("tell a chain that began before the ledger from one whose beginning was taken away", async () => {
  const old = await open({ anchors: [] }, now + 10_000);
  await send(old, 4, 6);
  await wait(old, 150, beat({ [vm]: headOf(6) }));
  expect(codes(old)).toEqual(["late_start"]);
  const young = await start();
  await send(young, 4, 6);
  await wait(young, 150, beat({ [vm]: headOf(6) }));
  expect(codes(young)).toEqual(["gap"]);
});

it("that stop are silence, told once; quiet gateways that go on publishing are none", async () => {
  const opened = await start();
  await wait(opened, 600, beat({}));
  expect(codes(opened)).toEqual([]);
  opened.clock.now += 59_000;
  await opened.ledger.tick();
  expect(codes(opened)).toEqual([]);
  opened.clock.now += 2000;
  await opened.ledger.tick();
  opened.clock.now += 500_000;
  await opened.ledger.tick();
  expect(codes(opened)).toEqual(["silence"]);
  const restarted = await opened.reopen();
  await restarted.ledger.tick();
  expect(codes(restarted)).toEqual([]);
  await restarted.ledger.take([beat({})]);
  expect(codes(restarted)).toEqual(["silence_over"]);
  restarted.clock.now += 100_000;
  await restarted.ledger.tick();
  expect(codes(restarted)).toEqual(["silence_over", "silence"]);
});

it("are expected from the start of a gateway that is configured", async () => {
  const opened = await open({ anchors: [], gateways: ["gateway-9"] }, now, { grace: { silence: 60 } });
  await opened.ledger.tick();
  expect(codes(opened)).toEqual([]);
  opened.clock.now += 61_000;
  await opened.ledger.tick();
  expect(opened.alarms.map(({ subject }) => subject)).toEqual(["gateway-9"]);
});

it("that name a VM no more end it, with its last seq and head; what comes after that is told of", async () => {
  const opened = await start();
  await send(opened, 1, 5);
  await opened.ledger.take([beat({ [vm]: headOf(5) })]);
  await wait(opened, 890, beat({}));
  const ends = () =>
    opened.log
      .decoded()
      .filter(({ head }) => head.type === "end")
      .map(({ body }) => JSON.parse(body.toString()));
  expect(ends()).toEqual([]);
  await wait(opened, 60, beat({}));
  expect(ends()).toEqual([{ vm, seq: 5, head: sha256(records[4] ?? ""), records: 5, missing: [], why: "not named" }]);
  expect((await send(opened, 1, 5)).some(({ isNew }) => isNew)).toBe(false);
  await send(opened, 6, 6);
  expect(codes(opened)).toEqual(["after_end"]);
  expect(opened.ledger.status().vms[0]).toMatchObject({ isOver: true });
});

it("are compared by an auditor also where somebody wrote that the VM is over before it was", async () => {
  const opened = await start();
  await send(opened, 1, 3);
  await opened.ledger.take([beat({ [vm]: headOf(5) })]);
  const at = opened.log.decoded().length;
  await opened.ledger.take([line(records[3] ?? ""), line(bend(records[4] ?? "", { path: "/rewritten" }))]);
  const body = Buffer.from(
    JSON.stringify({ vm, seq: 3, head: sha256(records[2] ?? ""), records: 3, missing: [], why: "not named" }),
  );
  const judge = (entries: readonly Entry[]) => {
    const auditor = new Auditor({ anchors: [] });
    const found = entries.flatMap((entry, index) => auditor.take(index, entry));
    return [...found, ...auditor.end()].map(({ code }) => code);
  };
  const entries = opened.log.decoded().filter(({ head }) => head.type !== "alarm");
  expect(judge(entries)).toContain("head_mismatch");
  const early = { head: ownHead("end", opened.clock.now), body };
  expect(judge([...entries.slice(0, at), early, ...entries.slice(at)])).toEqual(judge(entries));
});

it("that are missing altogether: a VM is over when its number is given again by a later process", async () => {
  const opened = await open({ anchors: [] }, now);
  await send(opened, 1, 3);
  await opened.ledger.take(chained(`${GATEWAY}/${now + 9000}000000/7`, records.slice(0, 2)).map((text) => line(text)));
  opened.clock.now += 901_000;
  await opened.ledger.tick();
  expect(opened.ledger.status().vms.map(({ isOver }) => isOver)).toEqual([true, false]);
});

it("from somebody who does not speak for that gateway change nothing", async () => {
  const opened = await open({ anchors: [], senders: { liar: [] } }, now);
  await opened.ledger.take([other("heartbeat", heartbeatOf(records, 1), "liar")]);
  expect(codes(opened)).toEqual(["foreign_sender"]);
  expect(opened.ledger.status()).toMatchObject({ vms: [], gateways: [] });
});

it("that are malformed are quarantined", async () => {
  const opened = await start();
  for (const bad of [
    "",
    "{}",
    "[]",
    '{"gateway":"g","at":1,"vms":[{"vm":"x","seq":1}]}',
    '{"gateway":"g","at":1,"vms":[{"vm":"g/1/2","seq":-1}]}',
    '{"gateway":"g","at":1,"vms":[{"vm":"g/1/2","seq":1,"head":"xyz"}]}',
  ])
    await opened.ledger.take([other("heartbeat", bad)]);
  expect(opened.log.decoded().filter(({ head }) => head.why === "heartbeat")).toHaveLength(6);
});
