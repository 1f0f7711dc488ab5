/** Which escapes a path or pattern may hold: the filter, the reference and the command say the same, each in its own words. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { FilterHost } from "../../control/host/host.js";
import { isPattern } from "../../control/trust/names.js";
import { headersOf } from "../kit/headers.js";
import { base64url, segment } from "../kit/token.js";
import { World } from "../kit/world.js";
import { isAmbiguous } from "../reference/scope.js";
import { isPattern as isPatternOfReference } from "../reference/shapes.js";

const world = new World(Math.floor(Date.now() / 1000));
let host: FilterHost;
beforeAll(async () => {
  host = await FilterHost.load();
  expect(host.configure(world.configuration()).accepted).toBe(true);
});

const verdict = (grant: string, path?: string): string =>
  host.request({ headers: headersOf([grant], path) }).filterState.get("wasm.glassgate.verdict") ?? "";
/** The path is judged before the grant is read. */
const isRefused = (path: string): boolean => verdict("garbage", path) === "path_ambiguous";

const HEADER = segment({ alg: "Ed25519", kid: world.stranger.kid, typ: "bg+jwt" });
const SIGNATURE = base64url(new Uint8Array(64));
/** Whether the filter reads a grant with that pattern: nobody needs to have signed it. */
const isRead = (path: string): boolean => {
  const claims = world.claims({ authorization_details: [world.detail({ paths: [path] })] });
  return verdict(`${HEADER}.${segment(claims)}.${SIGNATURE}`) !== "malformed";
};

const escaped = (...bytes: readonly number[]): string =>
  bytes.map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

function expectAgreement(text: string): void {
  expect(isRefused(`/${text}/x`), text).toBe(isAmbiguous(`/${text}/x`));
  expect(isPattern(`/${text}/x`), text).toBe(isPatternOfReference(`/${text}/x`));
}

describe("escapes", () => {
  it("of one byte: all 256, in paths and patterns", () => {
    for (let byte = 0; byte < 256; byte++) {
      for (const text of [escaped(byte), `a${escaped(byte).toUpperCase()}`, `${escaped(byte)}b`]) {
        expectAgreement(text);
        // A blank, `"`, `<` and so on: what has no other spelling in a path.
        const isPlain = byte >= 0x20 && byte < 0x7f && !/[A-Za-z0-9\-._~/;\\%?#]/.test(String.fromCharCode(byte));
        expect(isRefused(`/${text}`), text).toBe(!isPlain);
        expect(isRead(`/${text}`), text).toBe(isPlain);
      }
    }
  });

  it("of two bytes: what begins where ASCII ends", () => {
    let good = 0;
    for (let first = 0x80; first < 256; first++) {
      for (const second of [0x00, 0x2f, 0x41, 0x7f, 0x80, 0xa9, 0xbf, 0xc0, 0xff]) {
        const text = escaped(first, second);
        expectAgreement(text);
        if (!isRefused(`/${text}`)) good += 1;
      }
    }
    // From C2 to DF, with each of the three continuations.
    expect(good).toBe(30 * 3);
  });

  it("of any character, and of no other bytes", () => {
    const character = fc.oneof(
      fc.integer({ min: 0x80, max: 0xffff }),
      fc.integer({ min: 0x10000, max: 0x10ffff }),
      fc.constantFrom(0x7ff, 0x800, 0xd7ff, 0xd800, 0xdfff, 0xe000, 0xffff, 0x10000, 0x10ffff),
    );
    fc.assert(
      fc.property(character, (point) => {
        const isSurrogate = point >= 0xd800 && point <= 0xdfff;
        const bytes = isSurrogate
          ? [0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f)]
          : [...Buffer.from(String.fromCodePoint(point))];
        expectAgreement(escaped(...bytes));
        expect(isRefused(`/${escaped(...bytes)}`)).toBe(isSurrogate);
        expect(isRead(`/${escaped(...bytes)}`)).toBe(!isSurrogate);
        // One byte short, one too many, the bytes apart.
        expect(isRefused(`/${escaped(...bytes.slice(0, -1))}`)).toBe(true);
        expect(isRefused(`/${escaped(...bytes, bytes.at(-1) ?? 0)}`)).toBe(true);
        expect(isRefused(`/${bytes.map((byte) => escaped(byte)).join("x")}`)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("among anything else", () => {
    const piece = fc.constantFrom(
      "%",
      "%c3",
      "%A9",
      "%e2",
      "%82",
      "%ac",
      "%f0",
      "%9f",
      "%80",
      "%20",
      "a",
      "/",
      ".",
      "2",
      "f",
      "?",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join("");
        expectAgreement(text);
        expect(isRead(`/${text}`), text).toBe(isPatternOfReference(`/${text}`));
      }),
      { numRuns: 1000 },
    );
  });
});
