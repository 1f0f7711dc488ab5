/** The release binary against OpenSSL (node:crypto) on random cases, and the edge cases of "Taming the many EdDSAs". */
import { createPublicKey, randomBytes, randomInt, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { FilterTools } from "../../control/host/tools.js";
import { newSigner, type Signer } from "../kit/token.js";

const CASES = 1000;

function publicBytes({ jwk }: Signer): Buffer {
  return Buffer.concat([jwk.x ?? "", jwk.y ?? ""].map((part) => Buffer.from(part, "base64url")));
}

function openssl({ alg, jwk }: Signer, message: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: { ...jwk }, format: "jwk" });
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
    it(`${alg}: ${CASES} random cases, good and bent, as OpenSSL`, async () => {
      const tools = await FilterTools.load();
      let good = 0;
      for (let i = 0; i < CASES; i++) {
        const signer = newSigner(alg);
        const message = randomBytes(randomInt(1, 600));
        const signature = signer.sign(message);
        const bend = i % 4;
        const m = bend === 1 ? flipBit(message) : message;
        const s = bend === 2 ? flipBit(signature) : bend === 3 ? newSigner(alg).sign(message) : signature;
        const wanted = openssl(signer, m, s);
        if (wanted) good += 1;
        expect(tools.verify(alg, publicBytes(signer), s, m), `case ${i}`).toBe(wanted);
      }
      expect(good).toBeGreaterThanOrEqual(CASES / 4);
    }, 120_000);
  }
});

/**
 * Chalkias, Garillot, Nikolaenko, "Taming the Many EdDSAs" (2020), table 5, as published with the paper's test vectors.
 * Our rule: canonical A and R, A not of small order, S < L, no cofactor: only what RFC 8032 s5.1.7 without the cofactor takes.
 */
const TAMING: readonly (readonly [message: string, key: string, signature: string, accepted: boolean, what: string])[] =
  [
    [
      "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000",
      false,
      "small A and R, S = 0",
    ],
    [
      "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
      "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
      false,
      "small A, mixed R",
    ],
    [
      "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
      "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
      true,
      "mixed A, small R, holds without cofactor",
    ],
    [
      "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
      "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
      "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
      true,
      "mixed A and R, holds without cofactor",
    ],
    [
      "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
      "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
      "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
      false,
      "mixed A and R, holds with cofactor only",
    ],
    [
      "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
      "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
      "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
      false,
      "mixed A and R, cofactor only after reduction",
    ],
    [
      "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
      "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
      "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
      false,
      "S above L",
    ],
    [
      "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
      "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
      "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
      false,
      "S far above L",
    ],
    [
      "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
      "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
      false,
      "R not canonical",
    ],
    [
      "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
      "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
      false,
      "R not canonical, the other hash",
    ],
    [
      "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
      false,
      "A not canonical and small",
    ],
    [
      "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
      false,
      "A not canonical, the other hash",
    ],
  ];

describe("edge cases of Ed25519", () => {
  for (const [message, key, signature, accepted, what] of TAMING) {
    it(`${what}: ${accepted ? "accepted" : "refused"}`, async () => {
      const tools = await FilterTools.load();
      const bytes = [key, signature, message].map((text) => Buffer.from(text, "hex"));
      const [k = Buffer.alloc(0), s = Buffer.alloc(0), m = Buffer.alloc(0)] = bytes;
      expect(tools.verify("Ed25519", k, s, m)).toBe(accepted);
    });
  }

  it("keys of small order, and bytes that are no point, are not acceptable", async () => {
    const tools = await FilterTools.load();
    const y = [
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    const signed = y.map((text) => `${text.slice(0, 62)}${(Number.parseInt(text.slice(62), 16) | 0x80).toString(16)}`);
    const notCanonical = [
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    const noPoint = ["0200000000000000000000000000000000000000000000000000000000000000"];
    for (const text of [...y, ...signed, ...notCanonical, ...noPoint])
      expect(tools.isKeyAcceptable("Ed25519", Buffer.from(text, "hex")), text).toBe(false);
    for (let i = 0; i < 20; i++) expect(tools.isKeyAcceptable("Ed25519", publicBytes(newSigner("Ed25519")))).toBe(true);
  });
});
