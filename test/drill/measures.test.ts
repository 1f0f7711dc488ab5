/** How what was measured is told: the middle, the most, where, the limit, and the drills before. */
import { expect, it } from "vitest";
import { shows } from "../../control/drill/commands/alerts.js";
import { parseDrill } from "../../control/drill/file.js";
import { measuresOf } from "../../control/drill/measures.js";
import type { Report } from "../../control/drill/model.js";
import { withLast } from "../../control/drill/report/compare.js";
import { measureRow } from "../../control/drill/report/words.js";
import { recordWaitMs } from "../../control/drill/run.js";
import { reportOf } from "../kit/drill-report.js";

const sample = (name: "revoked" | "quorum", ms: number, gateway: string) => ({ name, ms, gateway });

it("the middle is one that was measured, the most names its gateway, and the limit is of the most", () => {
  const all = [sample("revoked", 300.4, "a"), sample("revoked", 1100, "b"), sample("revoked", 200, "c")];
  const [measure] = measuresOf(all, { revoked: 1 });
  expect(measure).toEqual({
    ...{ name: "revoked", unit: "ms", samples: [300, 1100, 200], p50: 300, max: 1100, slowest: "b" },
    ...{ limit: 1000, ok: false },
  });
  expect(measureRow(measuresOf(all.slice(0, 2), { revoked: 2 })[0] ?? expect.fail())).toBe(
    "from the revoking command's start to the last gateway's denial: 300 ms in the middle, 1.1 s at most on b (2), limit 2.0 s",
  );
  // Nobody's gateway takes part in what this machine signs; what has no sample is no measure.
  const local = measuresOf([sample("quorum", 5, "a")], {});
  expect(local).toEqual([{ name: "quorum", unit: "ms", samples: [5], p50: 5, max: 5, ok: true }]);
});

it("a limit may be shorter than a second", () => {
  const limited = (text: string) => {
    const gateways = 'gateways: [{ id: a, url: "http://127.0.0.1:1", admin: "127.0.0.1:1" }]';
    const people = "people: { requester: rita, approvers: [] }";
    return parseDrill(
      `name: q\nevery: 90d\nentitlement: e\n${people}\n${gateways}\nlimits: { revoked: ${text} }\n`,
      "d",
    );
  };
  for (const [text, ms] of Object.entries({
    "500ms": 500,
    "29ms": 29,
    "1001ms": 1001,
    "2s": 2000,
    "1m": 60_000,
    "3": 3000,
  }))
    expect(measuresOf([sample("revoked", ms + 1, "a")], limited(text).limits)).toMatchObject([
      { limit: ms, ok: false },
    ]);
  for (const [text, meant] of Object.entries({
    "0.5s": "500ms",
    "0.25": "",
    ".5s": "500ms",
    "500 msec": "500ms",
    "5sec": "5s",
  }))
    expect(() => limited(text), text).toThrow(
      `limits.revoked: must be seconds or a duration such as 500ms, 10s or 15m${meant === "" ? "" : `; did you mean ${meant}?`}`,
    );
  expect(() => limited("0ms")).toThrow("limits.revoked: must be");
  // A record that comes after half a second is late, and not missing.
  expect([undefined, 0.5, 10].map(recordWaitMs)).toEqual([30_000, 3000, 10_000]);
  // What holds for days is not told in milliseconds.
  expect(() => parseDrill("name: q\nevery: 500ms\n", "d")).toThrow("every: must be seconds or a duration such as 15m");
});

it("a drill stands beside the last one, and the middles of those before it go on", () => {
  const good = reportOf();
  const held = (ms: number): Report => ({ ...good, measures: measuresOf([sample("revoked", ms, "a")], {}) });
  let last = held(100);
  for (const ms of [110, 120, 130]) last = withLast(held(ms), { report: last, sha256: "ab".repeat(32) });
  const [measure] = last.measures;
  expect(measure).toMatchObject({ p50: 130, lastP50: 120, lastMax: 120, earlier: [110, 100] });
  expect(measureRow(measure ?? expect.fail())).toContain(
    "130 ms in the middle (last time 120 ms; before that 110 ms, 100 ms), 130 ms at most on a (last time 120 ms) (1)",
  );
  for (let ms = 140; ms < 300; ms += 10) last = withLast(held(ms), { report: last, sha256: "ab".repeat(32) });
  expect(last.measures[0]?.earlier).toEqual([270, 260, 250, 240, 230, 220, 210, 200]);
});

it("an alarm is known by its grant's hash or its entry, and by no other number", () => {
  const hash = "ab".repeat(32);
  for (const text of [`{"grant_sha256":"${hash}"}`, '{"entry":471,"about":[1]}', '"entry": 471', "Entry 471 of `x`"])
    expect(shows(text, hash, 471), text).toBe(true);
  for (const text of ["", '{"entry":4711}', "Entry 47 of", "471", hash.toUpperCase()])
    expect(shows(text, hash, 471), text).toBe(false);
  expect(shows("Entry 471 of `x`", hash, undefined)).toBe(false);
});
