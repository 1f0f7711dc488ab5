/**
 * Taking a configuration. On the canary a bad one is refused, and the gateway keeps the old one. On a worker nothing is ever
 * refused, as the gateway would then let requests pass unchecked for ever: the root context denies every grant instead. A VM knows
 * that it is no canary because the canary left the configuration's hash in shared data, and because it was configured before:
 * a canary is a fresh instance that is asked once. No clock is read here: a wrong clock
 * or an expired bundle must not keep a gateway from starting.
 */
import { isSignatureCheckTrue } from "../crypto/selftest";
import { sha256 } from "../crypto/sha256";
import { Purpose, returnMemory, takeMemory } from "../heap";
import { getConfiguration, LogLevel, log, now, Slice, Status } from "../host/calls";
import { HAS_METRICS, MAY_REFUSE } from "../host/gateway";
import { MAX_CONFIGURATION_BYTES } from "../limits";
import { Writer } from "../text/writer";
import { Loading } from "../trust/loading";
import { Trust } from "../trust/trust";
import { loadBundle, release } from "./bundles";
import { dropCached } from "./cache";
import { contextAt, findContext, keepUpAll, RootContext, renew } from "./contexts";
import { Domain, enterDomain, fallBackOn, refusalOf, remember } from "./domains";
import { prepareServing, serve } from "./generations";
import { prepareTelling, tellLoad } from "./load";
import { countRefused, Gauge, setGauge } from "./metrics";
import { newestTextVersion, textsFilledPercent } from "./remembered";
import { loadTexts, rememberTexts, settleTexts } from "./revocations";
import { newSettings, readSettings, SETTINGS_BYTES, SignedTexts } from "./settings";
import { isAccepted, markAccepted, readSharedVersion, SharedVersion } from "./shared";
import { startTicks } from "./ticks";

/** The schema of bundles that this filter reads. */
const SCHEMA: u64 = 1;

/** More than the threads that can raise a version while one tells it. */
const MAX_RETELLINGS: i32 = 64;
/** A bundle so full is warned of. */
const NEARLY_FULL_PERCENT: i32 = 75;

const loading = new Loading();
const configuration = new Slice();
const texts = new SignedTexts();
const configurationHash: usize = memory.data(32, 16);
/** This VM was configured before, so it is no canary. */
let isConfigured: bool = false;
const newest = new SharedVersion();
const line: usize = memory.data(512, 16);
const writer = new Writer();

/** One line for the operator: what was refused and why. Names are escaped, as they come from the text. */
function report(prefix: string, culprit: string = ""): void {
  writer.open(line, 512);
  writer.literal(prefix);
  writer.literal(culprit);
  writer.literal(loading.reason);
  if (loading.subjectPtr != 0) {
    writer.literal(": ");
    writer.string(loading.subjectPtr, min(loading.subjectLen, 64));
  }
  log(LogLevel.Error, line, writer.length);
}

/** Always false. */
function refuse(culprit: string): bool {
  report("glassgate: configuration refused: ", culprit);
  return false;
}

/** Reads the settings into the context. False with `loading.reason`. */
function takeSettings(context: RootContext): bool {
  const block = takeMemory(SETTINGS_BYTES, Purpose.Configurations);
  loading.start(block, block == 0 ? 0 : SETTINGS_BYTES);
  if (block == 0) return loading.refuse("this VM holds too many configurations at once");
  const settings = newSettings(loading);
  texts.clear();
  if (!readSettings(loading, configuration.ptr, configuration.len, settings, texts)) {
    returnMemory(block, SETTINGS_BYTES, Purpose.Configurations);
    return false;
  }
  context.settings = settings;
  context.settingsBytes = SETTINGS_BYTES;
  context.domain = enterDomain(settings.domain);
  return changetype<usize>(context.domain) != 0 || loading.refuse("this VM serves more than 64 domains");
}

/** Reads the bundle and the revocations into the context, if there are any: all or nothing. False with `loading.reason`, reported. */
function takeTexts(context: RootContext, isCanary: bool): bool {
  const settings = context.settings;
  if (texts.bundle.ptr == 0) {
    if (texts.count == 0) return true;
    loading.refuse("it has revocations and no bundle to verify them under");
    return refuse("");
  }
  const held = loadBundle(loading, texts.bundle.ptr, texts.bundle.len, settings.anchors);
  if (changetype<usize>(held) == 0) return refuse("the bundle: ");
  let reason = held.trust.version < settings.minVersion ? "its version is below min_version" : "";
  if (reason.length == 0) reason = refusalOf(context.domain, held.trust, isCanary);
  if (reason.length != 0) {
    release(held);
    loading.refuse(reason);
    return refuse("the bundle: ");
  }
  keepUpAll(context.domain);
  if (!loadTexts(loading, texts, settings.anchors, held.trust, context.domain, isCanary)) {
    release(held);
    return refuse("the revocations: ");
  }
  context.held = remember(context.domain, held);
  rememberTexts(context.domain, context.held.trust);
  return true;
}

/** On a worker: what this VM already holds for the domain goes on deciding, where it may; else every grant is denied. */
function fallBack(context: RootContext): void {
  const settings = context.settings;
  if (changetype<usize>(context.domain) == 0) return;
  settleTexts(context.domain, false);
  context.held = fallBackOn(context.domain, settings.anchors.threshold, settings.minVersion);
}

/** What is in force in the domain: the newest bundle that any VM has taken, also while this one is a push behind. */
function publishBundle(domain: usize, trust: Trust): void {
  readSharedVersion(domain, newest);
  if (trust.version >= newest.version) {
    setGauge(Gauge.BundleIssuedAt, domain, trust.issuedAt);
    setGauge(Gauge.BundleExpiresAt, domain, trust.expiresAt);
    setGauge(Gauge.SingleKeyEntitlements, domain, trust.singleKeyEntitlements);
    setGauge(Gauge.BundleFilledPercent, domain, trust.filledPercent);
  }
  // Whoever tells last has read last.
  let told: i64 = -1;
  for (let i = 0; i < MAX_RETELLINGS; i++) {
    const version = max(trust.version, newest.version);
    if (version == told) return;
    setGauge(Gauge.BundleVersion, domain, version);
    told = version;
    readSharedVersion(domain, newest);
  }
}

/** On the canary only: so that there is one line for a bundle, not one a thread. */
function warnOfFullBundle(percent: i32): void {
  if (percent < NEARLY_FULL_PERCENT) return;
  writer.open(line, 512);
  writer.literal("glassgate: the bundle comes to ");
  writer.integer(percent);
  writer.literal("% of what one may hold in bytes, principals, keys, roles, entitlements or paths");
  log(LogLevel.Warn, line, writer.length);
}

/** The canary warns, and the threads that serve tell. */
function publishTexts(domain: Domain, isCanary: bool): void {
  const percent = textsFilledPercent(domain, texts.bytes);
  if (!isCanary) {
    setGauge(Gauge.RevocationsVersion, domain.id, newestTextVersion(domain));
    setGauge(Gauge.RevocationsFilledPercent, domain.id, percent);
  } else if (percent >= NEARLY_FULL_PERCENT) {
    writer.open(line, 512);
    writer.literal("glassgate: the revocations come to ");
    writer.integer(percent);
    writer.literal(
      "% of what there may be in bytes, names of one kind or signers: build a bundle, which takes them in",
    );
    log(LogLevel.Warn, line, writer.length);
  }
}

function publish(context: RootContext, isCanary: bool): void {
  const settings = context.settings;
  const domain = settings.domain;
  setGauge(Gauge.Schema, domain, SCHEMA);
  setGauge(Gauge.Threshold, domain, settings.anchors.threshold);
  if (changetype<usize>(context.held) != 0) {
    publishBundle(domain, context.held.trust);
    if (isCanary) warnOfFullBundle(context.held.trust.filledPercent);
  }
  if (!isCanary) settleTexts(context.domain, true);
  publishTexts(context.domain, isCanary);
  // The canary serves nobody, so it does not count.
  if (isCanary) {
    prepareServing(context.domain);
    prepareTelling();
    return;
  }
  const time = now();
  serve(context.domain, settings.generation, time);
  tellLoad(time, true, true);
}

function take(context: RootContext, isCanary: bool): bool {
  if (!takeSettings(context)) return refuse("");
  return takeTexts(context, isCanary);
}

/** Where no gauge can tell: a line with what came of a configuration. */
function tellServing(context: RootContext): void {
  const settings = context.settings;
  writer.open(line, 512);
  if (changetype<usize>(settings) == 0) {
    writer.literal("glassgate: no usable configuration here: every request is denied");
    log(LogLevel.Error, line, writer.length);
    return;
  }
  writer.literal("glassgate: generation ");
  writer.integer(settings.generation);
  if (changetype<usize>(context.held) == 0) {
    writer.literal(" has no usable bundle here: every request is denied");
    log(LogLevel.Error, line, writer.length);
    return;
  }
  writer.literal(" is served here, with bundle ");
  writer.integer(context.held.trust.version);
  writer.literal(" and revocations of ");
  writer.integer(context.domain.texts.count);
  writer.literal(" signers");
  log(LogLevel.Info, line, writer.length);
}

/** `on_configure`. False as `loadContext` says. */
export function configure(contextId: u32): bool {
  const index = findContext(contextId);
  loading.start(0, 0);
  if (index < 0) {
    // What becomes of its requests is said in index.ts.
    loading.refuse("this VM holds too many configurations at once");
    report("glassgate: every grant is denied: ");
    countRefused();
    tellLoad(now(), true, true);
    return true;
  }
  const context = contextAt(index);
  if (!loadContext(context)) return false;
  if (!HAS_METRICS) tellServing(context);
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
  const isFirst = MAY_REFUSE && !isConfigured;
  isConfigured = true;
  if (status != Status.Ok || configuration.len > MAX_CONFIGURATION_BYTES) {
    loading.refuse(
      status == Status.Ok ? "it is larger than 768 KiB" : "the gateway did not hand it over, or it is too large",
    );
    report("glassgate: configuration refused: ");
    if (!isFirst) countRefused();
    return !isFirst;
  }
  sha256(configuration.ptr, configuration.len, configurationHash);
  const isCanary = isFirst && !isAccepted(configurationHash);
  if (!isSignatureCheckTrue()) {
    // Nothing that this VM would say of a signature can be trusted.
    loading.refuse("the self-test of its signature checks fails");
    report("glassgate: configuration refused: ");
    if (!isCanary) countRefused();
    return !isCanary;
  }
  if (take(context, isCanary)) {
    if (isCanary) markAccepted(configurationHash);
    publish(context, isCanary);
    return true;
  }
  if (isCanary) {
    renew(context);
    return false;
  }
  countRefused();
  fallBack(context);
  tellLoad(now(), true, true);
  return true;
}
