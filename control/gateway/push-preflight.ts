/**
 * What must hold before a push writes anything: an Envoy answers, it is this gateway, the filter's gauges can be seen and are its
 * own alone, and the bundle holds at its clock. What cannot be seen is an error, never a reason to put something back.
 */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../base/errors.js";
import { isRecord } from "../base/schema.js";
import { visible } from "../base/text.js";
import { nowSeconds, showDuration, showTime } from "../base/time.js";
import { FilterHost } from "../host/host.js";
import { type Anchors, domainOf } from "../trust/anchors.js";
import { type Admin, type ServerInfo, UnseenError } from "./admin.js";
import { type FilterState, readFilterState, SCHEMA } from "./admin-state.js";
import { type Bundle, type Deployed, defaultConfiguration, ecdsText, notUnderstood, readEcds } from "./ecds.js";
import type { Files } from "./push-files.js";
import { discoveredFilters, member, pluginsBeside, type RenderedFilter } from "./rendered.js";

/** Envoy's `Date` has whole seconds and lags by half a one: a bundle this much ahead is waited for, one further ahead refused. */
const CLOCK_RESOLUTION_SECONDS = 3;
/** Envoy asks a hot restart's parent for its gauges with each flush of its statistics: by default every five seconds. */
const YOUNG_SECONDS = 12;
const OVERLAP_PAUSE_MS = 1000;
/** Envoy's own default is a quarter of an hour; a gateway that says more is not waited for any longer. */
const LONGEST_OVERLAP_SECONDS = 1200;

/** The first thing by which the Envoy behind the admin address is another one than the file's. */
export function otherGateway(filter: RenderedFilter, info: ServerInfo, bootstrap: unknown): string | undefined {
  if (filter.nodeId !== undefined && filter.nodeId !== info.nodeId)
    return `its node is ${visible(info.nodeId).slice(0, 80) || "nameless"}, the file's ${visible(filter.nodeId)}`;
  const filters = [...discoveredFilters(bootstrap)].filter(({ name }) => name === filter.name);
  if (!filters.some(({ ecdsPath }) => ecdsPath === filter.ecdsPath)) {
    const other = filters[0]?.ecdsPath;
    return other === undefined
      ? `it has no filter ${visible(filter.name)} by ECDS`
      : `its filter reads ${visible(other).slice(0, 200)}, the file's ${visible(filter.ecdsPath)}`;
  }
  const listeners = new Set(filters.map(({ listener }) => listener));
  const missing = filter.listeners?.find((name) => !listeners.has(name));
  return missing === undefined ? undefined : `it has no listener ${visible(missing)} with the filter`;
}

function checkVisible(state: FilterState, bootstrap: unknown, admin: Admin): void {
  if (state.isVisible && state.hasVmCount) return;
  const isMatched = isRecord(member(bootstrap, "stats_config", "stats_matcher"));
  // Where no VM was configured yet there is nothing to see: a first push brings it.
  if (!isMatched && !state.isVisible && state.vmCount === 0) return;
  const what = state.isVisible ? "the number of VMs" : "the filter's gauges";
  throw new UnseenError(
    `The gateway at ${admin.address} does not show ${what}${isMatched ? ": stats_config.stats_matcher of its configuration hides them" : ""}. Without them nobody can see what serves.`,
    {
      hint: isMatched
        ? "Let stats_matcher pass the prefixes wasm, wasmcustom and extension_config_discovery, and restart the gateway."
        : "See the gateway's log for why the filter was not configured.",
      exitCode: 1,
    },
  );
}

/** Whether the numbers seen may be a hot restart's parent's and child's together. */
export function isOverlapping(info: ServerInfo, state: FilterState): boolean {
  if (!info.addsParentStats) return false;
  return state.schema > SCHEMA || info.uptimeSeconds < Math.min(YOUNG_SECONDS, info.parentSeconds + 2);
}

/** Reads the gauges, and waits while a hot restart's parent adds its own to them. */
async function ownState(
  admin: Admin,
  domain: string,
  first: ServerInfo,
  progress: (line: string) => void,
): Promise<{ info: ServerInfo; state: FilterState }> {
  const started = performance.now();
  const longestMs = Math.min(first.parentSeconds + 2 * YOUNG_SECONDS, LONGEST_OVERLAP_SECONDS) * 1000;
  let hasTold = false;
  for (let info = first; ; info = await admin.serverInfo()) {
    const state = await readFilterState(admin, domain);
    if (!isOverlapping(info, state)) return { info, state };
    if (performance.now() - started > longestMs)
      throw new UnseenError(
        "A hot restart's parent still adds its numbers to the gateway's; nobody can tell them apart.",
        {
          hint: "Wait until the old Envoy has ended, then push again.",
          exitCode: 1,
        },
      );
    if (!hasTold) {
      const left = Math.max(0, Math.ceil(info.parentSeconds - info.uptimeSeconds)) + YOUNG_SECONDS;
      progress(
        `The gateway is in a hot restart: the old Envoy's numbers are added to the new one's. Waiting until it has ended, at most ${showDuration(Math.min(left, LONGEST_OVERLAP_SECONDS))} ...`,
      );
      hasTold = true;
    }
    await sleep(OVERLAP_PAUSE_MS);
  }
}

/** A bundle may name a second beyond every calendar. */
const when = (seconds: number): string => (seconds <= 8.64e12 ? showTime(seconds) : `second ${seconds}`);

export async function checkClock(
  bundle: Bundle,
  { clock }: Pick<ServerInfo, "clock">,
  admin: Pick<Admin, "address">,
): Promise<void> {
  if (clock === undefined)
    throw new UnseenError(`The gateway at ${admin.address} does not tell its time: its answers have no Date.`, {
      hint: "Is something in between that removes it?",
      exitCode: 1,
    });
  const apart = nowSeconds() - clock;
  const clocks =
    Math.abs(apart) < 5
      ? "this machine's clock agrees"
      : `this machine's clock is ${showDuration(Math.abs(apart))} ${apart > 0 ? "ahead of" : "behind"} the gateway's`;
  if (clock >= bundle.exp)
    throw new UserError(
      `Version ${bundle.version} has expired at the gateway's clock: it held until ${showTime(bundle.exp)}, and there it is ${showTime(clock)} (${clocks}).`,
      { hint: "Build and sign a new one.", exitCode: 1 },
    );
  const ahead = bundle.iat - clock;
  if (ahead > CLOCK_RESOLUTION_SECONDS)
    throw new UserError(
      `Version ${bundle.version} does not hold yet at the gateway's clock: it was issued at ${when(bundle.iat)}, and there it is ${showTime(clock)} (${clocks}).`,
      { hint: "Set the clock that is wrong: the builder's, or the gateway's.", exitCode: 1 },
    );
  if (ahead > 0) await sleep(ahead * 1000);
}

/**
 * What this glassgate does not know is kept, unless its filter would refuse it. A value that it cannot read cannot be kept: a push
 * would write a whole new configuration, without it and without the lowest version.
 */
export async function checkKnown(ecdsPath: string, { text, deployed }: Files): Promise<void> {
  const unknown = text === undefined ? [] : notUnderstood(text);
  if (unknown.length === 0) return;
  const { bundle: _, ...rest } = deployed?.configuration ?? {};
  if (deployed !== undefined && (await refusalOf(JSON.stringify(rest))) === undefined) return;
  throw new UserError(
    `${visible(ecdsPath)} holds what this glassgate does not know: ${unknown.map((name) => visible(name).slice(0, 64)).join(", ")}.`,
    { hint: "A newer one has pushed it: push with that one. If it is only damaged, remove the file and push again." },
  );
}

export interface Preflight {
  readonly info: ServerInfo;
  readonly state: FilterState;
  /** Glassgate filters of this domain that the push does not reach: where each is configured. */
  readonly beside: readonly string[];
}

/** What serves there may be older than what is pushed, however it ends. A filter under other anchors waits for another bundle. */
function filtersBeside(filter: RenderedFilter, bootstrap: unknown, domain: string): string[] {
  const places = [...pluginsBeside(filter.ecdsPath, bootstrap)].flatMap(({ ecdsPath, config }) => {
    const pinned = pinnedAnchors({ ...filter, config }, undefined);
    if (pinned === undefined || domainOf(pinned) !== domain) return [];
    return [ecdsPath === undefined ? "has its configuration in the gateway's own file" : `reads ${visible(ecdsPath)}`];
  });
  return [...new Set(places)];
}

/** @param bundle that must hold at the gateway's clock */
export async function preflight(
  filter: RenderedFilter,
  admin: Admin,
  domain: string,
  bundle: Bundle | undefined,
  progress: (line: string) => void,
): Promise<Preflight> {
  const first = await admin.serverInfo();
  const bootstrap = await admin.bootstrap();
  const other = otherGateway(filter, first, bootstrap);
  if (other !== undefined)
    throw new UnseenError(`The Envoy at ${admin.address} is not this gateway: ${other}.`, {
      hint: "Give the gateway's own file with --gateway; its admin address is read from there.",
    });
  const { info, state } = await ownState(admin, domain, first, progress);
  checkVisible(state, bootstrap, admin);
  if (bundle !== undefined) await checkClock(bundle, info, admin);
  return { info, state, beside: filtersBeside(filter, bootstrap, domain) };
}

const judge = async (configuration: string): Promise<string | undefined> =>
  (await FilterHost.load()).configure(configuration).reason;

/** Gateways that are told of one revocation mostly hold the same, and the text alone decides: the filter has no clock there. */
let lastJudged: { readonly configuration: string; readonly refusal: Promise<string | undefined> } | undefined;

/** Why the built-in filter would refuse the configuration. */
export async function refusalOf(configuration: string): Promise<string | undefined> {
  if (lastJudged?.configuration !== configuration) lastJudged = { configuration, refusal: judge(configuration) };
  const judged = lastJudged;
  try {
    return await judged.refusal;
  } catch (error) {
    if (lastJudged === judged) lastJudged = undefined; // What could not be judged is no judgement: the next one tries anew.
    throw error;
  }
}

/** The anchors that the gateway has now: as deployed, else as its own file says. */
export function pinnedAnchors(filter: RenderedFilter, deployed: Deployed | undefined): Anchors | undefined {
  const rendered = (): Deployed | undefined => readEcds(ecdsText(filter, defaultConfiguration(filter), undefined, "0"));
  const found = deployed ?? rendered();
  if (found === undefined) return undefined;
  const { audience, roots, threshold } = found.configuration;
  return { audience, roots, threshold };
}

/** What the gateway's own file pins besides: an Envoy falls back on it when its ECDS file is of no use. */
export function staleAnchors(filter: RenderedFilter, anchors: Anchors): string[] {
  const rendered = pinnedAnchors(filter, undefined);
  return rendered === undefined ? [] : anchorChanges(rendered, anchors);
}

/** What differs in what is pinned, in words. */
export function anchorChanges(before: Anchors, after: Anchors): string[] {
  const old = new Set(before.roots.map(({ kid }) => kid));
  const fresh = new Set(after.roots.map(({ kid }) => kid));
  return [
    ...(before.audience === after.audience ? [] : [`audience: ${before.audience} becomes ${after.audience}`]),
    ...(before.threshold === after.threshold ? [] : [`threshold: ${before.threshold} becomes ${after.threshold}`]),
    ...[...fresh].filter((kid) => !old.has(kid)).map((kid) => `a root more: ${kid}`),
    ...[...old].filter((kid) => !fresh.has(kid)).map((kid) => `a root less: ${kid}`),
  ].map(visible);
}

/** The filter's own file, where it is said and missing on this machine. */
export function missingFilterFile(filter: RenderedFilter): string | undefined {
  const path = member(filter.config, "vm_config", "code", "local", "filename");
  return typeof path === "string" && !existsSync(path) ? path : undefined;
}
