/** C2SP tlog-policy: what a file says, what it may not say, and who has to have cosigned. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judge, parsePolicy, readPolicy } from "../../control/ledger/policy.js";
import { type NoteKey, noteKey } from "../kit/note-key.js";
import { checkpointText } from "../reference/merkle.js";

const log = noteKey("ledger.example/eu/2026");
const a = noteKey("witness.example/0");
const b = noteKey("witness.example/1");
const c = noteKey("witness.example/2");
const d = noteKey("witness.example/3");
const keys = [a, b, c, d, ...Array.from({ length: 66 }, (_, i) => noteKey(`witness.example/${i + 4}`))];

const text = checkpointText(log.name, [Buffer.from("an entry")]);
const signedBy = (...witnesses: readonly NoteKey[]): string =>
  log.sign(text) + witnesses.map((key) => `${key.cosign(text, 1_767_225_600)}\n`).join("");

const policyOf = (...lines: readonly (string | Buffer)[]) =>
  parsePolicy(Buffer.concat(lines.map((line) => Buffer.concat([Buffer.from(line), Buffer.from("\n")]))), "policy");
const witness = (name: string, key: NoteKey): string => `witness ${name} ${key.witnessVkey}`;

describe("a policy", () => {
  it("has logs, witnesses with their places, comments and white space", () => {
    const policy = policyOf(
      "# who counts",
      "",
      ` \tlog\t${log.vkey}  https://ledger.example/eu `,
      `${witness("W1", a)} https://witness.example/`,
      "   # and how many",
      "quorum W1",
    );
    expect(policy.logs).toMatchObject([{ key: { text: log.vkey }, url: "https://ledger.example/eu" }]);
    expect(policy.witnesses).toMatchObject([{ name: "W1", url: "https://witness.example/" }]);
    expect(judge(policy, signedBy(a))).toMatchObject({ isMet: true, wanted: "", log: { key: { text: log.vkey } } });
    expect(judge(policy, signedBy())).toMatchObject({ isMet: false, wanted: "W1", cosignatures: [] });
  });

  it("without witnesses is met by the log alone, and without logs says nothing of it", () => {
    expect(judge(policyOf(`log ${log.vkey}`, "quorum none"), signedBy())).toMatchObject({ isMet: true });
    expect(judge(policyOf("quorum none"), signedBy())).toMatchObject({ isMet: true, log: undefined });
  });

  it("counts by group, in groups of groups", () => {
    const policy = policyOf(
      `log ${log.vkey}`,
      ...[a, b, c].map((key, i) => witness(`X${i + 1}`, key)),
      "group X 2 X1 X2 X3",
      witness("Y1", d),
      "group both all X Y1",
      "quorum both",
    );
    const judged = (...witnesses: readonly NoteKey[]) => {
      const { isMet, wanted } = judge(policy, signedBy(...witnesses));
      return isMet || wanted;
    };
    expect(judged(a, b, d)).toBe(true);
    expect(judged(d, c, b)).toBe(true);
    expect(judged(a, b, c)).toBe("Y1");
    expect(judged(a, d)).toBe("(1 of X2, X3)");
    expect(judged()).toBe("2 of (2 of X1, X2, X3), Y1");
    expect(judged(a, a, a, d)).toBe("(1 of X2, X3)");
  });

  it("agrees with counting by hand", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.nat(63), (size, least, signed) => {
        const members = keys.slice(0, size);
        const threshold = Math.min(least, size);
        const policy = policyOf(
          ...members.map((key, i) => witness(`w${i}`, key)),
          `group g ${threshold} ${members.map((_, i) => `w${i}`).join(" ")}`,
          "quorum g",
        );
        const signers = members.filter((_, i) => (signed >> i) % 2 === 1);
        expect(judge(policy, signedBy(...signers)).isMet).toBe(signers.length >= threshold);
      }),
      { numRuns: 40 },
    );
  });

  it("knows post-quantum witnesses, and does not count what it cannot check", () => {
    const key = Buffer.concat([Buffer.of(0x06), Buffer.alloc(1312, 7)]).toString("base64");
    const policy = policyOf(witness("W", a), `witness PQ pq.example/w+01020304+${key}`, "group g all W PQ", "quorum g");
    const line = `\u2014 pq.example/w ${Buffer.concat([Buffer.of(1, 2, 3, 4), Buffer.alloc(2428)]).toString("base64")}\n`;
    expect(judge(policy, signedBy(a) + line)).toMatchObject({ isMet: false, wanted: "PQ" });
  });

  it("takes names as octets", () => {
    const latin = Buffer.concat([Buffer.from("witness \xe9 ", "latin1"), Buffer.from(a.witnessVkey)]);
    const utf8 = witness("é", b);
    const policy = policyOf(latin, utf8, Buffer.from("quorum \xe9", "latin1"));
    expect(judge(policy, signedBy(a)).isMet).toBe(true);
    expect(judge(policy, signedBy(b)).isMet).toBe(false);
    expect(policyOf(witness("K", a), witness("\u212a", b), "quorum K").witnesses).toHaveLength(2);
  });

  const w = witness("W", a);
  it.each<[string, string, ...string[]]>([
    ["no quorum line", "policy has no quorum line", w],
    ["nothing", "policy has no quorum line"],
    ["two quorums", "policy:3: this is the second quorum line", w, "quorum W", "quorum none"],
    ["a quorum of two", "policy:2: the quorum is `quorum NAME`", w, "quorum W W"],
    ["a quorum before its witness", "policy:1: W is not defined above", "quorum W", w],
    ["a group before its member", "policy:2: V is not defined above", w, "group g any W V"],
    ["a group in itself", "policy:1: g is not defined above", "group g any g"],
    ["an empty group", "policy:1: a group is `group NAME all|any|NUMBER MEMBER...`", "group g any"],
    ["none in a group", "policy:1: none is not defined above", "group g any none"],
    ["a witness called none", "policy:1: the name none has a meaning", witness("none", a)],
    ["a group called none", "policy:2: the name none has a meaning", w, "group none any W"],
    ["a threshold of 0", 'policy:2: "0" is none of all, any', w, "group g 0 W"],
    ["a threshold of too many", 'policy:2: "2" is none of all, any, and the numbers from 1 to 1', w, "group g 2 W"],
    ["a threshold that is no number", 'policy:2: "1e0" is none', w, "group g 1e0 W"],
    ["a threshold with a zero before it", 'policy:2: "01" is none', w, "group g 01 W"],
    ["a member twice", "policy:2: W is a member of g already", w, "group g any W W"],
    ["a member of two groups", "policy:3: W is a member of g already", w, "group g any W", "group h any W"],
    ["a name twice", "policy:2: the name W is taken", w, witness("W", b)],
    ["a group with a witness's name", "policy:2: the name W is taken", w, "group W any W"],
    ["a witness's key twice", "policy:2: the key is that of witness.example/0 once more", w, witness("V", a)],
    [
      "a log twice",
      "policy:2: the key is that of ledger.example/eu/2026 once more",
      `log ${log.vkey}`,
      `log ${log.vkey}`,
    ],
    [
      "a witness with its key for notes",
      "policy:1: witness.example/0 is a key of type 0x01, and a witness has 0x04",
      `witness W ${a.vkey}`,
    ],
    [
      "a log with a witness's key",
      "policy:1: ledger.example/eu/2026 is a key of type 0x04, and a log has 0x01",
      `log ${log.witnessVkey}`,
    ],
    ["no key", 'policy:1: "abc" is no verifier key', "witness W abc"],
    [
      "another id",
      "is not that of its name and key",
      `witness W ${a.witnessVkey.replace(/\+[0-9a-f]{8}\+/, "+00000000+")}`,
    ],
    [
      "a key of 31 bytes",
      "has not 32 bytes",
      `witness W x.example+00000000+${Buffer.concat([Buffer.of(4), Buffer.alloc(31)]).toString("base64")}`,
    ],
    ["a URL that is none", 'policy:1: "ftp://x" is no http:// or https:// URL', `${w} ftp://x`],
    ["a word too many", "policy:1: a witness is `witness NAME VKEY [URL]`", `${w} https://x y`],
    ["a log without key", "policy:1: a log is `log VKEY [URL]`", "log"],
    ["another keyword", 'policy:1: "logs" begins no line of a policy', "logs x"],
    ["a keyword in capitals", 'policy:1: "Quorum" begins no line', "Quorum none"],
    ["DOS line ends", "policy:1: the line ends with a carriage return", "quorum none\r"],
    ["a control character", "policy:1: there is a control character", "quorum\u0000none"],
    ["a form feed as space", "policy:1: there is a control character", "quorum\fnone"],
    ["a no-break space as space", "begins no line of a policy", "quorum\u00a0none"],
    ["a name too long", "policy:1: a name is longer than 256 bytes", witness("x".repeat(257), a)],
    [
      "too many witnesses",
      "policy:65: there are more than 64 witnesses",
      ...keys.slice(0, 65).map((key, i) => witness(`w${i}`, key)),
    ],
  ])("is refused with %s, by its line", (_, message, ...lines) => {
    expect(() => policyOf(...lines)).toThrow(message);
  });

  it("takes as many of each as the specification asks for", () => {
    const lines = keys.slice(0, 32).map((key, i) => witness(`w${i}`, key));
    const logs = keys.slice(32, 64).map((key) => `log ${key.vkey}`);
    const groups = Array.from({ length: 32 }, (_, i) => `group g${i} any w${i}${i === 0 ? "" : ` g${i - 1}`}`);
    const policy = policyOf(...lines, ...logs, ...groups, "quorum g31");
    expect(policy.logs).toHaveLength(32);
    expect(judge({ ...policy, logs: [] }, signedBy(a)).isMet).toBe(true);
  });

  it("of as many witnesses as it may have judges a checkpoint with all of their lines", () => {
    const all = keys.slice(0, 64);
    const policy = policyOf(
      `log ${log.vkey}`,
      ...all.map((key, i) => witness(`w${i}`, key)),
      `group all all ${all.map((_, i) => `w${i}`).join(" ")}`,
      "quorum all",
    );
    expect(judge(policy, signedBy(...all))).toMatchObject({ isMet: true, wanted: "" });
    expect(judge(policy, signedBy(...all.slice(1)))).toMatchObject({ isMet: false, wanted: "w0" });
  });

  it("has no witness with a log's key, whichever comes first", () => {
    const lines = [`log ${a.vkey}`, witness("w", a)];
    expect(() => policyOf(...lines, "quorum w")).toThrow("policy:2: the key is that of witness.example/0 once more");
    expect(() => policyOf(...lines.toReversed(), "quorum w")).toThrow("policy:2: the key is that of");
  });

  it("is what docs/audit.md shows", () => {
    const doc = readFileSync(fileURLToPath(new URL("../../docs/audit.md", import.meta.url)), "utf8");
    const [, example = ""] = /```text\n(log .*?)```/s.exec(doc) ?? [];
    expect(parsePolicy(Buffer.from(example), "policy").witnesses.map(({ name }) => name)).toEqual(["w1", "w2"]);
  });

  it("is read from a file of bounded size", () => {
    const folder = mkdtempSync(join(tmpdir(), "glassgate-policy-"));
    const file = join(folder, "policy");
    writeFileSync(file, "quorum none");
    expect(readPolicy(file)).toMatchObject({ quorum: undefined });
    writeFileSync(file, "#".repeat(300 * 1024));
    expect(() => readPolicy(file)).toThrow("larger than");
    rmSync(folder, { recursive: true });
  });
});

describe("a checkpoint under a policy", () => {
  const policy = policyOf(`log ${log.vkey}`, witness("W", a), witness("V", b), "group g any W V", "quorum g");

  it("is refused when another log signed it, or nobody whom the policy knows", () => {
    const other = noteKey("ledger.example/us/2026");
    expect(() => judge(policy, other.sign(checkpointText(other.name, [])))).toThrow("The policy has no log");
    expect(() => judge(policy, other.sign(text))).toThrow("No key that is known here has signed this");
    expect(() => judge(policy, noteKey(log.name).sign(text))).toThrow("No key that is known here has signed this");
  });

  it("is refused when a line bears a known witness's name and does not verify, also where the quorum is met without it", () => {
    const otherText = checkpointText(log.name, [Buffer.from("another entry")]);
    const forged = `${log.sign(text)}${a.cosign(text, 1)}\n${b.cosign(otherText, 1)}\n`;
    expect(() => judge(policy, forged)).toThrow("The cosignature of witness.example/1 does not verify.");
  });

  it("does not take a witness's signature of a note, nor one with another time, for a cosignature", () => {
    const asNote = a.sign(text).split("\n").at(-2);
    expect(judge(policy, `${log.sign(text)}${asNote}\n`)).toMatchObject({ isMet: false });
    const line = a.cosign(text, 1_767_225_600);
    const [dash, name, base64 = ""] = line.split(" ");
    const bytes = Buffer.from(base64, "base64");
    bytes.writeBigUInt64BE(1_767_225_601n, 4);
    expect(() => judge(policy, `${log.sign(text)}${dash} ${name} ${bytes.toString("base64")}\n`)).toThrow(
      "does not verify",
    );
  });

  it("verifies what a witness of others' making signed", () => {
    const cosigned = [
      "ledger.example/eu/2026",
      "400",
      "zopqIY5W/ydshPvZYnflgHFsK0BVjNtDOLPeGNGK33I=",
      "",
      "\u2014 ledger.example/eu/2026 8S8BIgPLerXAv86cyIJ5kgzPFHEdRYOtVhH88mglaNCNcfQxABAYMrLmP8hkn3U5w2ltJ8dR8WrZ+hYoEo9hXEYkEws=",
      "\u2014 witness.example/w1 RZjypgAAAABrCGysMHUlrNtCunJc7kCxONyCX4/2ja/Nv0f7Y0kVfwWHi2ixu4iXs3VeBEvR1Flk85c17CdwlPVYgl5ET2UVNWqsDQ==",
      "",
    ].join("\n");
    // The transparency-dev witness (npm run test:witness) made the last line.
    const real = policyOf(
      "log ledger.example/eu/2026+f12f0122+AY6UJ/Ns/dKn+gMhsRw19Hbm0r5DWx5aY0E/NorKoDAa",
      "witness w1 witness.example/w1+4598f2a6+BEVXQ4Su2fNtV91rm+AP5c7Z+TgyvC1a9YBuIhpD1eX7",
      "quorum w1",
    );
    expect(judge(real, cosigned)).toMatchObject({ isMet: true, cosignatures: [{ time: 1_795_714_220 }] });
    expect(() => judge(real, cosigned.replace("\n400\n", "\n401\n"))).toThrow("does not verify");
  });
});
