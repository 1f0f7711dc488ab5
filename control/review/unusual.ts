/** What a reviewer should look at in one grant, each with a sentence and the entries that show it. Nothing of it is an accusation. */
import { plural } from "../base/text.js";
import { showDuration } from "../base/time.js";
import { LEEWAY } from "../grant/dates.js";
import { type BundleClaims, personOf } from "../trust/claims.js";
import type { Bundles } from "./bundles.js";
import type { GrantFacts } from "./facts.js";
import type { FirstUse } from "./gather.js";
import { type Hours, showHours } from "./hours.js";
import { type Granted, type Unusual, type UnusualCode, unusualCodes } from "./model.js";
import { isNear } from "./near.js";
import type { Proof } from "./proven.js";
import { entriesOf, type Tally } from "./tally.js";

/** Nobody reads what he signs in less. */
export const INSTANT_SECONDS = 10;
/** In an emergency nobody waits for longer: what was approved may no longer be what was the matter. */
export const LATE_SECONDS = 15 * 60;
/** Of one kind, in one sentence; the entries have the rest. */
const MAX_NAMED = 8;

export interface Looked {
  readonly facts: GrantFacts;
  readonly proof: Proof;
  readonly granted: readonly Granted[];
  readonly bundles: Bundles;
  readonly uses: Iterable<FirstUse>;
  readonly hours: Hours;
  /** The log that this one goes on from, by name. */
  readonly predecessor: string | undefined;
}

const listed = (names: readonly string[]): string => {
  const shown = names.slice(0, MAX_NAMED).join(", ");
  return names.length > MAX_NAMED ? `${shown} and ${names.length - MAX_NAMED} more` : shown;
};
const counted = (tallies: ReadonlyMap<string, Tally>): string =>
  listed([...tallies].sort((a, b) => b[1].count - a[1].count).map(([name, { count }]) => `${count} ${name}`));

type Found = readonly [says: string, entries: readonly number[]];
type Finder = (looked: Looked) => readonly Found[];

/** In milliseconds: what the claims or the first record say. */
const askedAt = ({ claims }: GrantFacts): number | undefined => (claims === undefined ? undefined : claims.iat * 1000);

function approvalsThat(looked: Looked, why: (at: number, asked: number | undefined) => string | undefined): Found[] {
  const { facts } = looked;
  return [...facts.approvers.values()].flatMap(({ sub, iat, entry }) => {
    const says = why(iat * 1000, askedAt(facts));
    return says === undefined ? [] : [[`${sub} approved ${says}`, [entry]]];
  });
}

const whatOf = ({ methods, hosts, paths }: Pick<Granted, "methods" | "hosts" | "paths">): string =>
  `${listed(methods)} ${listed(hosts)} ${listed(paths)}`;

function partsOf({ unusedMethods, unusedPaths }: Granted): string {
  return [
    unusedMethods.length === 0
      ? ""
      : `the ${unusedMethods.length === 1 ? "method" : "methods"} ${listed(unusedMethods)}`,
    unusedPaths.length === 0 ? "" : `the ${unusedPaths.length === 1 ? "path" : "paths"} ${listed(unusedPaths)}`,
  ]
    .filter((part) => part !== "")
    .join(" and ");
}

/** Hosts that the bundle and the grant name: whoever is near one of these and none of them may be meant for it. */
function knownHosts(bundle: BundleClaims | undefined, granted: readonly Granted[]): Set<string> {
  const details = (bundle?.entitlements ?? []).flatMap(({ authorization_details }) => authorization_details);
  return new Set(
    [...granted.flatMap(({ hosts }) => hosts), ...details.flatMap(({ locations }) => locations)].map((host) =>
      host.toLowerCase(),
    ),
  );
}

const nearNames: Finder = ({ facts, proof: { bundle, approvals }, granted }) => {
  const principals = bundle?.principals ?? [];
  const found: Found[] = [];
  for (const [what, sub] of [
    ["requester", facts.sub],
    ...approvals.map(({ sub: by }) => ["approver", by] as const),
  ] as const) {
    const own = principals.find(({ id }) => id === sub);
    const near = principals.filter(
      (other) => isNear(sub, other.id) && (own === undefined || personOf(own) !== personOf(other)),
    );
    if (near.length > 0)
      found.push([
        `the ${what} ${sub} is nearly called like ${listed(near.map(({ id }) => id))}: was this one meant?`,
        [facts.firstEntry],
      ]);
  }
  const known = knownHosts(bundle, granted);
  for (const [host, { entries }] of facts.hosts) {
    const near = known.has(host) ? undefined : [...known].find((one) => isNear(one, host));
    if (near !== undefined)
      found.push([`the host ${host} is nearly called like ${near}: was that one meant?`, entries]);
  }
  return found;
};

/** By the log's own history: an earlier use by the same person, under another grant. */
const firstTime: Finder = ({ facts, proof, bundles, uses, predecessor }) => {
  const { firstUse, sub, grant, first } = facts;
  if (firstUse === undefined) return [];
  const who = (name: string): string => bundles.person(proof.bundle, name, firstUse.at).person ?? name;
  const own = who(sub);
  const earlier = [...uses].filter((use) => use.grant !== grant && use.entry < firstUse.entry && who(use.sub) === own);
  if (earlier.some(({ ent }) => ent === first.ent)) return [];
  const what = earlier.length === 0 ? "break-glass access" : (first.ent ?? "");
  const before = predecessor === undefined ? "" : `: it goes on from ${predecessor}, which was not looked at`;
  return [[`the first time that ${own} used ${what}, as far as this log goes back${before}`, [firstUse.entry]]];
};

const finders: Readonly<Record<UnusualCode, Finder>> = {
  denied_calls: ({ facts: { denied } }) => {
    const count = [...denied.values()].reduce((sum, tally) => sum + tally.count, 0);
    return count === 0 ? [] : [[`${plural(count, "call")} denied: ${counted(denied)}`, entriesOf(denied.values())]];
  },
  several_networks: ({ facts: { networks } }) =>
    networks.size < 2
      ? []
      : [
          [
            `calls came from ${networks.size} networks: ${listed([...networks].map(([name, { count }]) => `${name} (${count})`))}`,
            entriesOf([...networks.values()].map(({ count, entries }) => ({ count, entries: entries.slice(0, 2) }))),
          ],
        ],
  outside_hours: ({ facts: { outside }, hours }) =>
    outside.count === 0
      ? []
      : [[`${plural(outside.count, "call")} outside working hours (${showHours(hours)})`, outside.entries]],
  long_stream: ({ facts: { long, longestMs } }) =>
    long.count === 0
      ? []
      : [
          [
            `${plural(long.count, "stream")} open for long, up to ${showDuration(Math.floor(longestMs / 1000))}`,
            long.entries,
          ],
        ],
  cut_stream: ({ facts: { cut } }) => {
    const count = [...cut.values()].reduce((sum, tally) => sum + tally.count, 0);
    return count === 0
      ? []
      : [
          [
            `${plural(count, "stream")} cut by the gateway, as the grant stood no more: ${counted(cut)}`,
            entriesOf(cut.values()),
          ],
        ];
  },
  late_approval: (looked) => {
    const { firstUse } = looked.facts;
    return approvalsThat(looked, (at, asked) => {
      if (firstUse !== undefined && at > firstUse.at + LEEWAY * 1000)
        return `${showDuration(Math.ceil((at - firstUse.at) / 1000))} after the first use`;
      const waited = asked === undefined ? 0 : Math.floor((at - asked) / 1000);
      return waited > LATE_SECONDS ? `late, ${showDuration(waited)} after the ask` : undefined;
    });
  },
  instant_approval: (looked) =>
    approvalsThat(looked, (at, asked) => {
      const waited = asked === undefined ? Number.POSITIVE_INFINITY : Math.floor((at - asked) / 1000);
      return waited < INSTANT_SECONDS
        ? `${showDuration(Math.max(0, waited))} after the ask: too soon to have read it`
        : undefined;
    }),
  near_miss_name: nearNames,
  first_time: firstTime,
  single_key: ({ facts: { singleKey } }) =>
    singleKey.count === 0
      ? []
      : [
          [
            "one key was enough: nobody but the requester had to agree, or one root signed the rules",
            singleKey.entries,
          ],
        ],
  never_used: ({ granted }) =>
    granted.filter(({ calls }) => calls === 0).map((one): Found => [`never used: ${whatOf(one)}`, []]),
  partly_used: ({ granted }) =>
    granted
      .filter((one) => one.calls > 0 && partsOf(one) !== "")
      .map((one): Found => [`never used of ${whatOf(one)}: ${partsOf(one)}`, []]),
  no_answer: ({ facts }) => {
    const count = facts.allowedAt.length - facts.corrected - facts.answered;
    const without = facts.calls.filter(
      ({ verdict, mode, answer }) => verdict === "allow" && mode === "enforce" && answer === undefined,
    );
    return count <= 0
      ? []
      : [
          [
            `of ${plural(count, "allowed call")} no answer is on record: what became of ${count === 1 ? "it" : "them"} is not known`,
            without.slice(0, 16).map(({ entry }) => entry),
          ],
        ];
  },
  requester_not_proven: ({ facts, proof }) =>
    proof.isRequesterProven
      ? []
      : [
          [
            `that ${facts.sub} asked for it is what the gateway says, which verified the signature: no ask is here that proves it`,
            [facts.firstEntry],
          ],
        ],
  alarm: ({ facts: { alarms, alarmed } }) =>
    alarmed.count === 0
      ? []
      : [
          [
            `${plural(alarmed.count, "alarm")} of the ledger's: ${listed(alarms.map(({ code, says }) => `${code} (${says})`))}`,
            alarmed.entries,
          ],
        ],
};

export const unusualOf = (looked: Looked): Unusual[] =>
  unusualCodes.flatMap((code) => finders[code](looked).map(([says, entries]) => ({ code, says, entries })));
