/** The people, keys and rules of the benchmark: everybody holds a key of each kind. As many people as one likes. */
import { randomBytes, randomInt } from "node:crypto";
import { type Algorithm, newKey, type PrivateKey, publicPart } from "../../control/signer/jwk.js";
import { type Anchors, anchorsSchema } from "../../control/trust/anchors.js";
import { signFirst, signFurther } from "../../control/trust/bundle.js";
import { type BundleClaims, bundleClaimsSchema } from "../../control/trust/claims.js";
import { newSigner, type Signer, segment } from "./signer.js";

export const HOST = "api.example.com";
const AUDIENCE = "bench";
/** Seconds: longer than any run. */
const LIFETIME = 7200;

/**
 * Who shows forged approvals. The filter makes a requester's key wait that has failed often, so nobody else shall suffer for it, and
 * they are enough for none to wait: a sample has some 17 of each within ten seconds, and 32 are let through.
 */
const FORGERS = 24;

interface Person {
  readonly Ed25519: Signer;
  readonly ES256: Signer;
}
const newPerson = (): Person => ({ Ed25519: newSigner("Ed25519"), ES256: newSigner("ES256") });
const newPeople = (count: number): readonly Person[] => Array.from({ length: count }, newPerson);
function at<T>(list: readonly T[], i: number): T {
  const found = list[i];
  if (found === undefined) throw new RangeError(`there is no entry ${i} of ${list.length}`);
  return found;
}
const drawn = <T>(list: readonly T[]): T => at(list, randomInt(list.length));
/** The first has the name alone. */
const named = (name: string, i: number): string => (i === 0 ? name : `${name}${i}`);
/** The entitlement that needs that many signatures, the requester's included. */
const ENTITLEMENTS = { 1: "alone", 2: "paired", 3: "repair" } as const;
export type Signatures = keyof typeof ENTITLEMENTS;

export type Claims = Readonly<Record<string, unknown>>;

/** How many people can ask, and how many can approve in each of the two roles. */
export interface Crowd {
  readonly requesters: number;
  readonly approversOfARole: number;
}
const ONE_EACH: Crowd = { requesters: 1, approversOfARole: 1 };

const detail = (paths: readonly string[]) => ({
  type: "break_glass_http" as const,
  locations: [HOST],
  actions: ["GET", "POST"],
  paths: [...paths],
});

export class World {
  private readonly roots: readonly [PrivateKey, PrivateKey, PrivateKey] = [
    newKey("Ed25519"),
    newKey("ES256"),
    newKey("Ed25519"),
  ];
  private readonly requesters: readonly Person[];
  private readonly leads: readonly Person[];
  private readonly officers: readonly Person[];
  private readonly forgers = newPeople(FORGERS);
  private readonly stranger = newPerson();
  readonly now = Math.floor(Date.now() / 1000);
  readonly anchors: Anchors = anchorsSchema.parse({
    audience: AUDIENCE,
    threshold: 2,
    roots: this.roots.map(publicPart),
  });

  constructor({ requesters, approversOfARole }: Crowd = ONE_EACH) {
    this.requesters = newPeople(requesters);
    this.leads = newPeople(approversOfARole);
    this.officers = newPeople(approversOfARole);
  }

  bundleClaims(): BundleClaims {
    const principal = (id: string, role: string, { Ed25519, ES256 }: Person) => ({
      id,
      roles: [role],
      keys: [Ed25519.jwk, ES256.jwk],
    });
    const entitlement = (id: string, approvals: readonly string[]) => ({
      id,
      requesters: ["oncall"],
      reasons: ["outage"],
      approvals: approvals.map((role) => ({ role, count: 1 })),
      max_ttl: LIFETIME + 60,
      authorization_details: [detail(["/orders/**"])],
    });
    return bundleClaimsSchema.parse({
      schema: 1,
      version: 1,
      iat: this.now - 60,
      exp: this.now + 86_400,
      aud: [AUDIENCE],
      principals: [
        ...this.requesters.map((person, i) => principal(named("rita", i), "oncall", person)),
        ...this.forgers.map((person, i) => principal(named("mallory", i), "oncall", person)),
        ...this.leads.map((person, i) => principal(named("adam", i), "lead", person)),
        ...this.officers.map((person, i) => principal(named("anna", i), "security", person)),
      ],
      entitlements: [
        entitlement(ENTITLEMENTS[1], []),
        entitlement(ENTITLEMENTS[2], ["lead"]),
        entitlement(ENTITLEMENTS[3], ["lead", "security"]),
      ],
    });
  }

  async bundle(changes: Partial<BundleClaims> = {}): Promise<string> {
    const [first, second] = this.roots;
    return signFurther(await signFirst({ ...this.bundleClaims(), ...changes }, first), second);
  }

  claims(signatures: Signatures, sub = "rita"): Claims {
    return {
      jti: randomBytes(16).toString("base64url"),
      sub,
      aud: AUDIENCE,
      iat: this.now,
      exp: this.now + LIFETIME,
      ent: ENTITLEMENTS[signatures],
      reason: "outage",
      text: "refund loop, customers charged twice",
      incident: "INC-7",
      authorization_details: [detail(["/orders/*"])],
    };
  }

  /** A good grant with that many signatures, all of one algorithm, by people who are drawn anew for each. @param more claims */
  grant(algorithm: Algorithm, signatures: Signatures, more: Claims = {}): string {
    const requester = randomInt(this.requesters.length);
    const approvers = [drawn(this.leads), drawn(this.officers)].slice(0, signatures - 1);
    const payload = segment({ ...this.claims(signatures, named("rita", requester)), ...more });
    return this.signed(algorithm, payload, at(this.requesters, requester), approvers);
  }

  /** A good grant of three signatures, whose approvals are to be forged: by the first forger, or by the others by turns. */
  grantOfForger(turn: "first" | number): string {
    const i = turn === "first" ? 0 : 1 + (turn % (FORGERS - 1));
    const approvers = [drawn(this.leads), drawn(this.officers)];
    return this.signed("Ed25519", segment(this.claims(3, named("mallory", i))), at(this.forgers, i), approvers);
  }

  /** One of each requester, which needs no approval. */
  grantOfEach(algorithm: Algorithm): readonly string[] {
    return this.requesters.map((person, i) =>
      this.signed(algorithm, segment(this.claims(1, named("rita", i))), person, []),
    );
  }

  /** A grant by a key that no bundle holds. */
  unknownGrant(algorithm: Algorithm): string {
    return this.signed(algorithm, segment(this.claims(1)), this.stranger, []);
  }

  private signed(algorithm: Algorithm, payload: string, requester: Person, approvers: readonly Person[]): string {
    return [
      requester[algorithm].compact({ typ: "bg+jwt" }, payload),
      ...approvers.map((by) =>
        by[algorithm].compact({ typ: "bg-approval+jws", iat: this.now }, payload).replace(`.${payload}.`, ".."),
      ),
    ].join("~");
  }
}
