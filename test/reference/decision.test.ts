/**
 * The filter decides as the reference does: 10,000 made-up cases here, 50,000 in `npm run soak:tests`, a million in `npm run soak:decision`. GLASSGATE_DECISIONS says
 * how many, GLASSGATE_SEED which. A disagreement is shrunk to the fewest choices that show it.
 */
import { expect, it } from "vitest";
import { SEED } from "../kit/seed.js";
import { agree } from "./agree.js";

const CASES = Number(process.env.GLASSGATE_DECISIONS ?? 10_000);
/** What must have come up, else the cases are not worth much. */
const EXPECTED = [
  ...[
    "allow",
    "malformed",
    "algorithm",
    "key_unknown",
    "key_not_valid",
    "key_owner",
    "audience",
    "not_yet_valid",
    "expired",
    "ttl",
  ],
  ...["revoked", "signature", "approval_signature", "entitlement_unknown", "requester", "reason", "claim_required"],
  ...["self_approval", "duplicate_approval", "quorum", "scope_host", "scope_method", "scope_path"],
  ...["proof", "network", "path_ambiguous", "bundle_expired"],
];
/** And where there are many. */
const RARE = ["entitlement_scope", "binding_missing", "binding_mismatch"];

it(
  `${CASES} cases, seed ${SEED}`,
  async () => {
    const seen = await agree(CASES, SEED);
    console.log(
      [...seen]
        .sort(([, a], [, b]) => b - a)
        .map(([verdict, count]) => `${verdict} ${count}`)
        .join(", "),
    );
    const expected = CASES >= 500_000 ? [...EXPECTED, ...RARE] : CASES >= 10_000 ? EXPECTED : [];
    expect(expected.filter((verdict) => !seen.has(verdict))).toEqual([]);
  },
  60 * 60_000,
);
