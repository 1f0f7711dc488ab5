/** A drill that is prepared and never sent: its people, bundle and gateways are in memory, and nothing listens at their addresses. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDrill } from "../../control/drill/file.js";
import type { Players } from "../../control/drill/model.js";
import { type Prepared, prepare } from "../../control/drill/prepare.js";
import { newKey, publicPart } from "../../control/signer/jwk.js";
import { sha256Hex } from "../../control/signer/sign.js";
import { anchorsSchema } from "../../control/trust/anchors.js";
import { type BundleClaims, bundleClaimsSchema } from "../../control/trust/claims.js";

const roles = { rita: "oncall", adam: "lead", anna: "security" } as const;
const keys = Object.fromEntries(Object.keys(roles).map((name) => [name, newKey("Ed25519")]));

type Entitlement = BundleClaims["entitlements"][number];

function bundleOf(changes: Partial<Entitlement>): BundleClaims {
  const now = Math.floor(Date.now() / 1000);
  return bundleClaimsSchema.parse({
    ...{ schema: 1, version: 7, iat: now - 60, exp: now + 86_400, aud: ["production"] },
    principals: Object.entries(roles).map(([id, role]) => ({
      id,
      roles: [role],
      keys: keys[id] === undefined ? [] : [publicPart(keys[id])],
    })),
    entitlements: [
      {
        ...{ id: "orders-drill", drill: true, requesters: ["oncall"], reasons: ["drill"], max_ttl: 300 },
        approvals: [
          { role: "lead", count: 1 },
          { role: "security", count: 1 },
        ],
        authorization_details: [
          {
            ...{ type: "break_glass_http", locations: ["api.example.com"] },
            ...{ actions: ["GET"], paths: ["/drill/orders"] },
          },
        ],
        ...changes,
      },
    ],
  });
}

const file = (gateways: number, isHarmless: boolean): string => `name: quarterly
every: 90d
people: { requester: rita, approvers: [adam, anna] }
entitlement: orders-drill
gateways:
${Array.from({ length: gateways }, (_, i) => `  - { id: gateway-${i + 1}, url: "http://127.0.0.1:1", admin: "127.0.0.1:1", harmless: ${isHarmless} }\n`).join("")}`;

export interface Changes {
  readonly gateways?: number;
  readonly entitlement?: Partial<Entitlement>;
  /** Of each gateway. */
  readonly isHarmless?: boolean;
  /** Lines behind the file's own. */
  readonly more?: string;
}

export function prepared({ gateways = 1, entitlement = {}, isHarmless = false, more = "" }: Changes = {}): Prepared {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-prepared-"));
  try {
    const roots = [newKey("Ed25519"), newKey("Ed25519")].map(publicPart);
    const anchors = anchorsSchema.parse({ audience: "production", threshold: 2, roots });
    writeFileSync(join(folder, "anchors.json"), JSON.stringify(anchors));
    const text = file(gateways, isHarmless) + more;
    const source = {
      name: "drill.yaml",
      ...{ text, sha256: sha256Hex(text) },
      drill: parseDrill(text, "drill.yaml"),
      at: (one: string) => join(folder, one),
    };
    return prepare(source, { bundle: bundleOf(entitlement), kidOf: (name) => keys[name]?.kid ?? "" });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function players(): Players {
  const player = (sub: string) => ({ sub, key: keys[sub] ?? newKey("Ed25519") });
  return {
    ...{ requester: player("rita"), approvers: [player("adam"), player("anna")], signer: player("rita") },
    ...{ stranger: undefined, former: undefined },
  };
}
