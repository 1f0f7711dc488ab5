/** People, roots and bundles of the scratch gateway, made for one drill and kept in memory: nobody else trusts any of it. */
import { nowSeconds } from "../base/time.js";
import { newKey, type PrivateKey, publicPart } from "../signer/jwk.js";
import type { Anchors } from "../trust/anchors.js";
import { signFirst, signFurther } from "../trust/bundle.js";
import { type BundleClaims, bundleClaimsSchema } from "../trust/claims.js";
import { nextClaims } from "../trust/next-text.js";
import { type RevocationClaims, signRevocations } from "../trust/revocations.js";
import type { Player, ScratchPeople, Target } from "./model.js";

export const SCRATCH_HOST = "scratch.invalid";
export const SCRATCH_TARGET: Target = { method: "GET", host: SCRATCH_HOST, path: "/drill/scratch" };
const AUDIENCE = "glassgate-drill-scratch";
const FIRST_VERSION = 5;

const roles = {
  rita: "oncall",
  "rita-jti": "oncall",
  "rita-sub": "oncall",
  "rita-kid": "oncall",
  "rita-incident": "oncall",
  "rita-admin": "lead",
  adam: "lead",
  anna: "security",
  olga: "revoker",
  "crisis-1": "crisis",
  "crisis-2": "crisis",
  "crisis-3": "crisis",
  "crisis-4": "crisis",
  "crisis-5": "crisis",
} as const;
type Name = keyof typeof roles;
/** What any three of five approvers open. */
export const FIVE = { ent: "scratch-five", path: "/drill/scratch-five" } as const;

const detail = (path: string) => ({
  type: "break_glass_http" as const,
  locations: [SCRATCH_HOST],
  actions: ["GET"],
  paths: [path],
});

export class ScratchWorld {
  private readonly roots = [newKey("Ed25519"), newKey("ES256")] as const;
  private readonly keys: ReadonlyMap<Name, PrivateKey>;
  private version = FIRST_VERSION;
  readonly anchors: Anchors = { audience: AUDIENCE, threshold: 2, roots: this.roots.map(publicPart) };

  constructor() {
    const names = Object.keys(roles).filter((name): name is Name => name in roles);
    this.keys = new Map(names.map((name) => [name, newKey("Ed25519")]));
  }

  player(name: Name): Player {
    const key = this.keys.get(name);
    if (key === undefined) throw new Error(`the scratch gateway has no ${name}`);
    return { sub: `scratch-${name}`, key };
  }

  get people(): ScratchPeople {
    const player = (name: Name): Player => this.player(name);
    return {
      secondAccount: player("rita-admin"),
      revocable: {
        jti: player("rita-jti"),
        sub: player("rita-sub"),
        kid: player("rita-kid"),
        incident: player("rita-incident"),
      },
      five: ([1, 2, 3, 4, 5] as const).map((n) => player(`crisis-${n}`)),
    };
  }

  /** Of the version that was signed last. */
  claims(): BundleClaims {
    const now = nowSeconds();
    const common = { drill: true, requesters: ["oncall"], reasons: ["drill"], max_ttl: 300 };
    return bundleClaimsSchema.parse({
      schema: 1,
      version: this.version,
      iat: now - 60,
      exp: now + 3600,
      aud: [AUDIENCE],
      principals: [...this.keys].map(([name, key]) => ({
        id: `scratch-${name}`,
        roles: [roles[name]],
        keys: [publicPart(key)],
        ...(name === "rita-admin" ? { person: "scratch-rita" } : {}),
      })),
      revokers: ["revoker"],
      entitlements: [
        {
          ...common,
          id: "scratch",
          approvals: [
            { role: "lead", count: 1 },
            { role: "security", count: 1 },
          ],
          authorization_details: [detail(SCRATCH_TARGET.path)],
        },
        {
          ...common,
          id: FIVE.ent,
          approvals: [{ role: "crisis", count: 3 }],
          authorization_details: [detail(FIVE.path)],
        },
      ],
    });
  }

  /** The next one, or as the change has it. */
  async bundle(
    change: (claims: BundleClaims) => BundleClaims = (one) => one,
    roots: readonly PrivateKey[] = this.roots,
  ) {
    this.version += 1;
    const claims = change(this.claims());
    const [first, ...others] = roots;
    if (first === undefined) throw new Error("a bundle is signed by somebody");
    let text = await signFirst(claims, first);
    for (const root of others) text = await signFurther(text, root);
    return { text, version: claims.version };
  }

  /** By one root alone. */
  short = (): Promise<{ text: string; version: number }> => this.bundle(undefined, this.roots.slice(0, 1));
  /** By as many roots of somebody else. */
  foreign = (): Promise<{ text: string; version: number }> =>
    this.bundle(undefined, [newKey("Ed25519"), newKey("ES256")]);

  /** Each text has all that came before it. */
  private revoked: RevocationClaims | undefined;
  async revocation(revoked: RevocationClaims["revoked"]): Promise<string> {
    const before = this.revoked === undefined ? [] : [this.revoked];
    this.revoked = nextClaims(before, { revoked, aud: [AUDIENCE] }, nowSeconds());
    return signRevocations(this.revoked, this.player("olga").key);
  }
}
