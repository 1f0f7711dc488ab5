/** Rows of grants that are worth less to a thief: bound to their holder, tied to networks, or checked against lists that are full. */
import type { Headers } from "../load/client.js";
import { type Holder, newHolder } from "../tokens/proofs.js";
import { FULL_AUDIENCE } from "../tokens/revoked.js";
import type { Claims, World } from "../tokens/world.js";
import { CHEAP_WEIGHT, CHEAPEST_WEIGHT, type Variant } from "./variants.js";

/** The listener of the environment where as much is revoked as can be. */
export const FULL_LISTENER = "revoked";

/** As many networks as a grant may name, and the last is the client's. */
const NETWORKS = [...Array.from({ length: 15 }, (_, i) => `10.${i}.0.0/16`), "127.0.0.0/8"];

type Base = Pick<Variant, "listener" | "baseListener">;
const DIRECT: Base = { listener: "direct" };
const OVER_TLS: Base = { listener: "tlsDirect", baseListener: "tlsNone" };

const row = (id: string, name: string, base: Base, headers: (i: number) => Headers): Variant => ({
  ...{ id, name, group: "restricted", headers, statuses: [200] },
  ...base,
});

/** The same grant of 3 signatures again, and a new one each time. */
function pair(world: World, id: string, what: string, base: Base, signatures: 1 | 3, more: Claims): readonly Variant[] {
  const sent = (grant: string): Headers => ({ "x-break-glass": grant });
  const same = sent(world.grant("Ed25519", 3, more));
  const count = `${signatures} Ed25519 signature${signatures === 1 ? "" : "s"}`;
  return [
    { ...row(`${id}-cached`, `${what}, same grant again (cached)`, base, () => same), weight: CHEAP_WEIGHT },
    row(`${id}-fresh`, `${what}, new grants, ${count}`, base, () => sent(world.grant("Ed25519", signatures, more))),
  ];
}

function proofs(algorithm: "Ed25519" | "ES256", { first, fresh, cached }: Holder): readonly Variant[] {
  const bound = `bound to an ${algorithm} key`;
  return [
    row(`dpop-first-${algorithm}`, `${bound}, new grants, each key's first proof`, DIRECT, first),
    row(`dpop-fresh-${algorithm}`, `${bound}, new grants, a key in use`, DIRECT, fresh),
    row(`dpop-cached-${algorithm}`, `${bound}, same grants again (cached), a key in use`, DIRECT, cached),
  ];
}

/** @param certificate the client's: what a grant that is bound to it has as `cnf` */
export function restrictedVariants(world: World, certificate: Claims): readonly Variant[] {
  const none = (): Headers => ({});
  return [
    { ...row("tls", "no filter, over TLS", { listener: "tlsNone" }, none), weight: CHEAP_WEIGHT },
    {
      ...row("tls-null", "no filter over TLS, against itself", { listener: "tlsNone", baseListener: "tlsNone" }, none),
      weight: CHEAPEST_WEIGHT,
    },
    ...pair(world, "tls", "over TLS, bound to nothing", OVER_TLS, 1, {}),
    ...pair(world, "mtls", "over TLS, bound to the client's certificate", OVER_TLS, 1, { cnf: certificate }),
    ...proofs("Ed25519", newHolder(world, "Ed25519")),
    ...proofs("ES256", newHolder(world, "ES256")),
    ...pair(world, "net", `tied to ${NETWORKS.length} networks`, DIRECT, 1, { net: NETWORKS }),
    ...pair(world, "revoked", "where all lists are full", { listener: FULL_LISTENER }, 3, { aud: FULL_AUDIENCE }),
  ];
}
