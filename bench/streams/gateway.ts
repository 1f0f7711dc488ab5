/** The rendered gateway with streams that stay open: people, their grants, and an upstream that answers for as long as it is let. */

import { type StreamUpstream, startStreamUpstream, withStreams } from "../../test/gateway/streams-kit.js";
import { startTestEnvoy, type TestEnvoy } from "../../test/kit/envoy.js";
import { newSigner } from "../../test/kit/token.js";
import { type Json, World } from "../../test/kit/world.js";

export interface StreamGateway {
  readonly test: TestEnvoy;
  readonly upstream: StreamUpstream;
  /** A configuration with a bundle of its own. */
  configuration(revoked?: Json): string;
  /** By the person of that number, for so many seconds from now on. */
  grant(jti: string, seconds: number, person?: number): string;
  stop(): Promise<void>;
}

/** Nobody has more than a share of the grants with a stream open (assembly/limits.ts): so many people fill a worker. */
const PEOPLE = 15;
export const nameOf = (person: number): string => `crew-${person % PEOPLE}`;
/** Revokes everybody. */
export const EVERYBODY: Json = { sub: Array.from({ length: PEOPLE }, (_, i) => nameOf(i)) };

/** People who may ask alone. */
export class Crew {
  private readonly keys = Array.from({ length: PEOPLE }, () => newSigner("Ed25519"));
  constructor(private readonly world: World) {}

  get principals(): readonly Json[] {
    return this.keys.map(({ jwk }, i) => ({ id: nameOf(i), roles: ["oncall"], keys: [jwk] }));
  }

  grant(person: number, claims: Json = {}): string {
    const by = this.keys[person % PEOPLE];
    if (by === undefined) throw new Error(`nobody has the number ${person}`);
    return this.world.alone({ by, claims: { sub: nameOf(person), ...claims } });
  }
}

const now = (): number => Math.floor(Date.now() / 1000);

/** Else each open stream is written every few seconds, which costs more than what is measured. */
const withoutFlushes = (config: string): string => config.replace(/^ *access_log_options:.*\n/m, "");

export async function startStreamGateway(workers: number): Promise<StreamGateway> {
  const world = new World(now());
  const crew = new Crew(world);
  const upstream = await startStreamUpstream();
  const scope = world.detail({ actions: ["GET", "POST", "CONNECT"], paths: ["/orders/*"] });
  const entitlements = [world.entitlement("alone", { approvals: [], authorization_details: [scope] })];
  const test = await startTestEnvoy(world, {
    concurrency: workers,
    render: { upstream: { host: "127.0.0.1", port: upstream.port } },
    edit: (config) => withoutFlushes(withStreams(upstream.http2Port)(config)),
  });
  return {
    test,
    upstream,
    configuration: (revoked = {}) =>
      world.configuration({ bundle: world.bundleClaims({ principals: crew.principals, entitlements, revoked }) }),
    grant: (jti, seconds, person = 0) => {
      const iat = now();
      return crew.grant(person, { jti, iat, exp: iat + seconds, authorization_details: [scope] });
    },
    stop: async () => {
      await test.stop();
      await upstream.stop();
    },
  };
}
