/** A folder as a person has it: anchors, a signed bundle, keys with a cheap passphrase. For tests of the command. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeApproval, makeAsk } from "../../control/grant/make.js";
import { newKey, type PrivateKey, publicPart } from "../../control/signer/jwk.js";
import { writeKeyFile } from "../../control/signer/keyfile.js";
import { signFirst } from "../../control/trust/bundle.js";
import type { BundleClaims, Entitlement, Principal } from "../../control/trust/claims.js";
import type { Detail } from "../../control/trust/names.js";
import { glassgate, type Ran, type RunOptions } from "../cli/run.js";

const PASSPHRASE = "a passphrase of the tests";
const FEW_ITERATIONS = 1000;

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

export const detail: Detail = {
  type: "break_glass_http",
  locations: ["api.example.com"],
  actions: ["GET", "POST"],
  paths: ["/orders/*"],
};

export function entitlement(changes: Partial<Entitlement> = {}): Entitlement {
  return {
    id: "orders-repair",
    requesters: ["oncall"],
    reasons: ["outage"],
    approvals: [
      { role: "lead", count: 1 },
      { role: "security", count: 1 },
    ],
    max_ttl: 900,
    authorization_details: [detail],
    ...changes,
  };
}

type Name = "rita" | "ritaAdmin" | "adam" | "anna" | "alex";

export class Party {
  readonly folder = mkdtempSync(join(tmpdir(), "glassgate-party-"));
  readonly keys: Readonly<Record<Name, PrivateKey>> = {
    rita: newKey("Ed25519"),
    ritaAdmin: newKey("Ed25519"),
    adam: newKey("ES256"),
    anna: newKey("Ed25519"),
    alex: newKey("Ed25519"),
  };
  private readonly root = newKey("Ed25519");
  private version = 0;
  readonly env = { GLASSGATE_KEYS: join(this.folder, "keys"), GLASSGATE_PASSPHRASE: PASSPHRASE };

  /** Writes keys, anchors and a first bundle. */
  static async make(): Promise<Party> {
    const party = new Party();
    for (const [name, key] of Object.entries(party.keys)) {
      const path = join(party.env.GLASSGATE_KEYS, `${name}.key.json`);
      await writeKeyFile(path, name, key, PASSPHRASE, FEW_ITERATIONS);
    }
    const anchors = { audience: "production", threshold: 1, roots: [publicPart(party.root)] };
    writeFileSync(join(party.folder, "anchors.json"), JSON.stringify(anchors));
    await party.pin();
    return party;
  }

  principals(): Principal[] {
    const { rita, ritaAdmin, adam, anna, alex } = this.keys;
    return [
      { id: "rita", roles: ["oncall"], keys: [publicPart(rita)] },
      { id: "rita-admin", person: "rita", roles: ["lead", "security"], keys: [publicPart(ritaAdmin)] },
      { id: "adam", roles: ["lead"], keys: [publicPart(adam)] },
      { id: "anna", roles: ["security"], keys: [publicPart(anna)] },
      { id: "alex", roles: ["lead"], keys: [publicPart(alex)] },
    ];
  }

  /** Another bundle, signed and pinned. */
  async pin(changes: Partial<BundleClaims> = {}): Promise<void> {
    this.version += 1;
    const now = nowSeconds();
    const claims: BundleClaims = {
      schema: 1,
      version: this.version,
      iat: now - 3600,
      exp: now + 86_400,
      aud: ["production"],
      principals: this.principals(),
      entitlements: [entitlement()],
      ...changes,
    };
    writeFileSync(join(this.folder, "bundle.jws"), await signFirst(claims, this.root));
  }

  /** An ask by rita. @param seconds how long ago */
  ask(
    changes: { seconds?: number; text?: string; ttl?: number; details?: Detail[]; sub?: string } = {},
  ): Promise<string> {
    const { seconds = 0, text = "refund loop", ttl = 600, details = [detail], sub = "rita" } = changes;
    const rest = { aud: "production", ent: "orders-repair", reason: "outage", authorization_details: details };
    return makeAsk({ ...rest, ttl, iat: nowSeconds() - seconds, sub, text }, this.keys.rita);
  }

  /** @param seconds how long ago */
  approve(ask: string, by: Name, seconds = 0): Promise<string> {
    return makeApproval(ask, this.keys[by], nowSeconds() - seconds);
  }

  write(file: string, text: string | Buffer): string {
    writeFileSync(join(this.folder, file), text);
    return file;
  }

  run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return glassgate(args, { cwd: this.folder, ...options, env: { ...this.env, ...options.env } });
  }

  end(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
