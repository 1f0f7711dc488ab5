/** Real Envoys, an upstream, a ledger with an agent that follows all gateways, and the processes of the load, on one machine. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { TestEnvoy } from "../../test/kit/envoy.js";
import { Revoking } from "../../test/kit/revoking.js";
import { command, type LedgerFolder, serve } from "../../test/ledger/whole.js";
import { Child } from "../base/child.js";
import { anchorsFile, followFile, vkeyFile, writeAgent } from "../evidence/agent.js";
import { Processes } from "../evidence/processes.js";
import { MORE_OF_ENTITLEMENT, makePeople, principalsOf } from "./people.js";
import { writePlan } from "./plan.js";

const WORKERS = 1;
const started = z.object({ port: z.number() });

export interface FleetOptions {
  readonly gateways: number;
  readonly rates: { readonly normal: number; readonly grants: number; readonly forged: number };
}

/** A gateway, with the files of its logs. */
export interface Member {
  readonly name: string;
  readonly gateway: TestEnvoy;
  readonly audit: string;
  readonly answers: string;
}

export class Fleet {
  private readonly people = makePeople();
  private readonly processes = new Processes();
  readonly members: Member[] = [];
  private upstream: Child | undefined;
  private upstreamPort = 0;
  private ledgerFolder: LedgerFolder | undefined;
  private server: Awaited<ReturnType<typeof serve>> | undefined;
  private agent: ReturnType<typeof command> | undefined;
  /** Each answers one message at a time. */
  readonly load: { callers?: Child; forger?: Child } = {};

  private constructor(
    readonly party: Revoking,
    /** Of all files. */
    readonly folder: string,
  ) {
    // A signal ends this process, and with it all that it started; then the files.
    process.once("exit", this.remove);
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(await Revoking.make(), mkdtempSync(join(tmpdir(), "glassgate-whole-")));
    try {
      await fleet.startGateways(options.gateways);
      await fleet.startLedger();
      return fleet;
    } catch (error) {
      await fleet.stop(false);
      throw error;
    }
  }

  private readonly remove = (): void => {
    const folders = [this.folder, this.party.folder, ...this.members.map(({ gateway }) => gateway.folder)];
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  };

  private file(name: string): string {
    return join(this.folder, name);
  }

  private async startGateways(count: number): Promise<void> {
    this.upstream = await Child.start("whole/upstream.ts", [this.file("reached.json")]);
    this.upstreamPort = started.parse(this.upstream.hello).port;
    const names = Array.from({ length: count }, (_, i) => `gateway-${i + 1}`);
    this.members.push(...(await Promise.all(names.map((name) => this.startGateway(name)))));
    const text = await this.bundle(1);
    for (const { gateway } of this.members) await this.party.push(gateway, text, 1);
  }

  private async startGateway(name: string): Promise<Member> {
    const [audit, answers] = [this.file(`${name}.audit.log`), this.file(`${name}.answers.log`)];
    const gateway = await this.party.gateway(name, {
      concurrency: WORKERS,
      render: {
        upstream: { host: "127.0.0.1", port: this.upstreamPort },
        ...{ accessLogPath: "/dev/null", auditLogPath: audit, answersLogPath: answers },
      },
    });
    return { name, gateway, audit, answers };
  }

  /** The bundle of that version, signed by both roots. */
  bundle(version: number): Promise<string> {
    const { party, people } = this;
    const { principals } = party.claims(version);
    return party.bundle(version, {
      principals: [...principals, ...principalsOf(people)],
      entitlements: [party.world.entitlement("repair", MORE_OF_ENTITLEMENT)],
      iat: Math.floor(Date.now() / 1000) - 1,
    });
  }

  private async startLedger(): Promise<void> {
    writeFileSync(anchorsFile(this.folder), JSON.stringify(this.party.anchors));
    this.ledgerFolder = await writeAgent({
      folder: this.folder,
      gateways: this.members.map(({ name, gateway, audit, answers }) => ({
        ...{ id: name, audit, answers, admin: gateway.envoy.admin.address },
        envoy: join(this.party.folder, `${name}.yaml`),
      })),
    });
    this.server = this.processes.track(await serve(this.ledgerFolder));
    this.agent = this.processes.track(command("follow", "--config", followFile(this.folder)));
    await this.agent.says(/Following/);
  }

  get ledger(): LedgerFolder {
    if (this.ledgerFolder === undefined) throw new Error("there is no ledger yet");
    return this.ledgerFolder;
  }

  get ledgerUrl(): string {
    return this.server?.url ?? "";
  }

  /** Of the product, and of the load. */
  get pids(): {
    readonly gateways: readonly number[];
    readonly serve: number;
    readonly follow: number;
    readonly load: readonly number[];
  } {
    const { callers, forger } = this.load;
    return {
      gateways: this.members.map(({ gateway }) => gateway.envoy.pid),
      serve: this.server?.child.pid ?? 0,
      follow: this.agent?.child.pid ?? 0,
      load: [callers, forger, this.upstream].map((child) => child?.pid ?? 0),
    };
  }

  signalAgent(signal: "SIGSTOP" | "SIGCONT"): void {
    this.agent?.kill(signal);
  }

  async startLoad({ rates }: FleetOptions): Promise<void> {
    const { people, members } = this;
    const tokens = await Promise.all(members.map(({ gateway }) => gateway.normalToken()));
    const plan = (name: string): string =>
      writePlan(this.file(`${name}.plan.json`), {
        ports: members.map(({ gateway }) => gateway.port),
        upstreamPort: this.upstreamPort,
        audience: this.party.anchors.audience,
        ...{ requesters: [...people.requesters], leads: [...people.leads], securities: [...people.securities] },
        ...{ insider: people.insider, tokens, rates, calls: this.callsOf(name) },
      });
    const names = ["callers", "forger"] as const;
    await Promise.all(
      names.map(async (name) => {
        this.load[name] = await Child.start(`whole/${name}.ts`, [plan(name)]);
      }),
    );
  }

  /** The file of what they asked. */
  callsOf(name: string): string {
    return this.file(`${name}.calls.jsonl`);
  }

  /** How often each path reached the upstream. */
  async reached(): Promise<Map<string, number>> {
    await this.upstream?.ask("tell");
    const found = z.record(z.string(), z.number()).parse(JSON.parse(readFileSync(this.file("reached.json"), "utf8")));
    return new Map(Object.entries(found));
  }

  /** Agent and ledger in good order, the agent first. @returns what each said that did not */
  async endLedger(): Promise<string[]> {
    const faults: string[] = [];
    for (const [name, one] of [
      ["ledger follow", this.agent],
      ["ledger serve", this.server],
    ] as const) {
      one?.kill("SIGTERM");
      const code = await one?.ended;
      if (code !== 0) faults.push(`${name}: code ${code}, ${one?.told().slice(-300) ?? ""}`);
    }
    return faults;
  }

  /** `glassgate ledger verify`, as JSON. */
  async verify(): Promise<{ readonly code: number | null; readonly told: string }> {
    const { folder } = this;
    const args = ["--key", vkeyFile(folder), "--anchors", anchorsFile(folder), "--json"];
    const running = this.processes.track(command("verify", this.ledger.folder, ...args));
    return { code: await running.ended, told: running.told() };
  }

  /** @param isKept leaves the files of the load, the gateways' logs and the ledger */
  async stop(isKept: boolean): Promise<void> {
    for (const child of [this.load.callers, this.load.forger, this.upstream]) await child?.stop();
    await this.processes.end();
    await this.party.end();
    process.off("exit", this.remove);
    if (!isKept) this.remove();
  }
}
