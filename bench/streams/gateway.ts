/** The rendered gateway with streams that stay open: people, their grants, and an upstream that answers for as long as it is let. */

import { type StreamUpstream, startStreamUpstream, withStreams } from "../../test/gateway/streams-kit.js";
import { startTestEnvoy, type TestEnvoy } from "../../test/kit/envoy.js";
import { type Json, World } from "../../test/kit/world.js";

export interface StreamGateway {
  readonly test: TestEnvoy;
  readonly upstream: StreamUpstream;
  /** A configuration with a bundle of its own. */
  configuration(revoked?: Json): string;
  /** By one person, for so many seconds from now on. */
  grant(jti: string, seconds: number): string;
  stop(): Promise<void>;
}

const now = (): number => Math.floor(Date.now() / 1000);

/** Else each open stream is written every few seconds, which costs more than what is measured. */
const withoutFlushes = (config: string): string => config.replace(/^ *access_log_options:.*\n/m, "");

export async function startStreamGateway(workers: number): Promise<StreamGateway> {
  const world = new World(now());
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
    configuration: (revoked = {}) => world.configuration({ bundle: world.bundleClaims({ entitlements, revoked }) }),
    grant: (jti, seconds) => {
      const iat = now();
      return world.alone({ claims: { jti, iat, exp: iat + seconds, authorization_details: [scope] } });
    },
    stop: async () => {
      await test.stop();
      await upstream.stop();
    },
  };
}
