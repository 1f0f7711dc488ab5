/** What a grant opens, judged by the release filter itself: nothing is sent on that a gateway would refuse for its scope. */
import { UserError } from "../base/errors.js";
import { type VerdictCode, verdictCodes } from "../base/verdicts.gen.js";
import { completeGrant, makeAsk } from "../grant/make.js";
import type { Sample } from "../grant/scope.js";
import { FilterHost } from "../host/host.js";
import { newKey, publicPart } from "../signer/jwk.js";
import { signFirst } from "../trust/bundle.js";
import { configurationText } from "../trust/configuration.js";
import type { Detail } from "../trust/names.js";

/** The stage's clock stands still: time is not the question here. */
const NOW = 1_700_000_000;
const LIFE = 600;

export class Scope {
  private constructor(
    private readonly host: FilterHost,
    private readonly grant: string,
  ) {}

  /**
   * A grant for the same details, under an entitlement that leaves all to them, with keys of this moment. Its details are what
   * is judged; whether the real one holds is the gateway's business.
   */
  static async of(details: readonly Detail[]): Promise<Scope> {
    const root = newKey("Ed25519");
    const requester = newKey("Ed25519");
    const all: Detail = { type: "break_glass_http", locations: ["*"], actions: ["*"], paths: ["/**"] };
    const bundle = await signFirst(
      {
        schema: 1,
        version: 1,
        iat: NOW - 1,
        exp: NOW + LIFE,
        aud: ["scope"],
        principals: [{ id: "requester", roles: ["requester"], keys: [publicPart(requester)] }],
        entitlements: [
          {
            id: "scope",
            requesters: ["requester"],
            reasons: ["scope"],
            approvals: [],
            max_ttl: LIFE,
            authorization_details: [all],
          },
        ],
      },
      root,
    );
    const ask = await makeAsk(
      {
        ttl: LIFE,
        iat: NOW,
        sub: "requester",
        aud: "scope",
        ent: "scope",
        reason: "scope",
        text: "scope",
        authorization_details: details.map((detail) => ({ ...detail })),
      },
      requester,
    );
    const host = await FilterHost.load({ clock: () => NOW * 1000 });
    const anchors = { audience: "scope", threshold: 1, roots: [publicPart(root)] };
    const { accepted, reason } = host.configure(configurationText(anchors, 1, { bundle }));
    if (!accepted) throw new UserError(`The filter cannot judge the scope: ${reason ?? "it does not say why"}.`);
    return new Scope(host, await completeGrant(ask, [], requester));
  }

  /** Why a request is not covered; undefined where it is. @param path as sent, its query included */
  refusal({ method, host, path, isUpgrade }: Sample): VerdictCode | undefined {
    const { filterState } = this.host.request({
      headers: [
        [":method", method],
        [":path", path],
        [":authority", host],
        ...(isUpgrade ? [["upgrade", "websocket"] as const] : []),
        ["x-break-glass", this.grant],
      ],
    });
    const verdict = filterState.get("wasm.glassgate.verdict");
    return verdict === "allow" ? undefined : (verdictCodes.find((code) => code === verdict) ?? "internal");
  }
}

/** `GET, POST api.example.com /orders/*`, a line for each detail. */
export const showDetail = ({ actions, locations, paths }: Detail): string =>
  `${actions.join(", ")} ${locations.join(", ")} ${paths.join(", ")}`;
