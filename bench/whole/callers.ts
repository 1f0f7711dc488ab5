/**
 * Everybody who is right, in a process of their own: normal callers, and people who ask, have it approved by two others, complete
 * their grant and use it several times at all gateways; one in four is used beyond its end. Started by fleet.ts.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { jsonOf, payloadOf } from "../../control/grant/message.js";
import { askOf, completed } from "./grants.js";
import { type Person, readPlan } from "./plan.js";
import { answerMessages, atPace, type Meant, Wire } from "./wire.js";

const USES = 12;
const BETWEEN_MS = 500;
/** Seconds that a grant lives: longer than it is used, or half as long. */
const LIFE = 60;
const SHORT_LIFE = 3;
const SHORT_EVERY = 4;
/** One in so many is asked for by somebody who was revoked, once there is one. */
const GONE_EVERY = 10;
/** A grant that is being revoked is used at each gateway so often. */
const WATCH_MS = 20;

interface Grant {
  readonly text: string;
  readonly jti: string;
  readonly sub: string;
  readonly exp: number;
}

const named = z.looseObject({ jti: z.string(), exp: z.number() });
const turn = <T>(list: readonly T[], i: number): T => {
  const one = list[i % list.length];
  if (one === undefined) throw new RangeError("nobody is there");
  return one;
};

/** @param args the plan's file */
export async function main([file = ""]: readonly string[]): Promise<void> {
  const plan = readPlan(file);
  const wire = new Wire(plan, "c");
  const gateways = plan.ports.length;
  const gone = new Set<string>();
  let asked = 0;
  let made = 0;
  let normal = 0;
  let latest: Grant | undefined;
  let failure: unknown;
  const watches = new Set<NodeJS.Timeout>();

  const requester = (): Person => {
    asked += 1;
    if (gone.size > 0 && asked % GONE_EVERY === 0)
      return turn(
        plan.requesters.filter(({ id }) => gone.has(id)),
        asked,
      );
    return turn(
      plan.requesters.filter(({ id }) => !gone.has(id)),
      asked,
    );
  };

  const make = async (ttl: number): Promise<Grant> => {
    const by = requester();
    const ask = await askOf(by, { audience: plan.audience, ttl, text: "refund loop" });
    const approvers = [turn(plan.leads, asked).key, turn(plan.securities, asked).key];
    const { jti, exp } = named.parse(jsonOf(payloadOf(ask)));
    return { text: await completed(ask, approvers, by.key), jti, sub: by.id, exp };
  };

  const meantOf = ({ text, jti, sub, exp }: Grant, gateway: number): Meant => ({
    ...{ kind: "grant", gateway, path: wire.nextPath(), jti, sub, exp },
    headers: { "x-break-glass": text },
  });

  const use = async (): Promise<void> => {
    const isShort = asked % SHORT_EVERY === 0;
    const grant = await make(isShort ? SHORT_LIFE : LIFE);
    made += 1;
    if (!isShort && !gone.has(grant.sub)) latest = grant;
    for (let i = 0; i < USES && !isStopped; i++) {
      void wire.call(meantOf(grant, i % gateways));
      await sleep(BETWEEN_MS);
    }
  };

  let isStopped = false;
  const stops = [
    atPace(plan.rates.normal, () => {
      if (wire.isFull) return;
      const gateway = normal++ % gateways;
      void wire.call({
        ...{ kind: "normal", gateway, path: wire.nextPath() },
        headers: { authorization: `Bearer ${plan.tokens[gateway] ?? ""}` },
      });
    }),
    atPace(plan.rates.grants, () => {
      use().catch((error: unknown) => {
        failure ??= error;
      });
    }),
  ];
  const watch = (): object => {
    const grant = latest;
    if (grant === undefined) return {};
    for (let gateway = 0; gateway < gateways; gateway++)
      watches.add(setInterval(() => void wire.call(meantOf(grant, gateway)), WATCH_MS));
    return { jti: grant.jti, sub: grant.sub };
  };
  answerMessages(
    wire,
    (message) => {
      const [what, name = ""] = message.split(" ");
      if (what === "watch") return watch();
      if (what === "made") return { made };
      if (what === "gone") gone.add(name);
      if (what === "unwatch") {
        for (const timer of watches) clearInterval(timer);
        watches.clear();
      }
      return undefined;
    },
    () => {
      isStopped = true;
      for (const stop of stops) stop();
      if (failure !== undefined) throw failure;
    },
  );
}
