/** A message is found inside whatever a chat or mail program made of it, byte for byte; garbage is told, never thrown at. */
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { findMessages, holdsPrivateKey, whatElse } from "../../control/grant/find.js";
import type { Kind } from "../../control/grant/message.js";
import { decodeText } from "../../control/grant/unwrap.js";
import { newKey } from "../../control/signer/jwk.js";
import { payloadSegmentOf } from "../kit/token.js";
import { World } from "../kit/world.js";

// Many runs of the command or the filter: generous, for machines that are busy or slow.
vi.setConfig({ testTimeout: 240_000 });

const world = new World(1_800_000_000);
/** Fresh ones each: hyphens, underscores and lengths differ. */
function sample(kind: Kind, text = "refund loop"): string {
  const request = world.grant({
    claims: { text },
    header: { typ: kind === "grant" ? "bg+jwt" : "bg-ask+jwt" },
    approvals: kind === "grant" ? [{ by: world.adam }, { by: world.anna }] : [],
  });
  return kind === "approval" ? world.approve(payloadSegmentOf(request), { by: world.adam }) : request;
}
const kindArbitrary = fc.constantFrom<Kind>("ask", "approval", "grant");
const textsOf = (text: string): string[] => findMessages(text).messages.map((message) => message.text);

type Mangling = (message: string, random: () => number) => string;
const wrapped = (message: string, width: number, before: string, end = "\n"): string =>
  (message.match(new RegExp(`.{1,${width}}`, "g")) ?? []).map((line) => before + line).join(end);
const sprinkled = (message: string, random: () => number, sign: string): string =>
  [...message].map((letter) => (random() < 0.05 ? letter + sign : letter)).join("");
const quotedPrintable = (message: string): string =>
  wrapped(
    message.replace(/[._~-]/g, (sign) => (sign === "_" ? "_" : `=${sign.charCodeAt(0).toString(16).toUpperCase()}`)),
    70,
    "",
    "=\r\n",
  );

const manglings: Readonly<Record<string, Mangling>> = {
  "as it is": (m) => m,
  "a label": (m) => `Ask: ${m}`,
  "a label without a space": (m) => `ask:${m}`,
  "words around": (m) => `Hey Jane, they say:\n\n${m}\n\nThanks for all!\n-- \nRita`,
  "words on the same line": (m) => `here it is ${m} please hurry`,
  "a full stop": (m) => `Here: ${m}.`,
  "a comma and brackets": (m) => `(${m}), thanks`,
  "quotation marks": (m) => `"${m}"`,
  "typographic quotation marks": (m) => `\u201c${m}\u201d`,
  "low and angle quotation marks": (m) => `\u201e${m}\u201c \u00ab`,
  guillemets: (m) => `\u00ab\u00a0${m}\u00a0\u00bb`,
  "single marks": (m) => `\u2018${m}\u2019`,
  backticks: (m) => `\`${m}\``,
  "a code fence": (m) => `\`\`\`text\n${m}\n\`\`\``,
  "bold and italic": (m) => `**${m}** `,
  underscores: (m) => `_${m}_`,
  "a quote": (m) => `On Tue, Rita wrote:\n> ${m}\n`,
  "a quoted wrap": (m) => wrapped(m, 64, "> "),
  "a twice quoted wrap": (m) => wrapped(m, 50, ">> > "),
  "a piped wrap": (m) => wrapped(m, 60, "| "),
  "a hard wrap": (m) => `ask:\n${wrapped(m, 76, "")}\nregards`,
  "a hard wrap with CR LF": (m) => wrapped(m, 72, "", "\r\n"),
  "an indented wrap": (m) => wrapped(m, 33, "    "),
  "a narrow wrap": (m) => wrapped(m, 7, "\t"),
  "blank lines between": (m) => wrapped(m, 40, "", "\n\n"),
  "zero-width spaces": (m, r) => sprinkled(m, r, "\u200b"),
  "soft hyphens": (m, r) => sprinkled(m, r, "\u00ad"),
  "joiners and marks of direction": (m, r) => `\u202a${sprinkled(sprinkled(m, r, "\u2060"), r, "\u200e")}\u202c`,
  "variation selectors": (m, r) => sprinkled(m, r, "\ufe0f"),
  "no-break spaces": (m, r) => sprinkled(m, r, "\u00a0"),
  "ideographic spaces": (m) => `\u3000${m}\u3000`,
  "a BOM": (m) => `\ufeff${m}`,
  "no-break hyphens": (m) => m.replaceAll("-", "\u2011"),
  "minus signs": (m) => m.replaceAll("-", "\u2212"),
  "em dashes for two": (m) => m.replaceAll("--", "\u2014"),
  "en dashes for two": (m) => m.replaceAll("--", "\u2013"),
  "en dashes for one": (m) => m.replaceAll("-", "\u2013"),
  "a two dot leader": (m) => m.replaceAll("..", "\u2025"),
  "an ellipsis": (m) => m.replaceAll("..", "\u2026"),
  "three dots": (m) => m.replaceAll("..", "..."),
  "quoted-printable": (m) => quotedPrintable(m),
  "quoted-printable in a quote": (m) => `=E2=80=9C${quotedPrintable(m)}=E2=80=9D=20\r\n`,
  "soft line breaks": (m) => wrapped(m, 75, "", "=\n"),
  "quoted soft line breaks": (m) => wrapped(m, 73, "> ", "=\n"),
  "a URL's query": (m) => `https://chat.example/share?text=${encodeURIComponent(`ask: ${m}`)}&x=1`,
  "a URL's query, twice careful": (m) =>
    `https://chat.example/?q=${m.replace(/[.~_-]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}#a`,
  "angle brackets": (m) => `<${m}>`,
  "wrapped angle brackets": (m) => `<${wrapped(m, 60, "")}>`,
  pre: (m) => `<pre>${m}</pre>`,
  HTML: (m) => `<html><body><div class="x">${wrapped(m, 70, "", "<br>\n")}</div>thanks</body></html>`,
  "word breaks": (m) => wrapped(m, 20, "", "<wbr>"),
  entities: (m) => `&quot;${m.replaceAll("-", "&#45;").replaceAll("_", "&#x5f;")}&quot;&nbsp;`,
  "a link": (m) => `<a href="https://chat.example/x?q=1">${m}</a>`,
  "markdown escapes": (m) => m.replaceAll("_", "\\_").replaceAll("~", "\\~"),
  "a chat's export in JSON": (m) => JSON.stringify({ text: `ask:\n${wrapped(m, 60, "> ")}\nthanks` }),
  "the same, all escaped": (m) => wrapped(m, 50, "", "\\u000a").replaceAll(".", "\\u002e"),
  "a link in a link": (m) =>
    `https://safe.example/?u=${encodeURIComponent(`https://x.example/?q=${encodeURIComponent(m).replaceAll("~", "%7E")}&y=1`)}`,
  "tildes that struck through": (m) => m.replaceAll("~", ""),
  JSON: (m) => JSON.stringify({ ask: m, claims: { sub: "rita" } }),
  "a header line": (m) => `x-break-glass: ${m}\n`,
  "a speaker's name before each line": (m) => wrapped(m, 60, "[10:32] Rita Ruiz: "),
  "a nick before each line": (m) => wrapped(m, 60, "<rita> "),
  "a mail's body in base64": (m) =>
    `Content-Transfer-Encoding: base64\r\n\r\n${wrapped(Buffer.from(`Ask:\n${m}\n`).toString("base64"), 76, "", "\r\n")}\r\n`,
  "the same in one line": (m) => Buffer.from(`${m}\n`).toString("base64"),
  "an editor's line numbers": (m) =>
    wrapped(m, 72, "")
      .split("\n")
      .map((line, i) => `${String(i + 1).padStart(4)} ${line}`)
      .join("\n"),
  "a list's line numbers": (m) =>
    wrapped(m, 60, "")
      .split("\n")
      .map((line, i) => `${i + 8}:\t${line}`)
      .join("\r\n"),
  "a terminal's borders": (m) => wrapped(m, 70, "\u2502", "\u2502\n"),
  "a pane beside another": (m) => wrapped(m, 70, "$ ls -l /tmp      \u2502 "),
  "a terminal's colours": (m) => `\u001b[1m${wrapped(m, 60, "\u001b[32m", "\u001b[0m\r\n")}\u001b[0m`,
  "quoted-printable in small letters": (m) => m.replaceAll(".", "=2e").replaceAll("-", "=2d"),
  twice: (m) => `> ${m}\n\n${m}`,
};

describe("a message is found", () => {
  for (const [name, mangle] of Object.entries(manglings)) {
    it(`in ${name}`, () => {
      fc.assert(
        fc.property(
          kindArbitrary,
          fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
          (kind, stream) => {
            const message = sample(kind);
            const random = (): number => stream.next().value;
            expect(textsOf(mangle(message, random))).toEqual([message]);
          },
        ),
        { numRuns: 8 },
      );
    });
  }

  it("in en dashes, where the only one stands in the last approval's signature", () => {
    const grant = sample("grant").replaceAll("-", "_");
    const at = grant.length - 40;
    // Read as two hyphens, the signature is one letter too long; and its last letter but one could be the last of a whole one.
    for (const letter of ["Q", "x"]) {
      const message = `${grant.slice(0, at)}-${grant.slice(at + 1, -2)}${letter}${grant.slice(-1)}`;
      expect(textsOf(message.replace("-", "\u2013"))).toEqual([message]);
    }
  });

  it("under two manglings at once, in any byte order", () => {
    const names = fc.constantFrom(
      ...[
        "a label",
        "a quote",
        "a code fence",
        "typographic quotation marks",
        "zero-width spaces",
        "soft hyphens",
        "HTML",
        "pre",
      ],
    );
    const orders: readonly ((text: string) => Buffer)[] = [
      (text) => Buffer.from(text, "utf8"),
      (text) => Buffer.from(`\ufeff${text}`, "utf8"),
      (text) => Buffer.from(`\ufeff${text}`, "utf16le"),
      (text) => Buffer.from(`\ufeff${text}`, "utf16le").swap16(),
      (text) => Buffer.from(text, "utf16le"),
      (text) => Buffer.from(text, "utf16le").swap16(),
    ];
    fc.assert(
      fc.property(kindArbitrary, names, names, fc.constantFrom(...orders), (kind, one, other, order) => {
        const message = sample(kind);
        const mangled = [one, other].reduce((text, name) => manglings[name]?.(text, Math.random) ?? text, message);
        expect(textsOf(decodeText(order(mangled)))).toEqual([message]);
      }),
      { numRuns: 200 },
    );
  });

  it("with others, each once, in order", () => {
    const messages = [sample("ask"), sample("approval"), sample("approval"), sample("grant")];
    expect(textsOf(messages.map((one) => `> ${one}\n`).join("and\n"))).toEqual(messages);
    expect(textsOf([...messages, ...messages].join(" "))).toEqual(messages);
  });
});

describe("what is none is told", () => {
  it("how many characters of a signature are missing, whatever follows", () => {
    for (const kind of ["ask", "approval"] as const) {
      for (const missing of [1, 2, 20, 86]) {
        const message = sample(kind);
        for (const after of ["", "\n\nThanks,\nRita", " please hurry"]) {
          const text = `ask: ${message.slice(0, -missing)}${after}`;
          const found = findMessages(text);
          expect(found.messages).toEqual([]);
          const are = missing === 1 ? "1 character of its signature is" : `${missing} characters of its signature are`;
          expect(whatElse(text, found)).toBe(`it holds an ${kind}, cut short: ${are} missing`);
        }
      }
    }
  });

  it("a cut in the middle, at the beginning, by dots", () => {
    const message = sample("ask");
    const cut = `${message.slice(0, 200)}\u2026`;
    expect(whatElse(cut, findMessages(cut))).toMatch(/an ask, cut short in its middle/);
    const early = `${message.slice(0, 20)}...`;
    expect(whatElse(early, findMessages(early))).toMatch(/the beginning of a message, cut short/);
    const hole = message.slice(0, 250) + message.slice(262);
    expect(whatElse(hole, findMessages(hole))).toMatch(/letters missing or changed/);
    const changed = findMessages(message.slice(5));
    expect(changed.messages).toEqual([]);
  });

  it("nothing, a bundle, somebody else's token", () => {
    expect(whatElse("  \n", findMessages("  \n"))).toBe("it is empty");
    expect(whatElse("hello Jane", findMessages("hello Jane"))).toBe("nothing like a message is in its 10 characters");
    const bundle = world.bundle();
    expect(whatElse(bundle, findMessages(bundle))).toMatch(/a trust bundle/);
    const jwt = `${Buffer.from('{"alg":"RS256","typ":"JWT\u202e"}').toString("base64url")}.e30.abc`;
    expect(whatElse(jwt, findMessages(jwt))).toMatch(/another program's token \(typ JWT\\u\{202e\}\)/);
  });

  it("a private key", () => {
    for (const text of [
      JSON.stringify(newKey("Ed25519")),
      `{"name":"rita","encrypted": "eyJhbGciOi"}`,
      "-----BEGIN OPENSSH PRIVATE KEY-----",
      "-----BEGIN EC PRIVATE KEY-----",
    ])
      expect(holdsPrivateKey(text)).toBe(true);
    for (const kind of ["ask", "approval", "grant"] as const) expect(holdsPrivateKey(sample(kind))).toBe(false);
  });

  it("two readings of long dashes", () => {
    let message = sample("approval");
    while (!/-.*\.\..*-/.test(message) && !/\.\..*-/.test(message)) message = sample("approval");
    const [header = "", signature = ""] = message.split("..");
    const mixed = `${header}..${signature.replace("-", "\u2014")}`;
    // One hyphen became a long dash: the right length tells.
    expect(textsOf(mixed)).toEqual([message]);
  });
});

describe("garbage", () => {
  it("never throws, and nothing is made up", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const text = decodeText(Buffer.from(bytes));
        const found = findMessages(text);
        expect(found.messages).toEqual([]);
        expect(whatElse(text, found)).not.toBe("");
      }),
      { numRuns: 800 },
    );
  });

  it("mixed with parts of messages never throws", () => {
    const parts = [
      sample("ask"),
      sample("approval"),
      sample("grant"),
      "eyJ",
      "~",
      "..",
      "=3D",
      "%7e",
      "&#x;",
      "<",
      "\u2014",
      "\u2026",
    ];
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...parts), fc.nat(400), fc.nat(400)), { maxLength: 8 }),
        (pieces) => {
          const text = pieces.map(([part, from, length]) => part.slice(from % part.length).slice(0, length)).join("");
          whatElse(text, findMessages(text));
        },
      ),
      { numRuns: 800 },
    );
  });

  it("of a mebibyte is gone through without stalling", () => {
    const header = sample("grant").split(".", 1)[0] ?? "";
    const pieces = [
      "eyJ",
      "eyJ.",
      "\u001b[",
      "\u001b]8;",
      "A".repeat(41),
      "1 ",
      `${header}.`,
      `${sample("grant")}~`,
      "\u2014",
      "<a ",
      "&#x",
      "=3D",
      "%41",
      "> \n",
    ];
    for (const piece of pieces) findMessages(piece.repeat(Math.ceil((1024 * 1024) / piece.length)));
  });
});
