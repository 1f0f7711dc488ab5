/** A VM whose records are far apart: the ledger and whoever verifies it see the same, and neither gives it room for what is not there. */
import { beforeAll, describe, expect, it } from "vitest";
import { Auditor } from "../../../control/ledger/chain/auditor.js";
import { bend, type Chain, isRecord, line, memberOf, open, play, sha256 } from "./kit.js";

let made: Chain;
beforeAll(async () => {
  made = await play({ requests: 3 });
});

async function untoldOf(...seqs: readonly number[]): Promise<{ codes: string[]; untold: string[]; bytes: number }> {
  const opened = await open(made.pins, made.now);
  const records = made.lines.filter(isRecord);
  await opened.ledger.take(made.lines.map((text) => line(text)));
  const last = records.at(-1) ?? "";
  for (const seq of seqs) {
    await opened.ledger.take([line(bend(last, { seq, prev: sha256(String(seq)) }))]);
    opened.clock.now += 200_000;
    await opened.ledger.tick();
  }
  opened.clock.now += 600_000;
  await opened.ledger.tick();
  await opened.ledger.take([line(bend(last, { seq: Number(memberOf(last, "seq")) + 1, prev: sha256(last) }))]);
  const auditor = new Auditor({ ...made.pins, origin: opened.log.origin });
  for (const [index, entry] of opened.log.decoded().entries()) auditor.take(index, entry);
  const untold = auditor.end().flatMap(({ isUntold, code }) => (isUntold === true ? [code] : []));
  const bytes = [...auditor.chains.vms.values()].reduce((sum, { window }) => sum + window.pages.size * 2048, 0);
  return { codes: opened.codes(), untold, bytes };
}

describe("a record far ahead of the last one", () => {
  it("is told of by the ledger, and found as the same by whoever verifies it", async () => {
    const { codes, untold } = await untoldOf(1_000_000);
    expect(codes).toContain("seq_jump");
    expect(untold).toEqual([]);
  });

  it("and the next, and the next, takes no room for what lies between", async () => {
    const steps = Array.from({ length: 20 }, (_, i) => 60_000 * (i + 1));
    const { untold, bytes } = await untoldOf(...steps);
    expect(untold).toEqual([]);
    expect(bytes).toBeLessThanOrEqual(65_536 * 12);
  });
});
