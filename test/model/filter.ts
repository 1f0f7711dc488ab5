/**
 * The filter's rules about bundles and texts, from docs/decisions.md ("Taking a configuration") and the trust bundle's design: what
 * a canary refuses, what a worker's VM takes, and what decides a request.
 */
import type { Setting } from "./setting.js";
import { at, type Cached, type Configuration, type Context, type Known, NOTHING, replaced, type Vm } from "./state.js";

const raised = (known: Known, { version, signers, text }: Known): Known => ({
  version: Math.max(known.version, version),
  signers:
    version > known.version ? signers : version === known.version ? Math.max(known.signers, signers) : known.signers,
  text: Math.max(known.text, text),
});

const domainOf = (setting: Setting, listener: number): number =>
  setting.fault === "one memory for all domains" ? 0 : at(setting.listeners, listener).domain;

/** Whether a fresh VM that asks shared data would refuse it. */
export function canaryTakes(
  setting: Setting,
  listener: number,
  configuration: Configuration,
  shared: readonly Known[],
): boolean {
  const known = at(shared, domainOf(setting, listener));
  const { version, signers, minVersion, text } = configuration;
  const asksShared = setting.fault !== "a new VM does not ask shared data";
  if (text < known.text && setting.fault !== "an older text replaces a newer one") return false;
  if (version === 0) return true;
  if (signers < at(setting.listeners, listener).threshold || version < minVersion) return false;
  return !asksShared || version >= known.version;
}

export interface Taken {
  readonly vm: Vm;
  readonly shared: readonly Known[];
}

/** What is accepted raises what all VMs of the vm_id know. */
export function raise(
  setting: Setting,
  listener: number,
  configuration: Configuration,
  shared: readonly Known[],
): Known[] {
  const domain = domainOf(setting, listener);
  return replaced(shared, domain, raised(at(shared, domain), configuration));
}

/** `on_configure` on a worker: nothing is refused. */
export function configure(
  setting: Setting,
  listener: number,
  configuration: Configuration,
  vm: Vm,
  shared: readonly Known[],
): Taken {
  const { fault } = setting;
  const domain = domainOf(setting, listener);
  const own = at(vm.known, domain);
  const others = fault === "a new VM does not ask shared data" ? NOTHING : at(shared, domain);
  const { threshold } = at(setting.listeners, listener);
  // What the VM itself holds counts first; one that holds nothing asks the others.
  const least = own.version > 0 ? own.version : others.version;
  const takesBundle =
    configuration.version >= Math.max(least, configuration.minVersion) && configuration.signers >= threshold;
  const text =
    fault === "an older text replaces a newer one" ? configuration.text : Math.max(own.text, configuration.text);
  let known: Known = { ...own, text };
  let held = NOTHING;
  if (takesBundle) {
    known = { ...raised(own, configuration), text };
    held = configuration;
  } else if (configuration.version > 0) {
    const hasSigners = own.signers >= threshold || fault === "a worker falls back on what too few roots signed";
    if (own.version >= configuration.minVersion && hasSigners && own.version >= others.version) held = own;
  }
  // A text that others have and this VM does not may have revoked something.
  if (text < others.text && fault !== "an older text replaces a newer one") held = NOTHING;
  const context: Context = {
    listener,
    configuration,
    version: held.version,
    signers: held.signers,
    hasStream: false,
  };
  const kept = vm.contexts.filter(
    (other) => other.configuration.generation !== configuration.generation || other.listener !== listener,
  );
  const told = { version: takesBundle ? configuration.version : 0, signers: configuration.signers, text };
  return {
    vm: { ...vm, known: replaced(vm.known, domain, known), contexts: [...kept, context] },
    shared: replaced(shared, domain, raised(at(shared, domain), told)),
  };
}

export interface Decision {
  readonly domain: number;
  /** 0: `no_trust`. */
  readonly version: number;
  readonly signers: number;
  readonly text: number;
  /** Under what the signatures were checked that it goes by. */
  readonly proven: Pick<Cached, "domain" | "version">;
  readonly serial: string;
}

const serialOf = ({ listener, configuration, version }: Context): string =>
  `${listener} ${configuration.generation} ${version}`;

/** What decides a request under that context: first it takes over a newer bundle of its domain, where that may govern it. */
export function decide(setting: Setting, vm: Vm, context: Context): Decision {
  const domain = domainOf(setting, context.listener);
  const known = at(vm.known, domain);
  const mayFollow =
    context.version > 0 &&
    known.version > context.version &&
    known.signers >= at(setting.listeners, context.listener).threshold &&
    setting.fault !== "a context that comes back keeps its old bundle";
  const current = mayFollow ? { ...context, version: known.version, signers: known.signers } : context;
  const serial = serialOf(current);
  const hasHit =
    vm.cached !== null && (vm.cached.serial === serial || setting.fault === "the cache is found by bytes alone");
  const here = { domain: at(setting.listeners, context.listener).domain, version: current.version };
  const isByConfiguration = setting.fault === "a text is remembered by its configuration alone";
  return {
    domain: here.domain,
    version: current.version,
    signers: current.signers,
    text: isByConfiguration ? context.configuration.text : known.text,
    proven: hasHit && vm.cached !== null ? { domain: vm.cached.domain, version: vm.cached.version } : here,
    serial,
  };
}

/** The VM after that request was allowed. */
export function accept(vm: Vm, context: Context, decision: Decision): Vm {
  const { domain, version } = decision.proven;
  const contexts = vm.contexts.map((other) =>
    other === context ? { ...other, version: decision.version, signers: decision.signers } : other,
  );
  return { ...vm, contexts, cached: { serial: decision.serial, domain, version } };
}
