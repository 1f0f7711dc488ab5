/** Passphrases open keys however a keyboard, a file or an editor wrote the same words down. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CompactEncrypt } from "jose";
import { afterAll, describe, expect, it } from "vitest";
import { newKey, publicPart } from "../../control/signer/jwk.js";
import { type KeyFile, readKeyFile, sealKey, unlockKey, writeKeyFile } from "../../control/signer/keyfile.js";
import { checkNewPassphrase, preparePassphrase } from "../../control/signer/passphrase.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-passphrase-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const key = newKey("Ed25519");
const FEW = 1000;

const sealed = async (passphrase: string): Promise<KeyFile> => {
  const { text } = await sealKey("unused", "rita", key, passphrase, FEW);
  return JSON.parse(text);
};

describe("the same words", () => {
  for (const [name, written, typed] of [
    ["composed and decomposed", "caf\u00e9 soir", "cafe\u0301 soir"],
    ["Hangul jamo", "\ud55c\uae00 \uc5f4\uc1e0", "\u1112\u1161\u11ab\u1100\u1173\u11af \u110b\u1167\u11af\u1109\u116c"],
    ["an Angstrom sign", "\u00e5ngstr\u00f6m \u00c5", "a\u030angstro\u0308m \u212b"],
    ["a no-break space", "two words", "two\u00a0words"],
    ["an ideographic space", "two words", "two\u3000words"],
    ["a line feed behind", "two words", "two words\n"],
    ["CR LF behind", "two words", "two words\r\n"],
    ["CR behind", "two words", "two words\r"],
  ] as const) {
    it(`open: ${name}`, async () => {
      await expect(unlockKey(await sealed(written), typed)).resolves.toEqual(key);
      await expect(unlockKey(await sealed(typed), written)).resolves.toEqual(key);
    });
  }
});

it("what is not the same does not open", async () => {
  const file = await sealed("two words");
  for (const other of ["Two words", "two  words", " two words", "two words\n\n", "two words ", ""])
    await expect(unlockKey(file, other), JSON.stringify(other)).rejects.toThrow(/does not open the key rita/);
});

it("keys made before passphrases were prepared still open", async () => {
  for (const old of ["cafe\u0301", "two\u00a0words", "from a file of Windows\r", "a\tb"]) {
    const encrypted = await new CompactEncrypt(Buffer.from(JSON.stringify(key)))
      .setProtectedHeader({ alg: "PBES2-HS512+A256KW", enc: "A256GCM", cty: "jwk+json" })
      .setKeyManagementParameters({ p2c: FEW })
      .encrypt(Buffer.from(old));
    await expect(unlockKey({ name: "rita", public: publicPart(key), encrypted }, old)).resolves.toEqual(key);
  }
});

it("a new one is something that a person can type", () => {
  expect(() => checkNewPassphrase("")).toThrow(/is empty/);
  expect(() => checkNewPassphrase(preparePassphrase("\r\n"))).toThrow(/is empty/);
  for (const bad of ["a\u0000b", "a\u001bb", "a\u0007", "a\ufffdb"])
    expect(() => checkNewPassphrase(bad)).toThrow(/control character, or bytes that are not UTF-8/);
  expect(() => checkNewPassphrase("\u7a93 pi\u00f1ata \ud83d\udd11")).not.toThrow();
});

it("a new key never replaces a file", async () => {
  const path = join(base, "rita.key.json");
  await writeKeyFile(path, "rita", key, "words", FEW);
  await expect(writeKeyFile(path, "rita", newKey("Ed25519"), "words", FEW)).rejects.toThrow(/it exists already/);
  // Both at once: one of them wins, whole.
  const twice = join(base, "twice.key.json");
  const both = await Promise.allSettled([0, 1].map(() => writeKeyFile(twice, "twice", newKey("ES256"), "words", FEW)));
  expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(readKeyFile(twice).name).toBe("twice");
});

it("a hostile private half is damage, not a defect", async () => {
  const good = await sealed("words");
  const header = (change: object): string => {
    const [first = "", ...rest] = good.encrypted.split(".");
    const changed = { ...JSON.parse(Buffer.from(first, "base64url").toString()), ...change };
    return [Buffer.from(JSON.stringify(changed)).toString("base64url"), ...rest].join(".");
  };
  for (const encrypted of [
    "x",
    "....",
    "a.b.c.d.e",
    good.encrypted.slice(0, 60),
    header({ p2c: -1 }),
    header({ p2c: 0 }),
    header({ p2c: 1.5 }),
    header({ p2c: 1e9 }),
    header({ p2c: "1000" }),
    header({ p2s: 7 }),
    header({ alg: "dir" }),
    header({ enc: "none" }),
    header({ zip: "DEF" }),
    header({ crit: ["x"] }),
  ])
    await expect(unlockKey({ ...good, encrypted }, "words"), encrypted).rejects.toThrow(/is damaged|does not open/);
});
