/** Who revokes, at which gateways, and what he has revoked so far. */
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import type { Held, HeldText } from "../gateway/held.js";
import type { PublicKey } from "../signer/jwk.js";
import { holdsRole } from "../trust/claims.js";
import { quoted } from "../trust/facts.js";
import { floorOf, type RevocationSigner, signerOf } from "../trust/revocations.js";
import { silencerOf } from "../trust/silence.js";
import { type Gateway, readHeldOf } from "./gateways.js";

export interface Standing {
  readonly gateway: Gateway;
  readonly held: Held;
}

/** What each gateway's own files hold. One that cannot be read ends the command before anything is signed. */
export async function standingsOf(gateways: readonly Gateway[]): Promise<Standing[]> {
  return Promise.all(
    gateways.map(async (gateway) => {
      const held = await readHeldOf(gateway);
      if (held !== undefined) return { gateway, held };
      throw new UserError(
        `${visible(gateway.file)}: neither it nor its ECDS file holds a configuration of the filter.`,
        {
          hint: "Name the gateway's own file, as `glassgate gateway render` wrote it. Nothing was signed.",
        },
      );
    }),
  );
}

/** Why that key cannot revoke at that gateway now, or undefined. */
function barOf({ held }: Standing, kid: string, now: number): string | undefined {
  const { anchors, claims, texts } = held;
  if (claims === undefined) return undefined; // Nothing opens there; the text is kept for the push of a bundle.
  const signer = signerOf(kid, anchors, claims);
  if (signer === undefined) return "is no root's and nobody's in the bundle there";
  if (!signer.isRoot) {
    const principal = claims.principals.find(({ id }) => id === signer.name);
    const roles = claims.revokers ?? [];
    if (principal === undefined || !roles.some((role) => holdsRole(principal, role, now)))
      return `is a key of ${quoted(signer.name)}, who is no revoker there (revokers: ${roles.length === 0 ? "none but the roots" : roles.map(quoted).join(", ")})`;
    const { nbf = 0, exp = Number.POSITIVE_INFINITY } = principal.keys.find((key) => key.kid === kid) ?? {};
    if (now < nbf || now >= exp) return "does not hold now";
  }
  const speaking = texts.map((text) => ({ signer: text.signer, revoked: text.claims.revoked }));
  const silencer = silencerOf(signer.name, kid, anchors, claims, speaking);
  if (silencer !== undefined)
    return `is silenced there by ${silencer === "the bundle" ? silencer : `the root ${quoted(silencer)}`}`;
  return floorOf(signer.name, claims) >= Number.MAX_SAFE_INTEGER ? "was pushed out by the bundle there" : undefined;
}

export interface Revoker {
  /** As the gateways name him: a principal's id, or a root's kid. */
  readonly name: string;
  readonly isRoot: boolean;
  /** His texts, wherever they stand, that hold. */
  readonly texts: readonly HeldText[];
  /** The highest version up to which a bundle ignores him. */
  readonly floor: number;
  /** Gateways at which he cannot revoke, and why. */
  readonly barred: ReadonlyMap<Standing, string>;
}

export function revokerOf(key: PublicKey, keyName: string, standings: readonly Standing[], now: number): Revoker {
  const barred = new Map<Standing, string>();
  const signers: RevocationSigner[] = [];
  const texts: HeldText[] = [];
  let floor = -1;
  for (const standing of standings) {
    const { anchors, claims, texts: there } = standing.held;
    const bar = barOf(standing, key.kid, now);
    if (bar !== undefined) barred.set(standing, bar);
    const signer = signerOf(key.kid, anchors, claims);
    if (signer === undefined) continue;
    signers.push(signer);
    texts.push(...there.filter((text) => text.signer === signer.name && text.fault === undefined));
    if (bar === undefined) floor = Math.max(floor, floorOf(signer.name, claims));
  }
  if (barred.size === standings.length) {
    const [first] = barred;
    const where = first === undefined ? "" : `${visible(first[0].gateway.file)}: `;
    throw new UserError(`${where}the key ${quoted(keyName)} ${first?.[1] ?? "is unknown"}.`, {
      hint: "Sign with a root key, or with a key of somebody who holds a role in the bundle's `revokers`. Nothing was signed.",
    });
  }
  const [signer] = signers;
  return { name: signer?.name ?? key.kid, isRoot: signer?.isRoot ?? false, texts: unique(texts), floor, barred };
}

const unique = (texts: readonly HeldText[]): HeldText[] => [
  ...new Map(texts.map((text) => [text.text, text])).values(),
];
