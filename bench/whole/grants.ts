/** Asks, approvals and grants of the load, made as people make them: by the product's own code. */
import { completeGrant, makeApproval, makeAsk } from "../../control/grant/make.js";
import type { PrivateKey } from "../../control/signer/jwk.js";
import type { Person } from "./plan.js";

export interface Wanted {
  readonly audience: string;
  /** Seconds. */
  readonly ttl: number;
  readonly text: string;
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

export const askOf = ({ id, key }: Person, { audience, ttl, text }: Wanted): Promise<string> =>
  makeAsk(
    {
      ...{ sub: id, aud: audience, iat: nowSeconds(), ttl, ent: "repair", reason: "outage", text },
      authorization_details: [
        { type: "break_glass_http", locations: ["api.example.com"], actions: ["GET"], paths: ["/orders/*"] },
      ],
    },
    key,
  );

export const completed = async (ask: string, approvers: readonly PrivateKey[], key: PrivateKey): Promise<string> =>
  completeGrant(ask, await Promise.all(approvers.map((one) => makeApproval(ask, one, nowSeconds()))), key);
