/** Many lines at once: others are served meanwhile, and nothing of it is lost or entered twice. */
import { describe, expect, it } from "vitest";
import { line, type Opened, open } from "./kit.js";

const some = (name: string, count: number) => Array.from({ length: count }, (_, i) => line(`${name} ${i}`));
/** A clock by which each line takes so long, so that turns are the same on every machine. */
const ticking = (ms: number) => {
  let at = 0;
  return () => {
    at += ms;
    return at;
  };
};
const bodies = ({ log }: Opened): string[] =>
  log.decoded().flatMap(({ head, body }) => (head.type === "quarantine" ? [body.toString()] : []));

describe("while many lines of one caller are entered", () => {
  it("timers and sockets have their turn", async () => {
    const opened = await open({ anchors: [] }, Date.now(), { steady: ticking(1) });
    let [turns, isOver] = [0, false];
    const turn = (): void => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    await opened.ledger.take(some("a", 2000));
    isOver = true;
    expect(turns).toBeGreaterThan(20);
  });

  it("a line that comes meanwhile does not wait for the rest, and a tick does not either", async () => {
    const opened = await open({ anchors: [] }, Date.now(), { steady: ticking(1) });
    const order: string[] = [];
    const done = (name: string) => () => void order.push(name);
    const backlog = opened.ledger.take(some("backlog", 5000)).then(done("backlog"));
    await new Promise(setImmediate);
    const line = opened.ledger.take(some("receipt", 1)).then(done("line"));
    const tick = opened.ledger.tick().then(done("tick"));
    await Promise.all([backlog, line, tick]);
    expect(order.at(-1)).toBe("backlog");
    expect(bodies(opened).indexOf("receipt 0")).toBeLessThan(1000);
  });

  it("each caller's lines are entered in his order, once, and each hears where they are", async () => {
    const opened = await open({ anchors: [] }, Date.now(), { steady: ticking(3) });
    const names = ["a", "b", "c", "d"];
    const taken = await Promise.all(names.map((name) => opened.ledger.take(some(name, 300))));
    const all = opened.log.decoded();
    for (const [i, name] of names.entries()) {
      const own = some(name, 300).map(({ bytes }) => bytes.toString());
      expect(bodies(opened).filter((body) => body.startsWith(name))).toEqual(own);
      expect(taken[i]?.map(({ index = -1 }) => all[index]?.body.toString())).toEqual(own);
    }
    expect(opened.log.appends).toBeGreaterThan(4);
  });

  it("all who wait hear of a log that fails, and nobody is told that what is lost is there", async () => {
    const opened = await open({ anchors: [] }, Date.now(), { steady: ticking(1) });
    const first = opened.ledger.take(some("a", 3000));
    const later = (async () => {
      await new Promise(setImmediate);
      opened.log.isBroken = true;
      await Promise.allSettled([
        opened.ledger.take(some("b", 1)),
        opened.ledger.tick(),
        opened.ledger.take(some("c", 500)),
      ]);
    })();
    await expect(first).rejects.toThrow("disk is full");
    await later;
    await expect(opened.ledger.take(some("d", 1))).rejects.toThrow("disk is full");
    await opened.ledger.close();
  });
});
