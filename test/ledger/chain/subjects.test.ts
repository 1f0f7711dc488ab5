/** One entry may be found wrong about several: each is told of by its own alarm, and by no other. */
import { describe, expect, it } from "vitest";
import { Auditor } from "../../../control/ledger/chain/auditor.js";
import type { Grace } from "../../../control/ledger/chain/rules.js";
import { ChainedVm } from "../whole.js";
import { chained, line, memberOf, type Opened, open } from "./kit.js";

const VM = "gateway-1/1767225000123456789/1";
const grace = (more: Partial<Grace>): Partial<Grace> => ({ denials: 3, ...more });

function auditorOf({ log }: Opened, own: Partial<Grace>, keep: (index: number) => boolean = () => true): Auditor {
  const auditor = new Auditor({ anchors: [], origin: log.origin }, own);
  for (const [index, entry] of log.decoded().entries()) if (keep(index)) auditor.take(index, entry);
  return auditor;
}
const untold = (auditor: Auditor): string[] =>
  auditor.end().flatMap(({ isUntold, code, subject }) => (isUntold === true ? [`${code} ${subject}`] : []));

const person = (sub: string, kid: string, source: string, ts: number) =>
  JSON.stringify({
    ...{ v: 1, vm: VM, seq: 1, prev: "", ts: new Date(ts).toISOString(), mode: "enforce", verdict: "expired" },
    ...{ jti: "j", grant_sha256: "a".repeat(64), sub, kid, ent: "e", reason: "r", approvers: [], method: "GET" },
    ...{ host: "h", path: "/", source, request_id: String(ts) },
  });

/** In each of some windows one person, with one key and from one place, is denied too often, all by the same entry. */
async function denied(windows: number): Promise<Opened> {
  const own = grace({});
  const start = 300_000 * Math.floor(Date.now() / 300_000);
  const times = Array.from({ length: windows }, (_, w) =>
    Array.from({ length: 5 }, (__, i) => start + w * 300_000 + i),
  );
  const texts = chained(
    VM,
    times.flat().map((ts) => person("rita", "key-1", "192.0.2.1:4000", ts)),
  );
  const opened = await open({ anchors: [] }, start, { grace: own });
  for (const text of texts) {
    opened.clock.now = Date.parse(String(memberOf(text, "ts")));
    await opened.ledger.take([line(text)]);
  }
  return opened;
}

describe("findings of one kind about one entry", () => {
  it("are told of one by one, in window after window, and nobody is accused", async () => {
    for (const windows of [1, 2, 3]) {
      const opened = await denied(windows);
      const subjects = opened.alarms.flatMap(({ code, subject }) => (code === "denials" ? [subject] : []));
      expect(subjects).toHaveLength(3 * windows);
      expect(untold(auditorOf(opened, grace({})))).toEqual([]);
    }
  });

  it("are each missed where their own alarm is not there, whatever the others say", async () => {
    const opened = await denied(1);
    for (const { entry, subject } of opened.alarms.filter(({ code }) => code === "denials"))
      expect(untold(auditorOf(opened, grace({}), (index) => index !== entry))).toEqual([`denials ${subject}`]);
  });

  it("are told of by a crowd's alarm, however many of them it stands for", async () => {
    const own = grace({ denials: 1, pause: 3600 });
    const start = 300_000 * Math.floor(Date.now() / 300_000);
    const texts = chained(
      VM,
      Array.from({ length: 240 }, (_, i) => {
        const who = Math.floor(i / 2);
        return person(`sub-${who}`, `key-${who}`, `192.0.2.${who}:1`, start + i);
      }),
    );
    const opened = await open({ anchors: [] }, start, { grace: own });
    await opened.ledger.take(texts.map((text) => line(text)));
    expect(opened.alarms.map(({ subject }) => subject)).toContain("many of gateway-1");
    for (const wait of [3_700_000, 10]) {
      opened.clock.now += wait;
      await opened.ledger.tick();
      await opened.ledger.take([line(`the log goes on after ${wait}`)]);
      expect(untold(auditorOf(opened, own))).toEqual([]);
    }
  });
});

describe("a hole that no alarm names", () => {
  it("is open, also where another hole of its VM was told of just before, and where an auditor would have told of it", async () => {
    const own = { gap: 5 };
    const chain = new ChainedVm(VM);
    const texts = Array.from({ length: 9 }, () => chain.next());
    const opened = await open({ anchors: [] }, Date.now(), { grace: own });
    const { ledger, clock, alarms } = opened;
    const some = (...seqs: number[]) => ledger.take(seqs.map((seq) => line(texts[seq - 1] ?? "")));
    const pass = async (seconds: number) => {
      clock.now += seconds * 1000;
      await ledger.tick();
    };
    const holes = () => {
      const auditor = auditorOf(opened, own);
      const silent = untold(auditor);
      return { silent, open: auditor.open.map(({ vm, from, to }) => `${vm} ${from} ${to}`) };
    };
    await some(1, 2, 4);
    expect(holes()).toEqual({ silent: [], open: [`${VM} 3 3`] });
    await pass(6);
    await some(5, 8);
    expect(holes()).toEqual({ silent: [], open: [`${VM} 6 7`] });
    // It is held back until a minute after the first.
    for (let i = 0; i < 4; i++) {
      await pass(10);
      await ledger.take([line(`${i}`)]);
      expect(holes()).toEqual({ silent: [], open: [`${VM} 6 7`] });
    }
    expect(alarms.filter(({ code }) => code === "gap")).toHaveLength(1);
    await pass(30);
    expect(alarms.filter(({ code }) => code === "gap")).toMatchObject([{ ranges: [[3, 3]] }, { ranges: [[6, 7]] }]);
    await ledger.take([line("the end")]);
    expect(holes()).toEqual({ silent: [], open: [] });
  });
});
