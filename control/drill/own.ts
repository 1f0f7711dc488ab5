/** Whether a gateway is the project's, by what stands in files: looked at before anything is asked or sent. */
import { z } from "zod";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { Gateway } from "../caller/gateway.js";
import { publicKeySchema } from "../signer/jwk.js";
import { type Anchors, domainOf } from "../trust/anchors.js";
import type { Entitlement } from "../trust/claims.js";
import type { FleetGateway, Target } from "./model.js";

export interface Around {
  readonly config: string | undefined;
  /** Where its records are written, as the drill file says. */
  readonly log: string | undefined;
  readonly ca: string | undefined;
  readonly caller: FleetGateway["caller"];
  readonly certificate: FleetGateway["certificate"];
  readonly target: Target;
  readonly anchors: Anchors;
  readonly entitlement: Entitlement;
  /** @param member of the gateway in the drill file */
  readonly refuseAt: (member: string | undefined, message: string) => never;
}

/** In clear only to this machine, with authorities that can be used: as any caller sends a grant. */
export function checkWay(url: string, { ca, certificate, refuseAt }: Around): void {
  const check = (member: string, options: ConstructorParameters<typeof Gateway>[0]): void => {
    try {
      new Gateway(options);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      refuseAt(member, `${error.message} ${error.hint ?? ""}`.trim());
    }
  };
  check("url", { url: url.replace(/\/$/, ""), ...(ca === undefined ? {} : { ca }) });
  if (certificate === undefined) return;
  if (!url.startsWith("https:")) refuseAt("certificate", "is shown over TLS alone, and `url` begins with http://");
  check("certificate", certificate);
}

const pinned = z.looseObject({ audience: z.string(), threshold: z.number(), roots: z.array(publicKeySchema) });

/** Why a filter's configuration is another's; undefined where it is the project's, or none that can be read. */
export function foreignTo(anchors: Anchors, configuration: unknown): string | undefined {
  const own = pinned.safeParse(configuration).data;
  if (own === undefined) return undefined;
  if (own.audience !== anchors.audience)
    return `is for the audience ${visible(own.audience)}, and the project for ${anchors.audience}: it is another environment's gateway`;
  if (domainOf({ ...anchors, roots: own.roots }) !== domainOf(anchors) || own.threshold !== anchors.threshold)
    return "pins other roots, or another threshold, than anchors.json of the project: it is no gateway of this project";
  return undefined;
}
