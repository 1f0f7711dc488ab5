/** What this machine is, and what only looks like it: there a grant or a token would travel in clear. */
import { expect, it } from "vitest";
import { isLoopback } from "../../control/base/loopback.js";

it.each(["localhost", "127.0.0.1", "127.255.255.254", "::1", "[::1]", "0:0:0:0:0:0:0:1"])(
  "%s is this machine",
  (host) => {
    expect(isLoopback(host)).toBe(true);
  },
);

it.each([
  ...["", "128.0.0.1", "126.255.255.255", "10.127.0.1", "0.0.0.0", "::", "[::]", "::2", "fe80::1"],
  ...[
    "localhost.example.com",
    "127.0.0.1.example.com",
    "127.1",
    "127.0.0.256",
    "[127.0.0.1",
    "127.0.0.1:80",
    "[::1]:80",
  ],
])("%j is not", (host) => {
  expect(isLoopback(host)).toBe(false);
});
