/** The way that opens: from the ask to the first allowed call, the normal road beside it, and the end that comes by itself. */
import { setTimeout as sleep } from "node:timers/promises";
import { isServed, isTold } from "../judge.js";
import type { Call, Case, Outcome, Stage } from "../model.js";
import { allow, sentUntil } from "./kit.js";

async function walk(stage: Stage): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let round = 0; round < stage.repeat; round++) {
    const began = performance.now();
    const { grant, quorumMs, grantMs } = await stage.walk();
    const call = await stage.send({ grant });
    stage.measured("quorum", quorumMs);
    stage.measured("grant", grantMs);
    if (call.seen.code === undefined && isServed(call)) stage.measured("first_allowed", performance.now() - began);
    outcomes.push({ what: "a grant that was asked for, approved and completed", expected: allow, call });
  }
  return outcomes;
}

/** Short, and long enough for a first call on a slow machine. */
const SHORT_SECONDS = 6;
const POLL_MS = 150;
/** Asked again from so long before its end on. */
const EARLY_MS = 1000;
/** How long after its end a grant may still open something: clocks count in whole seconds. */
const SLACK_MS = 3000;

async function expireOne(stage: Stage): Promise<readonly Outcome[]> {
  const iat = stage.now();
  const exp = iat + Math.min(SHORT_SECONDS, stage.entitlement.max_ttl);
  const grant = await stage.grant({ claims: { iat, exp } });
  const first = await stage.send({ grant });
  const what = "a grant of a few seconds, while it lives";
  if (!isServed(first)) return [{ what, expected: allow, call: first }];
  const deadline = performance.now() + (exp - stage.now()) * 1000 + SLACK_MS;
  await sleep(Math.max(0, exp * 1000 - Date.now() - EARLY_MS));
  const isOver = (call: Call): boolean =>
    isTold(call, "expired") || call.seen.code !== undefined || call.seen.status === 0;
  const last = await sentUntil(stage, grant, first, { isOver, deadline, pollMs: POLL_MS });
  const late = last.at - exp * 1000;
  if (isTold(last, "expired")) stage.measured("expired", Math.max(0, late));
  return [
    { what, expected: allow, call: first },
    {
      what: "the same grant, when its time is over",
      expected: { kind: "verdict", verdict: "expired", told: "expired" },
      call: last,
    },
  ];
}

/** All at once: each waits for its end. */
async function expire(stage: Stage): Promise<readonly Outcome[]> {
  const all = await Promise.all(Array.from({ length: stage.repeat }, () => expireOne(stage)));
  return all.flat();
}

const NO_STREAM = "the drill file names no `stream`: a request whose answer goes on until it is cut";

async function stream(stage: Stage): Promise<readonly Outcome[]> {
  const what = "a stream that is open when its grant ends";
  if (stage.stream === undefined) {
    stage.notProbed(what, NO_STREAM);
    return [];
  }
  const { path, headers } = stage.stream;
  const { host, method } = stage.target;
  const iat = stage.now();
  const life = Math.min(SHORT_SECONDS, stage.entitlement.max_ttl);
  const details = [{ type: "break_glass_http", locations: [host], actions: [method], paths: [path] }];
  const grant = await stage.grant({ claims: { iat, exp: iat + life, authorization_details: details } });
  const withinMs = life * 1000 + SLACK_MS;
  const call = await stage.send({ grant, path, headers, watchMs: withinMs + SLACK_MS });
  return [{ what, expected: { kind: "cut", withinMs }, call }];
}

async function normal(stage: Stage): Promise<readonly Outcome[]> {
  const what = "a normal caller";
  if (stage.gateway.caller === undefined) {
    stage.notProbed(what, "the drill file names no `caller` of this gateway");
    return [];
  }
  const headers = Object.fromEntries(stage.gateway.caller);
  return [{ what, expected: { kind: "normal" }, call: await stage.send({ headers }) }];
}

export const pathCases: readonly Case[] = [
  {
    name: "opens",
    title: "The path opens for the right people",
    promise: 2,
    where: "fleet",
    play: walk,
  },
  { name: "normal-caller", title: "Normal callers go on", promise: 4, where: "fleet", play: normal },
  {
    name: "dies-by-itself",
    title: "A grant dies by itself",
    promise: 3,
    where: "fleet",
    isPatient: true,
    play: expire,
  },
  {
    name: "stream-cut",
    title: "A stream does not outlive its grant",
    promise: 3,
    where: "fleet",
    isPatient: true,
    play: stream,
  },
];
