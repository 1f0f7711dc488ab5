/** The soak's people. Three stay as they are and hold a key of each kind; rita has one of two keys, which each rotation takes away. */
import type { Algorithm, Signer } from "../../test/kit/token.js";
import { type Json, World } from "../../test/kit/world.js";
import { newSigner } from "../tokens/signer.js";

/** Seconds: longer than any run, and less than the bundle's own life. */
const LIFETIME = 86_000;
/** Enough that most of their forged approvals are looked at. */
const FORGERS = 40;
const NOBODY: readonly Signer[] = [];

/** By OpenSSL: thousands of grants in a second. */
function quickSigner(alg: Algorithm): Signer {
  const signer = newSigner(alg);
  const { alg: _, ...jwk } = signer.jwk;
  return { ...signer, alg, jwk };
}
type Person = Readonly<Record<Algorithm, Signer>>;
const newPerson = (): Person => ({ Ed25519: quickSigner("Ed25519"), ES256: quickSigner("ES256") });

export class People {
  readonly world = new World(Math.floor(Date.now() / 1000));
  /** Of a normal caller, from the identity provider of the gateway; renewed while it is used. */
  normalToken = "";
  private readonly sam = newPerson();
  private readonly lea = newPerson();
  private readonly sue = newPerson();
  /** Who shows forged approvals: a requester's key that fails often has to wait, and nobody else shall. */
  private readonly forgers = Array.from({ length: FORGERS }, () => quickSigner("Ed25519"));
  private readonly stranger = quickSigner("Ed25519");

  /** Rita's only key in bundles of that version. */
  private keyOfRita(version: number): Signer {
    return version % 2 === 0 ? this.world.rita : this.world.rita2;
  }

  /** The kit's bundle, of a real one's size, with these people. */
  private claims(version: number): Json {
    const { world } = this;
    const claims = world.bundleClaims({
      version,
      entitlements: [
        world.entitlement("repair", { max_ttl: LIFETIME }),
        world.entitlement("alone", { max_ttl: LIFETIME, approvals: [] }),
      ],
    });
    const others = Array.isArray(claims.principals) ? claims.principals.slice(1) : [];
    const principal = (id: string, role: string, keys: readonly Signer[]): Json => ({
      id,
      roles: [role],
      keys: keys.map(({ jwk }) => jwk),
    });
    return {
      ...claims,
      principals: [
        principal("rita", "oncall", [this.keyOfRita(version)]),
        principal("sam", "oncall", Object.values(this.sam)),
        ...this.forgers.map((key, i) => principal(`mallory${i}`, "oncall", [key])),
        principal("lea", "lead", Object.values(this.lea)),
        principal("sue", "security", Object.values(this.sue)),
        ...others,
      ],
    };
  }

  bundle(version: number): string {
    return this.world.bundle(this.claims(version));
  }

  /** The whole plugin configuration with that bundle. */
  configuration(version: number): string {
    return this.world.configuration({ bundle: this.claims(version) });
  }

  /** A new grant of sam's, its signatures all of one kind. */
  grant(algorithm: Algorithm, signatures: 1 | 3): string {
    const approvers = signatures === 1 ? NOBODY : [this.lea[algorithm], this.sue[algorithm]];
    return this.signed(this.sam[algorithm], "sam", approvers);
  }

  /** A new grant of three signatures by one of the forgers, its approvals still good. */
  grantOfForger(turn: number): string {
    const i = turn % FORGERS;
    const key = this.forgers[i];
    if (key === undefined) throw new RangeError(`there is no forger ${i}`);
    return this.signed(key, `mallory${i}`, [this.lea.Ed25519, this.sue.ES256]);
  }

  /** A new grant of rita's, by the key that bundles of that version hold. */
  grantOfRita(version: number): string {
    return this.signed(this.keyOfRita(version), "rita", NOBODY);
  }

  /** By a key that no bundle holds. */
  unknownGrant(): string {
    return this.signed(this.stranger, "sam", NOBODY);
  }

  private signed(by: Signer, sub: string, approvers: readonly Signer[]): string {
    const ent = approvers.length === 0 ? "alone" : "repair";
    return this.world.grant({
      by,
      claims: { sub, ent, exp: this.world.now + LIFETIME },
      approvals: approvers.map((approver) => ({ by: approver })),
    });
  }
}
