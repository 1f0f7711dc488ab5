/** The real Envoy as a gateway of the suite: one worker, so that the access log is in the order of the requests. */
import { z } from "zod";
import { keepAlive, send } from "../../control/gateway/client.js";
import { startTestEnvoy, type TestEnvoyOptions } from "../kit/envoy.js";
import type { World } from "../kit/world.js";
import { DEFAULTS, type Gateway, type Observed } from "./driver.js";

const line = z.object({
  verdict: z.string().nullable(),
  details: z.string(),
  request_id: z.string(),
});

export async function envoyGateway(world: World, options: TestEnvoyOptions = {}): Promise<Gateway> {
  const test = await startTestEnvoy(world, options);
  const agent = keepAlive(1);
  let lines = 0;
  return {
    name: "Envoy",
    configure: (text) => test.configure(text),
    send: async (requests) => {
      const before = lines;
      const answers = [];
      for (const {
        grants,
        proofs = [],
        headers = {},
        method = DEFAULTS.method,
        host = DEFAULTS.host,
        path = DEFAULTS.path,
      } of requests) {
        const grantHeaders: Record<string, string | readonly string[]> =
          grants.length === 0 ? {} : { "x-break-glass": grants.length === 1 ? (grants[0] ?? "") : grants };
        const answer = await send({
          port: test.port,
          method,
          host,
          path,
          headers: { ...headers, ...grantHeaders, ...(proofs.length === 0 ? {} : { dpop: proofs }) },
          agent,
        });
        answers.push({ ...answer, upstream: test.upstream.take()[0]?.headers });
      }
      lines += requests.length;
      const logged = (await test.logLines(lines)).slice(before);
      const audits = test.audits();
      return answers.map(({ status, headers, body, upstream }, i): Observed => {
        const text = logged[i] ?? "{}";
        const { verdict, details, request_id } = line.parse(JSON.parse(text));
        const audit = audits.get(request_id);
        const flat = Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : value]),
        );
        return {
          status,
          headers: flat,
          body,
          upstream,
          verdict: verdict ?? undefined,
          audit: audit?.record,
          evidence: audit?.evidence,
          details,
          logged: [text, audit?.record, audit?.evidence].join("\n"),
        };
      });
    },
    stop: async () => {
      agent.destroy();
      await test.stop();
    },
  };
}
