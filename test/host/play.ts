/** Plays a life on a gateway, real or not, and compares what each thread's VMs said at each step. */
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { expect } from "vitest";
import type { Header } from "../../control/host/host.js";
import type { Life, Step } from "./lives.js";

export interface Gateway {
  push(listener: string, configuration: string, vmId: string | undefined): Promise<void>;
  /** How many configurations were rejected so far. */
  rejections(): number;
  send(listener: string, headers: readonly Header[]): Promise<{ readonly status: number; readonly body: string }>;
  hold(listener: string, headers: readonly Header[]): Promise<void>;
  drop(): Promise<void>;
  wait(milliseconds: number): Promise<void>;
  /** All lines so far. */
  lines(): readonly Line[];
  /** What happens without a line has happened after this time. */
  readonly settleMs: number;
}

export interface Line {
  readonly thread: "main" | "worker";
  readonly text: string;
}

const PATIENCE_MS = 60_000;

const REQUEST: readonly Header[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  ["host", "h"],
];
const withScript = (script: string): Header[] => [...REQUEST, ["x-script", script]];

/** `Function: malloc failed: ...` -> `! malloc`; errors of other kinds are the gateway's own chatter. */
export function lineOf(text: string): string | undefined {
  const trapped = /Function: (\w+)/.exec(text)?.[1];
  if (trapped !== undefined) return `! ${trapped}`;
  const failed = /Failed to (?:start|configure) .*/.exec(text)?.[0];
  return failed === undefined ? undefined : `! ${failed}`;
}

async function act(step: Step, gateway: Gateway, where: string): Promise<void> {
  if ("push" in step) await gateway.push(step.to ?? "a", step.push, step.vmId);
  else if ("send" in step) {
    const reply = await gateway.send(step.to ?? "a", withScript(step.send));
    expect(reply.status, where).toBe(step.status);
    if (step.body !== undefined) expect(reply.body, where).toBe(step.body);
  } else if ("hold" in step) await gateway.hold("a", withScript(step.hold));
  else if ("drop" in step) await gateway.drop();
  else await gateway.wait(step.waitMs);
}

export async function play(life: Life, gateway: Gateway): Promise<void> {
  for (const [index, step] of life.steps.entries()) {
    const where = `step ${index + 1}`;
    const before = { lines: gateway.lines().length, rejections: gateway.rejections() };
    await act(step, gateway, where);
    const expected = {
      main: step.main ?? [],
      worker: step.worker ?? [],
      rejections: "push" in step && step.rejected === true ? 1 : 0,
    };
    const seen = (): typeof expected => {
      const fresh = gateway.lines().slice(before.lines);
      const said = (thread: string): string[] => fresh.filter((line) => line.thread === thread).map(({ text }) => text);
      return { main: said("main"), worker: said("worker"), rejections: gateway.rejections() - before.rejections };
    };
    const deadline = Date.now() + PATIENCE_MS;
    while (Date.now() < deadline && !isDeepStrictEqual(seen(), expected)) await sleep(20);
    // What should not have happened shows a little later.
    await sleep(gateway.settleMs);
    expect(seen(), where).toEqual(expected);
  }
}
