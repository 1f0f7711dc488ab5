/** Gateways, people who revoke, and the command as they run it. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type Answer, send } from "../../control/gateway/client.js";
import { type PushResult, push } from "../../control/gateway/push.js";
import { newKey, type PrivateKey, publicPart } from "../../control/signer/jwk.js";
import { writeKeyFile } from "../../control/signer/keyfile.js";
import { signFirst, signFurther } from "../../control/trust/bundle.js";
import { type BundleClaims, bundleClaimsSchema } from "../../control/trust/claims.js";
import { atTerminal, glassgate, type Ran, type Typed } from "../cli/run.js";
import { startTestEnvoy, type TestEnvoy, type TestEnvoyOptions } from "./envoy.js";
import { type Json, World } from "./world.js";

const PASSPHRASE = "correct horse battery staple";
const FEW_ITERATIONS = 1000;

/** guard and warden may revoke; nobody else but the roots may. */
const revokers = ["guard", "warden"] as const;
export type Name = (typeof revokers)[number] | "root-1" | "root-2" | "rita";

export class Revoking {
  readonly folder = mkdtempSync(join(tmpdir(), "glassgate-revoke-"));
  readonly world = new World(Math.floor(Date.now() / 1000));
  readonly keys: Readonly<Record<Name, PrivateKey>> = {
    guard: newKey("Ed25519"),
    warden: newKey("ES256"),
    "root-1": newKey("Ed25519"),
    "root-2": newKey("ES256"),
    rita: newKey("Ed25519"),
  };
  readonly anchors = {
    audience: "test",
    threshold: 2,
    roots: [publicPart(this.keys["root-1"]), publicPart(this.keys["root-2"])],
  };
  readonly env = { GLASSGATE_KEYS: join(this.folder, "keys"), GLASSGATE_PASSPHRASE: PASSPHRASE };
  readonly gateways = new Map<string, TestEnvoy>();

  static async make(): Promise<Revoking> {
    const made = new Revoking();
    for (const [name, key] of Object.entries(made.keys))
      await writeKeyFile(join(made.env.GLASSGATE_KEYS, `${name}.key.json`), name, key, PASSPHRASE, FEW_ITERATIONS);
    writeFileSync(join(made.folder, "anchors.json"), JSON.stringify(made.anchors));
    return made;
  }

  claims(version: number, changes: Json = {}): BundleClaims {
    const base = this.world.bundleClaims();
    const people = revokers.map((id) => ({ id, roles: ["watch"], keys: [publicPart(this.keys[id])] }));
    const principals = [...z.array(z.unknown()).parse(base.principals), ...people];
    return bundleClaimsSchema.parse({ ...base, version, revokers: ["watch"], principals, ...changes });
  }

  /** Signed by both roots, and written as the folder's bundle. */
  async bundle(version: number, changes: Json = {}): Promise<string> {
    const first = await signFirst(this.claims(version, changes), this.keys["root-1"]);
    const text = await signFurther(first, this.keys["root-2"]);
    writeFileSync(join(this.folder, "bundle.jws"), text);
    return text;
  }

  /** Starts a gateway and writes its own file as an operator has it: with the port that Envoy was given. */
  async gateway(name: string, options: TestEnvoyOptions = {}): Promise<TestEnvoy> {
    let rendered = "";
    const test = await startTestEnvoy(this.world, {
      concurrency: 2,
      ...options,
      render: { anchors: this.anchors, nodeId: name, ...options.render },
      edit: (config) => {
        rendered = config;
        return config;
      },
    });
    const port = test.envoy.admin.address.split(":")[1] ?? "";
    writeFileSync(join(this.folder, `${name}.yaml`), rendered.replace(/(admin:[\s\S]*?port_value: )0/, `$1${port}`));
    this.gateways.set(name, test);
    return test;
  }

  push({ filter, envoy }: TestEnvoy, text: string, version: number): Promise<PushResult> {
    return push({ filter, admin: envoy.admin, anchors: this.anchors, bundle: { text, version } });
  }

  run(...args: string[]): Promise<Ran> {
    return glassgate(args, { cwd: this.folder, env: this.env });
  }

  atTerminal(line: string, typed: readonly Typed[]): Promise<Ran> {
    return atTerminal(line, typed, { cwd: this.folder, env: this.env, columns: 200 });
  }

  async end(): Promise<void> {
    for (const test of this.gateways.values()) await test.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A copy of the folder's file under another name. */
  copy(from: string, to: string): void {
    cpSync(join(this.folder, from), join(this.folder, to));
  }
}

/** `allow`, or the code of the denial. */
export const verdictOf = ({ status, body }: Answer): string =>
  status === 200 ? "allow" : (/"code":"(\w+)"/.exec(body)?.[1] ?? `${status}`);

export const verdict = async (port: number, grant: string): Promise<string> =>
  verdictOf(await send({ port, path: "/orders/7", headers: { "x-break-glass": grant } }));

export const outcomes = z.object({
  signer: z.string(),
  version: z.number(),
  text: z.string(),
  gateways: z.array(
    z.looseObject({
      gateway: z.string(),
      outcome: z.enum(["applied", "refused", "unseen"]),
      at: z.string().optional(),
      milliseconds: z.number().optional(),
      error: z.string().optional(),
    }),
  ),
});
