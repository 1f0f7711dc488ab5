/** A worker's VM that dies, a trust bundle that ends, two who push at once: on the scratch gateway of two workers. */
import { setTimeout as sleep } from "node:timers/promises";
import { newKey } from "../../signer/jwk.js";
import type { Call, Case, Connection, Outcome, Scratch, Stage } from "../model.js";
import { allow, sentUntil, verdict } from "./kit.js";
import { onScratch } from "./scratch.js";

const mortal = (about: Parameters<typeof onScratch>[0], play: Parameters<typeof onScratch>[1]): Case => ({
  ...onScratch(about, play),
  isMortal: true,
});

/** Long enough for a push and a first call on a slow machine. */
const BUNDLE_SECONDS = 5;
const POLL_MS = 100;
/** Clocks count in whole seconds. */
const SLACK_MS = 3000;

async function nearExpiry(stage: Stage, scratch: Scratch): Promise<readonly Outcome[]> {
  const { exp, shown } = await scratch.serveFor(BUNDLE_SECONDS);
  const faults =
    shown === exp
      ? {}
      : { faults: [`the trust bundle ends at ${exp}, and the gateway shows ${shown ?? "no end"} beforehand`] };
  const grant = await stage.grant();
  const before = await stage.send({ grant });
  const deadline = performance.now() + exp * 1000 - Date.now() + SLACK_MS;
  const isOver = (call: Call): boolean => call.seen.code === "bundle_expired";
  const last = await sentUntil(stage, grant, before, { isOver, deadline, pollMs: POLL_MS });
  await scratch.restore();
  return [
    { what: "a grant while its trust bundle is about to end", expected: allow, call: before, ...faults },
    { what: "the same grant when the trust bundle has ended", expected: verdict("bundle_expired"), call: last },
    { what: "the same grant under a renewed trust bundle", expected: allow, call: await stage.send({ grant }) },
  ];
}

async function twoPushing(stage: Stage, scratch: Scratch): Promise<readonly Outcome[]> {
  const { revocable } = scratch.people;
  const left = revocable.incident;
  const before = await stage.grant({ by: revocable.jti });
  await scratch.revoke("jti", before.jti);
  const outcomes: Outcome[] = [];
  for (const isSame of [false, true]) {
    const which = isSame
      ? "two people pushed different trust bundles of one version"
      : "two people pushed two versions";
    const meanwhile = await stage.grant({ by: revocable.jti });
    const { faults, isWithout } = await scratch.pushTwice(isSame, left.sub, meanwhile.jti);
    const send = async (what: string, rest: Pick<Outcome, "expected">, grant = stage.grant()): Promise<Outcome> => ({
      what: `${what}, after ${which} at once`,
      ...rest,
      call: await stage.send({ grant: await grant }),
    });
    const whose = isWithout ? verdict("key_unknown") : allow;
    outcomes.push(
      { ...(await send("a good grant", { expected: allow })), ...(faults.length === 0 ? {} : { faults }) },
      await send("a grant revoked before", { expected: verdict("revoked") }, Promise.resolve(before)),
      await send("a grant revoked meanwhile", { expected: verdict("revoked") }, Promise.resolve(meanwhile)),
      await send("a grant of whom one of the two left out", { expected: whose }, stage.grant({ by: left })),
    );
  }
  await scratch.restore();
  return outcomes;
}

/** Enough for two workers to have some each. */
const CONNECTIONS = 16;

interface Workers {
  /** Two connections to the worker whose VM will die, and one to the other. */
  readonly killing: Connection;
  readonly streaming: Connection;
  readonly elsewhere: Connection;
  readonly opened: readonly Call[];
}

/** By the VM in the record of a call over it. */
async function findWorkers(stage: Stage, scratch: Scratch): Promise<Workers | undefined> {
  const all = Array.from({ length: CONNECTIONS }, () => scratch.connect());
  const opened: Call[] = [];
  for (const one of all) opened.push(await one.send({ grant: await stage.grant() }));
  const { vmOf } = await scratch.chains(opened);
  const vms = opened.map(vmOf);
  for (const vm of new Set(vms)) {
    const [killing, streaming] = all.filter((_, i) => vms[i] === vm);
    const elsewhere = all.find((_, i) => vms[i] !== vm && vms[i] !== undefined);
    if (vm !== undefined && killing && streaming && elsewhere) return { killing, streaming, elsewhere, opened };
  }
  return undefined;
}

/** As long as Envoy waits at most before it makes another VM, and more. */
const REPLACED_MS = 10_000;
const STREAM_MS = 8000;

/** Refused while there is no VM; the first answer that is the filter's, or let in. */
async function firstJudged(stage: Stage, connection: Connection): Promise<Call> {
  for (const deadline = performance.now() + REPLACED_MS; ; await sleep(POLL_MS)) {
    const call = await connection.send({ grant: await stage.grant() });
    const isRefused = call.seen.code === undefined && !call.seen.reached;
    if (!isRefused || performance.now() > deadline) return call;
  }
}

async function killed(stage: Stage, scratch: Scratch): Promise<readonly Outcome[]> {
  const { deadly } = scratch;
  const what = "a worker whose VM dies";
  const workers = typeof deadly === "string" ? undefined : await findWorkers(stage, scratch);
  if (typeof deadly === "string" || workers === undefined) {
    stage.notProbed(what, typeof deadly === "string" ? deadly : "all connections came to one worker");
    return [];
  }
  const { killing, streaming, elsewhere, opened } = workers;
  const kill = async (): Promise<Call> => killing.send({ grant: await stage.grant(), headers: deadly });
  const streamed = streaming.send({ grant: await stage.grant(), headers: { "x-drip-ms": "100" }, watchMs: STREAM_MS });
  await sleep(2 * POLL_MS);
  const died = await kill();
  const forged = await killing.send({ grant: await stage.grant({ forgedBy: newKey("Ed25519") }) });
  const other = await elsewhere.send({ grant: await stage.grant() });
  const again = await firstJudged(stage, killing);
  const stream = await streamed;
  const second = await kill();
  await scratch.restore();
  const healed = [killing, elsewhere].map(async (one) => one.send({ grant: await stage.grant() }));
  const [here, there] = await Promise.all(healed);
  const { vmOf, faults } = await scratch.chains([...opened, other, again, stream]);
  const isNew = vmOf(again) !== undefined && !opened.map(vmOf).includes(vmOf(again));
  const ofChains = [...faults, ...(isNew ? [] : ["the worker goes on in a VM that has died"])];
  const goesOn = stream.seen.endedAfterMs === undefined ? { faults: ["it went on without its VM"] } : {};
  return [
    { what: "the request at which the VM of a worker dies", expected: { kind: "closed" }, call: died },
    { what: "a forged grant right after it, at that worker", expected: { kind: "closed" }, call: forged },
    { what: "a good grant at another worker meanwhile", expected: allow, call: other },
    { what: "a stream that was open in the VM that died", expected: allow, call: stream, ...goesOn },
    {
      what: "a good grant at that worker, once it has another VM",
      expected: allow,
      call: again,
      ...(ofChains.length === 0 ? {} : { faults: ofChains }),
    },
    { what: "the request at which that VM dies as well", expected: { kind: "closed" }, call: second },
    ...[here, there].flatMap((call) =>
      call === undefined
        ? []
        : [{ what: "a good grant after a push, which brings the VM back", expected: allow, call }],
    ),
  ];
}

export const scratchMortalCases: readonly Case[] = [
  mortal({ name: "vm-killed", title: "A worker's VM dies", promise: 2 }, killed),
  mortal({ name: "bundle-near-expiry", title: "A trust bundle that is about to end", promise: 2 }, nearExpiry),
  mortal({ name: "two-pushing", title: "Two people push at once", promise: 6 }, twoPushing),
];
