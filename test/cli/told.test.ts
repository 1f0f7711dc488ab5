/** Each member of what the filter reads and writes is told on the page about it: none is left to be found out. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readAuditLines } from "../../control/base/audit.js";
import { grantClaimsSchema } from "../../control/grant/claims.js";
import { FilterHost } from "../../control/host/host.js";
import { bundleClaimsSchema, entitlementSchema, principalSchema, revokedSchema } from "../../control/trust/claims.js";
import { configurationSchema } from "../../control/trust/configuration.js";
import { headersOf } from "../kit/headers.js";
import { World } from "../kit/world.js";

/** Every name in code letters in the tables of a page, a `?` behind it or not. */
function toldOn(page: string): ReadonlySet<string> {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), "utf8");
  const rows = text.match(/^\|.*\|$/gm) ?? [];
  return new Set(rows.flatMap((row) => [...row.matchAll(/`([a-z_0-9]+)`/g)].map(([, name = ""]) => name)));
}

describe("what is read", () => {
  const cases = [
    { page: "grant-format.md", what: "claims of a grant", schema: grantClaimsSchema },
    { page: "trust-bundle.md", what: "claims of a bundle", schema: bundleClaimsSchema },
    { page: "trust-bundle.md", what: "members of a principal", schema: principalSchema },
    { page: "trust-bundle.md", what: "members of an entitlement", schema: entitlementSchema },
    { page: "trust-bundle.md", what: "what can be revoked", schema: revokedSchema },
    { page: "trust-bundle.md", what: "members of the configuration", schema: configurationSchema },
  ];
  for (const { page, what, schema } of cases) {
    it(`docs/${page} has all ${what}`, () => {
      const told = toldOn(page);
      expect(Object.keys(schema.shape).filter((member) => !told.has(member))).toEqual([]);
    });
  }
});

it("docs/audit-record.md has all members of a record", async () => {
  const world = new World(Math.floor(Date.now() / 1000));
  const host = await FilterHost.load();
  host.configure(world.configuration({ configuration: { threshold: 1 } }));
  const long = world.grant({ claims: { incident: "INC-7" } });
  const drill = world.alone({ claims: { ent: "drill", drill: "fire-1" } });
  const forged = `${world.alone().slice(0, -10)}AAAAAAAAAA`;
  const told = toldOn("audit-record.md");
  const members = [long, drill, forged].flatMap((grant) => {
    const { filterState } = host.request({ headers: headersOf([grant], `/orders/${"7".repeat(20_000)}`) });
    const { record } = readAuditLines(filterState.get("wasm.glassgate.audit") ?? "");
    return Object.keys(Object(JSON.parse(record)));
  });
  // All that only some records have.
  expect(members).toEqual(expect.arrayContaining(["incident", "drill", "evidence", "single_key", "kid"]));
  expect(members.filter((member) => !told.has(member))).toEqual([]);
});

it("docs/architecture.md has all rooms", () => {
  const text = readFileSync(new URL("../../docs/architecture.md", import.meta.url), "utf8");
  const rooms = ["assembly", "control"].flatMap((house) =>
    readdirSync(new URL(`../../${house}/`, import.meta.url)).filter((name) => !name.endsWith(".json")),
  );
  expect(rooms.filter((room) => !new RegExp(`\\| \`${room}/?\` \\|`).test(text))).toEqual([]);
});
