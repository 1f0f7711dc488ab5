/** Rosters as people write them: read as they mean it, or refused with line, column and the mend. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { newKey } from "../../control/signer/jwk.js";
import { parseRoster, type Roster } from "../../control/trust/roster.js";
import { ed25519, es256, line, type Parts, rosterText } from "./rosters.js";

const read = (text: string): Roster => parseRoster(text, "roster.yaml");
/** The error's message; each begins with a place. */
function refusal(text: string): string {
  try {
    read(text);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    if (!(error instanceof UserError)) throw error;
    expect(error.hint).toMatch(/^Mend the roster/);
    for (const sentence of error.message.split("\n"))
      expect(sentence).toMatch(/^(?:roster\.yaml:[1-9]\d*:[1-9]\d*: |\.\.\. and \d+ more$)/);
    return error.message;
  }
  return "was read";
}
const refused = (parts: Parts): string => refusal(rosterText(parts));
const ritaOf = (parts: Parts) => read(rosterText(parts)).principals[0] ?? expect.unreachable();

describe("dates", () => {
  const exp = (text: string): string => refused({ roles: `[{ role: oncall, exp: ${text} }]` });

  it.each([
    ["2027-01-31", Date.UTC(2027, 0, 31)],
    ["2028-02-29", Date.UTC(2028, 1, 29)],
    ["2027-01-31 18:00", Date.UTC(2027, 0, 31, 18)],
    ["2027-01-31T18:00:05Z", Date.UTC(2027, 0, 31, 18, 0, 5)],
    ["2027-01-31T18:00+02:00", Date.UTC(2027, 0, 31, 16)],
    ["2027-01-31T18:00-05:30", Date.UTC(2027, 0, 31, 23, 30)],
    ["1801440000", 1_801_440_000_000],
  ])("%s is read", (text, milliseconds) => {
    expect(ritaOf({ roles: `[{ role: oncall, exp: ${text} }]` }).roles).toEqual([
      { role: "oncall", exp: milliseconds / 1000 },
    ]);
  });

  it.each(["2027-02-30", "2027-02-29", "2027-13-01", "2027-00-10", "2027-04-31", "2027-01-00", "0000-01-01"])(
    "%s is no date",
    (text) => expect(exp(text)).toBe("roster.yaml:5:34: principals[0].roles[0].exp: is no date of the calendar"),
  );
  it.each(["2027-01-01T24:00", "2027-01-01 25:00Z", "2027-01-01T12:60Z", "2027-01-01T12:00:60Z"])(
    "%s is no time",
    (text) => expect(exp(text)).toContain("is no time of the day"),
  );
  it.each(["2027-01-01T12:00+25:00", "2027-01-01T12:00-02:75"])("%s has no zone", (text) =>
    expect(exp(text)).toContain("has a zone that is none"),
  );
  it.each([
    ["1801440000000", "looks like milliseconds: did you mean 1801440000, that is 2027-02-01T00:00Z?"],
    ["1801440000000000", "looks like microseconds"],
    ["9007199254740991", "is after the year 2100; leave it out"],
    ["9007199254740992", "must be whole seconds"],
    ["4102444801", "is after the year 2100"],
    ["2200-01-01", "is after the year 2100"],
    ["20270131", "would be 1970-08-23T14:35Z; write 2027-01-31"],
    ["90", "would be 1970-01-01T00:01Z"],
    ["-1", "is before 1970"],
    ["1.5", "must be whole seconds"],
    [".inf", "must be whole seconds"],
    ["true", "must be whole seconds"],
    ["90d", "must be a UTC date such as 2027-01-31"],
    ["2027-1-1", "must be a UTC date such as 2027-01-31"],
    [
      "'1801440000'",
      "must be a UTC date such as 2027-01-31 or 2027-01-31T18:00Z, or seconds since 1970; leave the quotes out",
    ],
    ["0", "is 1970; leave it out where there is to be no limit"],
  ])("%s is refused: %s", (text, words) =>
    expect(exp(text)).toContain(`roster.yaml:5:34: principals[0].roles[0].exp: ${words}`),
  );

  it("hold for keys as well, and for a window that ends before it begins", () => {
    expect(refused({ keys: `[${line({ ...ed25519, exp: "2027-02-30" })}]` })).toContain(
      "principals[0].keys[0].exp: is no date",
    );
    expect(refused({ keys: `[${line({ ...es256, nbf: "2027-02-02", exp: "2027-02-01" })}]` })).toContain(
      "exp: is not after nbf",
    );
    expect(refused({ roles: "[{ role: a, nbf: 2027-02-02, exp: 2027-02-02 }]" })).toContain("exp: is not after nbf");
  });
});

describe("durations", () => {
  it.each([
    ["15m", 900],
    ["90s", 90],
    ["2h", 7200],
    ["900", 900],
    ["60", 60],
  ])("%s is read", (ttl, seconds) => expect(read(rosterText({ ttl })).entitlements[0]?.max_ttl).toBe(seconds));

  it.each([
    ["15", "has no unit: write 15m or 15s"],
    ["1", "has no unit"],
    ["0", "must be more than nothing"],
    ["-5", "must be more than nothing"],
    ["1.5", "without a fraction"],
    ["15min", "did you mean 15m?"],
    ["15 m", "did you mean 15m?"],
    ["1h30m", "did you mean 90m?"],
    ["PT15M", "did you mean 15m?"],
    ["'900'", "write 900s"],
    ["1:30", "must be seconds or a duration"],
    ["~", "must be seconds or a duration"],
    ["7776000000", "as if in milliseconds: did you mean 7776000, that is 90 days?"],
    ["99999999d", "is longer than 366 days"],
  ])("%s is refused: %s", (ttl, words) => {
    expect(refused({ ttl })).toMatch(/^roster\.yaml:12:14: entitlements\[0\]\.max_ttl: /);
    expect(refused({ ttl })).toContain(words);
  });

  it.each([
    ["0", 0],
    ["10m", 600],
    ["1h", 3600],
    ["3600", 3600],
  ])("%s is read as time for gathering approvals", (wait, seconds) =>
    expect(read(rosterText({ wait })).entitlements[0]?.max_wait).toBe(seconds),
  );

  it.each([
    ["61m", "is longer than 1 hour"],
    ["2h", "is longer than 1 hour"],
    ["10", "has no unit: write 10m or 10s"],
    ["-1", "must be more than nothing"],
    ["10min", "did you mean 10m?"],
    ["true", "must be seconds or a duration"],
  ])("%s is refused as time for gathering approvals: %s", (wait, words) => {
    expect(refused({ wait })).toMatch(/^roster\.yaml:13:15: entitlements\[0\]\.max_wait: /);
    expect(refused({ wait })).toContain(words);
  });

  it("for gathering approvals is refused where there are none to gather", () => {
    const text = rosterText({ wait: "10m" }).replace(/approvals: .*/, "approvals: []");
    expect(refusal(text)).toContain("max_wait: has nothing to wait for: approvals is empty");
    expect(read(rosterText({ wait: "0" }).replace(/approvals: .*/, "approvals: []")).entitlements).toHaveLength(1);
  });

  it("of a bundle without a unit is refused below a day: it was most likely meant in days", () => {
    expect(refused({ lifetime: "90" })).toContain("roster.yaml:2:11: lifetime: has no unit: write 90d or 90s");
    expect(read(rosterText({ lifetime: "7776000" })).lifetime).toBe(7_776_000);
  });

  it("of a bundle in milliseconds is refused", () => {
    expect(refused({ lifetime: "7776000000" })).toContain(
      "roster.yaml:2:11: lifetime: is longer than 3650 days, as if in milliseconds",
    );
  });
});

describe("YAML", () => {
  it("aliases, anchors and merges are read", () => {
    const roster = read(
      rosterText({ roles: "&r [oncall]", more: "  - &m { id: a, roles: *r, keys: [] }\n  - { <<: *m, id: b }\n" }),
    );
    expect(roster.principals).toEqual(["rita", "a", "b"].map((id) => ({ id, roles: ["oncall"], keys: [] })));
    const crowd = Array.from({ length: 1000 }, (_, i) => `  - { id: p${i}, roles: *r, keys: [] }\n`).join("");
    expect(read(rosterText({ roles: "&r [oncall]", more: crowd })).principals).toHaveLength(1001);
  });

  it("a fault behind an alias or a merge is told where it stands", () => {
    expect(refused({ roles: "*nobody" })).toContain("roster.yaml:5:12: the alias *nobody names nothing");
    expect(refused({ roles: "&a [*a]" })).toContain("roster.yaml:5:16: the alias *a stands inside what it names");
    expect(refused({ more: "  - &m { id: a, roles: [x], keyz: [] }\n  - { <<: *m, id: b }\n" })).toMatch(
      /roster\.yaml:7:29: principals\[1\]: unknown member "keyz"; did you mean "keys"\?/,
    );
  });

  it("a billion laughs are refused", () => {
    const names = [..."abcdefghij"];
    const laughs = names.map((name, i) => `${name}: &${name} [${Array(10).fill(i === 0 ? "x" : `*${names[i - 1]}`)}]`);
    expect(refusal(laughs.join("\n"))).toContain("its aliases stand for too much");
  });

  it.each(["on", "yes", "no", "off", "y", "&a rita", "rita # the first"])("%s is a name", (id) =>
    expect(ritaOf({ id }).id).toBe(id.replace(/&a | #.*/g, "")),
  );
  it.each(["0777", "1e3", "123", ".5", "~", "null", "true", "0x1F"])("%s is no name without quotes", (id) => {
    expect(refused({ id })).toMatch(/^roster\.yaml:4:9: principals\[0\]\.id: \S+ is read as .*write it in quotes: "/);
    if (/^[0-9]/.test(id)) expect(ritaOf({ id: `"${id}"` }).id).toBe(id);
  });
  it("a directive does not bring YAML 1.1 back", () => {
    expect(refusal(`%YAML 1.1\n---\n${rosterText({ ttl: "15:00" })}`)).toContain(
      "max_ttl: must be seconds or a duration",
    );
  });
  it.each([
    "12:30:45",
    "'ri ta'",
    '"rita\\u200b"',
    "|\n      rita",
    "<<",
    "[a]",
    "{ a: b }",
    "!foo rita",
    "!!binary aGk=",
    "*x",
  ])("%s is no name", (id) => expect(refused({ id })).toMatch(/^roster\.yaml:4:\d+: /));
  it("what could hide in a name is shown as an escape", () => {
    expect(refused({ id: '"rita\\u200b"' })).toContain('this is "rita\\u{200b}"');
  });

  it.each<[string, string, RegExp]>([
    ["tabs", rosterText().replace("    roles", "\troles"), /:5:1: A tab stands/],
    ["a member twice", rosterText({ more: "    roles: [x]\n" }), /:7:5: the same member stands here twice/],
    ["several documents", `${rosterText()}---\na: b\n`, /:15:1: It holds several documents/],
    ["nothing", "", /:1:1: holds nothing/],
    ["comments only", "# a\n# b\n", /:\d:\d: holds nothing/],
    ["text", "hello", /:1:1: must be a mapping/],
    ["a list", "- a", /:1:1: must be a mapping/],
    ["bytes", "a\0b", /:1:2: it is no text/],
    ["UTF-16", Buffer.from(rosterText(), "utf16le").toString("utf8"), /save it as UTF-8/],
    ["Latin-1", Buffer.from("# M\u00fcller\n", "latin1").toString("utf8"), /:1:4: a character is not in UTF-8/],
    ["too much", "# x\n".repeat(600_000), /:1:1: it is larger than 2 MiB/],
    ["brackets without end", "[".repeat(100_000), /nested too deeply/],
    ["mappings without end", "a: ".concat("{a: ".repeat(3000)), /nested too deeply/],
    ["lists without end", `${"- ".repeat(5000)}a`, /nested too deeply/],
    ["depth", rosterText({ roles: "[".repeat(70) + "]".repeat(70) }), /:5:\d+: it is nested too deeply/],
    ["a list as a name", "? [a, b]\n: c\n", /the name of a member is a list/],
    ["__proto__", `${rosterText()}__proto__: { a: b }\n`, /:15:1: unknown member "__proto__"/],
  ])("%s: refused", (_, text, words) => expect(refusal(text)).toMatch(words));

  it("a byte order mark and CR LF are no fault", () => {
    expect(read(`\ufeff${rosterText()}`)).toEqual(read(rosterText()));
    expect(read(rosterText().replaceAll("\n", "\r\n"))).toEqual(read(rosterText()));
    expect(refusal(rosterText({ ttl: "soon" }).replaceAll("\n", "\r\n"))).toContain("roster.yaml:12:14: ");
  });
});

describe("keys as they are pasted", () => {
  const json = JSON.stringify(ed25519, null, 2);
  it.each([
    ["the line of `key new`", `\n      - ${line(ed25519)}\n      - ${line(es256)}`, 2],
    ["the line, not indented", `\n    - ${line(ed25519)}`, 1],
    ["the line, indented further", `\n            - ${line(es256)}`, 1],
    ["JSON on one line", `\n      - ${JSON.stringify(ed25519)}`, 1],
    ["JSON on one line in brackets", `[${JSON.stringify(ed25519)}, ${JSON.stringify(es256)}]`, 2],
    ["JSON on many lines, indented", `\n      - ${json.replaceAll("\n", "\n        ")}`, 1],
    ["JSON on many lines below the brackets", `[\n${json.replace(/^/gm, "      ")}\n      ]`, 1],
    [
      "members on lines of their own",
      `\n      - ${Object.entries(es256)
        .map(([a, b]) => `${a}: ${b}`)
        .join("\n        ")}`,
      1,
    ],
  ])("%s is read", (_, keys, count) => {
    expect(ritaOf({ keys }).keys).toEqual([[], [keys.includes("P-256") ? es256 : ed25519], [ed25519, es256]][count]);
  });

  it.each<[string, string, RegExp]>([
    ["JSON that is not indented", `\n      - ${json}`, /:8:3: It is not indented far enough/],
    ["JSON without a dash", `\n${json}`, /:7:1: Text in braces .* indent all of it/],
    [
      "JSON that is no list",
      JSON.stringify(ed25519),
      /:6:11: .*is one key where a list .*: - \{ kty: OKP, crv: Ed25519, x: /,
    ],
    ["a key set", JSON.stringify({ keys: [ed25519] }), /:6:11: .*is a key set/],
    ["a key set in the list", `[${JSON.stringify({ keys: [ed25519] })}]`, /:6:12: .*is a key set/],
    ["JSON in quotes", `['${JSON.stringify(ed25519)}']`, /:6:12: .*is a key as text: .*- \{ kty: OKP/],
    ["text in quotes, no list", `'${JSON.stringify(ed25519)}'`, /:6:11: .*is a key as text/],
    ["a kid", ed25519.kid, /:6:11: .*is text where a list of keys is wanted/],
    ["a list in the list", `[[${line(ed25519)}]]`, /:6:12: .*is a list inside the list/],
    [
      "the members at the principal's indentation",
      `\n    kty: OKP\n    crv: Ed25519\n    x: ${ed25519.x}\n    kid: ${ed25519.kid}`,
      /:7:5: .*is a member of a key, beside the principal's own: .*- \{ kty: OKP/,
    ],
    ["the line among the principals", `\n  - ${line(ed25519)}`, /:7:5: principals\[1\]: is a key among the principals/],
    ["the line behind the name", `- ${line(ed25519)}`, /:6:11: A list begins on the line of its name/],
    ["the line behind []", `[]\n      - ${line(ed25519)}`, /:\d+:\d+: It is not indented/],
    ["a dash for each member", "\n      - kty: OKP\n      - crv: Ed25519", /:8:9: .*is a single member, not a key/],
    ["nothing", "", /:6:\d+: .*keys: is empty/],
    ["a lone dash", "\n      -", /keys\[0\]: is empty/],
    ["the key's file", "[{ name: rita, public: { kty: OKP }, encrypted: abc }]", /is the key's file/],
    [
      "no kid",
      `[${line({ ...ed25519, kid: "" }).replace("kid: , ", "")}]`,
      new RegExp(`has no kid: write kid: ${ed25519.kid}`),
    ],
    [
      "another key's kid",
      `[${line({ ...ed25519, kid: es256.kid })}]`,
      new RegExp(`keys\\[0\\]\\.kid: is not the key's RFC 7638 thumbprint, which is ${ed25519.kid}`),
    ],
    ["members of other JWKs", `[${line({ ...ed25519, use: "sig" })}]`, /unknown member "use"/],
    ["RSA", "[{ kty: RSA, n: abc, e: AQAB }]", /\.kty: is neither OKP nor EC/],
    ["another curve", "[{ kty: EC, crv: P-384, x: abc, y: abc }]", /\.crv: must be P-256/],
    [
      "a cut coordinate",
      `[${line({ ...ed25519, x: ed25519.x.slice(0, 40) })}]`,
      /^[^\n]*\.x: must be 32 bytes in base64url$/,
    ],
  ])("%s: says what to write", (_, keys, words) => expect(refused({ keys })).toMatch(words));

  it("a private key is called that, wherever it stands, and is not repeated", () => {
    const secret = newKey("Ed25519");
    const other = newKey("ES256");
    for (const keys of [
      `[${JSON.stringify(secret)}]`,
      JSON.stringify(other),
      `['${JSON.stringify(secret)}']`,
      `"${JSON.stringify(secret).replaceAll('"', '\\"')}"`,
      `\n      - ${line(secret)}`,
      `\n      - ${JSON.stringify(secret, null, 2)}`,
      `\n${JSON.stringify(other, null, 2)}`,
      `[]\n    d: ${secret.d}`,
      `[]\n    # ${line(secret)}`,
      "|\n      -----BEGIN PRIVATE KEY-----\n      abc",
      "[{ kty: RSA, n: abc, e: AQAB, d: short }]",
    ]) {
      const words = refused({ keys });
      expect(words, keys).toMatch(
        /^roster\.yaml:\d+:\d+: .*this is a private key, and it has been shown: .*make a new one/,
      );
      expect(words).not.toContain("did you mean");
      for (const { d } of [secret, other]) expect(words).not.toContain(d);
    }
  });

  it("a public key that a narrow terminal broke in its kid is not called private", () => {
    const { d: _, ...publicKey } = newKey("Ed25519");
    for (const broken of [" ", "\n", "\n      "]) {
      const keys = `\n      - ${line(publicKey).replace("kid:", `ki${broken}d:`)}`;
      expect(refused({ keys }), keys).toMatch(/write it (as|on) one line/);
    }
  });
});

describe("limits and names", () => {
  it.each<[string, Parts, RegExp]>([
    ["a quorum over 8", { count: "9" }, /:11:38: .*count: must be 1 to 8/],
    [
      "a quorum over 8 together",
      { count: "5 }, { role: security, count: 4" },
      /:11:68: .*approvals\[1\]\.count: makes it more than 8/,
    ],
    ["a port", { location: "a:70000" }, /locations\[0\]: has a port over 65535/],
    ["a URL", { location: "https://a" }, /locations\[0\]: must be a lower-case host without https/],
    ["a long host", { location: "a".repeat(256) }, /longer than 255/],
    ["a method", { action: "get" }, /actions\[0\]: must be an HTTP method in capitals/],
    ["a path", { path: "/a/../b" }, /paths\[0\]: must be a path pattern/],
    [
      "33 paths",
      { path: Array.from({ length: 33 }, (_, i) => `/${i}`).join(", ") },
      /paths\[32\]: is one too many: at most 32/,
    ],
    ["a role twice", { roles: "[a, b, a]" }, /roles\[2\]: stands here twice/],
    [
      "an incident with a blank",
      { revoked: "revoked: { incident: ['INC-7 '] }" },
      /:15:23: revoked\.incident\[0\]: has white space around it.*write "INC-7"/,
    ],
    [
      "an incident over 64 bytes",
      { revoked: `revoked: { incident: [${"\u00e9".repeat(33)}] }` },
      /longer than 64 bytes/,
    ],
    [
      "4097 revoked",
      { revoked: `revoked: { sub: [${Array.from({ length: 4097 }, (_, i) => `p${i}`)}] }` },
      /sub\[4096\]: is one too many/,
    ],
    [
      "4097 principals",
      { more: Array.from({ length: 4096 }, (_, i) => `  - { id: p${i}, roles: [], keys: [] }\n`).join("") },
      /:4102:5: principals\[4096\]: is one too many: at most 4096/,
    ],
    [
      "a principal twice",
      { more: "  - { id: rita, roles: [], keys: [] }\n" },
      /:7:11: .*the principal rita occurs twice/,
    ],
    ["a key twice", { keys: `[${line(es256)}, ${line(es256)}]` }, /the key \S+ occurs twice/],
  ])("%s: named with its line", (_, parts, words) => expect(refused(parts)).toMatch(words));
});

it("the sample and the example of docs/roster.md are read", () => {
  const root = new URL("../../", import.meta.url);
  read(readFileSync(new URL("config/roster.yaml", root), "utf8"));
  const docs = readFileSync(new URL("docs/roster.md", root), "utf8");
  const examples = [...docs.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
  expect(examples.length).toBeGreaterThan(0);
  for (const example of examples) read(example);
});
