/** What is looked at and not sent: what each gateway serves, and whether it is what the project and the drill file say. */
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { showDuration, showRoughly, showTime } from "../base/time.js";
import { Admin } from "../gateway/admin.js";
import { isWhole, readFilterState } from "../gateway/admin-state.js";
import { domainOf } from "../trust/anchors.js";
import { commonPath, overlapOf } from "../trust/overlap.js";
import { bundleWords, clockFact, factOf } from "./fact.js";
import { judgeKongFacts, type KongFacts, lookAtKong } from "./kong-state.js";
import type { Assertion, FleetGateway } from "./model.js";
import { type Prepared, refuse } from "./prepare.js";

export interface Facts {
  /** Of its Envoy, or its Kong. */
  readonly version: string;
  readonly bundleVersion: number | undefined;
  /** Its threads; undefined where that cannot be seen. */
  readonly workers: number | undefined;
  /** Gateway's clock less ours, seconds. */
  readonly ahead: number;
  readonly isServing: boolean;
  /** Of a Kong: what it holds. */
  readonly kong?: KongFacts;
}

/** Before the first request: each gateway is the user's own, and answers. */
export async function lookAt(gateway: FleetGateway, index: number, { source, anchors }: Prepared): Promise<Facts> {
  if (gateway.kong !== undefined) {
    const held = await lookAtKong(gateway, gateway.kong, anchors, (member, message) =>
      refuse(source, [{ path: ["gateways", index, member], message }]),
    );
    const { version, ahead, bundles, fault } = held;
    const workers = undefined;
    return { version, bundleVersion: bundles[0], workers, ahead, isServing: fault === undefined, kong: held };
  }
  const admin = new Admin(gateway.admin);
  const { nodeId, workers, clock, version } = await admin.serverInfo();
  const at = (member: string, message: string): never =>
    refuse(source, [{ path: ["gateways", index, member], message }]);
  if (nodeId !== gateway.id)
    at(
      "id",
      `is ${gateway.id}, and the Envoy whose admin interface is ${gateway.admin} is ${nodeId || "without an id"}: it is another gateway`,
    );
  const state = await readFilterState(admin, domainOf(anchors));
  if (state.isVisible && state.generation === undefined)
    at(
      "id",
      `serves another audience, or other roots, than ${anchors.audience} of this project: it is no gateway of this project`,
    );
  return {
    version,
    bundleVersion: state.bundleVersion,
    workers,
    ahead: clock === undefined ? 0 : clock - Math.floor(Date.now() / 1000),
    isServing: isWhole(state, workers),
  };
}

/** Of one gateway. */
export function judgeFacts(
  { id }: FleetGateway,
  { bundleVersion, ahead, isServing, kong }: Facts,
  { bundle }: Prepared,
): Assertion[] {
  if (kong !== undefined) return judgeKongFacts(id, kong, bundle.version);
  const isOld = bundleVersion !== bundle.version;
  return [
    factOf(
      id,
      "the trust bundle that it serves",
      bundleWords(bundle.version),
      bundleWords(bundleVersion),
      isOld
        ? `${id} serves ${bundleVersion === undefined ? "no trust bundle" : `trust bundle ${bundleWords(bundleVersion)}`}, and the project has ${bundleWords(bundle.version)}: push it with \`glassgate push\`.`
        : undefined,
    ),
    factOf(
      id,
      "its workers",
      "each serves the newest configuration",
      isServing ? "each does" : "not all do",
      isServing
        ? undefined
        : `${id} does not serve the newest configuration on each of its workers: the filter is off there, or a worker's VM has died. \`glassgate push\` heals that; \`glassgate gateway verify\` says whether the filter is in its place.`,
    ),
    clockFact(id, ahead),
  ];
}

/** Whether all that the second pattern fits fits the first: names that nobody gives stand for its wildcards. */
const covers = (pattern: string, path: string): boolean =>
  commonPath(pattern, path.replace(/\*\*$/, "glassgate-a/glassgate-b").replaceAll("*", "glassgate-a")) !== undefined;

/** A file that expects anything is as none: what it says stands in the report. */
const meantWords = ({ details, life }: Prepared["meant"]): string =>
  `${details.map(({ actions, locations, paths }) => `${actions.join("|")} ${locations.join("|")} ${paths.join(" ")}`).join(", ")}, for ${showDuration(life)}`;

/** What the bundle's entitlement opens beyond what the drill file says. */
export function judgeMeant({ entitlement, meant, source }: Prepared): Assertion[] {
  if (source.drill.expects === undefined) return [];
  const wider = entitlement.authorization_details.flatMap((detail) =>
    detail.locations.flatMap((location) =>
      detail.actions.flatMap((action) =>
        detail.paths.flatMap((path) => {
          const own = { ...detail, locations: [location], actions: [action], paths: [path] };
          const isMeant = meant.details.some(
            (one) =>
              one.paths.some((pattern) => covers(pattern, path)) &&
              (one.actions.includes(action) || one.actions.includes("*")) &&
              overlapOf(one, own) !== undefined,
          );
          return isMeant ? [] : [`${action} ${location}${path}`];
        }),
      ),
    ),
  );
  const life = entitlement.max_ttl + (entitlement.max_wait ?? 0);
  const longer = life > meant.life ? [`${showDuration(life)} in place of ${showDuration(meant.life)}`] : [];
  const more = [...wider, ...longer];
  const finding = `The entitlement ${entitlement.id} of the trust bundle opens more than the drill file expects: ${more.join(", ")}. Narrow it in the roster, or run \`glassgate drill init\` again where it is meant.`;
  return [
    factOf(
      "the trust bundle",
      `what ${entitlement.id} opens`,
      `what the drill file expects: ${meantWords(meant)}`,
      more.length === 0 ? "that" : more.join(", "),
      more.length === 0 ? undefined : finding,
    ),
  ];
}

/** Whoever makes the next bundle needs root holders, who are not always there; a bundle of a few days says so later. */
const SOON_SECONDS = 14 * 86_400;
const soonOf = ({ iat, exp }: Prepared["bundle"]): number => Math.min(SOON_SECONDS, (exp - iat) / 3);

/** Between the making of a bundle and its first drill. */
const MARGIN_SECONDS = 86_400;

/** That the project's bundle ends soon, or before the next drill where a new one would not: a warning, as all is well until then. */
export function bundleEndWords({ bundle, source }: Prepared, now: number): string | undefined {
  const { every } = source.drill;
  const left = bundle.exp - now;
  const soon = soonOf(bundle);
  const isOutlived = bundle.exp - bundle.iat < every + MARGIN_SECONDS;
  if (left > (isOutlived ? soon : Math.max(every, soon))) return undefined;
  const when = left <= 0 ? "has ended" : `ends in ${showRoughly(left)}, on ${showTime(bundle.exp)}`;
  const due = left > soon ? ", before the next drill is due" : "";
  return `The trust bundle of the project (${bundleWords(bundle.version)}) ${when}${due}: from then on no grant opens anything. Make the next one: \`glassgate bundle build\`, \`glassgate bundle sign\`, \`glassgate push\`.`;
}

const AWAY_HINT =
  "Nothing was sent. Mend that, or take that gateway out of the drill file: whose admin interface is away, nobody here can say that it is yours, what it serves, or whether all of its workers do.";

/**
 * An admin interface that does not answer is a gateway that nobody can vouch for: nothing is sent, to it or another. All that are so
 * are named at once.
 */
export async function lookAtAll(prepared: Prepared): Promise<readonly Facts[]> {
  const looks = await Promise.allSettled(prepared.gateways.map((gateway, i) => lookAt(gateway, i, prepared)));
  const errors = looks.flatMap((look, i): UserError[] => {
    if (look.status === "fulfilled") return [];
    const error: unknown = look.reason;
    if (!(error instanceof UserError)) throw error;
    if (error.message.startsWith(prepared.source.name)) return [error];
    const id = visible(prepared.gateways[i]?.id ?? "");
    return [new UserError(`${id}: ${error.message}`, { cause: error, hint: AWAY_HINT })];
  });
  const [first] = errors;
  if (first !== undefined)
    throw new UserError(errors.map(({ message }) => message).join("\n"), {
      cause: first,
      hint: first.hint ?? AWAY_HINT,
      exitCode: 2,
    });
  return looks.flatMap((look) => (look.status === "fulfilled" ? [look.value] : []));
}
