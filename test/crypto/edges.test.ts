/** Edge cases of Ed25519, each with the answer of the one rule that docs/crypto.md states, without and with tables. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { FilterTools } from "../../control/host/tools.js";
import { newSigner } from "../kit/token.js";
import { publicBytes } from "./keys.js";
import { genericWay, tableWay } from "./ways.js";

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

const WAYS = [genericWay, tableWay];

describe("Taming the Many EdDSAs", () => {
  for (const [message, key, signature, accepted, what] of TAMING) {
    it(`${what}: ${accepted ? "accepted" : "refused"}`, async () => {
      const bytes = [key, signature, message].map((text) => Buffer.from(text, "hex"));
      const [k = Buffer.alloc(0), s = Buffer.alloc(0), m = Buffer.alloc(0)] = bytes;
      for (const open of WAYS) {
        const way = await open();
        expect(way.verify("Ed25519", k, s, m), way.name).toBe(accepted);
      }
    });
  }
});

const cctv = z.array(
  z.object({
    number: z.number(),
    key: z.string(),
    sig: z.string(),
    msg: z.string(),
    flags: z.array(z.string()).nullable(),
  }),
);

describe("C2SP CCTV ed25519vectors", () => {
  const vectors = cctv.parse(
    JSON.parse(readFileSync(new URL("../vectors/cctv/ed25519vectors.json", import.meta.url), "utf8")),
  );
  /** What our rule refuses: R or A not canonical, A of small order, and what only holds with the cofactor. */
  const REFUSED = ["non_canonical_A", "non_canonical_R", "low_order_A", "low_order_residue", "reencoded_k"];

  for (const open of WAYS) {
    it(`all ${vectors.length}, ${open.name}`, async () => {
      const way = await open();
      const wrong: string[] = [];
      let accepted = 0;
      for (const { number, key, sig, msg, flags } of vectors) {
        const wanted = !(flags ?? []).some((flag) => REFUSED.includes(flag));
        const got = way.verify("Ed25519", Buffer.from(key, "hex"), Buffer.from(sig, "hex"), Buffer.from(msg));
        if (got) accepted += 1;
        if (got !== wanted) wrong.push(`${number} ${flags?.join(" ")}: ${got}`);
      }
      expect(wrong).toEqual([]);
      expect(vectors.length).toBeGreaterThan(900);
      expect(accepted).toBeGreaterThan(0);
    });
  }
});

describe("keys", () => {
  it("of small order, and bytes that are no point, are not acceptable", async () => {
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
