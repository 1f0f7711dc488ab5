/** What a person wants to take away, from the command line: each name is looked up, as a slip would take nothing away. */
import { existsSync } from "node:fs";
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { nearest, visible } from "../base/text.js";
import { jsonOf, payloadOf } from "../grant/message.js";
import type { Revoked } from "../trust/claims.js";
import { type BundleClaims, personOf } from "../trust/claims.js";
import { type Entry, listsOf } from "../trust/entries.js";
import { quoted } from "../trust/facts.js";
import { readMessages } from "./message-input.js";

export interface AskedOptions {
  readonly kid?: readonly string[];
  readonly person?: readonly string[];
  readonly sub?: readonly string[];
  readonly grant?: readonly string[];
  readonly incident?: readonly string[];
}

/** What of the gateways is needed to look names up. */
export interface KnownAtGateways {
  readonly bundles: readonly BundleClaims[];
  readonly roots: readonly string[];
}

const MAX_INCIDENT_BYTES = 64;
const JTI = /^[A-Za-z0-9_-]{16,64}$/;
const named = z.looseObject({ jti: z.string().regex(JTI) });

function unknown(what: string, name: string, candidates: readonly string[], more = ""): UserError {
  const near = nearest(name, candidates);
  const guess = near === undefined ? "" : ` Did you mean ${quoted(near)}?`;
  return new UserError(
    `${what} ${quoted(name)} is in no bundle of these gateways, so nothing would be taken away.${guess}`,
    {
      hint: `${more}Nothing was signed. \`glassgate revoke --list\` shows what is in force.`,
    },
  );
}

function accountsOf(person: string, { bundles }: KnownAtGateways): string[] {
  const principals = bundles.flatMap((bundle) => bundle.principals);
  const accounts = [...new Set(principals.filter((one) => personOf(one) === person).map(({ id }) => id))];
  if (accounts.length > 0) return accounts;
  const account = principals.find(({ id }) => id === person);
  const more =
    account === undefined
      ? ""
      : `It is an account of the person ${personOf(account)}: --person ${personOf(account)} takes away all of that person's, --sub ${person} this account's alone. `;
  throw unknown("The person", person, principals.map(personOf), more);
}

function principal(id: string, { bundles }: KnownAtGateways): string {
  const ids = bundles.flatMap(({ principals }) => principals.map((one) => one.id));
  if (ids.includes(id)) return id;
  throw unknown("The account", id, ids);
}

function key(kid: string, { bundles, roots }: KnownAtGateways): string {
  const kids = bundles.flatMap(({ principals }) => principals.flatMap(({ keys }) => keys.map((one) => one.kid)));
  if (kids.includes(kid) || roots.includes(kid)) return kid;
  throw unknown(
    "The key",
    kid,
    [...kids, ...roots],
    "A key is named by its whole kid, as `glassgate bundle show` prints it. ",
  );
}

/** The name of a grant: as it is, or from the ask or grant itself, in a file or as text. */
function grant(argument: string): string {
  if (JTI.test(argument) && !existsSync(argument)) return argument;
  const { found } = readMessages(
    argument,
    "The grant",
    "its whole jti as the audit log has it, or a file with its text or its ask",
  );
  const names = found.messages.flatMap(({ kind, text }) =>
    kind === "approval" ? [] : (named.safeParse(jsonOf(payloadOf(text))).data?.jti ?? []),
  );
  const [jti, ...others] = [...new Set(names)];
  if (jti !== undefined && others.length === 0) return jti;
  throw new UserError(
    jti === undefined
      ? `${visible(argument).slice(0, 80)} is no grant, no ask, and no name of one.`
      : `The grant: there are ${others.length + 1} different ones in it.`,
    { hint: "Give the grant or the ask itself, or its `jti`, as the audit log has it (16 to 64 of A-Za-z0-9_-)." },
  );
}

function incident(text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes > 0 && bytes <= MAX_INCIDENT_BYTES && text === text.trim()) return text;
  throw new UserError(`The incident ${quoted(text)} is none that a grant can name.`, {
    hint: `It has 1 to ${MAX_INCIDENT_BYTES} bytes and no white space around it; it is compared byte for byte.`,
  });
}

/** @param stopAt with `stop`: everything before that moment, or only what the persons named asked for or approved */
export function askedFor(options: AskedOptions, stopAt: number | undefined, known: KnownAtGateways): Revoked {
  const subs = [
    ...(options.person ?? []).flatMap((person) => accountsOf(person, known)),
    ...(options.sub ?? []).map((id) => principal(id, known)),
  ];
  const names = (
    kind: "jti" | "kid" | "incident",
    values: readonly string[] = [],
    of: (value: string) => string,
  ): Entry[] => values.map((value) => ({ kind, name: of(value) }));
  const people: Entry[] =
    stopAt === undefined
      ? subs.map((name) => ({ kind: "sub", name }))
      : (subs.length === 0 ? [undefined] : subs).map((sub) => ({
          kind: "issued_before",
          at: stopAt,
          ...(sub === undefined ? {} : { sub }),
        }));
  return listsOf([
    ...names("jti", options.grant, grant),
    ...people,
    ...names("kid", options.kid, (kid) => key(kid, known)),
    ...names("incident", options.incident, incident),
  ]);
}
