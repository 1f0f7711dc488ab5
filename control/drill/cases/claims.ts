/** Grants whose claims or times are not what gateway and entitlement take. */
import type { Case } from "../model.js";
import { tries, verdict } from "./kit.js";

export const claimCases: readonly Case[] = [
  tries({ name: "expired", title: "An expired grant", promise: 3 }, [
    {
      what: "a grant that has expired",
      expected: verdict("expired"),
      grant: (stage) => ({ claims: { iat: stage.now() - 100, exp: stage.now() - 1 } }),
    },
  ]),
  tries({ name: "from-the-future", title: "A grant from the future", promise: 3 }, [
    {
      what: "a grant that begins in an hour",
      expected: verdict("not_yet_valid"),
      grant: (stage) => ({ claims: { iat: stage.now() + 3600, exp: stage.now() + 3660 } }),
    },
  ]),
  tries({ name: "over-max-ttl", title: "A grant that would live too long", promise: 3 }, [
    {
      what: "a grant that lives a second longer than its entitlement allows",
      expected: verdict("ttl"),
      grant: (stage) => {
        const iat = stage.now();
        return { claims: { iat, exp: iat + stage.meant.life + 1 } };
      },
    },
  ]),
  tries({ name: "audience", title: "A grant of another environment", promise: 4 }, [
    {
      what: "a grant for another environment",
      expected: verdict("audience"),
      grant: () => ({ claims: { aud: "glassgate-drill-elsewhere" } }),
    },
  ]),
  tries({ name: "requester", title: "Somebody who may not ask", promise: 1 }, [
    {
      what: "a grant asked for by somebody without the role",
      expected: verdict("requester"),
      grant: ({ players: { stranger } }) => (stranger === undefined ? {} : { by: stranger }),
      unless: ({ players: { stranger } }) =>
        stranger === undefined ? "the drill file names no `people.stranger`" : undefined,
    },
  ]),
  tries({ name: "reason", title: "A reason that is not allowed", promise: 4 }, [
    {
      what: "a grant for a reason that the entitlement does not have",
      expected: verdict("reason"),
      grant: () => ({ claims: { reason: "glassgate-drill-curiosity" } }),
    },
  ]),
  tries({ name: "drill-is-no-real-grant", title: "A drill is never a quiet real grant", promise: 5 }, [
    {
      what: "a grant of the drill's entitlement without the drill's mark",
      expected: verdict("requester"),
      grant: () => ({ claims: { drill: undefined } }),
    },
    {
      what: "a drill's grant for an entitlement that is none of drills",
      expected: verdict("requester"),
      grant: ({ bundle }) => ({
        claims: { ent: bundle.entitlements.find(({ drill }) => drill !== true)?.id },
      }),
      unless: ({ bundle }) =>
        bundle.entitlements.every(({ drill }) => drill === true) ? "the bundle has no other entitlement" : undefined,
    },
    {
      what: "a grant of an entitlement that nobody knows",
      expected: verdict("entitlement_unknown"),
      grant: () => ({ claims: { ent: "glassgate-drill-nothing" } }),
    },
  ]),
];
