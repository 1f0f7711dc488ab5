/** The roster: what people edit (YAML), from which a bundle is built. */
import { z } from "zod";
import { readText } from "../base/files.js";
import { parseYaml } from "../base/schema.js";
import { thumbprint, windowedKeySchema } from "../signer/jwk.js";
import { entitlementSchema, principalSchema, revokedSchema } from "./claims.js";
import { name } from "./names.js";

const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?)?$/;

/** Seconds, or a date in UTC such as `2027-01-31` or `2027-01-31T18:00Z`. */
const date = z.union([
  z.int().nonnegative(),
  z
    .string()
    .regex(ISO, "must be seconds since 1970 or a UTC date such as 2027-01-31T18:00Z")
    .transform((text, context) => {
      const zoned = /T|\s/.test(text) && !/(?:Z|[+-]\d{2}:\d{2})$/.test(text) ? `${text}Z` : text;
      const milliseconds = Date.parse(zoned);
      if (Number.isNaN(milliseconds)) context.addIssue({ code: "custom", message: "is no date of the calendar" });
      return Math.floor(milliseconds / 1000);
    }),
]);

const DURATION = /^([1-9][0-9]{0,8})([smhd])$/;
const UNIT: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
/** Seconds, or `15m`, `2h`, `30d`. */
const duration = z.union([
  z.int().min(1),
  z
    .string()
    .regex(DURATION, "must be seconds or a duration such as 15m, 2h or 30d")
    .transform((text) => {
      const [, count, unit] = DURATION.exec(text) ?? [];
      return Number(count) * (UNIT[unit ?? "s"] ?? 1);
    }),
]);

const window = { nbf: date.optional(), exp: date.optional() };
const [okp, ec] = windowedKeySchema.options;
const rosterKey = z
  .discriminatedUnion("kty", [okp.extend(window), ec.extend(window)])
  .refine(
    (key) => thumbprint(key) === key.kid,
    "has a kid that is not its RFC 7638 thumbprint; copy the key from `glassgate key show`",
  );

export const rosterSchema = z
  .strictObject({
    lifetime: duration.describe("how long a bundle built from this roster holds"),
    principals: z
      .array(
        principalSchema.extend({
          roles: z.array(z.union([name, z.strictObject({ role: name, ...window })])),
          keys: z.array(rosterKey),
        }),
      )
      .max(4096),
    entitlements: z.array(entitlementSchema.extend({ max_ttl: duration })).max(1024),
    revoked: revokedSchema.optional(),
  })
  .superRefine((roster, context) => {
    const seen = new Map<string, string>();
    const once = (kind: string, id: string, path: PropertyKey[]): void => {
      if (seen.has(`${kind} ${id}`))
        context.addIssue({ code: "custom", path, message: `the ${kind} ${id} occurs twice` });
      seen.set(`${kind} ${id}`, id);
    };
    roster.principals.forEach((principal, i) => {
      once("principal", principal.id, ["principals", i, "id"]);
      principal.keys.forEach((key, j) => {
        once("key", key.kid, ["principals", i, "keys", j, "kid"]);
        if (key.exp !== undefined && key.exp <= (key.nbf ?? 0)) {
          context.addIssue({ code: "custom", path: ["principals", i, "keys", j, "exp"], message: "is not after nbf" });
        }
      });
    });
    roster.entitlements.forEach((entitlement, i) => {
      once("entitlement", entitlement.id, ["entitlements", i, "id"]);
      const quorum = entitlement.approvals.reduce((sum, { count }) => sum + count, 0);
      if (quorum > 8)
        context.addIssue({
          code: "custom",
          path: ["entitlements", i, "approvals"],
          message: "asks for more than 8 approvals",
        });
    });
  });
export type Roster = z.infer<typeof rosterSchema>;

/** Member names by place, for "did you mean". */
const MEMBERS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^$/, ["lifetime", "principals", "entitlements", "revoked"]],
  [/^principals\.\d+$/, ["id", "person", "roles", "keys"]],
  [/^principals\.\d+\.roles\.\d+$/, ["role", "nbf", "exp"]],
  [/^principals\.\d+\.keys\.\d+$/, ["kty", "crv", "x", "y", "kid", "alg", "nbf", "exp"]],
  [
    /^entitlements\.\d+$/,
    ["id", "requesters", "reasons", "approvals", "max_ttl", "authorization_details", "require", "drill"],
  ],
  [/^entitlements\.\d+\.approvals\.\d+$/, ["role", "count"]],
  [/^entitlements\.\d+\.authorization_details\.\d+$/, ["type", "locations", "actions", "paths"]],
  [/^revoked$/, ["jti", "sub", "kid", "incident"]],
];

export function parseRoster(text: string, file: string): Roster {
  return parseYaml(
    text,
    file,
    rosterSchema,
    (path) => MEMBERS.find(([pattern]) => pattern.test(path.join(".")))?.[1] ?? [],
    "Mend the roster and run the command again. Nothing was written. config/roster.yaml is a complete example.",
  );
}

export function readRoster(path: string): Roster {
  return parseRoster(readText(path, "the roster", "Run `glassgate init` first, or name the file with --roster."), path);
}
