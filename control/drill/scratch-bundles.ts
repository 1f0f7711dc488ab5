/** Trust bundles of the scratch gateway: pushed as ever, offered past all checks, about to end, and two at the same moment. */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../base/errors.js";
import { nowSeconds } from "../base/time.js";
import { isWhole, readFilterState } from "../gateway/admin-state.js";
import { ecdsText, writeEcds } from "../gateway/ecds.js";
import { readHeld } from "../gateway/held.js";
import { push } from "../gateway/push.js";
import { PushFailure } from "../gateway/push-outcome.js";
import type { RenderedFilter } from "../gateway/rendered.js";
import { bringText } from "../gateway/revoke.js";
import type { RunningEnvoy } from "../gateway/run.js";
import { domainOf } from "../trust/anchors.js";
import type { BundleClaims } from "../trust/claims.js";
import { configurationText } from "../trust/configuration.js";
import type { RevocationClaims } from "../trust/revocations.js";
import type { BadBundle, Offered, Pushed } from "./model.js";
import type { ScratchWorld } from "./scratch-world.js";

const PATIENCE_MS = 60_000;

export interface Bundles {
  readonly world: ScratchWorld;
  readonly filter: RenderedFilter;
  readonly envoy: RunningEnvoy;
}

export const refuse = (what: string): never => {
  throw new UserError(`The scratch gateway ${what}.`, {
    hint: "Is that this build of the filter, and does this machine have the memory for one more Envoy?",
    exitCode: 1,
  });
};

type Change = (claims: BundleClaims) => BundleClaims;

const leavingOut =
  (without: string | undefined): Change =>
  (claims) => ({ ...claims, principals: claims.principals.filter(({ id }) => id !== without) });

const pushed = ({ world: { anchors }, filter, envoy }: Bundles, bundle: { text: string; version: number }) =>
  push({ filter, anchors, admin: envoy.admin, bundle, configuration: {} });

/** @param without a person */
export async function pushNext(bundles: Bundles, without?: string): Promise<void> {
  await pushed(bundles, await bundles.world.bundle(leavingOut(without)));
}

const FAR = 1_000_000;

/** Written as no push would, past all its checks: the filter alone says no. */
export async function offer({ world, filter, envoy }: Bundles, kind: BadBundle, round: number): Promise<Offered> {
  const before = await readFilterState(envoy.admin, domainOf(world.anchors));
  const made = {
    old: () => world.bundle((claims) => ({ ...claims, version: 1 })),
    foreign: world.foreign,
    one_root_short: world.short,
    other_environment: () => world.bundle((claims) => ({ ...claims, aud: ["glassgate-drill-elsewhere"] })),
  };
  const { text } = await made[kind]();
  const configuration = configurationText(world.anchors, FAR + round, { bundle: text });
  writeEcds(filter.ecdsPath, ecdsText(filter, configuration, undefined, `drill-${round}`));
  for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; await sleep(20)) {
    const now = await readFilterState(envoy.admin, domainOf(world.anchors));
    if (now.generation === FAR + round || now.bundleVersion !== before.bundleVersion) return "serves";
    if (now.rejections > before.rejections) return "refused";
  }
  return "unseen";
}

/** Each worker's gauges are summed up within half a second or so. */
const SHOWN_MS = 5000;
/** For a first call under it. */
const LEFT_SECONDS = 2;

/** A bundle that is about to end, and whether the gateway shows when. */
export async function serveFor(bundles: Bundles, seconds: number): Promise<{ exp: number; shown: number | undefined }> {
  const { world, envoy } = bundles;
  const exp = nowSeconds() + seconds;
  /** This machine takes longer for a push than that bundle lives. */
  const isTooSoon = (): boolean => exp - nowSeconds() < LEFT_SECONDS && seconds < PATIENCE_MS / 1000;
  try {
    await pushed(bundles, await world.bundle((claims) => ({ ...claims, exp })));
  } catch (error) {
    if (isTooSoon()) return serveFor(bundles, 2 * seconds);
    throw error;
  }
  const name = `wasmcustom.glassgate.bundle_expires_at.domain=${domainOf(world.anchors).slice(0, 16)}`;
  let shown: number | undefined;
  for (const deadline = performance.now() + SHOWN_MS; performance.now() < deadline && shown !== exp; await sleep(50))
    shown = (await envoy.admin.stats("bundle_expires_at")).get(name);
  return isTooSoon() ? serveFor(bundles, 2 * seconds) : { exp, shown };
}

export async function revokeAt({ world, filter, envoy }: Bundles, revoked: RevocationClaims["revoked"]): Promise<void> {
  const held = await readHeld(filter);
  if (held === undefined) return refuse("holds no configuration");
  const outcome = await bringText({ filter, admin: envoy.admin, held }, await world.revocation(revoked));
  if (outcome.kind !== "applied") refuse(`did not take a revocation: ${outcome.why.replace(/\.$/, "")}`);
}

interface End {
  readonly version: number;
  /** How the command would end: `applied`, or the outcome of its error. */
  readonly how: string;
}

async function endOf(bundles: Bundles, bundle: { text: string; version: number }): Promise<End> {
  const { version } = bundle;
  const { world, filter, envoy } = bundles;
  try {
    // Neither is polite: the lock is a courtesy, and nothing may rest on it.
    await push({ filter, anchors: world.anchors, admin: envoy.admin, bundle, configuration: {}, courtesyMs: 0 });
    return { version, how: "applied" };
  } catch (error) {
    if (!(error instanceof PushFailure)) throw error;
    return { version, how: error.outcome };
  }
}

/** Of two versions the newer is applied, and the older was so before, or is overtaken; of one version one is applied, the other refused. */
function liesIn(isSame: boolean, [one, other]: readonly [End, End]): string[] {
  const ends = [one.how, other.how];
  const isTrue = isSame
    ? ends.filter((how) => how === "applied").length === 1 && ends.includes("refused")
    : other.how === "applied" && (one.how === "applied" || one.how === "overtaken");
  const said = [one, other].map(({ version, how }) => `version ${version} ${how}`).join(", ");
  return isTrue ? [] : [`the two pushes at once ended with: ${said}`];
}

/** @param without is left out of the first of them */
export async function pushTwice(bundles: Bundles, isSame: boolean, without: string, jti: string): Promise<Pushed> {
  const { world, filter, envoy } = bundles;
  const first = await world.bundle(leavingOut(without));
  const second = await world.bundle((claims) => (isSame ? { ...claims, version: first.version } : claims));
  const [one, other] = await Promise.all([
    endOf(bundles, first),
    endOf(bundles, second),
    revokeAt(bundles, { jti: [jti] }),
  ]);
  const state = await readFilterState(envoy.admin, domainOf(world.anchors));
  const { workers } = await envoy.admin.serverInfo();
  const held = (await readHeld(filter))?.bundle?.text;
  const serves = isSame && one.how === "applied" ? first : second;
  return {
    isWithout: serves === first,
    faults: [
      ...liesIn(isSame, [one, other]),
      ...(state.bundleVersion === second.version && isWhole(state, workers)
        ? []
        : [`after them version ${state.bundleVersion ?? "none"} serves on ${state.servingVms} of ${workers + 1} VMs`]),
      ...(held === serves.text ? [] : ["a restart would serve another bundle than the push that was applied"]),
    ],
  };
}
