import { isHost, sameHost } from "../../../assembly/text/host";
import { isAmbiguous, pathLength } from "../../../assembly/text/path";
import { isPattern, patternMatches } from "../../../assembly/text/pattern";
import { bytesOf, lengthOf } from "../bytes";

function ambiguous(text: string): bool {
  return isAmbiguous(bytesOf(text), lengthOf(text));
}
function pattern(text: string): bool {
  return isPattern(bytesOf(text), lengthOf(text));
}
function fits(pattern: string, path: string): bool {
  return patternMatches(bytesOf(pattern), lengthOf(pattern), bytesOf(path), lengthOf(path));
}
function host(text: string): bool {
  return isHost(bytesOf(text), lengthOf(text));
}
function equal(a: string, b: string): bool {
  return sameHost(bytesOf(a), lengthOf(a), bytesOf(b), lengthOf(b));
}

describe("ambiguous paths", () => {
  it("are those that two readers could read differently", () => {
    const bad = [
      "",
      "a",
      "*",
      "//",
      "/a//b",
      "/.",
      "/..",
      "/./a",
      "/a/../b",
      "/a/.",
      "/a/..",
      "/a;b",
      "/;",
      "/a\\b",
      "/a b",
      "/a\tb",
      "/a#b",
      "/a?b#c",
      "/%00",
      "/%1f",
      "/%1F",
      "/%7f",
      "/%2e",
      "/%2E",
      "/%2f",
      "/%2F",
      "/%3b",
      "/%5c",
      "/%5C",
      "/%25",
      "/%41",
      "/%7e",
      "/%2d",
      "/%5F",
      "/%30",
      "/%3f",
      "/%3F",
      "/%23",
      "/%80",
      "/%a9",
      "/%ff",
      "/%c3",
      "/%c3%",
      "/%c3%a",
      "/%c3x",
      "/%c3/%a9",
      "/%c3?%a9",
      "/%c3%41",
      "/%c0%ae",
      "/%C0%AF",
      "/%c1%bf",
      "/%e0%80%af",
      "/%e2%82",
      "/%ed%a0%80",
      "/%f0%80%80%af",
      "/%f4%90%80%80",
      "/%f8%88%80%80%80",
      "/%c3%a9%a9",
      "/%",
      "/%4",
      "/%zz",
      "/%g0",
      "/a%",
      "/\u00e9",
      "/\x7f",
    ];
    for (let i = 0; i < bad.length; i++) expect(ambiguous(bad[i])).toBe(true);
  });
  it("are no others", () => {
    const good = [
      "/",
      "/a",
      "/a/",
      "/a.b",
      "/...",
      "/.a",
      "/a..",
      "/a%20b",
      "/a%C3%A9",
      "/%c2%80%df%bf%e0%a0%80%ed%9f%bf%ee%80%80%ef%bf%bf%f0%90%80%80%f4%8f%bf%bf%20",
      "/a?%ff%2f%",
      "/a?x=//../;%2f",
      "/a?",
      "/!$&'()*+,=:@",
      "/a%3D",
    ];
    for (let i = 0; i < good.length; i++) expect(ambiguous(good[i])).toBe(false);
  });
  it("end before the query", () => {
    expect(pathLength(bytesOf("/a?b?c"), 6)).toBe(2);
    expect(pathLength(bytesOf("/abc"), 4)).toBe(4);
    expect(pathLength(bytesOf("?"), 1)).toBe(0);
  });
});

describe("patterns", () => {
  it("are literals, * and a final **", () => {
    const good = [
      "/",
      "/a",
      "/a/",
      "/*",
      "/**",
      "/a/*/b",
      "/a/**",
      "/a%20b",
      "/%c3%a9/%E2%82%AC",
      "/*/*/**",
      "/a-._~!$&'()+,=:@",
    ];
    for (let i = 0; i < good.length; i++) expect(pattern(good[i])).toBe(true);
    const bad = [
      "",
      "a",
      "//",
      "/a//b",
      "/**/a",
      "/a*",
      "/*a",
      "/***",
      "/a/**/",
      "/..",
      "/a/./b",
      "/a;b",
      "/%2e",
      "/%41",
      "/%3f",
      "/%23",
      "/%c0%af",
      "/%c3",
      "/%c3/%a9",
      "/%",
      "/a?b",
      "/a#b",
      "/a b",
      "/\u00e9",
      `/${"x".repeat(1024)}`,
    ];
    for (let i = 0; i < bad.length; i++) expect(pattern(bad[i])).toBe(false);
  });
  it("fit byte for byte", () => {
    expect(fits("/a/b", "/a/b")).toBe(true);
    expect(fits("/a/b", "/a/b/")).toBe(false);
    expect(fits("/a/b/", "/a/b")).toBe(false);
    expect(fits("/a/b", "/a")).toBe(false);
    expect(fits("/a", "/A")).toBe(false);
    expect(fits("/", "/")).toBe(true);
    expect(fits("/", "/a")).toBe(false);
  });
  it("take one non-empty segment for *", () => {
    expect(fits("/a/*", "/a/b")).toBe(true);
    expect(fits("/a/*", "/a/")).toBe(false);
    expect(fits("/a/*", "/a/b/c")).toBe(false);
    expect(fits("/*/c", "/b/c")).toBe(true);
    expect(fits("/*", "/")).toBe(false);
  });
  it("take any remainder for **", () => {
    expect(fits("/a/**", "/a")).toBe(true);
    expect(fits("/a/**", "/a/")).toBe(true);
    expect(fits("/a/**", "/a/b/c")).toBe(true);
    expect(fits("/a/**", "/ab")).toBe(false);
    expect(fits("/**", "/")).toBe(true);
    expect(fits("/*/**", "/a")).toBe(true);
    expect(fits("/*/**", "/")).toBe(false);
  });
});

describe("hosts", () => {
  it("are lower-case names or IPv6 literals with an optional port", () => {
    const good = [
      "a",
      "api.example.com",
      "a-b_c.d",
      "api.example.com:8443",
      "[::1]",
      "[::1]:8443",
      "[2001:db8::1]:1",
      "192.0.2.1:65535",
    ];
    for (let i = 0; i < good.length; i++) expect(host(good[i])).toBe(true);
    const bad = [
      "",
      "A",
      "a:",
      "a:0",
      "a:01",
      "a:65536",
      "a:b",
      "a:1:2",
      "[::1",
      "::1",
      "[]",
      "[]:1",
      "[::G]",
      "a b",
      "*",
      "a,b",
      "[::1]x",
      "[::1]8443",
      "x".repeat(256),
    ];
    for (let i = 0; i < bad.length; i++) expect(host(bad[i])).toBe(false);
  });
  it("compare without case and without default ports", () => {
    expect(equal("api", "API")).toBe(true);
    expect(equal("api", "api:80")).toBe(true);
    expect(equal("api:443", "api:80")).toBe(true);
    expect(equal("[::1]:443", "[::1]")).toBe(true);
    expect(equal("api", "api:8080")).toBe(false);
    expect(equal("api", "api.")).toBe(false);
    expect(equal("", "")).toBe(false);
    expect(equal("[::80]", "[:")).toBe(false);
    expect(equal("a:808", "a:8")).toBe(false);
  });
});
