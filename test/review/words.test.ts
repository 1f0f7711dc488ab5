/** The sentences on whether a grant is over do not contradict each other. */
import { expect, it } from "vitest";
import { teardownWords } from "../../control/review/words.js";

const MINUTE = 60_000;
const said = (exp: number | undefined, revokedAt: number | undefined, now: number): string =>
  teardownWords({ exp, revokedAt, openStreams: 0, acceptedAfter: 0, lastAt: undefined }, now).join(" ");

it("calls a grant still good only where nobody has revoked it", () => {
  const exp = 10 * MINUTE;
  expect(said(exp, undefined, MINUTE)).toContain("It is still good, until 1970-01-01 00:10:00 UTC.");
  expect(said(exp, MINUTE, 2 * MINUTE)).toContain(
    "It was revoked at 1970-01-01 00:01:00 UTC. By itself it would end at 1970-01-01 00:10:00 UTC.",
  );
  expect(said(exp, MINUTE, 11 * MINUTE)).toContain("By itself it would have ended at 1970-01-01 00:10:00 UTC.");
  expect(said(exp, 11 * MINUTE, 12 * MINUTE)).toContain("It ended by itself at 1970-01-01 00:10:00 UTC.");
  expect(said(exp, undefined, 12 * MINUTE)).toContain("It ended by itself");
  expect(said(undefined, MINUTE, 2 * MINUTE)).toMatch(/It was revoked .* is not known/);
});
