/** Secrets that `fetch` carries: an environment that has Node verify nobody, or go by a proxy, leads them to nobody. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { KongAdmin } from "../../control/gateway/kong/admin.js";
import { TesseraClient } from "../../control/ledger/log/tessera-http.js";
import { httpSource } from "../../control/ledger/tlog/http-source.js";

const carriers: readonly (readonly [name: string, to: (url: string) => unknown])[] = [
  ["the upstream key, and an Enterprise's token", (url) => new KongAdmin(url, "token")],
  ["the token and the entries", (url) => new TesseraClient({ url, token: "t", readToken: "r" })],
  ["the token", (url) => httpSource(url, "token")],
];

afterEach(() => vi.unstubAllEnvs());

describe.each(carriers)("%s", (name, to) => {
  it("go nowhere unverified", () => {
    expect(() => to("https://there.example.com")).not.toThrow();
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    expect(() => to("https://there.example.com")).toThrow(`anybody on the way would get ${name}.`);
    expect(() => to("http://127.0.0.1:8001")).not.toThrow();
  });

  it("go in clear to no proxy", () => {
    vi.stubEnv("HTTP_PROXY", "http://127.0.0.1:1");
    vi.stubEnv("NO_PROXY", "");
    expect(() => to("http://127.0.0.1:8001")).not.toThrow();
    vi.stubEnv("NODE_USE_ENV_PROXY", "1");
    expect(() => to("http://127.0.0.1:8001")).toThrow(`${name} would travel in clear to the proxy`);
    vi.stubEnv("NO_PROXY", "127.0.0.1");
    expect(() => to("http://127.0.0.1:8001")).not.toThrow();
  });
});

it("a log that everybody may read is read all the same", () => {
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  expect(() => httpSource("https://there.example.com")).not.toThrow();
});
