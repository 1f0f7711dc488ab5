/**
 * From a signature to the first denial: gateways that serve, and `glassgate revoke` as a process of its own. Each round takes away one
 * grant that is in use on all of them.
 */
import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { send } from "../../control/gateway/client.js";
import type { TestEnvoy } from "../../test/kit/envoy.js";
import { outcomes, Revoking, verdict, verdictOf } from "../../test/kit/revoking.js";

export interface Setting {
  readonly gateways: number;
  readonly workers: number;
  /** Connections that ask at each gateway, and the pause of each after an answer. */
  readonly connections: number;
  readonly pauseMs: number;
}

/** One revocation, in milliseconds. */
export interface Round {
  /** From the command's start to its signature: Node, files, the passphrase. */
  readonly untilSigned: number;
  /** Of each gateway: from the signature to the first request that was denied. */
  readonly firstDenial: readonly number[];
  /** From the signature to the end of the last request that the grant still opened, on whichever connection. */
  readonly lastAllowed: number;
  /** From the signature to "applied" of the last gateway, as the command says it. */
  readonly applied: number;
}

/** What was asked while the gateways served, and when each was answered. */
interface Asked {
  readonly gateway: number;
  readonly verdict: string;
  readonly at: number;
}

interface Traffic {
  readonly asked: Asked[];
  stop(): Promise<void>;
}

/** Asks by turns with the grant and with another one, which must go on. */
function traffic(gateways: readonly TestEnvoy[], setting: Setting, grant: string, other: string): Traffic {
  const asked: Asked[] = [];
  let isOver = false;
  const connection = async ({ port }: TestEnvoy, gateway: number): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async (text: string): Promise<string> =>
      verdictOf(await send({ port, path: "/orders/7", headers: { "x-break-glass": text }, agent }));
    try {
      while (!isOver) {
        asked.push({ gateway, verdict: await ask(grant), at: Date.now() });
        const rest = await ask(other);
        if (rest !== "allow") throw new Error(`another grant got ${rest}`);
        await sleep(setting.pauseMs);
      }
    } finally {
      agent.destroy();
    }
  };
  const all = gateways.flatMap((gateway, i) =>
    Array.from({ length: setting.connections }, () => connection(gateway, i)),
  );
  const running = Promise.all(all);
  running.catch(() => {}); // Told by stop().
  return {
    asked,
    stop: async () => {
      isOver = true;
      await running;
    },
  };
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const end = performance.now() + 60_000; !isSo(); await sleep(5))
    if (performance.now() > end) throw new Error(`within a minute there was no ${what}`);
}

export class Revocations {
  private constructor(
    private readonly party: Revoking,
    private readonly gateways: readonly TestEnvoy[],
    private readonly names: readonly string[],
    private readonly setting: Setting,
  ) {}

  static async start(setting: Setting): Promise<Revocations> {
    const party = await Revoking.make();
    const names = Array.from({ length: setting.gateways }, (_, i) => `gateway-${i + 1}`);
    const gateways: TestEnvoy[] = [];
    try {
      for (const name of names) gateways.push(await party.gateway(name, { concurrency: setting.workers }));
      const text = await party.bundle(1);
      for (const gateway of gateways) await party.push(gateway, text, 1);
      return new Revocations(party, gateways, names, setting);
    } catch (error) {
      await party.end();
      throw error;
    }
  }

  async round(jti: string): Promise<Round> {
    const { party, gateways, names, setting } = this;
    const grant = party.world.grant({ claims: { jti } });
    const { asked, stop } = traffic(gateways, setting, grant, party.world.grant());
    const perGateway = (wanted: string): number =>
      new Set(asked.filter((one) => one.verdict === wanted).map(({ gateway }) => gateway)).size;
    try {
      await until("allowed request", () => perGateway("allow") === gateways.length);
      const started = Date.now();
      const named = names.flatMap((name) => ["--gateway", `${name}.yaml`]);
      const ran = await party.run("revoke", "--grant", jti, "--key", "guard", "--json", ...named);
      if (ran.code !== 0) throw new Error(`revoke ended with ${ran.code}: ${ran.stderr}`);
      const told = outcomes.parse(JSON.parse(ran.stdout));
      // "Applied" is every worker: on connections of their own, so that they spread.
      const after = gateways.flatMap(({ port }) => Array.from({ length: 8 }, () => verdict(port, grant)));
      for (const seen of await Promise.all(after))
        if (seen !== "revoked") throw new Error(`applied everywhere, and then the grant got ${seen}`);
      await until("denied request", () => perGateway("revoked") === gateways.length);
      await stop();
      return roundOf(asked, told.gateways, started, gateways.length);
    } finally {
      await stop();
    }
  }

  end(): Promise<void> {
    return this.party.end();
  }
}

function roundOf(
  asked: readonly Asked[],
  told: readonly { readonly at?: string | undefined; readonly milliseconds?: number | undefined }[],
  started: number,
  gateways: number,
): Round {
  const milliseconds = told.map((one) => one.milliseconds ?? Number.NaN);
  const [{ at = "" } = {}] = told;
  const signed = Date.parse(at) - (milliseconds[0] ?? Number.NaN);
  const odd = asked.find(({ verdict }) => verdict !== "allow" && verdict !== "revoked");
  if (odd !== undefined) throw new Error(`the grant got ${odd.verdict}`);
  const firstDenial = Array.from({ length: gateways }, (_, i) => {
    const first = asked.find(({ gateway, verdict }) => gateway === i && verdict === "revoked");
    return (first?.at ?? Number.NaN) - signed;
  });
  const allowed = asked.filter(({ verdict }) => verdict === "allow").map(({ at }) => at - signed);
  const [lastAllowed, applied] = [Math.max(...allowed), Math.max(...milliseconds)];
  return { untilSigned: signed - started, firstDenial, lastAllowed, applied };
}
