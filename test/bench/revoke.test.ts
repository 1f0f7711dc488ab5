/** `npm run bench:revoke` in small. No time is judged: that a grant opens nothing after "applied" is. */
import { expect, it } from "vitest";
import { z } from "zod";
import { markdown } from "../../bench/revoke/tell.js";
import { programWithJson } from "./program.js";

const time = z.number().finite();
const found = z.object({
  rounds: z.array(
    z.object({ untilSigned: time, firstDenial: z.array(time), lastAllowed: time, applied: time.nonnegative() }),
  ),
});

it("revocations are measured at three gateways while they serve, and RESULTS.md stays as it is", async () => {
  const ran = await programWithJson("revoke.ts", ["--rounds", "1"]);
  expect(ran).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("Only a part") });
  const { rounds } = found.parse(ran.json);
  expect(rounds.map(({ firstDenial }) => firstDenial.length)).toEqual([3]);
  const setting = { gateways: 3, workers: 2, connections: 4, pauseMs: 5 };
  expect(markdown(rounds, setting, "1.40.0")).toMatch(
    /\| the first denial, at each gateway \| 3 \| \d+ \| \d+ \| \d+ \|/,
  );
}, 600_000);
