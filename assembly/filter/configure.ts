/**
 * Taking a configuration. On the canary a bad one is refused, and the gateway keeps the old one. On a worker nothing is ever
 * refused, as the gateway would then let requests pass unchecked for ever: the root context denies every grant instead. A VM knows
 * that it is no canary because the canary left the configuration's hash in shared data, and because it was configured before:
 * a canary is a fresh instance that is asked once. No clock is read here: a wrong clock
 * or an expired bundle must not keep a gateway from starting.
 */
import { isSignatureCheckTrue } from "../crypto/selftest";
import { sha256 } from "../crypto/sha256";
import { getConfiguration, LogLevel, log, Slice, Status } from "../host/calls";
import { MAX_CONFIGURATION_BYTES } from "../limits";
import { Text } from "../text/region";
import { Writer } from "../text/writer";
import { Loading } from "../trust/loading";
import { freeBlock, takeBlock } from "./blocks";
import { HeldTrust, hold, loadBundle, release } from "./bundles";
import { dropCached } from "./cache";
import { contextAt, findContext, RootContext, renew } from "./contexts";
import { newestOf, refusalOf, remember } from "./domains";
import { vmNumber } from "./identity";
import { Gauge, setGauge } from "./metrics";
import { newSettings, readSettings, SETTINGS_BYTES, Settings } from "./settings";
import { countServing, isAccepted, markAccepted, registerGeneration } from "./shared";
import { startTicks } from "./ticks";

/** The schema of bundles that this filter reads. */
const SCHEMA: u64 = 1;

/** More than the threads that one recount can be overtaken by. */
const MAX_RECOUNTS: i32 = 64;

const loading = new Loading();
const configuration = new Slice();
const bundleText = new Text();
const configurationHash: usize = memory.data(32, 16);
/** This VM was configured before, so it is no canary. */
let isConfigured: bool = false;
const line: usize = memory.data(512, 16);
const writer = new Writer();

/** One line for the operator: what was refused and why. Names are escaped, as they come from the text. */
function report(prefix: string): void {
  writer.open(line, 512);
  writer.literal(prefix);
  writer.literal(loading.reason);
  if (loading.subjectPtr != 0) {
    writer.literal(": ");
    writer.string(loading.subjectPtr, min(loading.subjectLen, 64));
  }
  log(LogLevel.Error, line, writer.length);
}

/** Reads the settings into the context. False with `loading.reason`. */
function takeSettings(context: RootContext): bool {
  const block = takeBlock(SETTINGS_BYTES);
  loading.start(block, block == 0 ? 0 : SETTINGS_BYTES);
  if (block == 0) return loading.refuse("this VM holds too many configurations at once");
  const settings = newSettings(loading);
  bundleText.ptr = 0;
  bundleText.len = 0;
  if (!readSettings(loading, configuration.ptr, configuration.len, settings, bundleText)) {
    freeBlock(block, SETTINGS_BYTES);
    return false;
  }
  context.settings = settings;
  context.settingsBytes = SETTINGS_BYTES;
  return true;
}

/** Reads the bundle into the context, if there is one. False with `loading.reason`. */
function takeBundle(context: RootContext, isCanary: bool): bool {
  const settings = context.settings;
  if (bundleText.ptr == 0) return true;
  const held = loadBundle(loading, bundleText.ptr, bundleText.len, settings.anchors);
  if (changetype<usize>(held) == 0) return false;
  let reason = held.trust.version < settings.minVersion ? "its version is below min_version" : "";
  if (reason.length == 0) reason = refusalOf(settings.domain, held.trust, isCanary);
  if (reason.length == 0 && !remember(settings.domain, held)) reason = "this VM serves more than 64 domains";
  if (reason.length != 0) {
    release(held);
    return loading.refuse(reason);
  }
  context.held = held;
  return true;
}

/** On a worker: what this VM already holds for the domain goes on deciding; else every grant is denied. */
function fallBack(context: RootContext): void {
  const settings = context.settings;
  if (changetype<usize>(settings) == 0) return;
  const newest = newestOf(settings.domain);
  if (changetype<usize>(newest) != 0 && newest.trust.version >= settings.minVersion) context.held = hold(newest);
}

function publish(settings: Settings, held: HeldTrust, isCanary: bool): void {
  const domain = settings.domain;
  setGauge(Gauge.Schema, domain, SCHEMA);
  setGauge(Gauge.Threshold, domain, settings.anchors.threshold);
  if (changetype<usize>(held) != 0) {
    const trust = held.trust;
    setGauge(Gauge.BundleVersion, domain, trust.version);
    setGauge(Gauge.BundleIssuedAt, domain, trust.issuedAt);
    setGauge(Gauge.BundleExpiresAt, domain, trust.expiresAt);
    setGauge(Gauge.SingleKeyEntitlements, domain, trust.singleKeyEntitlements);
  }
  // The canary serves nobody, so it does not count.
  if (isCanary) return;
  registerGeneration(vmNumber(), domain, settings.generation);
  setGauge(Gauge.Generation, domain, settings.generation);
  tellServing(domain, settings.generation);
}

/**
 * Threads configure side by side, so the last to tell may have counted before another came. Each looks again after it told: then
 * whoever tells last has counted all.
 */
function tellServing(domain: usize, generation: i64): void {
  let told = -1;
  for (let i = 0; i < MAX_RECOUNTS; i++) {
    const serving = countServing(domain, generation);
    if (serving == told) return;
    setGauge(Gauge.GenerationVms, domain, serving);
    told = serving;
  }
}

function take(context: RootContext, isCanary: bool): bool {
  if (!takeSettings(context)) {
    report("glassgate: configuration refused: ");
    return false;
  }
  if (!takeBundle(context, isCanary)) {
    report("glassgate: configuration refused: the bundle: ");
    return false;
  }
  return true;
}

/** `on_configure`. False as `loadContext` says. */
export function configure(contextId: u32): bool {
  const index = findContext(contextId);
  loading.start(0, 0);
  if (index < 0) {
    loading.refuse("this VM holds too many configurations at once");
    report("glassgate: every grant is denied: ");
    return true;
  }
  const context = contextAt(index);
  if (!loadContext(context)) return false;
  // Also a context that denies everything: what it counts must be seen.
  startTicks(context);
  return true;
}

/** False only on the canary, and only for a configuration that cannot be used. */
function loadContext(context: RootContext): bool {
  dropCached(context.serial);
  renew(context);
  // One byte more than allowed, so that a longer one shows.
  const status = getConfiguration(MAX_CONFIGURATION_BYTES + 1, configuration);
  const isFirst = !isConfigured;
  isConfigured = true;
  if (status != Status.Ok || configuration.len > MAX_CONFIGURATION_BYTES) {
    loading.refuse(
      status == Status.Ok ? "it is larger than 768 KiB" : "the gateway did not hand it over, or it is too large",
    );
    report("glassgate: configuration refused: ");
    return !isFirst;
  }
  sha256(configuration.ptr, configuration.len, configurationHash);
  const isCanary = isFirst && !isAccepted(configurationHash);
  if (!isSignatureCheckTrue()) {
    // Nothing that this VM would say of a signature can be trusted.
    loading.refuse("the self-test of its signature checks fails");
    report("glassgate: configuration refused: ");
    return !isCanary;
  }
  if (take(context, isCanary)) {
    if (isCanary) markAccepted(configurationHash);
    publish(context.settings, context.held, isCanary);
    return true;
  }
  if (isCanary) {
    renew(context);
    return false;
  }
  fallBack(context);
  return true;
}
