/** Nobody waits for more than a small round: what is large is taken in pieces, whoever brings it. */
import { expect, it } from "vitest";
import type { Intake, Received } from "../../control/ledger/intake.js";
import { networkOf } from "../../control/ledger/serve/connections.js";
import { Turns } from "../../control/ledger/serve/turns.js";

const lines = (sender: string, count: number, size = 10): Received[] =>
  Array.from({ length: count }, (_, i) => ({
    kind: "line",
    bytes: Buffer.from(`${sender} ${i} `.padEnd(size, "x")),
    sender: { sender, via: "token" },
  }));

/** Remembers its rounds. */
class Rounds implements Intake {
  readonly rounds: (readonly Received[])[] = [];
  private index = 0;

  async take(received: readonly Received[]) {
    this.rounds.push(received);
    await new Promise((resolve) => setImmediate(resolve));
    return received.map(() => ({ index: this.index++, isNew: true }));
  }
}

it("a request of many lines, or of large ones, is taken in rounds, in order, and others come in between", async () => {
  const intake = new Rounds();
  const turns = new Turns(intake);
  const large = turns.take("a", lines("a", 50_000));
  const heavy = turns.take("b", lines("b", 8, 1024 * 1024));
  const small = turns.take("c", lines("c", 1));
  const own = turns.takeOwn("gateway-1", lines("gateway-1", 5000));
  expect((await small).length).toBe(1);
  expect(intake.rounds.length).toBeLessThan(6);
  expect((await large).map(({ index }) => index)).toHaveLength(50_000);
  expect(await Promise.all([heavy, own])).toMatchObject([{ length: 8 }, { length: 5000 }]);
  for (const round of intake.rounds) {
    expect(round.length).toBeLessThanOrEqual(1024);
    expect(round.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThanOrEqual(4 * 1024 * 1024);
  }
  const all = intake.rounds.flat().map(({ bytes }) => bytes.toString());
  for (const [sender, count, size] of [
    ["a", 50_000, 10],
    ["b", 8, 1024 * 1024],
    ["gateway-1", 5000, 10],
  ] as const)
    expect(all.filter((line) => line.startsWith(`${sender} `))).toEqual(
      lines(sender, count, size).map(({ bytes }) => bytes.toString()),
    );
  await turns.close();
});

it("what the ledger reads itself is never too much, what a sender sends is", async () => {
  const intake = new Rounds();
  const turns = new Turns(intake);
  const own = Array.from({ length: 200 }, () => turns.takeOwn("gateway-1", lines("gateway-1", 1)));
  const sent = Array.from({ length: 200 }, () => turns.take("a", lines("a", 1)));
  const ends = await Promise.allSettled(sent);
  expect(ends.filter(({ status }) => status === "rejected").length).toBeGreaterThan(100);
  await Promise.all(own);
  await turns.close();
  await expect(turns.take("a", lines("a", 1))).rejects.toThrow("stopping");
});

it("connections are counted by address, of IPv6 by network", () => {
  for (const [address, network] of [
    ["127.0.0.1", "127.0.0.1"],
    ["::ffff:10.0.0.1", "::ffff:10.0.0.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8:1:2::6", "2001:db8:1:2"],
    ["2001:db8::6", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
  ])
    expect(networkOf(address ?? "")).toBe(network);
});
