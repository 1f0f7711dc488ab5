/** Notes, checkpoints and proofs as files: the specifications' own examples, and what they forbid. */
import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkpointText, openCheckpoint, parseCheckpoint } from "../../../control/ledger/tlog/checkpoint.js";
import {
  decodeNote,
  keyIdOf,
  makeVkey,
  parseNote,
  parseVkey,
  signatureLine,
  verifyNote,
} from "../../../control/ledger/tlog/note.js";
import { makeTlogProof, parseTlogProof } from "../../../control/ledger/tlog/proof.js";
import { EMPTY_ROOT, leafHash } from "../../../control/ledger/tlog/tree.js";

/** https://c2sp.org/signed-note, "Example". */
const VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const LINE =
  "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=";
const NOTE = `This is an example message.\n\n${LINE}\n`;

function signer(name: string) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  const vkey = parseVkey(makeVkey(name, raw));
  const line = (text: string): string => signatureLine(name, vkey.keyId, sign(null, Buffer.from(text), privateKey));
  return { vkey, line, note: (text: string): string => `${text}\n${line(text)}\n` };
}

describe("a note", () => {
  const key = parseVkey(VKEY);

  it("of the specification verifies", () => {
    expect(verifyNote(NOTE, [key]).text).toBe("This is an example message.\n");
    expect(makeVkey(key.name, key.publicKey)).toBe(VKEY);
    expect(parseNote(NOTE).signatures).toMatchObject([{ name: "example.com/foo", keyId: key.keyId, line: LINE }]);
    expect(signatureLine(key.name, key.keyId, parseNote(NOTE).signatures[0]?.signature ?? Buffer.alloc(0))).toBe(LINE);
  });

  it("with another text, or a signature that a known key did not make, is refused", () => {
    expect(() => verifyNote(NOTE.replace("example", "Example"), [key])).toThrow(/does not verify/);
    const other = signer("example.com/bar");
    const text = "This is an example message.\n";
    const both = `${NOTE}${other.line(text)}\n`;
    expect(verifyNote(both, [key, other.vkey]).keys).toEqual([key, other.vkey]);
    expect(verifyNote(both, [other.vkey]).keys).toEqual([other.vkey]);
    const wrong = `${NOTE}${other.line("Something else.\n")}\n`;
    expect(() => verifyNote(wrong, [key, other.vkey])).toThrow(/example.com\/bar does not verify/);
    expect(verifyNote(wrong, [key]).keys).toEqual([key]);
  });

  it("counts a key once, however often it signed, and no key that only shares a name or an id", () => {
    const twice = `${NOTE}${LINE}\n`;
    expect(verifyNote(twice, [key]).keys).toEqual([key]);
    const namesake = signer("example.com/foo");
    expect(() => verifyNote(NOTE, [namesake.vkey])).toThrow(/No key that is known here/);
    const sameId = { ...signer("example.com/bar").vkey, keyId: key.keyId };
    expect(() => verifyNote(NOTE, [sameId])).toThrow(/No key that is known here/);
    expect(verifyNote(namesake.note("This is an example message.\n").concat(`${LINE}\n`), [key]).keys).toEqual([key]);
  });

  it("may have empty lines, and ends its text at the last one", () => {
    const { note, vkey } = signer("a");
    const text = "first\n\n— not a signature\n\nlast\n";
    expect(verifyNote(note(text), [vkey]).text).toBe(text);
  });

  it("takes 16 signatures of unknown keys and of unknown length", () => {
    const strange = Array.from({ length: 16 }, (_, i) =>
      signatureLine(`w${i}.example`, Buffer.of(0, 0, 0, i), Buffer.alloc(4980, i)),
    );
    expect(verifyNote(`${NOTE}${strange.join("\n")}\n`, [key]).signatures).toHaveLength(17);
  });

  const tooLong = `${"x".repeat(641 * 1024)}\n\n${LINE}\n`;
  for (const [what, note] of [
    ["nothing", ""],
    ["no signature", "text\n\n"],
    ["no empty line", `text\n${LINE}\n`],
    ["no end of the last line", NOTE.slice(0, -1)],
    ["a carriage return", NOTE.replace(".\n", ".\r\n")],
    ["a tab", NOTE.replace(" is", "\tis")],
    ["a zero", NOTE.replace(" is", "\u0000is")],
    ["half a character", NOTE.replace("is", "\ud800")],
    ["a hyphen for the dash", NOTE.replace("—", "-")],
    ["two spaces", NOTE.replace("foo Uw", "foo  Uw")],
    ["a plus in a name", NOTE.replace("foo Uw", "f+o Uw")],
    ["a space of another kind in a name", NOTE.replace("foo Uw", "f\u00a0o Uw")],
    ["a next-line mark in a name", NOTE.replace("foo Uw", "f\u0085o Uw")],
    ["no name", NOTE.replace("example.com/foo ", " ")],
    ["base64 that has another spelling", NOTE.replace("QM=", "QN=")],
    ["base64 without its padding", NOTE.replace("QM=", "QM")],
    ["base64url", NOTE.replace("Uw2Q", "Uw-Q")],
    ["a key's id and nothing more", `text\n\n— example.com/foo ${Buffer.of(1, 2, 3, 4).toString("base64")}\n`],
    ["something behind the signatures", `${NOTE}more\n`],
    ["81 signatures", `text\n\n${`${LINE}\n`.repeat(81)}`],
    ["641 KiB", tooLong],
  ] as const) {
    it(`with ${what} is none`, () => {
      expect(() => parseNote(note)).toThrow(/This is no signed note/);
    });
  }

  it("is UTF-8", () => {
    expect(decodeNote(Buffer.from(NOTE))).toBe(NOTE);
    expect(decodeNote(Buffer.from("\ufeffx"))).toBe("\ufeffx");
    for (const bytes of [Buffer.of(0xff), Buffer.of(0xc0, 0x80), Buffer.of(0xed, 0xa0, 0x80)])
      expect(() => decodeNote(bytes)).toThrow(/not UTF-8/);
  });
});

describe("a verifier key", () => {
  it("of another algorithm is read, and verifies no note of a log", () => {
    const id = keyIdOf("w.example", 4, Buffer.alloc(32)).toString("hex");
    const witness = parseVkey(`w.example+${id}+${Buffer.concat([Buffer.of(4), Buffer.alloc(32)]).toString("base64")}`);
    expect(witness).toMatchObject({ name: "w.example", algorithm: 4 });
    expect(() => verifyNote(NOTE, [witness])).toThrow(/not an Ed25519 key/);
  });

  for (const text of [
    "",
    "example.com/foo",
    "example.com/foo+530d903a",
    VKEY.replace("530d903a", "530d903b"),
    VKEY.replace("530d903a", "530D903A"),
    VKEY.replace("foo", "fop"),
    VKEY.replace("foo", "f o"),
    VKEY.slice(0, -4),
    `${VKEY}\n`,
    VKEY.replace("U2k", "U2l="),
    "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => {
      expect(() => parseVkey(text)).toThrow(/is no verifier key/);
    });
  }
});

describe("a checkpoint", () => {
  const log = signer("log.example/eu");
  const root = leafHash(Buffer.of(1));
  const text = checkpointText("log.example/eu", 1, root);

  it("is opened with the log's own key", () => {
    const note = log.note(text);
    expect(openCheckpoint(note, log.vkey)).toEqual({ origin: "log.example/eu", size: 1, root, text: note });
    expect(() => openCheckpoint(note, signer("log.example/eu").vkey)).toThrow(/No key that is known here/);
    const foreign = signer("log.example/us");
    expect(() => openCheckpoint(foreign.note(text), foreign.vkey)).toThrow(/of the log log.example\/eu, the key of/);
  });

  it("may have extension lines, and be of an empty tree", () => {
    expect(openCheckpoint(log.note(`${text}more\n`), log.vkey).size).toBe(1);
    expect(openCheckpoint(log.note(checkpointText("log.example/eu", 0, EMPTY_ROOT)), log.vkey).size).toBe(0);
  });

  const hash = root.toString("base64");
  for (const [what, wrong] of [
    ["two lines", "o\n1\n"],
    ["no origin", `\n1\n${hash}\n`],
    ["a leading zero", `o\n01\n${hash}\n`],
    ["a sign", `o\n+1\n${hash}\n`],
    ["a size that is not safe", `o\n9007199254740992\n${hash}\n`],
    ["hexadecimal", `o\n0x1\n${hash}\n`],
    ["a space behind the size", `o\n1 \n${hash}\n`],
    ["a short hash", `o\n1\n${root.subarray(1).toString("base64")}\n`],
    ["no hash", "o\n1\n\n"],
    ["an empty line behind it", `o\n1\n${hash}\n\nmore\n`],
    ["another root of an empty tree", `o\n0\n${hash}\n`],
  ] as const) {
    it(`with ${what} is none`, () => {
      expect(() => parseCheckpoint(log.note(wrong))).toThrow(/This is no checkpoint/);
    });
  }

  it("is kept in a tlog-proof, byte for byte", () => {
    const checkpoint = log.note(text);
    for (const extra of [undefined, Buffer.from("a record")]) {
      const proof = { index: 73_894, proof: [root, EMPTY_ROOT], checkpoint, ...(extra === undefined ? {} : { extra }) };
      const made = makeTlogProof(proof);
      expect(made.startsWith("c2sp.org/tlog-proof@v1\n")).toBe(true);
      expect(parseTlogProof(made)).toEqual(proof);
    }
    const made = makeTlogProof({ index: 0, proof: [], checkpoint });
    expect(parseTlogProof(made).proof).toEqual([]);
    for (const wrong of [
      made.replace("v1", "v2"),
      made.replace("index 0", "index 00"),
      made.replace("index 0\n", ""),
      made.replace("index 0", "index 0\nAAAA"),
      made.replace("index 0", "extra AAAA=\nindex 0"),
      made.replace("index 0", "index 0\nextra AAAA"),
      made.replace("\n\n", "\n"),
      `${made}x`,
      made.replace("index 0", `index 0${`\n${hash}`.repeat(54)}`),
    ])
      expect(() => parseTlogProof(wrong)).toThrow(/This is no/);
  });
});
