/**
 * The people of World with keys that are the same in every run, under one fixed time: what an input of the corpus reached once it
 * reaches again. Whatever lives, lives so long that one VM can be fuzzed for days of its clock.
 */
import { createECDH, createHash, createPrivateKey, sign } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { thumbprint } from "../../control/signer/jwk.js";
import { type Algorithm, base64url, type Signer } from "../kit/token.js";
import { type Json, World } from "../kit/world.js";

/** 2030, in seconds: ten digits, as every time that a proof could name. */
export const START = 1_900_000_000;
const LONG = 4_000 * 86_400;

/** A key made of its name. It signs by OpenSSL. */
export function signerOf(name: string, alg: Algorithm = "Ed25519"): Signer {
  const secret = createHash("sha256").update(`fuzz ${name}`).digest();
  if (alg === "Ed25519") {
    const plain = { kty: "OKP" as const, crv: "Ed25519", x: base64url(ed25519.getPublicKey(secret)) };
    const kid = thumbprint(plain);
    const key = createPrivateKey({ key: { ...plain, d: base64url(secret) }, format: "jwk" });
    return { alg, kid, jwk: { ...plain, kid }, sign: (message) => sign(null, message, key) };
  }
  const pair = createECDH("prime256v1");
  pair.setPrivateKey(secret);
  const point = pair.getPublicKey();
  const [x, y] = [base64url(point.subarray(1, 33)), base64url(point.subarray(33))];
  const plain = { kty: "EC" as const, crv: "P-256", x, y };
  const kid = thumbprint(plain);
  const key = createPrivateKey({ key: { ...plain, d: base64url(secret) }, format: "jwk" });
  return {
    alg,
    kid,
    jwk: { ...plain, kid },
    sign: (message) => sign("sha256", message, { key, dsaEncoding: "ieee-p1363" }),
  };
}

export class FixedWorld extends World {
  override readonly roots = [signerOf("root 0"), signerOf("root 1", "ES256"), signerOf("root 2")] as const;
  override readonly rita = signerOf("rita");
  override readonly rita2 = signerOf("rita2", "ES256");
  override readonly adam = signerOf("adam", "ES256");
  override readonly anna = signerOf("anna");
  override readonly bot = signerOf("bot");
  override readonly temp = signerOf("temp");
  override readonly crowd = Array.from({ length: 9 }, (_, i) => signerOf(`crowd ${i}`));
  /** Several who ask: each failed approval counts against one of them, and too many make him wait. */
  readonly others = Array.from({ length: 6 }, (_, i) => signerOf(`other ${i}`));

  constructor() {
    super(START);
  }

  override entitlement(id: string, changes: Json = {}): Json {
    return super.entitlement(id, { max_ttl: 2 * LONG, ...changes });
  }

  override claims(changes: Json = {}): Json {
    return super.claims({ jti: "the-one-that-is-fuzzed", exp: START + LONG, ...changes });
  }

  override bundleClaims(changes: Json = {}): Json {
    const one = (id: string, roles: unknown[], keys: Json[], more: Json = {}): Json => ({ id, roles, keys, ...more });
    return super.bundleClaims({
      version: 7,
      exp: START + 2 * LONG,
      principals: [
        one("rita", ["oncall"], [this.rita.jwk, { ...this.rita2.jwk, alg: "ES256" }]),
        one("adam", ["lead"], [{ ...this.adam.jwk, nbf: START - 500, exp: START + LONG }]),
        one("anna", ["security", "lead"], [this.anna.jwk]),
        one("bot", ["security"], [this.bot.jwk], { person: "adam" }),
        one("temp", [{ role: "lead", nbf: START - 100, exp: START + LONG }], [this.temp.jwk]),
        ...this.others.map(({ jwk }, i) => one(`other-${i}`, ["oncall"], [jwk])),
        ...this.crowd.map(({ jwk }, i) => one(`crowd-${i}`, ["crowd"], [jwk])),
      ],
      revokers: ["lead"],
      revoked: {
        jti: ["a-grant-that-is-revoked"],
        sub: ["nobody"],
        issued_before: [{ at: START - 9_000, sub: "rita" }],
      },
      ...changes,
    });
  }
}
