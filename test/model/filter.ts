/**
 * The filter's rules about bundles and texts, from docs/decisions.md ("Taking a configuration") and docs/trust-bundle.md: what a canary
 * refuses, what a worker's VM takes, and what decides a request or an open stream.
 */
import type { Setting } from "./setting.js";
import {
  at,
  type Bundle,
  beside,
  type Cached,
  type Configuration,
  type Context,
  type Known,
  NO_BUNDLE,
  newer,
  replaced,
  type Shared,
  type Texts,
  type Vm,
} from "./state.js";

/** Where a VM keeps what it knows for that configuration. */
export const domainOf = (setting: Setting, { domain }: Configuration): number =>
  setting.fault === "one memory for all domains" ? 0 : domain;

/** Whether a bundle may come after one of that version and content. */
const follows = (bundle: Bundle, { version, variant }: Pick<Bundle, "version" | "variant">): boolean =>
  bundle.version > version || (bundle.version === version && bundle.variant === variant);

const isGood = ({ bundle, isBroken, threshold, minVersion }: Configuration): boolean =>
  bundle.version > 0 && !isBroken && bundle.signers >= threshold && bundle.version >= minVersion;

/** Whether a fresh VM that asks shared data would take it. */
export function canaryTakes(setting: Setting, configuration: Configuration, shared: readonly Shared[]): boolean {
  const { fault } = setting;
  const { bundle, texts } = configuration;
  const others = at(shared, domainOf(setting, configuration));
  if (bundle.version === 0) return texts.every((text) => text === 0);
  if (!isGood(configuration)) return false;
  if (fault !== "a new VM does not ask shared data" && !follows(bundle, others)) return false;
  if (fault === "an older text replaces a newer one") return true;
  return beside(texts, bundle).every((text, signer) => text === 0 || text >= at(others.texts, signer));
}

/** What the others are told of a bundle and texts that were taken. */
function tell(shared: Shared, bundle: Bundle, loaded: Texts): Shared {
  let { texts } = shared;
  for (const [signer, text] of loaded.entries()) {
    if (text === 0) continue;
    const kept = beside(texts, bundle);
    if (at(kept, signer) < text) texts = replaced(kept, signer, text);
  }
  const { version, variant } = bundle.version > shared.version ? bundle : shared;
  return { version, variant, texts };
}

/** What a canary accepts raises what all VMs of the vm_id know. */
export function raise(setting: Setting, configuration: Configuration, shared: readonly Shared[]): readonly Shared[] {
  const { bundle, texts } = configuration;
  if (bundle.version === 0) return shared;
  const domain = domainOf(setting, configuration);
  return replaced(shared, domain, tell(at(shared, domain), bundle, beside(texts, bundle)));
}

/** A newer bundle of the domain takes over, where enough roots signed it for this context. */
function keptUp(setting: Setting, vm: Vm, context: Context): Context {
  const { newest } = at(vm.known, domainOf(setting, context.configuration));
  const mayFollow =
    context.held.version > 0 &&
    newest.version > context.held.version &&
    newest.signers >= context.configuration.threshold &&
    setting.fault !== "a context that comes back keeps its old bundle";
  return mayFollow ? { ...context, held: newest } : context;
}

const keptUpAll = (setting: Setting, vm: Vm, domain: number): Context[] =>
  vm.contexts.map((context) =>
    domainOf(setting, context.configuration) === domain ? keptUp(setting, vm, context) : context,
  );

const contextsOf = (setting: Setting, contexts: readonly Context[], domain: number): Context[] =>
  contexts.filter(({ configuration, held }) => domainOf(setting, configuration) === domain && held.version > 0);

/** Whether the VM's own text is covered by the bundle that comes, wherever that may govern. */
function isOver(contexts: readonly Context[], signer: number, text: number, bundle: Bundle): boolean {
  return (
    text <= at(bundle.floors, signer) &&
    contexts.every(
      ({ configuration, held }) => bundle.signers >= configuration.threshold || text <= at(held.floors, signer),
    )
  );
}

/** Whether a VM holds each text that others have told of, or a bundle that has taken it in. */
const holdsAll = ({ newest, texts }: Known, others: Shared): boolean =>
  others.texts.every((text, signer) => text <= Math.max(at(newest.floors, signer), at(texts, signer)));

function settled(known: Known, isUsed: boolean, others: Shared): Known {
  const mustAsk = isUsed ? known.isNew || !known.hasAllTexts : known.hasAllTexts;
  return { ...known, hasAllTexts: mustAsk ? holdsAll(known, others) : known.hasAllTexts, isNew: false };
}

export interface Taken {
  readonly vm: Vm;
  readonly shared: readonly Shared[];
}

/** `on_configure` on a worker, with a configuration that it could use. */
function takeBundle(setting: Setting, configuration: Configuration, vm: Vm, shared: readonly Shared[]): Taken {
  const { fault } = setting;
  const { bundle } = configuration;
  const domain = domainOf(setting, configuration);
  const known = at(vm.known, domain);
  const others = at(shared, domain);
  const isAhead = fault !== "a context follows only when it is asked";
  const before = isAhead ? keptUpAll(setting, vm, domain) : vm.contexts;
  const loaded = beside(configuration.texts, bundle).map((text, signer) => {
    const own = at(known.texts, signer);
    if (fault === "an older text replaces a newer one") return text;
    const isOwnBinding = own > 0 && !isOver(contextsOf(setting, before, domain), signer, own, bundle);
    return text < (isOwnBinding ? own : at(beside(others.texts, bundle), signer)) ? 0 : text;
  });
  const isSame = known.newest.version === bundle.version && known.newest.signers >= bundle.signers;
  const held = isSame ? known.newest : bundle;
  const context: Context = { configuration, held, streams: [] };
  const next = { ...vm, known: replaced(vm.known, domain, { ...known, newest: held }), contexts: [...before, context] };
  const hasTexts = known.texts.some((text) => text > 0);
  const contexts = hasTexts ? keptUpAll(setting, next, domain) : next.contexts;
  const isNeeded = (signer: number, text: number): boolean =>
    text > at(held.floors, signer) ||
    (fault !== "a text is forgotten once any bundle has taken it in" &&
      contextsOf(setting, contexts, domain).some((other) => text > at(other.held.floors, signer)));
  const kept = known.texts.map((text, signer) => (isNeeded(signer, text) ? text : 0));
  const texts = loaded.map((text, signer) => (text > 0 ? text : at(kept, signer)));
  const told = tell(others, held, loaded);
  const all = settled({ ...known, newest: held, texts }, true, told);
  return {
    vm: { ...next, known: replaced(vm.known, domain, all), contexts },
    shared: replaced(shared, domain, told),
  };
}

/** The newest bundle that the VM holds, for a configuration that it could not use; none where that may not govern. */
function fallBack(setting: Setting, configuration: Configuration, known: Known, others: Shared): Bundle {
  const { newest } = known;
  const hasSigners =
    newest.signers >= configuration.threshold || setting.fault === "a worker falls back on what too few roots signed";
  const mayGovern = newest.version >= configuration.minVersion && hasSigners && newest.version >= others.version;
  return mayGovern ? newest : NO_BUNDLE;
}

/** `on_configure` on a worker: nothing is refused. */
export function configure(setting: Setting, configuration: Configuration, vm: Vm, shared: readonly Shared[]): Taken {
  const domain = domainOf(setting, configuration);
  const known = at(vm.known, domain);
  const asksShared = setting.fault !== "a new VM does not ask shared data";
  const others = at(shared, domain);
  // What the VM itself holds counts first; one that holds nothing asks the others.
  const least = known.newest.version > 0 || !asksShared ? known.newest : others;
  const { bundle } = configuration;
  if (isGood(configuration) && follows(bundle, least)) return takeBundle(setting, configuration, vm, shared);
  const isUsed = bundle.version === 0;
  const all = settled(known, isUsed, others);
  const held = isUsed ? NO_BUNDLE : fallBack(setting, configuration, all, others);
  const contexts = [...vm.contexts, { configuration, held, streams: [] }];
  return { vm: { ...vm, known: replaced(vm.known, domain, all), contexts }, shared };
}

export interface Decision {
  readonly domain: number;
  /** None: `no_trust`. */
  readonly bundle: Bundle;
  /** What is revoked, by the bundle or by the texts. */
  readonly texts: Texts;
  /** Under what the signatures were checked that it goes by. */
  readonly proven: Pick<Cached, "domain" | "version">;
  readonly serial: string;
  /** The context, which has kept up. */
  readonly context: Context;
}

/** What decides a request under that context: first it takes over a newer bundle of its domain, where that may govern it. */
export function decide(setting: Setting, vm: Vm, asked: Context): Decision {
  const context = keptUp(setting, vm, asked);
  const { configuration, held } = context;
  const known = at(vm.known, domainOf(setting, configuration));
  const isByConfiguration = setting.fault === "a text is remembered by its configuration alone";
  const bundle = known.hasAllTexts || isByConfiguration ? held : NO_BUNDLE;
  const serial = `${configuration.generation} ${held.version}`;
  const { cached } = vm;
  const hasHit = cached !== null && (cached.serial === serial || setting.fault === "the cache is found by bytes alone");
  const here = { domain: configuration.domain, version: bundle.version };
  return {
    domain: configuration.domain,
    bundle,
    texts: newer(held.floors, isByConfiguration ? configuration.texts : known.texts),
    proven: hasHit ? { domain: cached.domain, version: cached.version } : here,
    serial,
    context,
  };
}

/** What decides an open stream at a tick. */
export const decideStream = (setting: Setting, vm: Vm, context: Context): Decision =>
  setting.fault === "a tick judges a stream by the bundle that it began under"
    ? decide({ ...setting, fault: "a context that comes back keeps its old bundle" }, vm, context)
    : decide(setting, vm, context);
