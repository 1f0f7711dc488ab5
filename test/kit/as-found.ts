/**
 * For test files that share a process, one after the other (vitest.config.ts): each leaves it as it found it. A file that must change it,
 * or that leaves anything running, is one for a process of its own.
 */
import { afterAll, expect, vi } from "vitest";

/** What lives on where a test forgets it. Connections that are kept for the next request end by themselves. */
const LEFT: ReadonlySet<string> = new Set(["TCPServerWrap", "PipeServerWrap", "ProcessWrap"]);

const running = (): string[] =>
  process
    .getActiveResourcesInfo()
    .filter((name) => LEFT.has(name))
    .sort();

const state = () => ({
  env: { ...process.env },
  cwd: process.cwd(),
  exitCode: process.exitCode,
  listeners: process.eventNames().map((name) => `${String(name)} ${process.listenerCount(name)}`),
  isClockReal: /native code/.test(Function.prototype.toString.call(Date)),
});

const found = { state: state(), running: running() };

afterAll(async () => {
  expect(state(), "the process is left as it was found").toEqual(found.state);
  await vi.waitFor(() => expect(running(), "nothing is left running").toEqual(found.running), { timeout: 60_000 });
});
