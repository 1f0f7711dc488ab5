/** The roster: what people edit (YAML), from which a bundle is built. docs/roster.md tells its members. */
import { statSync } from "node:fs";
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { readText } from "../base/files.js";
import { parseYaml } from "../base/schema.js";
import { readYaml } from "../base/yaml.js";
import { publicKeySchema, thumbprint, windowedKeySchema } from "../signer/jwk.js";
import { bundleClaimsSchema, entitlementSchema, issuedBeforeSchema, principalSchema, revokedSchema } from "./claims.js";
import { memberNames } from "./members.gen.js";
import { name } from "./names.js";
import { faultsOfKeys, PRIVATE_KEY, privateKeyAt } from "./roster-keys.js";
import { checkRoster } from "./roster-limits.js";
import { duration, moment } from "./roster-values.js";

const DAY = 86_400;
/** A bundle that holds for longer is never looked at again. */
const LONGEST_LIFETIME = 3650 * DAY;
/** A grant dies in minutes; lint warns of hours. A year is a slip. */
const LONGEST_TTL = 366 * DAY;
/** As in assembly/limits.ts. */
const LONGEST_WAIT = 3600;

const window = { nbf: moment.optional(), exp: moment.optional() };
const [okp, ec] = windowedKeySchema.options;
const withoutWindow = <K extends object>(key: K): object =>
  Object.fromEntries(Object.entries(key).filter(([member]) => member !== "nbf" && member !== "exp"));
const rosterKey = z.discriminatedUnion("kty", [okp.extend(window), ec.extend(window)]).superRefine((key, context) => {
  const right = thumbprint(key);
  if (right === key.kid || !publicKeySchema.safeParse(withoutWindow(key)).success) return;
  context.addIssue({
    code: "custom",
    path: ["kid"],
    message: `is not the key's RFC 7638 thumbprint, which is ${right}: copy the key whole, as \`glassgate key new NAME\` prints it`,
  });
});

export const rosterSchema = z
  .strictObject({
    lifetime: duration(LONGEST_LIFETIME, { least: 86_400, unit: "d" }).describe(
      "how long a bundle built from this roster holds",
    ),
    principals: z
      .array(
        principalSchema.extend({
          roles: z.array(z.union([name, z.strictObject({ role: name, ...window })])),
          keys: z.array(rosterKey),
        }),
      )
      .max(4096),
    entitlements: z
      .array(
        entitlementSchema.extend({
          max_ttl: duration(LONGEST_TTL),
          max_wait: z.union([z.literal(0), duration(LONGEST_WAIT)]).optional(),
        }),
      )
      .max(1024),
    ...bundleClaimsSchema.pick({ revokers: true, reviewers: true, ledgers: true }).shape,
    revoked: revokedSchema
      .extend({ issued_before: z.array(issuedBeforeSchema.extend({ at: moment })).optional() })
      .optional(),
  })
  .superRefine(checkRoster);
export type Roster = z.infer<typeof rosterSchema>;

/** Member names by place, for "did you mean". */
const MEMBERS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^$/, Object.keys(rosterSchema.shape)],
  [/^principals\.\d+$/, memberNames.principal],
  [/^principals\.\d+\.roles\.\d+$/, memberNames.role],
  [/^principals\.\d+\.keys\.\d+$/, memberNames.key],
  [/^entitlements\.\d+$/, memberNames.entitlement],
  [/^entitlements\.\d+\.approvals\.\d+$/, memberNames.approval],
  [/^entitlements\.\d+\.authorization_details\.\d+$/, ["type", "locations", "actions", "paths"]],
  [/^revoked$/, memberNames.revoked],
  [/^revoked\.issued_before\.\d+$/, memberNames.issued_before],
];

const HINT =
  "Mend the roster and run the command again. Nothing was written. config/roster.yaml is a complete example, docs/roster.md tells each member.";

const NOTHING = "holds nothing: a roster has lifetime, principals and entitlements";

function refuseAt(text: string, file: string, offset: number, sentence: string): never {
  const before = text.slice(0, offset).split("\n");
  throw new UserError(`${file}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}: ${sentence}`, { hint: HINT });
}

export function parseRoster(text: string, file: string): Roster {
  const secret = privateKeyAt(text);
  if (secret !== undefined) refuseAt(text, file, secret, `${PRIVATE_KEY}.`);
  return parseYaml(
    text,
    file,
    rosterSchema,
    (path) => MEMBERS.find(([pattern]) => pattern.test(path.join(".")))?.[1] ?? [],
    HINT,
    (value) => (value === null ? [{ path: [], message: NOTHING }] : faultsOfKeys(value)),
  );
}

/** A roster is a file of some hundred KiB: no device, no pipe without an end. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;

export function readRosterText(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() === true && stat.size > MAX_FILE_BYTES)
    throw new UserError(`${path}:1:1: it is larger than any roster that a bundle can hold.`, { hint: HINT });
  if (stat?.isCharacterDevice() === true || stat?.isBlockDevice() === true)
    throw new UserError(`${path} is a device, not a roster.`, { hint: "Name the file with --roster." });
  return readText(path, "the roster", "Run `glassgate init` first, or name the file with --roster.");
}

export function readRoster(path: string): Roster {
  return parseRoster(readRosterText(path), path);
}

/** An error about the roster as a whole, or about the scalar that says `name`. */
export function refuseRoster(text: string, file: string, sentence: string, name?: string): never {
  const place = (name === undefined ? undefined : readYaml(text, file, HINT).find(name)) ?? `${file}:1:1`;
  throw new UserError(`${place}: ${sentence}`, { hint: HINT });
}
