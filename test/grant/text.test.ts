/** What somebody else wrote cannot hide, reorder or leave its margin on our screen. */
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { block, quote } from "../../control/base/quote.js";
import { visible } from "../../control/base/text.js";
import { describeAsk } from "../../control/cli/describe.js";

// Many runs of the command or the filter: generous, for machines that are busy or slow.
vi.setConfig({ testTimeout: 240_000 });

const isEscaped = (character: string, shown: string): boolean =>
  shown.includes(`\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`) && !shown.includes(character);

/** By Unicode's properties, independently of how the code does it: what nobody can see, or what is not assigned. */
const INVISIBLE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{White_Space}\p{Variation_Selector}\p{Bidi_Control}]/u;
/** Blank to the eye, and letters, symbols or marks to Unicode. */
const BLANK = [
  0x00a0, 0x00ad, 0x034f, 0x061c, 0x115f, 0x1160, 0x1680, 0x17b4, 0x17b5, 0x180b, 0x180e, 0x180f, 0x2000, 0x200b,
  0x200d, 0x200f, 0x2028, 0x202e, 0x202f, 0x205f, 0x2060, 0x2066, 0x2800, 0x3000, 0x3164, 0xfe00, 0xfe0f, 0xfeff,
  0xffa0, 0xfffc, 0x16fe4, 0x1d159, 0x1d173, 0xe0001, 0xe0041, 0xe007f, 0xe0100, 0xe01ef, 0xd800, 0xdfff, 0xe000,
  0x10ffff, 0x2065, 0x1bca0,
];

describe("visible", () => {
  it("lets nothing pass that cannot be seen, of all code points, alone and behind a letter", () => {
    const passed: string[] = [];
    for (let code = 0; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code);
      if (character === " " || !INVISIBLE.test(character)) continue;
      if (!isEscaped(character, visible(character)) || !isEscaped(character, visible(`a${character}b`)))
        passed.push(code.toString(16));
    }
    expect(passed).toEqual([]);
  });

  it("knows the blank ones that Unicode calls letters, symbols or marks", () => {
    for (const code of BLANK) {
      const character = String.fromCodePoint(code);
      expect(isEscaped(character, visible(`admin${character}x`)), code.toString(16)).toBe(true);
    }
  });

  it("leaves people's names and words as they are", () => {
    for (const words of [
      'Order #42 "loops", 100 % of the time (see /orders/42)',
      "Zażółć gęślą jaźń",
      "e\u0301tat d'urgence",
      "Nguye\u0302\u0303n",
      "\u0928\u092e\u0938\u094d\u0924\u0947",
      "\u1019\u103c\u1014\u1039\u1019\u102c",
      "\u65e5\u672c\u8a9e\u3067\u3059",
      "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",
      "\u{1f600} \u2192 \u20ac",
    ])
      expect(visible(words)).toBe(words);
  });

  it("shows marks that are piled up, or stand on nothing", () => {
    const shown = visible(`a${"\u0301".repeat(500)}`);
    expect(shown.match(/\u0301/g)).toHaveLength(3);
    expect(visible("\u0301x")).toBe("\\u{301}x");
    expect(visible(" \u0301x")).toBe(" \\u{301}x");
    expect(visible("a\u1039b")).toBe("a\\u{1039}b");
  });

  it("says the same of what it has shown", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => visible(visible(text)) === visible(text)));
  });
});

const claims = {
  jti: "0123456789abcdef",
  sub: "rita",
  aud: ["production"],
  iat: 1_800_000_000,
  exp: 1_800_000_900,
  ent: "orders-repair",
  reason: "outage",
  text: "x",
  authorization_details: [
    {
      type: "break_glass_http" as const,
      locations: ["a.example", "b.example:8443"],
      actions: ["GET", "DELETE"],
      paths: ["/orders/*", "/admin/**"],
    },
    { type: "break_glass_http" as const, locations: ["c.example"], actions: ["CONNECT"], paths: ["/"] },
  ],
};

describe("words", () => {
  const hostile = [
    "| requester    adam",
    "done\nApproved as adam.\n\nDid you speak with the requester over another channel?\nyes\n",
    "x\r\u001b[2J\u001b[1;1Hrequester    adam",
    `${" ".repeat(200)}requester    adam`,
    `${"w".repeat(77)} requester    adam`,
    "\u202eadam\u202c \u05d0\u05d1\u05d2 123",
    `\u65e5${"\u672c".repeat(99)} requester    adam`,
    `a${"\u0301".repeat(499)}`,
    "\u3000".repeat(120),
    "tab\tand  two \\n and \u00b7 dots ",
  ];

  it("stay behind their margin, at any width", () => {
    for (const words of hostile) {
      for (const width of [20, 40, 80, 200]) {
        for (const line of quote(words, width).lines) {
          expect(line.startsWith("| ") || line === "|").toBe(true);
          for (const sign of ["\n", "\r", "\u001b", "\u202e"]) expect(line).not.toContain(sign);
          // Wide ones take two columns.
          expect([...line].reduce((sum, one) => sum + (one >= "\u1100" ? 2 : 1), 0)).toBeLessThanOrEqual(width);
        }
      }
    }
  });

  it("can be read back, sign by sign", () => {
    const unquote = (lines: readonly string[]): string =>
      lines
        .map((line) => line.slice(2))
        .join("")
        .replace(/\\(\\|n|t|u\{([0-9a-f]+)\})|\u00b7/g, (sign, kind: string | undefined, hex: string | undefined) => {
          if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
          return { "\\": "\\", n: "\n", t: "\t" }[kind ?? ""] ?? (sign === "\u00b7" ? " " : sign);
        });
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (words) => {
        expect(unquote(quote(words, 100_000).lines)).toBe(words);
      }),
      { numRuns: 500 },
    );
    for (const words of hostile) expect(unquote(quote(words, 100_000).lines)).toBe(words);
  });

  it("explains its signs only where they are used", () => {
    expect(quote("plain words.", 80)).toEqual({ lines: ["| plain words."], legend: [] });
    expect(quote("a  b\nc", 80).lines).toEqual(["| a \u00b7b\\n", "| c"]);
    expect(quote("a  b\nc", 80).legend).toHaveLength(2);
  });

  it("a long value is broken, and never reaches the margin", () => {
    const lines = block(`/${"a".repeat(300)}`, 40, "  paths    ", "             ");
    expect(lines.join("").replaceAll(" ", "")).toBe(`paths/${"a".repeat(300)}`);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(40);
    for (const line of lines.slice(1)) expect(line).toMatch(/^ {13}\S/);
  });
});

describe("an ask on the screen", () => {
  it("shows every method, host and path of each detail, once, and the words last", () => {
    const { facts, words } = describeAsk({ ...claims, text: "our words" }, "rita", 80, claims.iat + 60);
    const at = facts.findIndex((line) => line.startsWith("opens"));
    expect(facts.slice(at)).toEqual([
      "opens (1 of 2)",
      "  methods    GET, DELETE",
      "  hosts      a.example",
      "             b.example:8443",
      "  paths      /orders/*",
      "             /admin/**",
      "             with any query and any body",
      "opens (2 of 2)",
      "  methods    CONNECT",
      "  hosts      c.example",
      "  paths      /",
      "             with any query and any body",
    ]);
    expect(words.at(-1)).toBe("| our words");
    expect(facts.join("\n")).not.toContain("our words");
  });

  it("keeps the ticket, which anybody may write, in its quotation marks", () => {
    const incidentOf = (incident: string): string => {
      const { facts } = describeAsk({ ...claims, incident }, "rita", 200, claims.iat);
      return facts.find((line) => line.startsWith("incident")) ?? "";
    };
    expect(incidentOf("INC-1 b")).toBe('incident     "INC-1 b"');
    expect(incidentOf('INC-1"   ends   2099 ')).toBe('incident     "INC-1\\" \u00b7\u00b7ends \u00b7\u00b72099\u00b7"');
    expect(incidentOf("a\\\n\u00b7\u202e")).toBe('incident     "a\\\\\\u{a}\\u{b7}\\u{202e}"');
  });

  it("leaves nothing out at the format's limits, 40 columns wide", () => {
    const paths = Array.from({ length: 32 }, (_, i) => `/v1/orders/${i}/${"status".repeat(i)}`);
    const actions = Array.from({ length: 16 }, (_, i) => `METHOD-${String.fromCharCode(65 + i)}`);
    const locations = Array.from({ length: 16 }, (_, i) => `host-${i}.${"long.".repeat(i)}example`);
    const detail = { type: "break_glass_http" as const, locations, actions, paths };
    const { facts } = describeAsk(
      { ...claims, authorization_details: Array.from({ length: 16 }, () => detail) },
      "rita",
      40,
      claims.iat,
    );
    const whole = facts.join("").replaceAll(" ", "");
    for (const value of [...paths, ...locations, ...actions]) expect(whole.split(value).length).toBeGreaterThan(16);
    for (const line of facts) expect(line.length).toBeLessThanOrEqual(40);
  });
});
