import { equals, isGrantId, isName } from "../../../assembly/text/bytes";
import { bytesOf, lengthOf } from "../bytes";

describe("names", () => {
  it("accepts letters, digits and ._@+-", () => {
    expect(isName(bytesOf("a"), 1)).toBe(true);
    expect(isName(bytesOf("rita.admin_7@x+y-z"), lengthOf("rita.admin_7@x+y-z"))).toBe(true);
  });
  it("refuses what begins otherwise, is empty or too long", () => {
    expect(isName(bytesOf(""), 0)).toBe(false);
    expect(isName(bytesOf(".a"), 2)).toBe(false);
    expect(isName(bytesOf("a/b"), 3)).toBe(false);
    expect(isName(bytesOf("x".repeat(65)), 65)).toBe(false);
    expect(isName(bytesOf("x".repeat(64)), 64)).toBe(true);
  });
});

describe("grant ids", () => {
  it("are 16 to 64 of base64url's letters", () => {
    expect(isGrantId(bytesOf("0123456789abcde"), 15)).toBe(false);
    expect(isGrantId(bytesOf("0123456789abcd-_"), 16)).toBe(true);
    expect(isGrantId(bytesOf("0123456789abcd.e"), 16)).toBe(false);
    expect(isGrantId(bytesOf("x".repeat(65)), 65)).toBe(false);
  });
});

describe("equals", () => {
  it("compares bytes with an ASCII literal", () => {
    expect(equals(bytesOf("jti"), 3, "jti")).toBe(true);
    expect(equals(bytesOf("jtI"), 3, "jti")).toBe(false);
    expect(equals(bytesOf("jti"), 2, "jti")).toBe(false);
    expect(equals(bytesOf(""), 0, "")).toBe(true);
  });
});
