/** Requests that the grant, or the entitlement behind it, does not cover: one dimension at a time. */
import type { Detail } from "../../trust/names.js";
import { overlapOf } from "../../trust/overlap.js";
import type { Case, Outcome, Stage, Target } from "../model.js";
import { outside, tries, verdict } from "./kit.js";

const ELSEWHERE = "glassgate-drill.invalid";
/** Nothing but GET and HEAD is sent to an upstream that is not said to be harmless. */
const otherMethod = ({ target }: Stage): string => (target.method === "HEAD" ? "GET" : "HEAD");

const detailOf = ({ method, host, path }: Target): Detail => ({
  type: "break_glass_http",
  locations: [host],
  actions: [method],
  paths: [path],
});

/** Requests near the target that the entitlement is not meant to open. */
function beyond(stage: Stage): { what: string; request: Target }[] {
  const { target, meant, gateway } = stage;
  const parent = target.path.slice(0, target.path.lastIndexOf("/")) || "/";
  const all = [
    { what: "a path beside it", request: { ...target, path: outside(stage) } },
    {
      what: "a path below it",
      request: { ...target, path: `${target.path.replace(/\/$/, "")}/glassgate-drill-below` },
    },
    { what: "the path above it", request: { ...target, path: parent } },
    { what: "another tree", request: { ...target, path: "/glassgate-drill-outside" } },
    { what: "another host", request: { ...target, host: ELSEWHERE } },
    { what: "another method", request: { ...target, method: otherMethod(stage) } },
    ...(gateway.isHarmless ? [{ what: "a method that writes", request: { ...target, method: "DELETE" } }] : []),
  ];
  return all.filter(({ request }) =>
    meant.details.every((detail) => overlapOf(detail, detailOf(request)) === undefined),
  );
}

async function entitled(stage: Stage): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { what, request } of beyond(stage)) {
    const grant = await stage.grant({ claims: { authorization_details: [detailOf(request)] } });
    const call = await stage.send({ ...request, grant });
    outcomes.push({
      what: `a grant for more than the entitlement opens: ${what}`,
      expected: verdict("entitlement_scope"),
      call,
    });
  }
  if (outcomes.length === 0)
    stage.notProbed("a grant for more than the entitlement opens", "it opens all that is near");
  return outcomes;
}

export const scopeCases: readonly Case[] = [
  tries({ name: "scope-host", title: "Another host than granted", promise: 4 }, [
    { what: "another host", expected: verdict("scope_host"), call: () => ({ host: ELSEWHERE }) },
  ]),
  tries({ name: "scope-method", title: "Another method than granted", promise: 4 }, [
    {
      what: "another method",
      expected: verdict("scope_method"),
      call: (stage) => ({ method: otherMethod(stage) }),
    },
    {
      what: "a method that writes",
      expected: verdict("scope_method"),
      call: () => ({ method: "DELETE" }),
      unless: ({ gateway }) =>
        gateway.isHarmless
          ? undefined
          : "GET and HEAD only: the drill file does not say that its upstream is `harmless`",
    },
  ]),
  tries({ name: "scope-path", title: "Another path than granted", promise: 4 }, [
    { what: "another path", expected: verdict("scope_path"), call: (stage) => ({ path: outside(stage) }) },
    {
      what: "a longer path",
      expected: verdict("scope_path"),
      call: ({ target }) => ({ path: `${target.path}x` }),
    },
  ]),
  {
    name: "entitlement-scope",
    title: "More than the entitlement opens",
    promise: 4,
    where: "fleet",
    play: entitled,
  },
];
