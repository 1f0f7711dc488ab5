/** The log's key signs checkpoints and receipts, whose bytes it builds, and nothing else. */
import { compactVerify, importJWK } from "jose";
import { describe, expect, it } from "vitest";
import { openLogSigner } from "../../../control/ledger/log/key.js";
import { openCheckpoint } from "../../../control/ledger/tlog/checkpoint.js";
import { parseVkey } from "../../../control/ledger/tlog/note.js";
import { leafHash } from "../../../control/ledger/tlog/tree.js";
import { newKey, publicPart } from "../../../control/signer/jwk.js";
import { logKey, logSigner, ORIGIN } from "./made.js";

describe("the log's key", () => {
  it("signs a checkpoint that its verifier key opens", () => {
    const root = leafHash(Buffer.of(1));
    const checkpoint = openCheckpoint(logSigner.signCheckpoint(7, root), parseVkey(logSigner.vkey));
    expect(checkpoint).toMatchObject({ origin: ORIGIN, size: 7 });
    expect(() => logSigner.signCheckpoint(-1, root)).toThrow(RangeError);
    expect(() => logSigner.signCheckpoint(1, root.subarray(1))).toThrow(RangeError);
  });

  it("signs a receipt as a JWS of its own type", async () => {
    const recordSha256 = "ab".repeat(32);
    const jws = logSigner.signReceipt({ index: 41, recordSha256, iat: 1_767_225_600 });
    const key = await importJWK({ ...publicPart(logKey), alg: "Ed25519" }, "Ed25519");
    const { payload, protectedHeader } = await compactVerify(jws, key);
    expect(protectedHeader).toEqual({ alg: "Ed25519", kid: logKey.kid, typ: "bg-receipt+jws" });
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual({
      origin: ORIGIN,
      index: 41,
      record_sha256: recordSha256,
      iat: 1_767_225_600,
    });
    for (const wrong of ["AB".repeat(32), "ab", ""])
      expect(() => logSigner.signReceipt({ index: 0, recordSha256: wrong, iat: 0 })).toThrow(RangeError);
    expect(() => logSigner.signReceipt({ index: 0.5, recordSha256, iat: 0 })).toThrow(RangeError);
  });

  it("is Ed25519, and its name one that a note can hold", () => {
    expect(() => openLogSigner(newKey("ES256"), ORIGIN)).toThrow(/Ed25519/);
    for (const origin of ["", "a b", "a+b", "a\n", "é", "\u00a0", "-a", "x".repeat(201), "a\u2028b"])
      expect(() => openLogSigner(logKey, origin)).toThrow(/cannot be a ledger's name/);
    expect(openLogSigner(logKey, "ledger.example.com:8443/eu/2026-Q1").origin).toBe(
      "ledger.example.com:8443/eu/2026-Q1",
    );
  });
});
