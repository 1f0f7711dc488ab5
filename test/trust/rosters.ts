/** A roster's text, with any one thing in it replaced. */
import { newKey, publicPart } from "../../control/signer/jwk.js";

export const ed25519 = publicPart(newKey("Ed25519"));
export const es256 = publicPart(newKey("ES256"));

/** As `glassgate key new` prints it for the roster. */
export const line = (key: object): string =>
  `{ ${Object.entries(key)
    .map(([member, value]) => `${member}: ${value}`)
    .join(", ")} }`;

export interface Parts {
  readonly lifetime?: string;
  readonly id?: string;
  readonly roles?: string;
  readonly keys?: string;
  /** Lines after rita. */
  readonly more?: string;
  readonly ttl?: string;
  readonly wait?: string;
  readonly count?: string;
  readonly location?: string;
  readonly action?: string;
  readonly path?: string;
  readonly revoked?: string;
}

/** rita's `roles:` stand on line 5, her `keys:` on line 6. */
export const rosterText = (parts: Parts = {}): string => `# a roster
lifetime: ${parts.lifetime ?? "90d"}
principals:
  - id: ${parts.id ?? "rita"}
    roles: ${parts.roles ?? "[oncall]"}
    keys: ${parts.keys ?? "[]"}
${parts.more ?? ""}entitlements:
  - id: orders
    requesters: [oncall]
    reasons: [outage]
    approvals: [{ role: lead, count: ${parts.count ?? "1"} }]
    max_ttl: ${parts.ttl ?? "15m"}
${parts.wait === undefined ? "" : `    max_wait: ${parts.wait}\n`}    authorization_details:
      - { type: break_glass_http, locations: [${parts.location ?? "api.example.com"}], actions: [${parts.action ?? "GET"}], paths: [${parts.path ?? "/a/*"}] }
${parts.revoked ?? ""}`;
