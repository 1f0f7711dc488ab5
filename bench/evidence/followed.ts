/** A gateway that can be killed and started again, and beside it an agent that follows its files to a ledger elsewhere. */
import { copyFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningEnvoy, startEnvoy } from "../../control/gateway/run.js";
import { startTestEnvoy, type TestEnvoy } from "../../test/kit/envoy.js";
import { World } from "../../test/kit/world.js";
import { command, type LedgerFolder, type Running, serve } from "../../test/ledger/whole.js";
import { anchorsFile, followFile, freePort, vkeyFile, writeAgent } from "./agent.js";
import { Processes } from "./processes.js";
import { seconds } from "./stand.js";

const WORKERS = 2;
const FLUSH_MS = 30;
const GATEWAY = "test-gateway";
/** A gap is told after it, in seconds: longer than an agent takes to come back. */
export const GRACE_SECONDS = 5;
const LOOK_MS = 20;

export class Followed {
  private readonly processes = new Processes();
  private rotations = 0;
  /** When each life of Envoy began, in milliseconds since 1970. */
  readonly lives: number[];
  private readonly agents: Running[] = [];
  server: Awaited<ReturnType<typeof serve>> | undefined;

  private constructor(
    readonly world: World,
    readonly gateway: TestEnvoy,
    private envoy: RunningEnvoy,
    private readonly config: string,
    private readonly parent: string,
    readonly ledger: LedgerFolder,
    began: number,
  ) {
    this.lives = [began];
  }

  static async make(): Promise<Followed> {
    const parent = mkdtempSync(join(tmpdir(), "glassgate-followed-"));
    const world = new World(seconds());
    const [port, adminPort] = await Promise.all([freePort(), freePort()]);
    const began = Date.now();
    let config = "";
    const gateway = await startTestEnvoy(world, {
      concurrency: WORKERS,
      render: {
        nodeId: GATEWAY,
        listen: { host: "127.0.0.1", port },
        adminPort,
        auditLogPath: join(parent, "audit.log"),
        answersLogPath: join(parent, "answers.log"),
      },
      edit: (text) => {
        config = text;
        return text;
      },
    });
    writeFileSync(anchorsFile(parent), JSON.stringify(gateway.anchors));
    writeFileSync(join(parent, "gateway.yaml"), config);
    const ledger = await writeAgent({
      folder: parent,
      gateways: [
        {
          id: GATEWAY,
          audit: "audit.log",
          answers: "answers.log",
          admin: `127.0.0.1:${adminPort}`,
          envoy: "gateway.yaml",
        },
      ],
      more: `grace: ${GRACE_SECONDS}s\n`,
      quota: "{ entries: 10000000, bytes: 1000000000 }",
    });
    await gateway.configure(world.configuration());
    return new Followed(world, gateway, gateway.envoy, config, parent, ledger, began);
  }

  get port(): number {
    return this.gateway.port;
  }

  /** All files of a log, the newest last. */
  files(name: "audit" | "answers"): string[] {
    const path = join(this.parent, `${name}.log`);
    return [...Array.from({ length: this.rotations }, (_, i) => `${path}.${i + 1}`), path];
  }

  async startLedger(): Promise<void> {
    this.server = this.processes.track(await serve(this.ledger));
  }

  async startAgent(): Promise<void> {
    const agent = this.processes.track(command("follow", "--config", followFile(this.parent)));
    this.agents.push(agent);
    await agent.says(/Following/);
  }

  /** As logrotate does it, and tells Envoy. */
  rename(): void {
    this.rotate((from, to) => renameSync(from, to));
    this.envoy.signal("SIGUSR1");
  }

  copyTruncate(): void {
    this.rotate((from, to) => {
      copyFileSync(from, to);
      truncateSync(from, 0);
    });
  }

  private rotate(move: (from: string, to: string) => void): void {
    this.rotations += 1;
    for (const name of ["audit", "answers"]) {
      const path = join(this.parent, `${name}.log`);
      move(path, `${path}.${this.rotations}`);
    }
  }

  async killAgent(): Promise<void> {
    const agent = this.agents.at(-1);
    agent?.kill("SIGKILL");
    await agent?.ended;
    await this.startAgent();
  }

  async killLedger(): Promise<void> {
    this.server?.kill("SIGKILL");
    await this.server?.ended;
    await this.startLedger();
  }

  async killEnvoy(): Promise<void> {
    process.kill(this.envoy.pid, "SIGKILL");
    await this.envoy.exited;
    await this.envoy.stop(); // Its folder.
    const began = Date.now();
    this.envoy = await startEnvoy({ config: this.config, concurrency: WORKERS, flushMs: FLUSH_MS });
    while ((await this.gateway.state()).servingVms <= WORKERS)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    this.lives.push(began);
  }

  /** Both end in good order, the agent first. @returns their exit codes */
  async end(): Promise<readonly (number | null | undefined)[]> {
    const codes: (number | null | undefined)[] = [];
    for (const one of [this.agents.at(-1), this.server]) {
      one?.kill("SIGTERM");
      codes.push(await one?.ended);
    }
    return codes;
  }

  /** `ledger verify`, as JSON. */
  async verify(): Promise<{ readonly code: number | null; readonly told: string }> {
    const args = [
      "--key",
      vkeyFile(this.parent),
      "--anchors",
      anchorsFile(this.parent),
      "--grace",
      `${GRACE_SECONDS}s`,
    ];
    const running = this.processes.track(command("verify", this.ledger.folder, ...args, "--json"));
    return { code: await running.ended, told: running.told() };
  }

  /** @returns the folder of all files, where it is kept */
  async stop(isKept: boolean): Promise<string> {
    await this.processes.end();
    await this.envoy.stop();
    await this.gateway.stop();
    writeFileSync(join(this.parent, "agents.txt"), this.agents.map((agent) => agent.told()).join("\n"));
    if (!isKept) rmSync(this.parent, { recursive: true, force: true });
    return this.parent;
  }
}
