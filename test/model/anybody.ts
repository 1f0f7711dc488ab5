/** What somebody might put into files, whoever that is, and what may happen meanwhile: by a few numbers, so that a walk can be made shorter. */
import fc from "fast-check";
import { decide } from "./filter.js";
import { contextOf } from "./gateway.js";
import { DOMAINS, MAX_TEXT, ROOTS } from "./material.js";
import { at, type Bundle, type Configuration, NO_BUNDLE, NO_TEXTS, type State, type Texts } from "./state.js";
import type { Step } from "./steps.js";

const VERSIONS = 4;

export interface Choice {
  readonly what: number;
  readonly worker: number;
  readonly listener: number;
  readonly vmId: number;
  readonly domain: number;
  readonly threshold: number;
  readonly minVersion: number;
  readonly version: number;
  readonly variant: number;
  readonly signers: number;
  readonly texts: Texts;
  readonly kind: number;
}

const nat = (max: number) => fc.nat({ max });
/** Mostly the first. */
const rarely = (max: number) => fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: nat(max) });

export const choice: fc.Arbitrary<Choice> = fc.record({
  what: nat(15),
  worker: nat(1),
  listener: nat(2),
  vmId: fc.oneof({ weight: 7, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
  domain: rarely(DOMAINS - 1),
  threshold: nat(ROOTS - 1).map((more) => 1 + more),
  minVersion: rarely(VERSIONS),
  version: nat(VERSIONS - 1).map((more) => 1 + more),
  variant: nat(1),
  signers: nat(ROOTS - 1).map((more) => 1 + more),
  texts: fc.tuple(rarely(MAX_TEXT - 1), rarely(MAX_TEXT - 1)),
  kind: nat(11),
});

/** The later a bundle, the more it has taken in. */
const floorsOf = ({ version, variant }: Choice): Texts =>
  version < 3 ? NO_TEXTS : [version - 2, variant === 0 ? 0 : 1];

function configurationOf(choice: Choice, generation: number): Configuration {
  const { vmId, domain, threshold, minVersion, version, variant, signers, texts, kind } = choice;
  const roots = domain === 2 ? 2 : ROOTS;
  const bundle: Bundle = { version, variant, signers: Math.min(signers, roots), floors: floorsOf(choice) };
  const settings = { generation, vmId, domain, threshold: Math.min(threshold, roots), minVersion };
  if (kind === 0) return { ...settings, bundle: NO_BUNDLE, texts: NO_TEXTS, isBroken: false };
  return { ...settings, bundle, texts, isBroken: kind === 1 };
}

/** The steps that the choice stands for; those that cannot be taken now are left out by who walks. */
export function anybodysStep(state: State, choice: Choice): Exclude<Step, { does: "push" }>[] {
  const { what, worker, listener, vmId } = choice;
  const place = { worker, listener };
  if (what < 6) {
    const files = [...state.files, ...state.serves].filter(({ generation }) => generation > 0);
    // What stands in another file, or served before, comes back, maybe under another vm_id.
    const old = at(files, choice.kind % files.length);
    const generation = 1 + Math.max(99, ...state.files.map((file) => file.generation), ...seenBy(state));
    const configuration = what === 0 ? { ...old, vmId } : configurationOf(choice, generation);
    return [
      { does: "write", listener, configuration },
      { does: "read", listener },
    ];
  }
  if (what < 10) return [{ does: "take", worker }];
  if (what < 12)
    return [
      { does: "reload", ...place },
      { does: "request", ...place },
    ];
  if (what === 12) return [{ does: "tick", worker }];
  if (what === 13) return choice.kind < 4 ? [{ does: "leave", worker }] : [];
  if (what === 14) return choice.kind < 4 ? [{ does: "lose", worker }] : [];
  const found = contextOf(state, place);
  if (found === undefined) return [];
  const { bundle, texts } = decide({ listeners: [], workers: 0, tasks: [] }, found.vm, found.context);
  const signer = choice.variant;
  if (bundle.version === 0 || at(texts, signer) >= MAX_TEXT) return [];
  const stream = { listener, version: bundle.version, variant: bundle.variant, signer, text: at(texts, signer) + 1 };
  return [{ does: "request", ...place, stream }];
}

/** Generations that were used already: the same number is the same bytes. */
const seenBy = ({ workers, bases }: State): number[] => [
  ...bases.flatMap(({ accepted, refused }) => [...accepted, ...refused]),
  ...workers.flatMap(({ inbox }) => inbox.map(({ configuration }) => configuration.generation)),
];
