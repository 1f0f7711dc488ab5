/**
 * The release binary against OpenSSL (node:crypto) on random cases, without and with tables of multiples.
 * GLASSGATE_CASES sets how many: `npm run soak:tests` takes 20,000, `npm run soak:differential` a million.
 */
import { createPublicKey, type KeyObject, randomBytes, randomInt, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { newSigner, type Signer } from "../kit/token.js";
import { publicBytes } from "./keys.js";
import { genericWay, tableWay } from "./ways.js";

/** Per algorithm. Making a signature costs far more than checking it, so each serves as a good one and as several bent ones. */
const CASES = Number(process.env.GLASSGATE_CASES ?? 5_000) / 2;
const CASES_PER_KEY = 250;
const CASES_PER_SIGNATURE = 10;

function openssl(alg: Signer["alg"], key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return alg === "Ed25519"
    ? verify(null, message, key, signature)
    : verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, signature);
}

function flipBit(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = randomInt(copy.length * 8);
  copy[at >> 3] = (copy[at >> 3] ?? 0) ^ (1 << (at & 7));
  return copy;
}

describe("differential", () => {
  for (const alg of ["Ed25519", "ES256"] as const) {
    it(`${alg}: ${CASES} random cases, good and bent, as OpenSSL, both ways`, async () => {
      const ways = [await genericWay(), await tableWay()];
      let good = 0;
      let bent = 0;
      let signer = newSigner(alg);
      let key = createPublicKey({ key: { ...signer.jwk }, format: "jwk" });
      let message = randomBytes(1);
      let signature = signer.sign(message);
      for (let i = 0; i < CASES; i++) {
        if (i % CASES_PER_KEY === 0) {
          signer = newSigner(alg);
          key = createPublicKey({ key: { ...signer.jwk }, format: "jwk" });
        }
        if (i % CASES_PER_SIGNATURE === 0) {
          message = randomBytes(randomInt(1, 600));
          signature = signer.sign(message);
        }
        const bend = i % CASES_PER_SIGNATURE;
        const m = bend === 1 ? flipBit(message) : message;
        const s = bend === 2 ? randomBytes(64) : bend > 2 ? flipBit(signature) : signature;
        const wanted = openssl(alg, key, m, s);
        if (wanted) good += 1;
        else bent += 1;
        for (const way of ways) {
          const got = way.verify(alg, publicBytes(signer), s, m);
          if (got !== wanted)
            expect.fail(
              `case ${i}, ${way.name}: ${got}, OpenSSL ${wanted}; ${JSON.stringify({
                jwk: signer.jwk,
                s: Buffer.from(s).toString("hex"),
                m: Buffer.from(m).toString("hex"),
              })}`,
            );
        }
      }
      expect(good).toBeGreaterThanOrEqual(CASES / CASES_PER_SIGNATURE);
      expect(bent).toBeGreaterThan(good);
    }, 3_600_000);
  }
});
