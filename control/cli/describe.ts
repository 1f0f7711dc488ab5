/** An ask in plain words, from what the release filter's own parser read: what you approve is what the gateway will enforce. */
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { showDuration, showTime } from "../base/time.js";
import { FilterTools } from "../host/tools.js";
import type { Detail } from "../trust/names.js";

const described = z.object({
  typ: z.string(),
  kid: z.string(),
  claims: z.object({
    jti: z.string(),
    sub: z.string(),
    aud: z.array(z.string()),
    iat: z.number(),
    exp: z.number(),
    ent: z.string(),
    reason: z.string(),
    text: z.string(),
    incident: z.string().optional(),
    authorization_details: z.array(
      z.object({
        type: z.literal("break_glass_http"),
        locations: z.array(z.string()),
        actions: z.array(z.string()),
        paths: z.array(z.string()),
      }),
    ),
    drill: z.string().optional(),
  }),
});
export type Described = z.infer<typeof described>;

/** What the filter's parser reads. Throws when it would call the text malformed. */
export async function describeWithFilter(text: string, what: string): Promise<Described> {
  const tools = await FilterTools.load();
  const parsed = described.safeParse(JSON.parse(tools.describe(text)));
  if (!parsed.success) {
    throw new UserError(`${what} is not well-formed: the gateway would refuse it.`, {
      hint: "Was it copied whole? Ask again with `glassgate ask`.",
    });
  }
  return parsed.data;
}

function scopeLines(detail: Detail): string[] {
  const lines = detail.actions.flatMap((action) =>
    detail.locations.flatMap((host) =>
      detail.paths.map((path) => `             ${visible(action)} ${visible(host)}${visible(path)}`),
    ),
  );
  return lines.length <= 20
    ? lines
    : [...lines.slice(0, 20), `             ... and ${lines.length - 20} more combinations`];
}

/** What the scope does not say, and a person should know. */
function scopeWarnings(details: readonly Detail[]): string[] {
  const warnings = new Set<string>();
  for (const { actions, paths } of details) {
    for (const path of paths) {
      if (path.endsWith("/**")) warnings.add(`${visible(path)} opens everything below it`);
      if (/\/(graphql|batch|rpc|\$batch)$/i.test(path)) {
        warnings.add(
          `${visible(path)} is one endpoint for many operations: the body decides which, and nobody judges the body`,
        );
      }
    }
    if (actions.includes("CONNECT")) warnings.add("CONNECT opens a tunnel whose content nobody judges");
  }
  return [...warnings];
}

/** Lines for a person. `now` in seconds. */
export function describeAsk({ claims }: Described, now: number): { lines: string[]; warnings: string[] } {
  const left = claims.exp - now;
  const life = `${showDuration(claims.exp - claims.iat)}, ${left > 0 ? `${showDuration(left)} left` : "EXPIRED"}`;
  const lines = [
    `requester    ${visible(claims.sub)}`,
    `entitlement  ${visible(claims.ent)}`,
    `reason       ${visible(claims.reason)}`,
    `in words     ${visible(claims.text)}`,
    ...(claims.incident === undefined ? [] : [`incident     ${visible(claims.incident)}`]),
    ...(claims.drill === undefined ? [] : [`drill        ${visible(claims.drill)}`]),
    `environment  ${claims.aud.map(visible).join(", ")}`,
    `asked        ${showTime(claims.iat)}`,
    `ends         ${showTime(claims.exp)} (${life})`,
    "opens",
    ...claims.authorization_details.flatMap(scopeLines),
    "             with any query and any body",
  ];
  return { lines, warnings: scopeWarnings(claims.authorization_details) };
}
