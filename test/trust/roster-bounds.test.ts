/** What the filter bounds in a bundle, the command refuses in a roster, at its place: nobody signs what no gateway takes. */
import { expect, it } from "vitest";
import { UserError } from "../../control/base/errors.js";
import { parseRoster } from "../../control/trust/roster.js";
import { type Parts, rosterText } from "./rosters.js";

function read(parts: Parts): string {
  try {
    parseRoster(rosterText(parts), "roster.yaml");
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.message;
  }
  return "was read";
}
const names = (count: number, prefix = "role"): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
const list = (items: readonly string[]): string => `[${items.join(", ")}]`;

it("64 roles of one principal, and no more", () => {
  expect(read({ roles: list(["oncall", ...names(63)]) })).toBe("was read");
  expect(read({ roles: list(["oncall", ...names(64)]) })).toMatch(
    /^roster\.yaml:5:.*principals\[0\]\.roles\[64\]: is one too many: a principal has at most 64 roles/,
  );
});

it("1,024 different roles of all principals together", () => {
  const many = (each: number): string =>
    names(17, "p")
      .map((id) => `  - { id: ${id}, roles: ${list(names(each, id))}, keys: [] }`)
      .join("\n")
      .concat("\n");
  expect(read({ more: many(60) })).toBe("was read");
  expect(read({ more: many(61) })).toMatch(/is one too many: a bundle holds 1024 different roles/);
});

it("32 KiB of paths of one entitlement", () => {
  const paths = (bytes: number): string =>
    names(32, "/p")
      .map((stem) => stem.padEnd(bytes / 32, "a"))
      .join(", ");
  const another = "] }\n      - { type: break_glass_http, locations: [b.example.com], actions: [GET], paths: [";
  expect(read({ path: paths(32_768) })).toBe("was read");
  expect(read({ path: `${paths(16_384)}${another}${paths(16_384)}` })).toBe("was read");
  expect(read({ path: `${paths(16_384)}${another}${paths(16_416)}` })).toMatch(
    /authorization_details: has paths of more than 32768 bytes together/,
  );
});
