/** A gateway and a ledger that follows it and gives receipts, each as users run them: processes, files and a socket on one machine. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { startTestEnvoy, type TestEnvoy } from "../../test/kit/envoy.js";
import { newSigner, type Signer } from "../../test/kit/token.js";
import { World } from "../../test/kit/world.js";
import { command, type LedgerFolder, newLedgerFolder, serve } from "../../test/ledger/whole.js";
import { Processes } from "./processes.js";

const WORKERS = 2;
const GATEWAY = "test-gateway";
export const seconds = (): number => Math.floor(Date.now() / 1000);

export type RunningServer = Awaited<ReturnType<typeof serve>>;

export interface Stand {
  readonly gateway: TestEnvoy;
  readonly grants: Grants;
  readonly ledger: LedgerFolder;
  readonly auditLog: string;
  readonly answersLog: string;
  /** Starts `ledger serve`, and waits until it takes in. */
  serve(): Promise<RunningServer>;
  /** `glassgate ledger ARGS` to its end. */
  run(...args: readonly string[]): Promise<{ readonly code: number | null; readonly told: string }>;
  /** For `--key` and `--anchors`. */
  readonly keyFile: string;
  readonly anchorsFile: string;
  stop(): Promise<void>;
}

/** What `render` put into the file of where receipts come from, which a push keeps. */
function receiptMember({ filter }: TestEnvoy): unknown {
  const { configuration } = z.looseObject({ configuration: z.object({ value: z.string() }) }).parse(filter.config);
  return z.looseObject({ receipt: z.unknown() }).parse(JSON.parse(configuration.value)).receipt;
}

export async function makeStand(): Promise<Stand> {
  const parent = mkdtempSync(join(tmpdir(), "glassgate-stand-"));
  const world = new World(seconds());
  const socket = join(parent, "receipts.sock");
  const auditLog = join(parent, "audit.log");
  const answersLog = join(parent, "answers.log");
  let rendered = "";
  const gateway = await startTestEnvoy(world, {
    concurrency: WORKERS,
    render: {
      nodeId: GATEWAY,
      auditLogPath: auditLog,
      answersLogPath: answersLog,
      receipts: { at: { socket }, isTls: false, path: "/v1/receipts" },
    },
    edit: (text) => {
      rendered = text;
      return text;
    },
  });
  const anchorsFile = join(parent, "anchors.json");
  writeFileSync(anchorsFile, JSON.stringify(gateway.anchors));
  writeFileSync(join(parent, "gateway.yaml"), rendered);
  const ledger = await newLedgerFolder(
    parent,
    `anchors: [ ../anchors.json ]
heartbeat: 1s
gateways:
  - id: ${GATEWAY}
    audit: ../audit.log
    answers: ../answers.log
    admin: ${gateway.envoy.admin.address}
    envoy: ../gateway.yaml
listen: { address: "127.0.0.1:0", receipts: ../receipts.sock, read: public }
`,
  );
  const keyFile = join(parent, "ledger.vkey");
  writeFileSync(keyFile, `${ledger.vkey}\n`);
  const ruth = newSigner("Ed25519");
  const { principals } = world.bundleClaims();
  const people = [
    ...(Array.isArray(principals) ? principals : []),
    { id: "ruth", roles: ["oncall"], keys: [ruth.jwk] },
  ];
  const entitlements = [
    world.entitlement("alone", { approvals: [] }),
    world.entitlement("vital", { approvals: [], audit: "receipt" }),
    world.entitlement("grave", { audit: "receipt" }),
  ];
  await gateway.configure(
    world.configuration({
      bundle: world.bundleClaims({ principals: people, entitlements, ledgers: [ledger.jwk] }),
      configuration: { receipt: receiptMember(gateway) },
    }),
  );
  const processes = new Processes();
  return {
    gateway,
    grants: new Grants(world, [
      { id: "rita", key: world.rita },
      { id: "ruth", key: ruth },
    ]),
    ledger,
    auditLog,
    answersLog,
    keyFile,
    anchorsFile,
    serve: async () => processes.track(await serve(ledger)),
    run: async (...args) => {
      const running = processes.track(command(...args));
      return { code: await running.ended, told: running.told() };
    },
    stop: async () => {
      await processes.end();
      await gateway.stop();
      rmSync(parent, { recursive: true, force: true });
    },
  };
}

/** Grants that are used often, and not for ever: one for each kind, a new one after so many requests. */
const USES = 100;
const LIFE_SECONDS = 600;

interface Person {
  readonly id: string;
  readonly key: Signer;
}

export class Grants {
  private readonly kept = new Map<string, { readonly text: string; uses: number }>();

  constructor(
    private readonly world: World,
    private readonly people: readonly Person[],
  ) {}

  /** Of requests with a receipt every second one has approvals; each kind is asked for by several people. */
  next(needsReceipt: boolean, count: number): string {
    const ent = !needsReceipt ? "alone" : count % 2 === 0 ? "vital" : "grave";
    const person = this.people[Math.floor(count / 2) % this.people.length];
    if (person === undefined) throw new Error("nobody asks");
    const kind = `${ent} ${person.id}`;
    const kept = this.kept.get(kind);
    if (kept !== undefined && kept.uses < USES) {
      kept.uses += 1;
      return kept.text;
    }
    const text = this.make(ent, person);
    this.kept.set(kind, { text, uses: 1 });
    return text;
  }

  private make(ent: string, { id, key: by }: Person): string {
    const { world } = this;
    const iat = seconds();
    const claims = { sub: id, ent, iat, exp: iat + LIFE_SECONDS };
    if (ent !== "grave") return world.alone({ by, claims });
    return world.grant({ by, claims, approvals: [world.adam, world.anna].map((one) => ({ by: one, iat })) });
  }
}
