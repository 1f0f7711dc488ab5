/** Which URL a proof is for. test/verdicts/proof.test.ts has it from outside. */
import { isUrlOf } from "../../../assembly/proof/htu";
import { bytesOf, lengthOf } from "../bytes";

function isOf(url: string, host: string, path: string): bool {
  return isUrlOf(bytesOf(url), lengthOf(url), bytesOf(host), lengthOf(host), bytesOf(path), lengthOf(path));
}

describe("htu", () => {
  it("is of http, https, ws or wss, and of no other scheme", () => {
    const good = ["http", "https", "ws", "wss", "HTTPS", "Wss"];
    for (let i = 0; i < good.length; i++)
      expect(isOf(`${good[i]}://a.example/x`, "a.example", "/x")).toBe(true, good[i]);
    const bad = ["", "h", "htt", "httpss", "ftp", "file", "wsss", "http:", " http", "h\u0130tp"];
    for (let i = 0; i < bad.length; i++) expect(isOf(`${bad[i]}://a.example/x`, "a.example", "/x")).toBe(false, bad[i]);
    const none = [
      "//a.example/x",
      "/x",
      "a.example/x",
      "http:/a.example/x",
      "http:a.example/x",
      "https:\\\\a.example/x",
      "",
    ];
    for (let i = 0; i < none.length; i++) expect(isOf(none[i], "a.example", "/x")).toBe(false, none[i]);
  });
  it("has the host without case and default port", () => {
    const good = ["a.example", "A.EXAMPLE", "a.example:80", "a.Example:443"];
    for (let i = 0; i < good.length; i++) {
      for (let j = 0; j < good.length; j++) expect(isOf(`https://${good[i]}/x`, good[j], "/x")).toBe(true, good[i]);
    }
    expect(isOf("https://a.example:8443/x", "a.example:8443", "/x")).toBe(true);
    expect(isOf("https://[::1]:8443/x", "[::1]:8443", "/x")).toBe(true);
    expect(isOf("https://[2001:DB8::1]/x", "[2001:db8::1]:443", "/x")).toBe(true);
    const bad = [
      "b.example",
      "a.example.",
      "a.example:8443",
      "a.example:",
      "a.example:080",
      "xa.example",
      "a.exampl",
      "",
      ":443",
      "a.example\\",
      "a.example ",
      "[a.example]",
    ];
    for (let i = 0; i < bad.length; i++) expect(isOf(`https://${bad[i]}/x`, "a.example", "/x")).toBe(false, bad[i]);
    expect(isOf("https://a.example/x", "", "/x")).toBe(false);
    expect(isOf("https:///x", "", "/x")).toBe(false);
  });
  it("has no userinfo", () => {
    const bad = ["a@a.example", "@a.example", "a:b@a.example", "a.example@a.example", "a.example@"];
    for (let i = 0; i < bad.length; i++) expect(isOf(`https://${bad[i]}/x`, "a.example", "/x")).toBe(false, bad[i]);
    expect(isOf("https://u@a.example/x", "u@a.example", "/x")).toBe(false);
    expect(isOf("https://a.example/@x", "a.example", "/@x")).toBe(true);
  });
  it("has the path byte for byte, without query and fragment", () => {
    const good = ["/x/y", "/x/y?a=b", "/x/y#f", "/x/y?", "/x/y#", "/x/y?a#b?c", "/x/y#b?c@d"];
    for (let i = 0; i < good.length; i++)
      expect(isOf(`https://a.example${good[i]}`, "a.example", "/x/y")).toBe(true, good[i]);
    const bad = [
      "/x/y/",
      "/x",
      "/X/y",
      "/x/%79",
      "//x/y",
      "/x/./y",
      "/x/y%3f",
      "/x/y;",
      "",
      "x/y",
      "?/x/y",
      "#/x/y",
      "/x/\u00ff",
    ];
    for (let i = 0; i < bad.length; i++)
      expect(isOf(`https://a.example${bad[i]}`, "a.example", "/x/y")).toBe(false, bad[i]);
    expect(isOf("https://a.example/%c3%a9", "a.example", "/%c3%a9")).toBe(true);
    expect(isOf("https://a.example/%C3%A9", "a.example", "/%c3%a9")).toBe(false);
  });
  it("without a path is /", () => {
    expect(isOf("https://a.example", "a.example", "/")).toBe(true);
    expect(isOf("https://a.example?q", "a.example", "/")).toBe(true);
    expect(isOf("https://a.example#f", "a.example:80", "/")).toBe(true);
    expect(isOf("https://a.example/", "a.example", "/")).toBe(true);
    expect(isOf("https://a.example", "a.example", "/x")).toBe(false);
    expect(isOf("https://a.example", "a.example", "*")).toBe(false);
    expect(isOf("https://a.example", "a.example", "")).toBe(false);
  });
});
