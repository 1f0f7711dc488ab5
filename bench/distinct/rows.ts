/** What is sent, made once: as many distinct grants as tokens, by as many keys. */
import { configurationText } from "../../control/trust/configuration.js";
import type { Headers } from "../load/client.js";
import { requestText } from "../load/client.js";
import { IdentityProvider } from "../tokens/tokens.js";
import { type Signatures, World } from "../tokens/world.js";
import type { Build, Options } from "./options.js";

/** The row that all others are told less. */
export const NONE = "no filter";
/** The row that they are compared with. */
export const NATIVE = "jwt_authn, EdDSA";

export interface Row {
  readonly name: string;
  readonly listener: string;
  readonly texts: readonly string[];
}

export interface Prepared {
  readonly world: World;
  readonly jwks: string;
  /** The plugin configuration, the same for all builds. */
  readonly configuration: string;
  readonly rows: readonly Row[];
}

const SIGNATURES = [1, 3] as const satisfies readonly Signatures[];

export const rowName = (build: Build, signatures: Signatures): string =>
  `${build.name}, ${signatures} signature${signatures === 1 ? "" : "s"}`;

export async function prepare({ grants, requesters, approvers, tableKib, builds }: Options): Promise<Prepared> {
  const world = new World({ requesters, approversOfARole: Math.ceil(approvers / 2) });
  const idp = new IdentityProvider(requesters + approvers);
  const many = (headers: (i: number) => Headers): string[] =>
    Array.from({ length: grants }, (_, i) => requestText(headers(i)));
  const tokens = many((i) => ({
    authorization: `Bearer ${idp.token("Ed25519", { sub: `customer-${i}`, jti: String(i), exp: world.now + 7200 })}`,
  }));
  const texts = new Map(SIGNATURES.map((n) => [n, many(() => ({ "x-break-glass": world.grant("Ed25519", n) }))]));
  const tables = tableKib === undefined ? {} : { table_memory_kib: tableKib };
  return {
    world,
    jwks: idp.jwks,
    configuration: configurationText(world.anchors, 1, { ...tables, bundle: await world.bundle() }),
    rows: [
      { name: NONE, listener: "none", texts: [requestText({})] },
      { name: NATIVE, listener: "jwt", texts: tokens },
      ...builds.flatMap((build) =>
        SIGNATURES.map((n) => ({ name: rowName(build, n), listener: build.name, texts: texts.get(n) ?? [] })),
      ),
    ],
  };
}
