/** What a person reads before and after revoking, and what came of it at each gateway. */
import { plural, visible } from "../base/text.js";
import { showTime } from "../base/time.js";
import type { KongRevokeOutcome } from "../gateway/kong/revoke.js";
import type { RevokeOutcome } from "../gateway/revoke.js";
import type { Revoked } from "../trust/claims.js";
import { type Entry, entriesOf, isCovered } from "../trust/entries.js";
import { namesNothing, wordsOf } from "../trust/entry-words.js";
import { listed, quoted } from "../trust/facts.js";
import type { RevocationClaims } from "../trust/revocations.js";
import { paint, resultJson, resultRows, say, warn } from "./output.js";
import type { Revoker, Standing } from "./revoke-signer.js";

/** A root's kid says nothing to a person. */
export const whoIs = ({ name, isRoot }: Pick<Revoker, "name" | "isRoot">): string =>
  isRoot ? `the root ${quoted(name)}` : quoted(name);

/** All that the text says; what it says for the first time is marked, and what it says no more. @param version once it is signed */
export function sayText(
  claims: RevocationClaims,
  before: Revoked,
  revoker: Revoker,
  standings: readonly Standing[],
  version?: number,
): void {
  const bundles = standings.flatMap(({ held }) => held.claims ?? []);
  const line = (entry: Entry): void =>
    say(`  ${isCovered(entry, before) ? "as before  " : "NEW        "}${wordsOf(entry, bundles)}`, 13);
  const which = version === undefined ? "A new text" : `Version ${version}`;
  say(`${which}, for ${listed([claims.aud].flat().map(quoted))}, takes away:`);
  const entries = entriesOf(claims.revoked);
  for (const entry of entries) line(entry);
  for (const entry of entriesOf(before))
    if (!isCovered(entry, claims.revoked)) say(`  NO MORE    ${wordsOf(entry, bundles)}`, 13);
  if (entries.length === 0) say("  nothing");
  for (const { gateway, held } of standings)
    for (const entry of held.claims === undefined ? [] : entries) {
      const nothing = namesNothing(entry, held.claims ?? { principals: [] }, held.anchors.roots);
      if (nothing !== undefined) warn(`${visible(gateway.file)}: ${nothing}, and the entry takes nothing away there`);
    }
  if (!revoker.isRoot) return;
  const silenced = standings.flatMap(({ held }) =>
    held.texts.filter(({ signer }) => signer !== revoker.name && claims.revoked.sub?.includes(signer) === true),
  );
  for (const [signer, text] of new Map(silenced.map((text) => [text.signer, text]))) {
    const lost = entriesOf(text.claims.revoked).filter((entry) => !isCovered(entry, claims.revoked));
    if (lost.length === 0) continue;
    warn(`this silences what ${quoted(signer)} revoked, and that takes away no more:`);
    for (const entry of lost) say(`  ${wordsOf(entry, bundles)}`, 4);
    say(`To keep it, adopt it into your own: add --adopt ${visible(signer)}`);
  }
}

/** `03:12:05.123`: of one day, and to the millisecond, as people wait for it. */
function moment(at: Date): string {
  const [day, ...local] = showTime(Math.floor(at.getTime() / 1000)).split(" UTC");
  return `${day}.${String(at.getMilliseconds()).padStart(3, "0")} UTC${local.join("")}`;
}

export interface GatewayOutcome {
  readonly gateway: string;
  readonly admin: string;
  readonly outcome: RevokeOutcome | KongRevokeOutcome;
  /** Since it was signed. */
  readonly milliseconds: number;
}

const WORDS = { refused: "REFUSED", unseen: "NOT SEEN" } as const;

function lineOf({ gateway, outcome, milliseconds }: GatewayOutcome, isSignedNow: boolean): string {
  const where = visible(gateway);
  if (outcome.kind === "stored")
    return `${where}: stored at ${moment(outcome.at)}, ${milliseconds} ms after signing: ${outcome.says}`;
  if (outcome.kind !== "applied") return `${where}: ${WORDS[outcome.kind]}: ${outcome.why}`;
  // What was signed before may have been in force since then: when it is seen is no moment of its own.
  const when = isSignedNow
    ? `applied at ${moment(outcome.at)}, ${milliseconds} ms after signing,`
    : `applied, as seen at ${moment(outcome.at)},`;
  return `${where}: ${when} on all ${plural(outcome.vms, "VM")}`;
}

/** As soon as it is known: others may take longer. */
export function sayOutcome(one: GatewayOutcome, isSignedNow: boolean, json: boolean | undefined): void {
  if (json !== true) resultRows([lineOf(one, isSignedNow)]);
  if (one.outcome.kind === "applied" || one.outcome.kind === "stored") {
    for (const line of one.outcome.warnings) warn(`${visible(one.gateway)}: ${line}`);
    return;
  }
  if (one.outcome.next !== undefined) say(`  ${one.outcome.next}`, 2);
}

function asJson({ gateway, admin, outcome, milliseconds }: GatewayOutcome): object {
  const known = { gateway, admin, outcome: outcome.kind };
  if (outcome.kind === "stored")
    return { ...known, at: outcome.at.toISOString(), milliseconds, seen: outcome.says, warnings: outcome.warnings };
  return outcome.kind === "applied"
    ? { ...known, at: outcome.at.toISOString(), milliseconds, vms: outcome.vms, warnings: outcome.warnings }
    : { ...known, error: outcome.why };
}

export function report(
  done: readonly GatewayOutcome[],
  { text, claims, signer }: { text: string; claims: RevocationClaims; signer: string },
  json: boolean | undefined,
): void {
  const { version, revoked } = claims;
  if (json === true) resultJson({ signer, version, revoked, text, gateways: done.map(asJson) });
  const missing = done.filter(({ outcome }) => outcome.kind !== "applied" && outcome.kind !== "stored");
  const isStored = done.some(({ outcome }) => outcome.kind === "stored");
  if (missing.length === 0) {
    say(
      `In force at ${isStored ? "or stored at " : ""}${done.length === 1 ? "the gateway" : `all ${done.length} gateways`}. Next: a root holder takes it into the bundle: \`glassgate bundle build --gateway FILE\`.`,
    );
    return;
  }
  const names = missing.map((one) => visible(one.gateway)).join(", ");
  say(
    `${paint("red", "NOT IN FORCE EVERYWHERE")}: applied at ${done.length - missing.length} of ${done.length}; missing: ${names}. Nothing was rolled back. Run the same command again: it finishes what is missing.`,
  );
  process.exitCode = 1;
}
