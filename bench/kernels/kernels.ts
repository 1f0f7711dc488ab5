/**
 * The filter's signature checks alone, in Node: the release binary against OpenSSL (node:crypto) and @noble/curves, over
 * 300-byte messages, interleaved.
 */
import { createPublicKey, randomBytes, verify } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { FilterTools } from "../../control/host/tools.js";
import type { Algorithm, PublicKey } from "../../control/signer/jwk.js";
import { type Ratio, ratioOfMedians, type Spread, spread } from "../base/statistics.js";
import { newSigner } from "../tokens/signer.js";

const MESSAGE_BYTES = 300;
/** Messages of a sample: each is checked once by each path. So many that a path's own first steps, cold, are few among them. */
const CHECKS = 200;
/** Until V8 has optimised what is hot. */
const WARM_UP_ROUNDS = 10;

export const TABLE_PATH = "glassgate.wasm, key with a table";

/** One way to check signatures. */
export interface Path {
  readonly name: string;
  /** Everything about a key that can be done once. */
  prepare(algorithm: Algorithm, key: PublicKey): (signature: Uint8Array, message: Uint8Array) => boolean;
}

export interface KernelRow {
  readonly algorithm: Algorithm;
  readonly path: string;
  /** Microseconds a check. */
  readonly time: Spread;
  /** Of its time to that of the first path, in the same rounds. */
  readonly ratio: Ratio;
}

/** 32 bytes (Ed25519), or x || y (ES256). */
export function rawKey(key: PublicKey): Uint8Array {
  const x = Buffer.from(key.x, "base64url");
  return key.kty === "OKP" ? x : Buffer.concat([x, Buffer.from(key.y, "base64url")]);
}

const openssl: Path = {
  name: "node:crypto (OpenSSL)",
  prepare: (algorithm, jwk) => {
    const key = { key: createPublicKey({ key: { ...jwk }, format: "jwk" }), dsaEncoding: "ieee-p1363" as const };
    const hash = algorithm === "Ed25519" ? null : "sha256";
    return (signature, message) => verify(hash, message, key, signature);
  },
};

const noble: Path = {
  name: "@noble/curves",
  prepare: (algorithm, jwk) => {
    const raw = rawKey(jwk);
    if (algorithm === "Ed25519")
      return (signature, message) => ed25519.verify(signature, message, raw, { zip215: false });
    const key = Buffer.concat([Buffer.of(4), raw]);
    return (signature, message) => p256.verify(signature, message, key, { lowS: false });
  },
};

/** The release filter, with a table of multiples or as it checks any key. */
const glassgate = (tools: FilterTools, hasTable: boolean): Path => ({
  name: hasTable ? TABLE_PATH : "glassgate.wasm, any key",
  prepare: (algorithm, jwk) => {
    const key = rawKey(jwk);
    if (hasTable && !tools.buildTable(algorithm, key)) throw new Error(`there is no table for the ${algorithm} key`);
    return (signature, message) => tools.verify(algorithm, key, signature, message);
  },
});

/** What is compared; the ratios are to the first. */
export async function allPaths(wasm: Uint8Array): Promise<readonly Path[]> {
  const withTables = await FilterTools.load(wasm);
  withTables.setTableBudget(8 * 1024 * 1024);
  return [openssl, glassgate(withTables, true), glassgate(await FilterTools.load(wasm), false), noble];
}

export function measureKernels(paths: readonly Path[], rounds: number): readonly KernelRow[] {
  return (["Ed25519", "ES256"] as const).flatMap((algorithm) => {
    const signer = newSigner(algorithm);
    const ready = paths.map((path) => ({ path, check: path.prepare(algorithm, signer.jwk), times: [] as number[] }));
    for (let round = -Math.min(WARM_UP_ROUNDS, rounds); round < rounds; round++) {
      const signed = Array.from({ length: CHECKS }, () => {
        const message = randomBytes(MESSAGE_BYTES);
        return { message, signature: signer.sign(message) };
      });
      for (const { path, check, times } of ready) {
        const started = performance.now();
        const isGood = signed.every(({ message, signature }) => check(signature, message));
        const microseconds = ((performance.now() - started) * 1000) / CHECKS;
        if (!isGood) throw new Error(`${path.name} refuses a good ${algorithm} signature`);
        if (round >= 0) times.push(microseconds);
      }
      const [first] = signed;
      for (const { path, check } of ready) {
        if (first !== undefined && check(first.signature, randomBytes(MESSAGE_BYTES)))
          throw new Error(`${path.name} takes a forged ${algorithm} signature`);
      }
    }
    const base = ready[0]?.times ?? [];
    return ready.map(({ path, times }) => ({
      algorithm,
      path: path.name,
      time: spread(times),
      ratio: ratioOfMedians(times, base),
    }));
  });
}
