/** Everything that a run has found, in the shape of the JSON file. */

import type { Algorithm } from "../../control/signer/jwk.js";
import { median, type Ratio, ratioOfMedians, type Spread, spread } from "../base/statistics.js";
import { type KernelRow, TABLE_PATH } from "../kernels/kernels.js";
import type { Profile } from "../kernels/profile.js";
import type { ColdStart } from "../rows/cold-start.js";
import type { FloodResult } from "../rows/flood.js";
import type { Measured } from "../rows/measure.js";
import type { Variant } from "../rows/variants.js";

export interface Row {
  readonly id: string;
  readonly group: Variant["group"];
  readonly name: string;
  /** CPU microseconds a request: of `none` in full, of the others what they add to it. */
  readonly cpu: Spread;
  /** Undefined where the row is another process of the row before. */
  readonly requestsPerSecond: number | undefined;
  /** Answers by status. */
  readonly answers: Readonly<Record<string, number>>;
}
export interface NamedRatio extends Ratio {
  readonly name: string;
  /** What it shall be at most. */
  readonly goal?: number;
}
export interface Setting {
  readonly command: string;
  readonly date: string;
  readonly envoy: string;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly counter: string;
  readonly rounds: number;
  readonly requests: number;
  /** Distinct tokens and grants of each kind. */
  readonly distinct: number;
  readonly seconds: number;
}
export interface Results {
  readonly setting: Setting;
  readonly rows: readonly Row[];
  readonly ratios: readonly NamedRatio[];
  /** What the match on the header costs a request with a grant. */
  readonly priceOfMatch: Readonly<Record<string, Spread>>;
  readonly flood: FloodResult;
  readonly kernels: readonly KernelRow[];
  readonly coldStart: ColdStart;
  readonly profile: Profile;
}

export function rowsOf(variants: readonly Variant[], { base, series }: Measured): readonly Row[] {
  const none: Row = {
    id: "none",
    group: "base",
    name: "no filter",
    cpu: spread(base.perRequest),
    requestsPerSecond: Math.round(median(base.perSecond)),
    answers: {},
  };
  const rows = variants.flatMap(({ id, group, name }): Row[] => {
    const found = series.get(id);
    if (found === undefined) return [];
    const row: Row = {
      id,
      group,
      name,
      cpu: spread(found.added),
      requestsPerSecond: Math.round(median(found.perSecond)),
      answers: Object.fromEntries(found.statuses),
    };
    if (group !== "ext_authz") return [row];
    const server: Row = {
      ...row,
      id: `${id}-server`,
      name: `${name}: server`,
      cpu: spread(found.server),
      requestsPerSecond: undefined,
    };
    return [{ ...row, name: `${name}: Envoy` }, server];
  });
  return [none, ...rows];
}

/** The row's median CPU time; no number when there is no such row. */
export const cpuOf = (rows: readonly Row[], id: string): number =>
  rows.find((row) => row.id === id)?.cpu.median ?? Number.NaN;

/** The check of a key that has a table. */
export const tableKernel = (kernels: readonly KernelRow[], algorithm: Algorithm): KernelRow | undefined =>
  kernels.find((row) => row.algorithm === algorithm && row.path === TABLE_PATH);

/** What is set against what, and the goal where there is one. */
const COMPARED: readonly (readonly [string, string, string, number?])[] = [
  ["composite-no-grant", "thin", "no grant, behind the match : thin filter", 0.5],
  ["composite-no-grant", "jwt-optional", "no grant, behind the match : native jwt_authn without a token"],
  ["composite-no-grant", "no-grant", "no grant, behind the match : directly in the chain"],
  ["cached", "native-work", "a cached grant : native, the same work", 1],
  ["composite-cached", "cached", "a cached grant, behind the match : directly in the chain"],
  ["fresh-Ed25519-1", "jwt-eddsa", "a new grant of 1 Ed25519 signature : native jwt_authn EdDSA", 0.4],
  ["fresh-Ed25519-3", "jwt-eddsa", "a new grant of 3 Ed25519 signatures : native jwt_authn EdDSA", 0.5],
  [
    "composite-fresh-Ed25519-1",
    "fresh-Ed25519-1",
    "a new grant of 1 Ed25519 signature, behind the match : directly in the chain",
  ],
  [
    "composite-fresh-Ed25519-3",
    "fresh-Ed25519-3",
    "a new grant of 3 Ed25519 signatures, behind the match : directly in the chain",
  ],
  ["fresh-ES256-1", "jwt-es256", "a new grant of 1 ES256 signature : native jwt_authn ES256"],
  ["fresh-ES256-3", "jwt-es256", "a new grant of 3 ES256 signatures : native jwt_authn ES256"],
  ["cached", "jwt-cached", "a cached grant : bare cached jwt_authn"],
  ["calls-floor-new", "jwt-eddsa", "only the host calls of a new grant : native jwt_authn EdDSA"],
  ["calls-floor-cached", "native-work", "only the host calls of a cached grant : native, the same work"],
  ["wrong-signature", "jwt-eddsa", "a forged grant : native jwt_authn EdDSA"],
  ["mtls-cached", "tls-cached", "bound to a certificate, cached : bound to nothing, both over TLS"],
  ["mtls-fresh", "tls-fresh", "bound to a certificate, new : bound to nothing, both over TLS"],
  ["mtls-fresh", "jwt-eddsa", "bound to a certificate, new : native jwt_authn EdDSA"],
  ["dpop-first-Ed25519", "fresh-Ed25519-1", "an Ed25519 key's first proof, new grant : a new grant bound to nothing"],
  ["dpop-first-Ed25519", "jwt-eddsa", "an Ed25519 key's first proof, new grant : native jwt_authn EdDSA"],
  ["dpop-fresh-Ed25519", "jwt-eddsa", "an Ed25519 key in use, new grant : native jwt_authn EdDSA"],
  ["dpop-cached-Ed25519", "cached", "an Ed25519 key in use, cached : a cached grant bound to nothing"],
  ["dpop-cached-Ed25519", "jwt-eddsa", "an Ed25519 key in use, cached : native jwt_authn EdDSA"],
  ["dpop-first-ES256", "fresh-Ed25519-1", "an ES256 key's first proof, new grant : a new grant bound to nothing"],
  ["dpop-first-ES256", "jwt-es256", "an ES256 key's first proof, new grant : native jwt_authn ES256"],
  ["dpop-fresh-ES256", "jwt-es256", "an ES256 key in use, new grant : native jwt_authn ES256"],
  ["dpop-cached-ES256", "cached", "an ES256 key in use, cached : a cached grant bound to nothing"],
  ["dpop-cached-ES256", "jwt-es256", "an ES256 key in use, cached : native jwt_authn ES256"],
  ["net-cached", "cached", "tied to 16 networks, cached : tied to none"],
  ["net-fresh", "fresh-Ed25519-1", "tied to 16 networks, new : tied to none"],
  ["revoked-cached", "cached", "a cached grant, all lists of revocations full : none"],
  ["revoked-fresh", "fresh-Ed25519-3", "a new grant of 3 Ed25519 signatures, all lists of revocations full : none"],
  ["revoked-fresh", "jwt-eddsa", "a new grant of 3, all lists of revocations full : native jwt_authn EdDSA"],
];

export function ratiosOf({ series }: Pick<Measured, "series">, kernels: readonly KernelRow[]): readonly NamedRatio[] {
  const added = (id: string): readonly number[] => series.get(id)?.added ?? [];
  const server = series.get("authz-3")?.server ?? [];
  const external = added("authz-3").map((value, i) => value + (server[i] ?? Number.NaN));
  const kernel = (algorithm: Algorithm): Ratio => tableKernel(kernels, algorithm)?.ratio ?? ratioOfMedians([], []);
  return [
    ...COMPARED.map(([ours, other, name, goal]) => ({
      name,
      ...(goal === undefined ? {} : { goal }),
      ...ratioOfMedians(added(ours), added(other)),
    })),
    {
      name: "a new grant of 3 Ed25519 signatures : ext_authz, Envoy and server together",
      ...ratioOfMedians(added("fresh-Ed25519-3"), external),
    },
    { name: "an Ed25519 check with a table : OpenSSL, both in Node", ...kernel("Ed25519") },
    { name: "an ES256 check with a table : OpenSSL, both in Node", ...kernel("ES256") },
  ];
}

/** What one row adds to another, in microseconds, round by round. */
export function differenceOf({ series }: Pick<Measured, "series">, id: string, less: string): Spread {
  const other = series.get(less)?.added ?? [];
  return spread((series.get(id)?.added ?? []).map((value, i) => value - (other[i] ?? Number.NaN)));
}
