/** The filter on Kong's own module, as a road of the fake Kong's front: nginx judges, and sends on what is let through to the second route. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FakeKong } from "../kit/fake-kong.js";
import { exchange, type FilterRoad } from "../kit/kong-front.js";
import { kongWasm } from "./nginx.js";
import { nginxConf } from "./nginx-conf.js";
import { freePorts, startNginx, until } from "./process.js";
import { exchange as rawExchange, requestText } from "./raw.js";

/** As config/kong/kong.yaml has it. */
const HOP = "break-glass-upstream.internal";
const UNUSED_KEY = { name: "x-unused", value: "unused" } as const;

/** The configuration must stay what the first request finds: a drill changes none. */
export async function nginxRoad(kong: FakeKong): Promise<FilterRoad> {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-kong-"));
  const [gateway = 0, guard = 0, control = 0] = await freePorts(3);
  const requests = join(folder, "requests.log");
  writeFileSync(requests, "");
  const linesOf = (): string[] => readFileSync(requests, "latin1").split("\n").slice(0, -1);
  const offer = (configuration: string): void => {
    writeFileSync(join(folder, "chain.new"), `1 reload\nglassgate\n${configuration}`);
    renameSync(join(folder, "chain.new"), join(folder, "chain"));
  };
  let starting: Promise<ReturnType<typeof startNginx>> | undefined;
  const start = async (configuration: string) => {
    offer(configuration);
    const conf = nginxConf({
      ...{ folder, workers: 1, upstreamPort: guard, modules: { glassgate: kongWasm }, key: UNUSED_KEY },
      ports: { gateway, guard, control },
      nodeId: kong.nodeId,
      onward: { port: kong.proxyPort, host: HOP },
    });
    const running = startNginx(folder, conf);
    await until("the chain", running.log, async () => {
      if (running.hasEnded()) throw new Error(`nginx ended: ${running.log().slice(-2000)}`);
      const answer = await rawExchange(control, requestText({})).catch(() => undefined);
      return answer?.body.includes(" built") === true ? true : undefined;
    });
    return running;
  };
  /** One after the other: a line of the log is the request's that was sent last. */
  let before: Promise<unknown> = Promise.resolve();
  return {
    send: (sent, { configuration }) => {
      const next = before.then(async () => {
        starting ??= start(configuration);
        const running = await starting;
        const count = linesOf().length;
        const answer = await exchange({ hostname: "127.0.0.1", port: gateway }, sent);
        const line = await until("the log line", running.log, async () => linesOf()[count]);
        const audit = /(?:^| )glassgate_audit=(\S+)/.exec(line)?.[1];
        return { ...answer, audit: audit === undefined ? undefined : Buffer.from(audit, "base64").toString("latin1") };
      });
      before = next.catch(() => {});
      return next;
    },
    stop: async () => {
      await (await starting)?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
