/** All of Wycheproof for both algorithms, through the release binary, without and with tables of multiples. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { genericWay, tableWay } from "./ways.js";

const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/);
const file = z.object({
  numberOfTests: z.number(),
  testGroups: z.array(
    z.object({
      publicKey: z.object({ pk: hex.optional(), uncompressed: hex.optional() }),
      tests: z.array(
        z.object({
          tcId: z.number(),
          comment: z.string(),
          msg: hex,
          sig: hex,
          result: z.enum(["valid", "invalid", "acceptable"]),
        }),
      ),
    }),
  ),
});

const FILES = [
  ["Ed25519", "ed25519_test.json"],
  ["ES256", "ecdsa_secp256r1_sha256_p1363_test.json"],
] as const;

describe("Wycheproof", () => {
  for (const [algorithm, name] of FILES) {
    const { numberOfTests, testGroups } = file.parse(
      JSON.parse(readFileSync(new URL(`../vectors/wycheproof/${name}`, import.meta.url), "utf8")),
    );
    for (const open of [genericWay, tableWay]) {
      it(`${algorithm}: ${numberOfTests} cases, ${open.name}`, async () => {
        const way = await open();
        let reached = 0;
        const wrong: string[] = [];
        for (const { publicKey, tests } of testGroups) {
          const key = Buffer.from(publicKey.pk ?? publicKey.uncompressed?.slice(2) ?? "", "hex");
          for (const { tcId, comment, msg, sig, result } of tests) {
            reached += 1;
            const isGood = way.verify(algorithm, key, Buffer.from(sig, "hex"), Buffer.from(msg, "hex"));
            // None is merely acceptable in these two files.
            if (isGood !== (result === "valid")) wrong.push(`${tcId} ${comment}: ${result}, and we say ${isGood}`);
          }
        }
        expect(wrong).toEqual([]);
        expect(reached).toBe(numberOfTests);
      });
    }
  }
});
