/** What the model's bundles, texts, configurations and grants are for the filter. */
import { anchorsSchema, domainOf } from "../../control/trust/anchors.js";
import { appliedDigest } from "../../control/trust/revocations.js";
import { quickSigner } from "../kit/quick.js";
import { QuickWorld } from "../kit/quick-world.js";
import { revocations } from "../kit/revocations.js";
import type { Signer } from "../kit/token.js";
import { at, type Bundle, beside, type Configuration, type Texts } from "./state.js";

const world = new QuickWorld(Math.floor(Date.now() / 1000));
/** By domain. The last one has other roots than the first. */
const AUDIENCES = ["test", "staging", "test"] as const;
export const DOMAINS = AUDIENCES.length;
export const ROOTS = 3;
const rootsOf = (domain: number): Signer[] => world.roots.slice(0, domain === 2 ? 2 : ROOTS);
/** The most texts that one signer signs. */
export const MAX_TEXT = 3;

function kept<A extends readonly unknown[], T>(make: (...of: A) => T): (...of: A) => T {
  const known = new Map<string, T>();
  return (...of) => {
    const key = JSON.stringify(of);
    const value = known.get(key) ?? make(...of);
    known.set(key, value);
    return value;
  };
}

/** What the domain's gauges are named after. */
export const labelOf = kept((domain: number): string =>
  domainOf(
    anchorsSchema.parse({ audience: AUDIENCES[domain], roots: rootsOf(domain).map(({ jwk }) => jwk), threshold: 1 }),
  ).slice(0, 16),
);

/** Each bundle has a requester whom no other knows, so what a grant gets tells which one decides. */
const keyFor = kept((_version: number, _variant: number): Signer => quickSigner("Ed25519"));
const jti = (signer: number, text: number): string => `by-signer-${signer}-text-${text}`;
const idsUpTo = (signer: number, text: number): string[] => Array.from({ length: text }, (_, i) => jti(signer, i + 1));

const claimsFor = kept((version: number, variant: number, floors: Texts) => {
  const floored = floors.flatMap((floor, signer) => (floor > 0 ? [[at(world.roots, signer).kid, floor]] : []));
  return world.bundleClaims({
    version,
    principals: [{ id: "rita", roles: ["oncall"], keys: [keyFor(version, variant).jwk] }],
    entitlements: [world.entitlement("alone", { approvals: [] })],
    revoked: { jti: floors.flatMap((floor, signer) => idsUpTo(signer, floor)) },
    ...(floored.length === 0 ? {} : { texts: Object.fromEntries(floored) }),
  });
});
const bundleText = kept(({ version, variant, signers, floors }: Bundle) =>
  world.bundle(claimsFor(version, variant, floors), world.roots.slice(0, signers)),
);
/** A root's text: each later one takes away one grant more. */
const textOf = kept((signer: number, text: number) =>
  revocations(world, {
    by: at(world.roots, signer),
    revoked: { jti: idsUpTo(signer, text) },
    claims: { version: text, aud: ["test", "staging"] },
  }),
);

const bent = (text: string): string => `${text.slice(0, -2)}${text.endsWith("AA") ? "AQ" : "AA"}`;

export function configurationText(configuration: Configuration): string {
  const { generation, domain, threshold, minVersion, bundle, texts, isBroken } = configuration;
  const text = bundle.version === 0 ? undefined : bundleText(bundle);
  const signed = texts.flatMap((version, signer) => (version > 0 ? [textOf(signer, version)] : []));
  return JSON.stringify({
    generation,
    audience: AUDIENCES[domain],
    roots: rootsOf(domain).map(({ jwk }) => jwk),
    threshold,
    min_version: minVersion === 0 ? undefined : minVersion,
    bundle: isBroken && text !== undefined ? bent(text) : text,
    revocations: signed.length === 0 ? undefined : signed,
  });
}

/** A grant that one bundle knows, and that falls with one signer's text. */
export const grantFor = kept((domain: number, version: number, variant: number, signer: number, text: number) =>
  world.alone({ by: keyFor(version, variant), claims: { aud: AUDIENCES[domain], jti: jti(signer, text) } }),
);

/** What the gauge `revocations_applied` shows where all hold the file's texts. */
export const digestOf = ({ texts, bundle }: Configuration): number =>
  appliedDigest(
    beside(texts, bundle).flatMap((version, signer) =>
      version > 0 ? [{ signer: at(world.roots, signer).kid, version }] : [],
    ),
  );
